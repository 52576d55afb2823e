"""Fault plans: shown, set and cleared."""

from __future__ import annotations

from starlette.responses import Response

from mock_intake.faults import FaultError, no_state, parse_plan
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import BadRequestError, Call
from mock_intake.server.responses import answer


def show(control: Control, call: Call) -> Response:
    return answer(control.faults.state(call.org) or no_state(call.org))


def set_plan(control: Control, call: Call) -> Response:
    try:
        plan = parse_plan(call.json(), call.org)
    except FaultError as error:
        raise BadRequestError(f"{error}.") from error
    control.faults.set(plan)
    return answer(control.faults.state(plan.org))


def clear(control: Control, call: Call) -> Response:
    control.faults.clear(call.org, everything=call.org is None)
    return answer({"active": False})
