"""Makes answers in threads, within the budget of the server.

What is large is made once there is room, one after the other; whoever waits for that holds nothing. What was made and
is large goes to a temporary file, and from there to the client, however slowly that reads.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, ParamSpec, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_intake.body.room import BusyError, Large
from mock_intake.server.ingest.budget import Budget
from mock_intake.server.workers import Workers
from mock_intake.system.allocator import leaving_no_holes

P = ParamSpec("P")
T = TypeVar("T")

# More bytes than that wait in a file until they are sent, and so many are sent at a time.
_MOST_IN_MEMORY = 64 * 1024
_PIECE = 64 * 1024


class Making:
    """Does work in threads; ``budget`` is that of the server, None where there is none."""

    def __init__(self, workers: Workers, budget: Budget | None) -> None:
        self._workers = workers
        self._budget = budget

    async def run(self, work: Callable[P, T | Large[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work gives. Raises ``BusyError`` where there was no room for it."""
        made = await self._workers.run(work, *args, **kwargs)
        return await self._with_room(made) if isinstance(made, Large) else made

    async def _with_room(self, large: Large[T]) -> T:
        budget = self._budget
        if budget is None:
            return await self._workers.run(large.work)
        try:
            async with asyncio.timeout(budget.patience):
                await budget.judging.take(large.room)
        except TimeoutError:
            raise BusyError("There was no room for this: too much is under way (--budget, --patience).") from None
        try:
            return await self._workers.run(leaving_no_holes, large.work)
        finally:
            budget.judging.give(large.room)

    async def answer(
        self, work: Callable[P, Response | Large[Response]], *args: P.args, **kwargs: P.kwargs
    ) -> Response:
        """The answer that the work makes. Raises ``BusyError`` too."""

        def made() -> Response | Large[Response]:
            response = work(*args, **kwargs)
            if isinstance(response, Large):
                return Large(response.room, lambda: _out_of_memory(response.work()))
            return _out_of_memory(response)

        return await self.run(made)


def _out_of_memory(response: Response) -> Response:
    body = getattr(response, "body", b"")
    return _Spooled(response) if len(body) > _MOST_IN_MEMORY else response


class _Spooled(Response):
    """An answer whose body is in a temporary file."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status_code
        self.background = None
        self.body = b""
        self.raw_headers = response.raw_headers
        self._pieces = Pieces(bytes(response.body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Pieces:
    """Bytes on their way out, given out piece by piece and once; in a file where they are many.

    What is added raises ``BusyError`` where there is no room for such a file.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self.add(data)

    def add(self, data: bytes) -> None:
        """Adds what follows."""
        self._size += len(data)
        if self._file is not None:
            _write(self._file, data)
        elif self._size <= _MOST_IN_MEMORY:
            self._held.append(data)
        else:
            self._file = temporary()
            for piece in (*self._held, data):
                _write(self._file, piece)
            self._held = []

    def __del__(self) -> None:
        # Its client may have gone before any of it was sent.
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        if self._file is None:
            if held := b"".join(self._held):
                yield held
            return
        with self._file as file:
            file.seek(0)
            while piece := file.read(_PIECE):
                yield piece


def temporary() -> IO[bytes]:
    """A file without a name, gone with its last user. Raises ``BusyError`` where there can be none."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _no_room(error) from error


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> BusyError:
    return BusyError(f"The directory for temporary files cannot be written to: {error.strerror}.")
