"""Endpoints for what is computed from the record: runs, jobs, datasets, lineage, findings, coverage, statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from mock_intake.exchange import Exchange, rfc3339
from mock_intake.journal import EventFilter, ExchangeFilter
from mock_intake.server.answers import answer, failure
from mock_intake.server.control.endpoints import CLOSED, ORG, PAGING, Call, Endpoint, Handler
from mock_intake.views import run_to_dict
from mock_intake.views.lineage import Lineage, coverage_to_dict, dataset_to_dict, job_to_dict, lineage_to_dict

if TYPE_CHECKING:
    from mock_intake.server.control import Control

T = TypeVar("T")
_LOOK = 50


def beside(handle: Callable[[Control, Call], Response]) -> Handler:
    """A handler in a thread: what is computed from the record may take its time, and the loop goes on meanwhile."""

    async def handled(control: Control, call: Call) -> Response:
        return await asyncio.to_thread(handle, control, call)

    return handled


def _part(
    control: Control, call: Call, name: str, items: Sequence[T], to_dict: Callable[[T], dict[str, Any]]
) -> Response:
    """A page of what is in memory as a whole; its cursor is a count."""
    begin = call.cursor or 0
    end = begin + call.limit
    return control.listing(name, [to_dict(item) for item in items[begin:end]], end if end < len(items) else None)


@beside
def runs(control: Control, call: Call) -> Response:
    views = control.views
    return _part(
        control,
        call,
        "runs",
        views.runs(call.org),
        lambda run: run_to_dict(run, views.run_findings(run, closed=call.closed)),
    )


@beside
def run(control: Control, call: Call) -> Response:
    run_id = _latest_run(control, call.org) if call.id == "latest" else call.id
    found = control.views.single_run(run_id, call.org) if run_id is not None else None
    if found is None:
        return failure(404, f"No event of a run {call.id[:60]} is on record.{control.dropped_hint()}")
    shown = run_to_dict(found, control.views.single_run_findings(found, closed=call.closed))
    return answer({**shown, "dropped": control.journal.dropped})


def _latest_run(control: Control, org: str | None) -> str | None:
    """The id of the run that was heard of last."""
    cursor: int | None = None
    while True:
        page = control.journal.events(EventFilter(org=org), _LOOK, cursor)
        for record in page.items:
            if record.summary.run_id is not None:
                return record.summary.run_id
        cursor = page.next
        if cursor is None:
            return None


@beside
def jobs(control: Control, call: Call) -> Response:
    found = [job for lineage in _lineages(control, call) for job in reversed(lineage.jobs.values())]
    return _part(control, call, "jobs", found, job_to_dict)


@beside
def datasets(control: Control, call: Call) -> Response:
    found = [dataset for lineage in _lineages(control, call) for dataset in reversed(lineage.datasets.values())]
    return _part(control, call, "datasets", found, dataset_to_dict)


@beside
def lineage(control: Control, call: Call) -> Response:
    parts = [lineage_to_dict(found) for found in _lineages(control, call)]
    names = ("jobs", "datasets", "edges", "column_edges")
    merged = {name: [item for part in parts for item in part[name]] for name in names}
    findings = [finding.to_dict() for finding in control.views.dataset_findings(call.org)]
    return answer({**merged, "findings": findings, "dropped": control.journal.dropped})


@beside
def coverage(control: Control, call: Call) -> Response:
    found = [job for lineage in _lineages(control, call) for job in lineage.jobs.values()]
    return _part(control, call, "jobs", found, coverage_to_dict)


def _lineages(control: Control, call: Call) -> list[Lineage]:
    return list(control.views.lineage(call.org).values())


@beside
def findings(control: Control, call: Call) -> Response:
    page = control.journal.exchanges(ExchangeFilter(org=call.org), call.limit, call.cursor)
    listed = [{**finding.to_dict(), **_origin(exchange)} for exchange in page.items for finding in exchange.findings]
    of_runs = [
        {**finding.to_dict(), "run_id": found.run_id, "org": found.org}
        for found in control.views.runs(call.org)
        for finding in control.views.run_findings(found, closed=call.closed)
    ]
    of_datasets = [finding.to_dict() for finding in control.views.dataset_findings(call.org)]
    return control.listing("findings", listed, page.next, run_findings=of_runs, dataset_findings=of_datasets)


def _origin(exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange_id": exchange.id,
        "event_id": exchange.event.id if exchange.event else None,
        "org": exchange.org,
        "received_at": rfc3339(exchange.received_at),
    }


@beside
def orgs(control: Control, _call: Call) -> Response:
    return answer({"orgs": [found.to_dict() for found in control.journal.orgs()], "dropped": control.journal.dropped})


@beside
def statistics(control: Control, call: Call) -> Response:
    return answer({**control.journal.statistics(call.org).to_dict(), "dropped": control.journal.dropped})


ENDPOINTS = (
    Endpoint(
        "GET", "/runs", "list_runs", "Runs, the latest heard of first.", runs, "RunList", (ORG, CLOSED, *PAGING)
    ),
    Endpoint(
        "GET", "/runs/{id}", "get_run", "One run; `latest` is the run heard of last.", run, "WholeRun", (ORG, CLOSED),
        failures=(400, 404), any_id=True,
    ),
    Endpoint("GET", "/jobs", "list_jobs", "Jobs, the latest new one first.", jobs, "JobList", (ORG, *PAGING)),
    Endpoint(
        "GET", "/datasets", "list_datasets", "Datasets, the latest new one first.", datasets, "DatasetList",
        (ORG, *PAGING),
    ),
    Endpoint(
        "GET", "/lineage", "get_lineage", "Jobs, datasets and the edges between them and their columns.", lineage,
        "Lineage", (ORG,),
    ),
    Endpoint(
        "GET", "/coverage", "list_coverage", "Facets by job: what came, what each produces, what is missing.",
        coverage, "CoverageList", (ORG, *PAGING),
    ),
    Endpoint(
        "GET", "/findings", "list_findings",
        "Findings of exchanges by page, and those of runs and datasets with every page.", findings, "FindingList",
        (ORG, CLOSED, *PAGING),
    ),
    Endpoint("GET", "/orgs", "list_orgs", "Orgs, the latest heard of first.", orgs, "OrgList"),
    Endpoint("GET", "/statistics", "get_statistics", "Counts of all, or of one org.", statistics, "Statistics", (ORG,)),
)  # fmt: skip
