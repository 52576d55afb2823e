"""Findings: those of exchanges by page, and with each page all of runs and datasets."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_intake.journal import ExchangeFilter
from mock_intake.model.exchange import Exchange, rfc3339
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.control.listing import page


def listing(control: Control, call: Call) -> Response:
    found = control.journal.exchanges(ExchangeFilter(org=call.org), call.limit, call.cursor)
    listed = [{**finding.to_dict(), **_origin(exchange)} for exchange in found.items for finding in exchange.findings]
    of_runs = [
        {**finding.to_dict(), "run_id": run.run_id, "org": run.org}
        for run, found_in_run in control.views.judged(control.views.runs(call.org), closed=call.closed)
        for finding in found_in_run
    ]
    of_datasets = [finding.to_dict() for finding in control.views.dataset_findings(call.org)]
    return page(control, "findings", listed, found.next, run_findings=of_runs, dataset_findings=of_datasets)


def _origin(exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange_id": exchange.id,
        "event_id": exchange.event.id if exchange.event else None,
        "org": exchange.org,
        "received_at": rfc3339(exchange.received_at),
    }
