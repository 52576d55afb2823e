"""The SQL that a job runs (DD505)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mock_intake.datadog.rules.run_states import of_run
from mock_intake.datadog.sources import DRAFT
from mock_intake.model.accumulated import Facet, stamp_of
from mock_intake.rules import Finding, OnRun, Rule, RunView, Severity, Sureness, rule
from mock_intake.rules.examples import facet
from mock_intake.secrets.quoting import quoted

_SQL = facet("SQLJobFacet", "1-1-0", query="SELECT id FROM orders")
_START = {"/eventType": "START", "/eventTime": "2026-11-01T12:00:00Z"}
_COMPLETE = {"/eventType": "COMPLETE", "/eventTime": "2026-11-01T12:00:09Z"}


@rule(
    "DD505",
    "sql-not-processed",
    severity=Severity.INFO,
    requirement="The sql job facet is sent with COMPLETE, and has a query.",
    because="It is processed on COMPLETE only. Of a run that did not complete nothing is asked.",
    advice="Send it with COMPLETE too.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(closed=True),
    trigger=({**_START, "/job/facets/sql": _SQL}, _COMPLETE),
    neighbour=({**_START, "/job/facets/sql": _SQL}, {**_COMPLETE, "/job/facets/sql": _SQL}),
)
def sql_not_processed(rule: Rule, view: RunView) -> Iterable[Finding]:
    if not view.run.incomplete and (facet := view.facets.job.get("sql")) is not None:
        return _unprocessed(rule, view, facet)
    return ()


def _unprocessed(rule: Rule, view: RunView, facet: Facet) -> Iterator[Finding]:
    query = facet.value.get("query")
    if type(query) is str and not query.strip():
        yield rule.found(
            "",
            f"the sql facet has no query: {of_run(view.run)}",
            expected="sql with a query, on COMPLETE",
            actual='query: ""',
            advice="Send the query, or leave the facet out.",
        )
        return
    stamped = [(stamp_of(event.event_time, number), event) for number, event in enumerate(view.run.events)]
    came = next(((stamp, event) for stamp, event in stamped if event.event_id == facet.event_id), None)
    end = next((stamp for stamp, event in stamped if event.event_type == "COMPLETE"), None)
    # What came after the end replaces what the end said, and is no sign that it said nothing.
    if came is not None and end is not None and came[0] < end:
        event = came[1]
        kind = quoted(event.event_type or "an event without eventType")
        yield rule.found(
            "",
            f"sql on {kind} is not processed: {of_run(view.run)}",
            expected="sql on COMPLETE",
            actual=f"eventType: {kind}",
        )
