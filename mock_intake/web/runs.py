"""Runs along their time, and one run: its events, its facets taken together, and the span that it would make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mock_intake.datadog import spans
from mock_intake.judging.catalogue import RULES
from mock_intake.model.accumulated import Accumulated, Facet
from mock_intake.openlineage import run_cycle
from mock_intake.openlineage.run_cycle import TERMINAL
from mock_intake.report.outcomes import outcome_of
from mock_intake.secrets.presenting import presented, presented_value
from mock_intake.views import Run, Views
from mock_intake.views.run import JobFilter
from mock_intake.web.events import orgs_of
from mock_intake.web.query import BadQueryError, NotHereError, PageContent, PageQuery
from mock_intake.web.timeline import descendants, listed, times_of

PAGE_SIZE = 50
STATES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")
_MOST_EVENTS = 200
_MOST_MERGED = 2_000
_MOST_BELOW = 100
_MOST_LETTERS = 20_000


def listing(query: PageQuery) -> PageContent:
    state = query.one_of("state", STATES)
    namespace, job = query.name("job_namespace") or None, query.name("job_name") or None
    # Codes are typed by hand too.
    rule = (query.text("rule") or "").strip().upper() or None
    if rule is not None and rule not in RULES:
        raise BadQueryError(f"There is no rule {rule[:30]!r}.")
    begin = query.number("cursor", 0) or 0
    query.require_views()
    known = runs = query.sources.views.runs(query.org)
    if namespace is not None or job is not None:
        runs = [run for run in runs if JobFilter(namespace, job).fits(run)]
    if rule is not None:
        with query.sources.views.held():
            with_rule = query.sources.views.tallies().runs_with(rule)
            events = query.sources.views.events_with(rule)
        runs = [run for run in runs if run.key in with_rule or any(one.event_id in events for one in run.events)]
    if state is not None:
        runs = [run for run in runs if run_cycle.state_of(run.facts) == state]
    filtered = any((state, namespace, job, rule))
    return PageContent(
        "runs.html",
        {
            "rows": [
                {"row": row, **facts_of(query, row.run)}
                for row in listed(known, begin, PAGE_SIZE, runs if filtered else None)
            ],
            "fitting": len(runs),
            "begin": begin,
            "next": begin + PAGE_SIZE if begin + PAGE_SIZE < len(runs) else None,
            "first_page": begin == 0,
            "filtered": filtered,
            "states": STATES,
            "orgs": orgs_of(query),
        },
    )


def facts_of(query: PageQuery, run: Run) -> dict[str, Any]:
    """What the product shows of a run: job, state, times, and the error that it ended with."""
    facts = run.facts
    namespace, name = run.job
    state = run_cycle.state_of(facts)
    times = times_of(run)
    findings = query.sources.views.run_findings(run, closed=False)
    return {
        "run": run,
        "namespace": namespace,
        "name": name,
        "state": state,
        "ended": state in TERMINAL,
        "started_at": None if times is None else times.start,
        "duration": run_cycle.seconds(facts),
        "error": _error(query, run) if state == "FAIL" else None,
        "findings": findings,
        "outcome": outcome_of(query.sources.views, run, findings, query.sources.settings.selection),
    }


def _error(query: PageQuery, run: Run) -> str | None:
    """The message of the errorMessage facet, whichever event of the run it came with."""
    facet = query.sources.views.facets(run, _MOST_MERGED).run.get("errorMessage")
    message = None if facet is None else facet.value.get("message")
    return message if isinstance(message, str) else None


# One run.


def one(query: PageQuery) -> PageContent:
    run_id = query.name("id")
    if not run_id:
        raise NotHereError("Which run? The address has no id.")
    query.require_views()
    views = query.sources.views
    run = views.run(run_id, query.org, JobFilter(query.text("job_namespace"), query.text("job_name")))
    if run is None:
        raise NotHereError(f"No event of a run {run_id[:60]} is on record.")
    merged = views.facets(run, _MOST_MERGED)
    facts = facts_of(query, run)
    same_id = [one for one in views.runs_of(run.run_id, run.org) if one.key != run.key]
    findings = facts["findings"]
    records = [query.sources.journal.event(event.event_id) for event in run.events[:_MOST_EVENTS]]
    # Most runs have none, and need not wait until all others are looked through.
    below, below_left = descendants(views.runs(run.org), run, _MOST_BELOW) if views.children(run) else ([], 0)
    return PageContent(
        "run.html",
        {
            **facts,
            "org": None,
            "findings": list(enumerate(findings, 1)),
            "missing": list(
                enumerate(
                    [one for one in views.run_findings(run, closed=True) if one not in findings], len(findings) + 1
                )
            ),
            "above": views.path_above(run),
            "same_id": same_id[:_MOST_BELOW],
            "same_id_left": len(same_id[_MOST_BELOW:]),
            "family": [{"row": row, **facts_of(query, row.run)} for row in below],
            "below_left": below_left,
            "records": [record for record in records if record is not None],
            "events_left": len(run.events[_MOST_EVENTS:]),
            "not_merged": len(run.events[_MOST_MERGED:]),
            "facet_groups": _groups(merged),
            **_span(run, facts, merged, views),
        },
    )


def _span(run: Run, facts: dict[str, Any], merged: Accumulated, views: Views) -> dict[str, Any]:
    made_of = spans.SpanFacts(
        run.run_id,
        # A service is called as its job, in small letters and without signs: no secret would be known any more.
        _presented(facts["namespace"]),
        _presented(facts["name"]),
        facts["state"] if facts["ended"] else None,
        facts["started_at"],
        run_cycle.duration(run.facts),
        presented_value(merged.run_values),
        presented_value(merged.job_values),
        *views.hierarchy_of(run),
        run.incomplete,
        *(_names(merged, role) for role in ("input", "output")),
    )
    return {"span": spans.span_of(made_of), "no_span": spans.why_no_span(made_of), "span_source": spans.SOURCE}


def _names(merged: Accumulated, role: str) -> tuple[str, ...]:
    """The names of the run's datasets of a role, without secrets, as many as a page shows."""
    names = [presented(dataset.name) for of, dataset in merged.datasets if of == role]
    return tuple(names[:_MOST_EVENTS])


def _presented(name: str | None) -> str | None:
    return None if name is None else presented(name)


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


def _texts(facets: Mapping[str, Facet], prefix: str = "") -> list[dict[str, str]]:
    return [
        {
            "key": prefix + key,
            "text": json.dumps(presented_value(facet.value), indent=2, ensure_ascii=False)[:_MOST_LETTERS],
            "event_id": facet.event_id,
        }
        for key, facet in sorted(facets.items())
    ]
