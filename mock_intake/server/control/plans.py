"""Endpoints for fault plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from mock_intake.faults import FaultError, Plan, parse_plan
from mock_intake.server.answers import answer
from mock_intake.server.control.endpoints import ORG, BadRequestError, Call, Endpoint

if TYPE_CHECKING:
    from mock_intake.server.control import Control


async def show(control: Control, call: Call) -> Response:
    well = {**Plan(org=call.org).to_dict(), "taken": 0, "left": [], "active": False}
    return answer(control.faults.state(call.org) or well)


async def begin(control: Control, call: Call) -> Response:
    try:
        plan = parse_plan(await call.json(), call.org)
    except FaultError as error:
        raise BadRequestError(f"{error}.") from error
    control.faults.set(plan)
    return answer(control.faults.state(plan.org))


async def end(control: Control, call: Call) -> Response:
    control.faults.clear(call.org, everything=call.org is None)
    return answer({"active": False})


ENDPOINTS = (
    Endpoint(
        "GET", "/faults", "get_faults", "The fault plan of all, or of an org, and its position.", show, "Faults", (ORG,)
    ),
    Endpoint(
        "PUT", "/faults", "set_faults", "Begins a fault plan in place of the one before.", begin, "Faults", (ORG,),
        "FaultPlan",
    ),
    Endpoint(
        "DELETE", "/faults", "end_faults", "Makes the intake well, altogether or for one org.", end, "Well", (ORG,)
    ),
)  # fmt: skip
