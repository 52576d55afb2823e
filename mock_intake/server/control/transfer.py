"""The record on the move: exported as lines of JSON, and imported again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import IO

from starlette.responses import Response, StreamingResponse

from mock_intake.body.room import LARGE, Large, room_of
from mock_intake.files.exports import TransferError, event_to_line, exchange_to_line
from mock_intake.files.imports import Import, is_packed, longest_line, unpack
from mock_intake.journal.protocol import JournalError
from mock_intake.model.exchange import Exchange
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import BadRequestError, Call
from mock_intake.server.making import Pieces, temporary
from mock_intake.server.responses import answer

MAX_IMPORT = 256 * 1024 * 1024
EXPORTED = ("events", "exchanges")
DROPPED_HEADER = "mock-intake-dropped"
_MEDIA = "application/x-ndjson"
# So many exchanges are read and written at a time.
_BATCH = 200
# A line is made of an event in so many steps, each with a copy.
_COPIES = 4
# Of a byte that is imported so many are kept until all is on record: ids and digests.
_KEPT = 0.6


def export(control: Control, call: Call) -> Response:
    """As much as there is now, oldest first; so it ends also while more comes in."""
    headers = {DROPPED_HEADER: str(control.journal.dropped)}
    if call.request.method == "HEAD":
        return Response(media_type=_MEDIA, headers=headers)
    reader = _Export(control, call.org, whole=call.query.get("what", EXPORTED[0]) == "exchanges")
    return StreamingResponse(_sent(control, reader), media_type=_MEDIA, headers=headers)


async def _sent(control: Control, export: _Export) -> AsyncIterator[bytes]:
    while (lines := await control.making.run(export.read_on)) is not None:
        for piece in lines:
            yield piece


class _Export:
    """An export, and how far it has come."""

    def __init__(self, control: Control, org: str | None, *, whole: bool) -> None:
        self._journal = control.journal
        self._org = org
        self._whole = whole
        self._seen = 0
        self._end = control.journal.position

    def read_on(self) -> Pieces | Large[Pieces | None] | None:
        """The lines of the next exchanges, which may be none; None at the end. Raises ``JournalError``."""
        if self._seen >= self._end or not (batch := self._journal.read(self._seen, _BATCH)):
            return None
        # Exchanges are written as they were kept, events as they are when decoded. Read again once there is room.
        size = 0 if self._whole else max(exchange.decoded_size or 0 for _, exchange in batch)
        if size <= LARGE:
            return self._lines(batch)
        del batch
        return Large(_COPIES * size, lambda: self._lines(self._journal.read(self._seen, _BATCH)))

    def _lines(self, batch: list[tuple[int, Exchange]]) -> Pieces:
        pieces = Pieces()
        for position, exchange in batch:
            self._seen = position
            if position <= self._end and (line := self._line(exchange)) is not None:
                pieces.add(line)
                pieces.add(b"\n")
        self._seen = max(self._seen, batch[-1][0] if batch else self._end)
        return pieces

    def _line(self, exchange: Exchange) -> bytes | None:
        if self._org not in (None, exchange.org):
            return None
        if self._whole:
            return exchange_to_line(exchange)
        return event_to_line(exchange) if exchange.accepted else None


async def import_(control: Control, call: Call) -> Response:
    """Puts exported exchanges, also gzipped ones, on record; those whose id is there are left out.

    All of them are looked at before the first is put there: what is wrong with one has none of them on record.
    """
    assert call.came.file is not None
    with ExitStack() as opened:
        counts = await control.making.run(_put, control, call.came.file, opened)
    control.changes.notify()
    return answer(counts)


def _put(control: Control, file: IO[bytes], opened: ExitStack) -> dict[str, int] | Large[dict[str, int]]:
    try:
        if is_packed(file):
            unpacked = opened.enter_context(temporary())
            unpack(file, unpacked, MAX_IMPORT)
            file = unpacked
    except TransferError as error:
        raise BadRequestError(f"The import is refused: {error}") from error
    longest = longest_line(file)
    # What is kept of each line, and whatever is made of one of them.
    room = int(_KEPT * file.tell()) + room_of(longest)
    return Large(room, lambda: _put_checked(control, file))


def _put_checked(control: Control, file: IO[bytes]) -> dict[str, int]:
    journal = control.journal

    def is_known(identity: str) -> bool:
        control.go_on()
        return journal.exchange(identity) is not None

    try:
        arrived = Import(file, is_known, journal.event, most_decoded=control.max_decoded)
    except TransferError as error:
        raise BadRequestError(f"The import is refused: {error}") from error
    done = 0
    for part in arrived.parts():
        try:
            control.go_on()
            journal.append(part)
        except JournalError as error:
            if not done:
                raise
            raise JournalError(
                f"{error} Of {arrived.new:,} exchanges {done:,} were imported; import the file again for the others."
            ) from error
        done += len(part)
    return {"imported": done, "known": arrived.known, "dropped": journal.dropped}
