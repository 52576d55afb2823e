"""What the exchange becomes that a step hits: its answer, and whether its event is taken."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mock_intake.faults.steps import SUCCESS, Outcome
from mock_intake.model.exchange import LATE, NO_ANSWER, Exchange, Headers, Response

if TYPE_CHECKING:
    from mock_intake.faults.plans import Step

# Answers that have no body, by RFC 9110.
BODILESS = (204, 205, 304)


def apply(exchange: Exchange, step: Step) -> Exchange:
    """The exchange as it is with ``step`` carried out: its answer, and whether the event is taken.

    ``Intake.receive`` has judged the request of ``exchange`` as ever; what was found stays. Nothing is sent here: what
    the step does on the wire is its action (``mock_intake.faults.steps``).
    """
    kind = step.kind
    hit = replace(exchange, fault=LATE if kind is SUCCESS and step.delay else step.name)
    match kind.outcome:
        case Outcome.UNANSWERED:
            return replace(hit, accepted=False, response=Response(NO_ANSWER, (), b""))
        case Outcome.AS_USUAL:
            return replace(hit, response=_as_usual(exchange, step))
        case Outcome.REFUSED:
            return replace(hit, accepted=False, response=_refusal(step))


def _as_usual(exchange: Exchange, step: Step) -> Response:
    """The answer that there would have been, with what the step says of a success, if it was one."""
    response = exchange.response
    headers = _with(step.headers, response.headers)
    if not exchange.accepted:
        return replace(response, headers=headers)
    status = step.status or response.status_code
    body = response.body if step.body is None else step.body.encode("utf-8")
    return Response(status, headers, b"" if status in BODILESS else body)


def _refusal(step: Step) -> Response:
    status = step.status or step.kind.status
    # A word that is refused has a status: the table of steps has seen to it.
    assert status is not None
    headers = _with(step.headers, (("content-type", "application/json"),))
    if step.location is not None:
        headers = _with((("location", step.location),), headers)
    return Response(status, headers, _vendor_error(status) if step.body is None else step.body.encode("utf-8"))


def _with(new: Headers, old: Headers) -> Headers:
    """Headers with others on top: each takes the place of those with the same name."""
    names = {name.lower() for name, _ in new}
    return (*((name, value) for name, value in old if name.lower() not in names), *new)


def _vendor_error(status: int) -> bytes:
    """The body of an error in the form that other intakes of Datadog's give it (read in their sources)."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:  # not every number has a phrase
        title = "Error"
    error = {"status": str(status), "title": title, "detail": "mock-intake was told to answer so"}
    return json.dumps({"errors": [error]}).encode()
