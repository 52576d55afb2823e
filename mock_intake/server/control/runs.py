"""Runs, as they are folded from the events on record."""

from __future__ import annotations

from starlette.responses import Response

from mock_intake.journal import EventFilter
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.control.listing import part
from mock_intake.server.responses import answer, failure
from mock_intake.views import run_to_dict
from mock_intake.views.run import JobFilter

LATEST = "latest"
# How many events are looked at at a time for one of a run.
_LOOK = 50


def listing(control: Control, call: Call) -> Response:
    views = control.views
    runs = views.runs(call.org)
    begin = call.cursor or 0
    found = {run.key: findings for run, findings in views.judged(runs[begin : begin + call.limit], closed=call.closed)}
    return part(control, call, "runs", runs, lambda run: run_to_dict(run, found[run.key]))


def one(control: Control, call: Call) -> Response:
    run_id = _latest(control, call.org) if call.id == LATEST else control.views.meant(call.id)
    found = control.views.single_run(run_id, call.org, _job_of(call)) if run_id is not None else None
    if found is None:
        return failure(404, f"No event of a run {call.id[:60]} is on record.{control.dropped_hint()}")
    shown = run_to_dict(found, control.views.single_run_findings(found, closed=call.closed))
    return answer({**shown, "dropped": control.journal.dropped})


def _latest(control: Control, org: str | None) -> str | None:
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


def _job_of(call: Call) -> JobFilter:
    return JobFilter(call.query.get("job_namespace"), call.query.get("job_name"))
