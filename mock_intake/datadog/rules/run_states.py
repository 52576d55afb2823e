"""What each state of a run is to bring: its type, why it failed, what it read and wrote (DD105, DD501 to DD506).

Functions that every COMPLETE comes by give a tuple back that is empty: a generator that yields nothing costs more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT
from mock_intake.model.accumulated import FacetsByKey
from mock_intake.model.event import DatasetId, EventView, Role
from mock_intake.model.runs import RunFacts
from mock_intake.rules import (
    ABSENT,
    Finding,
    OnEvent,
    OnRun,
    Rule,
    RunView,
    Severity,
    Sureness,
    rule,
)
from mock_intake.rules.examples import dataset, facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted, quoted_list

_MOST_NAMED = 3
_TYPES = "START, RUNNING, COMPLETE, FAIL, ABORT or OTHER"
_SCHEMA = facet("SchemaDatasetFacet", "1-1-1", fields=[{"name": "id", "type": "VARCHAR"}])
_COLUMN_LINEAGE = facet(
    "ColumnLineageDatasetFacet",
    "1-2-0",
    fields={"id": {"inputFields": [{"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "id"}]}},
)
_STATISTICS = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=12, size=480)
_COUNTS = ("rowCount", "size", "fileCount")
_FIELDS = ("fields",)
_SOURCES = ("fields", "dataset")
_LINEAGE_FIELDS = ("fields", "inputs")
_START = {"/eventType": "START", "/eventTime": "2026-11-01T12:00:00Z"}
_COMPLETE = {"/eventType": "COMPLETE", "/eventTime": "2026-11-01T12:00:09Z"}
_FAIL = {"/eventType": "FAIL", "/eventTime": "2026-11-01T12:00:09Z"}
_ERROR = facet("ErrorMessageRunFacet", "1-0-1", message="no such table", programmingLanguage="PYTHON")
_READ = dataset("shop.public.orders", schema=_SCHEMA)


@rule(
    "DD105",
    "event-type-missing",
    severity=Severity.WARNING,
    requirement="A run event says which state the run is in: eventType.",
    because="The standard lets it out, but Datadog builds the run from START and its terminal event; without a type "
    "the event starts and ends nothing.",
    advice=f"Send {_TYPES}.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnEvent(("RunEvent",), types=(None,)),
    trigger={"/eventType": ABSENT},
    neighbour={"/eventType": "OTHER"},
)
def event_type_missing(rule: Rule, _: EventView) -> Iterator[Finding]:
    yield rule.found("", "the event has no eventType", expected=_TYPES)


@rule(
    "DD501",
    "fail-without-error-message",
    severity=Severity.WARNING,
    requirement="A run that fails carries the errorMessage run facet, at the latest with FAIL.",
    because="error.message and error.stack of the span come from it; without it the run is failed for no visible "
    "reason.",
    advice="Add run.facets.errorMessage with message, programmingLanguage and stackTrace to FAIL; on another event of "
    "the run it does as well.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(closed=True, traits=("failed",)),
    trigger=(_START, {**_FAIL, "/run/facets/errorMessage": ABSENT}),
    neighbour=(_START, {**_FAIL, "/run/facets/errorMessage": _ERROR}),
)
def fail_without_error_message(rule: Rule, view: RunView) -> Iterator[Finding]:
    if view.run.incomplete or not any(event.event_type == "FAIL" for event in view.run.events):
        return
    facet = view.facets.run.get("errorMessage")
    if facet is None:
        yield rule.found(
            "",
            f"the run failed, and no event says why: {of_run(view.run)}",
            expected="run.facets.errorMessage",
            actual=f"run facets: {quoted_list(view.facets.run) or 'none'}",
        )
        return
    message = facet.value.get("message")
    if type(message) is not str or not message.strip():
        yield rule.found(
            "",
            f"the run failed, and its errorMessage is empty: {of_run(view.run)}",
            expected="run.facets.errorMessage with a message",
            actual=f"message: {shown(message)}" if "message" in facet.value else "no message",
        )


@rule(
    "DD502",
    "complete-without-schema",
    severity=Severity.INFO,
    requirement="Datasets carry the schema facet, at the latest with COMPLETE.",
    because="Columns are shown and followed only where they are known.",
    advice="Add the schema facet to inputs and outputs, on any event of the run.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(closed=True, traits=("completed",)),
    given={"/inputs": [dataset("shop.public.orders")]},
    trigger=(_START, {**_COMPLETE, "/inputs/0/facets/schema": ABSENT}),
    neighbour=({**_START, "/inputs/0/facets/schema": _SCHEMA}, _COMPLETE),
)
def complete_without_schema(rule: Rule, view: RunView) -> Iterable[Finding]:
    lacks = _lacks(view)
    if not lacks.schema:
        return ()
    datasets = view.facets.datasets
    # A dataset that is read and written in one run needs it in one of the roles.
    known = {one[1] for one in datasets if one not in lacks.schema}
    without = list(dict.fromkeys(identity for _, identity in lacks.schema if identity not in known))
    return _without(rule, view, without, "schema", "the schema facet", len({one for _, one in datasets}), "datasets")


@rule(
    "DD503",
    "complete-without-statistics",
    severity=Severity.INFO,
    requirement="Outputs carry the outputStatistics facet, at the latest with COMPLETE.",
    because="Rows and bytes written come from it.",
    advice="Add outputFacets.outputStatistics with rowCount and size, on any event of the run.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(closed=True, traits=("completed",)),
    given={"/outputs": [dataset("shop.public.daily", schema=_SCHEMA)]},
    trigger=(_START, {**_COMPLETE, "/outputs/0/outputFacets": {}}),
    neighbour=({**_START, "/outputs/0/outputFacets": {"outputStatistics": _STATISTICS}}, _COMPLETE),
)
def complete_without_statistics(rule: Rule, view: RunView) -> Iterable[Finding]:
    lacks = _lacks(view)
    without, fields = lacks.statistics, "outputFacets.outputStatistics"
    return _without(rule, view, without, "outputStatistics", fields, lacks.outputs, "outputs") if without else ()


@rule(
    "DD504",
    "complete-without-column-lineage",
    severity=Severity.INFO,
    requirement="Outputs carry the columnLineage facet, at the latest with COMPLETE.",
    because="Without it every input is connected to every output, and columns cannot be followed.",
    advice="Add the columnLineage facet to outputs, on any event of the run.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(closed=True, traits=("completed",)),
    given={"/inputs": [_READ], "/outputs": [dataset("shop.public.daily", schema=_SCHEMA)]},
    trigger=(_START, {**_COMPLETE, "/outputs/0/facets/columnLineage": ABSENT}),
    neighbour=({**_START, "/outputs/0/facets/columnLineage": _COLUMN_LINEAGE}, _COMPLETE),
)
def complete_without_column_lineage(rule: Rule, view: RunView) -> Iterable[Finding]:
    lacks = _lacks(view)
    # What is not read from anything has no column to come from.
    if not lacks.lineage or lacks.outputs == len(view.facets.datasets):
        return ()
    fed_by_job = _fed_by_lineage(view.facets.job)
    without = [identity for identity in lacks.lineage if identity not in fed_by_job]
    return _without(rule, view, without, "columnLineage", "the columnLineage facet", lacks.outputs, "outputs")


@rule(
    "DD506",
    "abort-makes-no-span",
    severity=Severity.INFO,
    requirement="A run that is to be seen with its duration ends with COMPLETE or FAIL.",
    because="Spans are made on these two only; ABORT makes none.",
    advice="Send FAIL if the aborted run is to be seen as failed.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=OnEvent(("RunEvent",), types=("ABORT",)),
    trigger={"/eventType": "ABORT"},
    neighbour={"/eventType": "COMPLETE"},
)
def abort_makes_no_span(rule: Rule, _: EventView) -> Iterator[Finding]:
    yield rule.found("/eventType", "no span is made for this run", expected="COMPLETE or FAIL", actual='"ABORT"')


def _fed_by_lineage(facets: FacetsByKey) -> Collection[DatasetId]:
    """The datasets of which a job's explicit lineage facet says what feeds them, or by ``inputs: []`` that nothing
    does.
    """
    entries = facets.content("lineage").get("entries")
    if not entries:
        return ()
    return {
        DatasetId(entry["namespace"], entry["name"])
        for entry in (entries if type(entries) is list else ())
        if type(entry) is dict
        and type(entry.get("namespace")) is str
        and type(entry.get("name")) is str
        and (type(entry.get("inputs")) is list or entry.get("fields"))
    }


class _Lacks(NamedTuple):
    """What datasets of a run that completed lack: a schema, by role and dataset; outputs their statistics, and what
    their columns come from. ``outputs`` is how many those are."""

    schema: dict[tuple[Role, DatasetId], None]
    statistics: list[DatasetId]
    lineage: list[DatasetId]
    outputs: int


def _lacks(view: RunView) -> _Lacks:
    return view.remembered("what datasets lack", _what_lacks)


def _what_lacks(view: RunView) -> _Lacks:
    lacks = _Lacks({}, [], [], 0)
    # Of a run of which events are not on record any more nothing can be said to be missing.
    if view.run.incomplete:
        return lacks
    outputs = 0
    for one, facets in view.facets.datasets.items():
        own = facets.own
        if not _has(own, "schema", _FIELDS):
            lacks.schema[one] = None
        if one[0] == "output":
            outputs += 1
            if not _has(facets.of_role, "outputStatistics", _COUNTS):
                lacks.statistics.append(one[1])
            if not _has(own, "columnLineage", _SOURCES) and not _has(own, "lineage", _LINEAGE_FIELDS):
                lacks.lineage.append(one[1])
    return lacks._replace(outputs=outputs)


def _has(facets: FacetsByKey, key: str, fields: tuple[str, ...]) -> bool:
    """Whether a facet has content in one of these fields; nought is content, an empty list is none."""
    facet = facets.content(key)
    for field in fields:
        value = facet.get(field)
        # A number that is nought is some, and so is false.
        if value or (value is not None and value != "" and value != [] and value != {}):
            return True
    return False


def _without(
    rule: Rule, view: RunView, without: Sequence[DatasetId], key: str, wanted: str, number: int, what: str
) -> Iterable[Finding]:
    if not without:
        return ()
    names = [quoted(identity.name) for identity in without[:_MOST_NAMED]]
    more = len(without) - len(names)
    named = ", ".join(names) + (f" and {more} more" if more else "") + (" is" if len(without) == 1 else " are")
    return [
        rule.found(
            "",
            f"{named} without the {key} facet in a run that completed: {of_run(view.run)}",
            expected=wanted,
            actual=f"{len(without)} of {number} {what} without",
        )
    ]


def of_run(run: RunFacts) -> str:
    """A run as findings of this family name it."""
    namespace, name = run.events[0].job
    return f"run {quoted(run.run_id)} of {quoted(namespace or '?')} / {quoted(name or '?')}"
