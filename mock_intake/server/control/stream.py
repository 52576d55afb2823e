"""New exchanges as they come in, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import MAX_DIGITS, Call
from mock_intake.server.making import Pieces
from mock_intake.server.responses import shown
from mock_intake.system.clock import monotonic

MEDIA = "text/event-stream"
_HEADERS = {"cache-control": "no-store"}
# So many exchanges are read and written at a time.
_BATCH = 200
# Something is said as often as this (seconds), so that both sides, and what is between them, notice when the other has
# gone.
_HEARTBEAT = 15.0
_RETRY_AFTER = b"retry: 1000\n\n"
_NOTHING_NEW = b": nothing new\n\n"


async def stream(control: Control, call: Call) -> Response:
    """One server-sent event for each new exchange; ``Last-Event-ID`` goes on behind that one."""
    if call.request.method == "HEAD":
        return Response(media_type=MEDIA, headers=_HEADERS)
    last = call.request.headers.get("last-event-id", "")
    resumes = last.isascii() and last.isdigit() and len(last) <= MAX_DIGITS
    reader = await control.workers.run(_Reader, control, call.org, int(last) if resumes else None)
    return StreamingResponse(_sent(control, reader), media_type=MEDIA, headers=_HEADERS)


async def _sent(control: Control, reader: _Reader) -> AsyncIterator[bytes]:
    yield _RETRY_AFTER
    quiet_since = monotonic()
    while True:
        seen = control.changes.count
        while (blocks := await control.workers.run(reader.read_on)) is not None:
            for piece in blocks:
                yield piece
                quiet_since = monotonic()
        left = quiet_since + _HEARTBEAT - monotonic()
        if left <= 0 or not await control.changes.changed(seen, left):
            yield _NOTHING_NEW
            quiet_since = monotonic()


class _Reader:
    """Where a stream stands, and how many exchanges its listener knows to have been dropped.

    It goes on behind a position, or (None) behind what is there now.
    """

    def __init__(self, control: Control, org: str | None, behind: int | None) -> None:
        self._journal = journal = control.journal
        self._org = org
        position = journal.position
        if behind is None:
            self._seen, self._dropped = position, journal.dropped
        else:
            # The id of another record, such as that of a server before this one: all that is here is new.
            self._seen, self._dropped = behind if behind <= position else 0, 0

    def read_on(self) -> Pieces | None:
        """What is to be sent of the next exchanges, which may be nothing; None where there are none.

        Written before any of it goes out: a listener that doesn't read must not keep bodies in memory. Raises
        ``JournalError``.
        """
        batch = self._journal.read(self._seen, _BATCH)
        if not batch:
            return None
        blocks = Pieces()
        for position, exchange in batch:
            if position > self._seen + 1 and (dropped := self._journal.dropped) > self._dropped:
                self._dropped = dropped
                blocks.add(b'event: dropped\ndata: {"dropped":%d}\n\n' % dropped)
            self._seen = position
            if self._org in (None, exchange.org):
                blocks.add(b"id: %d\nevent: exchange\ndata: %b\n\n" % (position, shown(exchange.to_dict())))
        return blocks
