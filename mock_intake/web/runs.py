"""Runs along their time, and one run: its events, its facets taken together, and the span that it would make."""

from __future__ import annotations

import json
from typing import Any

from mock_intake.bodies import parsed_body
from mock_intake.catalogue import RULES
from mock_intake.datadog import spans
from mock_intake.openlineage import run_cycle
from mock_intake.openlineage.run_cycle import TERMINAL
from mock_intake.parsing import without_surrogates
from mock_intake.views import Run, Views
from mock_intake.views.accumulated import Accumulated, FacetsByKey, accumulate
from mock_intake.web.asked import Asked, BadQueryError, NotHereError, Shown
from mock_intake.web.events import orgs_of
from mock_intake.web.timeline import descendants, listed, times_of

PAGE_SIZE = 50
STATES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")
_MOST_EVENTS = 200
_MOST_MERGED = 2_000
_MOST_BELOW = 100
_MOST_LETTERS = 20_000


def listing(asked: Asked) -> Shown:
    state, namespace, job = asked.one_of("state", STATES), asked.text("job_namespace"), asked.text("job_name")
    rule = asked.text("rule")
    if rule is not None and rule not in RULES:
        raise BadQueryError(f"There is no rule {rule[:30]!r}.")
    begin = asked.number("cursor", 0) or 0
    asked.require_views()
    known = runs = asked.sources.views.runs(asked.org)
    if namespace is not None or job is not None:
        runs = [run for run in runs if any(_is_of(event.job, namespace, job) for event in run.events)]
    if rule is not None:
        with asked.sources.views.held():
            with_rule = asked.sources.views.tallies().runs_with(rule)
        runs = [run for run in runs if (run.org, run.run_id) in with_rule]
    if state is not None:
        runs = [run for run in runs if run_cycle.state_of(run.facts) == state]
    filtered = any((state, namespace, job, rule))
    return Shown(
        "runs.html",
        {
            "rows": [
                {"row": row, **facts_of(asked, row.run)}
                for row in listed(known, begin, PAGE_SIZE, runs if filtered else None)
            ],
            "fitting": len(runs),
            "begin": begin,
            "next": begin + PAGE_SIZE if begin + PAGE_SIZE < len(runs) else None,
            "first_page": begin == 0,
            "filtered": filtered,
            "states": STATES,
            "orgs": orgs_of(asked),
        },
    )


def _is_of(job: run_cycle.Job, namespace: str | None, name: str | None) -> bool:
    """Whether an event's job has both, where they are asked for."""
    return (namespace is None or job[0] == namespace) and (name is None or job[1] == name)


def facts_of(asked: Asked, run: Run) -> dict[str, Any]:
    """What the product shows of a run: job, state, times, and the error that it ended with."""
    facts = run.facts
    namespace, name = run.events[0].job if run.events else (None, None)
    state = run_cycle.state_of(facts)
    length = run_cycle.duration(facts)
    times = times_of(run)
    return {
        "run": run,
        "namespace": namespace,
        "name": name,
        "state": state,
        "ended": state in TERMINAL,
        "started_at": None if times is None else times.start,
        "duration": None if length is None else length.total_seconds(),
        "error": _error(asked, run) if state == "FAIL" else None,
        "findings": asked.sources.views.run_findings(run, closed=False),
    }


def _error(asked: Asked, run: Run) -> str | None:
    """The message that came with FAIL."""
    for event in run.events:
        if event.event_type == "FAIL":
            facets = _object(_object(_body(asked, event.event_id).get("run")).get("facets"))
            message = _object(facets.get("errorMessage")).get("message")
            if isinstance(message, str):
                return message
    return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _body(asked: Asked, event_id: str) -> dict[str, Any]:
    journal = asked.sources.journal
    record = journal.event(event_id)
    exchange = None if record is None else journal.exchange(record.exchange_id)
    return _object(None if exchange is None else without_surrogates(parsed_body(exchange)))


# One run.


def one(asked: Asked) -> Shown:
    run_id = asked.text("id")
    if run_id is None:
        raise NotHereError("Which run? The address has no id.")
    asked.require_views()
    views = asked.sources.views
    run = views.run(run_id, asked.org)
    if run is None:
        raise NotHereError(f"No event of a run {run_id[:60]} is on record.")
    merged = accumulate((event.event_id, _body(asked, event.event_id)) for event in run.events[:_MOST_MERGED])
    facts = facts_of(asked, run)
    told = views.run_findings(run, closed=False)
    above = views.ancestors(run)
    records = [asked.sources.journal.event(event.event_id) for event in run.events[:_MOST_EVENTS]]
    # Most runs have none, and need not wait until all others are looked through.
    below, below_left = descendants(views.runs(run.org), run, _MOST_BELOW) if views.children(run) else ([], 0)
    return Shown(
        "run.html",
        {
            **facts,
            "org": None,
            "findings": list(enumerate(told, 1)),
            "missing": list(
                enumerate([one for one in views.run_findings(run, closed=True) if one not in told], len(told) + 1)
            ),
            "above": [{"run_id": one.run_id, "name": one.events[0].job[1]} for one in above],
            "unseen_parent": _unseen(views, above[0] if above else run),
            "family": [{"row": row, **facts_of(asked, row.run)} for row in below],
            "below_left": below_left,
            "records": [record for record in records if record is not None],
            "events_left": len(run.events[_MOST_EVENTS:]),
            "not_merged": len(run.events[_MOST_MERGED:]),
            "facet_groups": _groups(merged),
            **_span(run, facts, merged),
        },
    )


def _unseen(views: Views, topmost: Run) -> str | None:
    """The run id that the topmost run names as its parent, though no event of that came."""
    parent_id = topmost.parent_id
    return parent_id if parent_id is not None and views.run(parent_id, topmost.org) is None else None


def _span(run: Run, facts: dict[str, Any], merged: Accumulated) -> dict[str, Any]:
    made_of = spans.SpanFacts(
        run.run_id,
        facts["namespace"],
        facts["name"],
        facts["state"] if facts["ended"] else None,
        facts["started_at"],
        run_cycle.duration(run.facts),
        merged.run_values,
        merged.job_values,
    )
    return {"span": spans.span_of(made_of), "no_span": spans.why_no_span(made_of), "span_source": spans.SOURCE}


def _groups(merged: Accumulated) -> list[dict[str, Any]]:
    """All facets by where they stand: a title, the dataset if it is one's, and the facets as text."""
    groups: list[dict[str, Any]] = [
        {"title": "Run", "dataset": None, "facets": _texts(merged.run)},
        {"title": "Job", "dataset": None, "facets": _texts(merged.job)},
    ]
    for (role, identity), facets in merged.datasets.items():
        texts = [*_texts(facets.own), *_texts(facets.of_role, f"{role}: ")]
        groups.append({"title": role.capitalize(), "dataset": identity, "facets": texts})
    return [group for group in groups if group["facets"]]


def _texts(facets: FacetsByKey, prefix: str = "") -> list[dict[str, str]]:
    return [
        {
            "key": prefix + key,
            "text": json.dumps(facet.value, indent=2, ensure_ascii=False)[:_MOST_LETTERS],
            "event_id": facet.event_id,
        }
        for key, facet in sorted(facets.items())
    ]
