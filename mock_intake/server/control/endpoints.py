"""Endpoints of the control API as values: what serves them, checks their queries and documents them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from mock_intake.findings import Status
from mock_intake.journal import JournalError
from mock_intake.parsing import ParseError, parse
from mock_intake.server.answers import failure

if TYPE_CHECKING:
    from mock_intake.server.control import Control

PREFIX = "/api/mock/v1"
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_DIGITS = 15
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
# Waits and fault plans are small; imports have a limit of their own.
_MAX_BODY = 1024 * 1024
# Larger doubles are not exact.
_MAX_EXACT = 2.0**53


class BadRequestError(ValueError):
    """A request that cannot be answered; the message says what would be right."""


@dataclass(frozen=True)
class Parameter:
    """A query parameter: its name, what it is for, and what it takes."""

    name: str
    meaning: str
    kind: Literal["text", "number", "flag"] = "text"
    values: tuple[str, ...] = ()
    largest: int | None = None
    # Whether it may be empty, as a variable that is not set would have it.
    may_be_empty: bool = True

    def read(self, text: str) -> Any:
        """The value of a text; raises ``BadRequestError``."""
        if self.kind == "flag":
            if text not in _FLAGS:
                raise BadRequestError(f"{self.name} is 1 or 0, not {text[:30]!r}.")
            return _FLAGS[text]
        if self.kind == "number":
            right = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
            if not right or (self.largest is not None and not 1 <= int(text) <= self.largest):
                wanted = f"a number from 1 to {self.largest}" if self.largest else "the next of the page before"
                raise BadRequestError(f"{self.name} is {wanted}, not {text[:30]!r}.")
            return int(text)
        if not text and not self.may_be_empty:
            raise BadRequestError(f"{self.name} is empty; leave it out where it does not matter.")
        if not self.values:
            return text
        meant = next((value for value in (text, text.lower()) if value in self.values), None)
        if meant is None:
            raise BadRequestError(f"{self.name} is one of {', '.join(self.values)}, not {text[:30]!r}.")
        return meant

    def to_openapi(self) -> dict[str, Any]:
        kinds: dict[str, dict[str, Any]] = {
            "text": {"type": "string"} if self.may_be_empty else {"type": "string", "minLength": 1},
            "flag": {"type": "string", "enum": list(_FLAGS)},
            "number": {"type": "integer", "minimum": 0, "maximum": 10**MAX_DIGITS - 1},
        }
        schema = kinds[self.kind]
        if self.values:
            schema = {"type": "string", "enum": list(self.values)}
        if self.largest is not None:
            schema = {"type": "integer", "minimum": 1, "maximum": self.largest}
        return {"name": self.name, "in": "query", "required": False, "description": self.meaning, "schema": schema}


ORG = Parameter("org", "Only what belongs to this org.", may_be_empty=False)
CLOSED = Parameter("closed", "Say also what is missing, as if no more events were to come.", "flag")
LIMIT = Parameter("limit", f"How many at most; {DEFAULT_LIMIT} unless told.", "number", largest=MAX_LIMIT)
CURSOR = Parameter("cursor", "The `next` of the page before.", "number")
PAGING = (LIMIT, CURSOR)
EVENT_PARAMETERS = (
    ORG,
    Parameter("status", "Only events of this status.", values=tuple(status.value for status in Status)),
    Parameter("kind", "Only events of this kind.", values=("RunEvent", "JobEvent", "DatasetEvent")),
    Parameter("event_type", "Only events of this eventType."),
    Parameter("job_namespace", "Only events of jobs in this namespace."),
    Parameter("job_name", "Only events of jobs with this name."),
    Parameter("run_id", "Only events of this run."),
)


@dataclass(frozen=True)
class Call:
    """A request to an endpoint, its query read by the endpoint's parameters."""

    request: Request
    query: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.request.path_params["id"])

    @property
    def org(self) -> str | None:
        org = self.query.get("org")
        return None if org is None else str(org)

    @property
    def closed(self) -> bool:
        return bool(self.query.get("closed", False))

    @property
    def limit(self) -> int:
        return int(self.query.get("limit", DEFAULT_LIMIT))

    @property
    def cursor(self) -> int | None:
        cursor = self.query.get("cursor")
        return None if cursor is None else int(cursor)

    async def json(self) -> Any:
        """The JSON value in the request's body. Raises ``BadRequestError``."""
        body = b""
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                raise BadRequestError(f"The body is at most {_MAX_BODY:,} bytes.")
        try:
            return _whole(parse(body).value)
        except ParseError as error:
            raise BadRequestError(f"The body is no JSON: {error}.") from error


def _whole(value: Any) -> Any:
    """A JSON value with numbers such as 3.0 as integers: JSON makes no difference between the two."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


Handler = Callable[["Control", Call], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path: who serves it, what it takes, and the schema of its answer.

    ``answer`` names a schema of ``openapi``; ``media`` is the answer's type where it is not JSON; ``body`` names
    the schema of the request's body, where it has one. ``any_id`` tells that ids are chosen by producers, so that
    they can hold slashes.
    """

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    name: str
    meaning: str
    handler: Handler
    answer: str
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    body_media: str = "application/json"
    media: str = "application/json"
    failures: tuple[int, ...] = (400,)
    any_id: bool = False

    def read(self, request: Request) -> Call:
        known = {parameter.name: parameter for parameter in self.parameters}
        query: dict[str, Any] = {}
        for name, text in request.query_params.multi_items():
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise BadRequestError(f"There is no parameter {name[:30]!r} here; {there}.")
            if name in query:
                raise BadRequestError(f"{name} is given twice.")
            query[name] = known[name].read(text)
        return Call(request, query)

    async def serve(self, control: Control, request: Request) -> Response:
        refusal = control.access.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await self.handler(control, self.read(request))
        except BadRequestError as error:
            return failure(400, str(error))
        except JournalError as error:
            response = failure(503, str(error))
            response.headers["retry-after"] = "1"
            return response
