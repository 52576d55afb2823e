"""Endpoints of the control API as values: what serves them, checks their queries and documents them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from mock_intake.body.parsing import ParseError, parse
from mock_intake.body.room import BusyError, Large
from mock_intake.journal import JournalError
from mock_intake.model.findings import Status
from mock_intake.server.control.context import Control
from mock_intake.server.http.cycle import CUT
from mock_intake.server.making import temporary
from mock_intake.server.responses import failure

PREFIX = "/api/mock/v1"
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_DIGITS = 15
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
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
RUN_PARAMETERS = (
    ORG,
    CLOSED,
    Parameter("job_namespace", "The run of a job in this namespace, where several jobs share the id."),
    Parameter("job_name", "The run of a job with this name, where several jobs share the id."),
)
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
class Body:
    """The body that an endpoint takes: its schema in ``openapi``, its media type, the most bytes it may have.

    ``too_large`` says so to whoever sent more. What may be large is ``filed``: it goes to a file as it comes in, of one
    request after the other.
    """

    schema: str
    media: str = "application/json"
    limit: int = 1024 * 1024
    too_large: str = "The body is at most {limit:,} bytes."
    filed: bool = False

    @asynccontextmanager
    async def read(self, control: Control, request: Request) -> AsyncIterator[Came]:
        """A request's body, which is gone behind the block. Raises ``BadRequestError`` and ``BusyError``."""
        if not self.filed:
            async with self._held(control, request) as pieces:
                yield Came(pieces)
            return
        async with _turn(control), _closing(temporary()) as file:
            async for piece in self._pieces(request):
                file.write(piece)
            yield Came((), file)

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > self.limit:
                raise BadRequestError(self.too_large.format(limit=self.limit))
            yield piece
        cut = request.scope.get("extensions", {}).get(CUT)
        if cut is not None:
            # What has come may look whole, as lines do, and be half of what was meant.
            if cut["at_end"]:
                raise BusyError("The server is ending, and has not read all of the body; nothing was done.")
            raise BadRequestError("The body breaks off: its chunks are not as HTTP has them; nothing was done.")

    @asynccontextmanager
    async def _held(self, control: Control, request: Request) -> AsyncIterator[Sequence[bytes]]:
        """A body in memory, as far as there is room for it."""
        pieces: list[bytes] = []
        share = None if control.budget is None else control.budget.share()
        try:
            async for piece in self._pieces(request):
                pieces.append(piece)
                if share is not None:
                    share.add(len(piece))
                    if not await share.room():
                        raise BusyError("There was no room for this: too much is under way (--budget, --patience).")
            if share is not None:
                share.is_read()
            yield pieces
        finally:
            if share is not None:
                share.give_back()


@dataclass(frozen=True)
class Came:
    """What has come of a body: in memory, or in a file."""

    pieces: Sequence[bytes] = ()
    file: IO[bytes] | None = None


@asynccontextmanager
async def _turn(control: Control) -> AsyncIterator[None]:
    """One import at a time; who waits is not read meanwhile. Raises ``BusyError`` where it takes too long."""
    patience = None if control.budget is None else control.budget.patience
    try:
        async with asyncio.timeout(patience):
            await control.importing.acquire()
    except TimeoutError:
        raise BusyError("Another import is under way; try again.") from None
    try:
        yield
    finally:
        control.importing.release()


@asynccontextmanager
async def _closing(file: IO[bytes]) -> AsyncIterator[IO[bytes]]:
    try:
        yield file
    finally:
        file.close()


@dataclass(frozen=True)
class Call:
    """A request to an endpoint, its query read by the endpoint's parameters, its body come in."""

    request: Request
    query: Mapping[str, Any]
    came: Came = Came()

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

    @property
    def content(self) -> bytes:
        """The body, put together anew each time."""
        return b"".join(self.came.pieces)

    def json(self) -> Any:
        """The JSON value in the body. Raises ``BadRequestError``."""
        try:
            return _whole(parse(self.content).value)
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


Handler = Callable[[Control, Call], Response | Large[Response] | Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path: who serves it, what it takes, and the schema of its answer.

    A handler is called in a thread, where it may take its time; what is large it gives to be made once there is room.
    One that waits or sends bit by bit is a coroutine
    (``on_loop``), and itself has done in threads what takes time. ``answer`` names a schema of ``openapi``, ``media``
    is the answer's type. ``any_id`` tells that ids are chosen by producers, so that they can hold slashes.
    """

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    name: str
    meaning: str
    handler: Handler
    answer: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    media: str = "application/json"
    failures: tuple[int, ...] = (400,)
    any_id: bool = False
    on_loop: bool = False

    async def serve(self, control: Control, request: Request) -> Response:
        """The answer to ``request``, whatever it is like: what an endpoint cannot read is refused here, with a word on
        why.
        """
        refusal = await control.access.answer_to(request)
        if refusal is not None:
            return refusal
        try:
            query = self._read_query(request)
            if self.body is None:
                return await self._handle(control, Call(request, query))
            async with self.body.read(control, request) as came:
                return await self._handle(control, Call(request, query, came))
        except BadRequestError as error:
            return failure(400, str(error))
        except (JournalError, BusyError) as error:
            response = failure(503, str(error))
            response.headers["retry-after"] = "1"
            return response

    async def _handle(self, control: Control, call: Call) -> Response:
        if not self.on_loop:
            return await control.making.answer(self.handler, control, call)  # type: ignore[arg-type]
        handled = self.handler(control, call)
        assert not isinstance(handled, Response | Large)
        return await handled

    def _read_query(self, request: Request) -> dict[str, Any]:
        """The values of a query by the endpoint's parameters. Raises ``BadRequestError``."""
        known = {parameter.name: parameter for parameter in self.parameters}
        query: dict[str, Any] = {}
        for name, text in request.query_params.multi_items():
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise BadRequestError(f"There is no parameter {name[:30]!r} here; {there}.")
            if name in query:
                raise BadRequestError(f"{name} is given twice.")
            query[name] = known[name].read(text)
        return query
