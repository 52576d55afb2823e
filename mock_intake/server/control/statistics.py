"""Counts over the record: of all, of one org, and by org."""

from __future__ import annotations

from starlette.responses import Response

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.responses import answer


def orgs(control: Control, _call: Call) -> Response:
    return answer({"orgs": [found.to_dict() for found in control.journal.orgs()], "dropped": control.journal.dropped})


def whole(control: Control, call: Call) -> Response:
    journal = control.journal
    counts = journal.statistics(call.org).to_dict()
    damaged = {"damaged": journal.damaged} if journal.damaged else {}
    return answer({**counts, "dropped": journal.dropped, **damaged})
