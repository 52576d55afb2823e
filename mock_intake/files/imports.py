"""Exported exchanges on their way in: all lines are checked before the first of them is put on record.

Of what is large nothing but ids and digests is kept between the two; the file is read once more.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from gzip import BadGzipFile, GzipFile
from typing import IO, NamedTuple

import msgspec
from msgspec.structs import replace

from mock_intake.body.decoding import GZIP_MAGIC
from mock_intake.files.exports import TransferError, exchange_from_line
from mock_intake.journal.layout import LAYOUT
from mock_intake.journal.protocol import LARGEST_PART, EventRecord
from mock_intake.model.exchange import EventSummary, Exchange
from mock_intake.model.findings import Status

# A line has an exchange with its body, which has a largest size.
_LONGEST_LINE = 64 * 1024 * 1024
_PIECE = 256 * 1024
_encode = msgspec.json.Encoder().encode


class _First(NamedTuple):
    """Where an event stands first, and what it is there."""

    offset: int
    digest: bytes


class Import:
    """The exchanges of an export, those that are known already left out.

    ``event_of`` has the event of an id, where one is on record; ``most_decoded`` is how large (bytes) a body may say
    that it is. Lines that contradict each other, or the record, are refused: one event has one body, and is of one org
    and job. Raises ``TransferError`` with the line: nothing of it is to be taken.
    """

    def __init__(
        self,
        file: IO[bytes],
        is_known: Callable[[str], bool],
        event_of: Callable[[str], EventRecord | None] = lambda _: None,
        *,
        most_decoded: int | None = None,
    ) -> None:
        self.known = 0
        """How many lines have what is known already, or was said in an earlier line."""
        self._file = file
        self._is_known = is_known
        self._most_decoded = most_decoded
        # Where the exchanges stand that are new, by their ids.
        self._taken: dict[str, int] = {}
        self._events: dict[str, _First] = {}
        # Those that are new, while there are few.
        self._few: list[Exchange] | None = []
        self._size = 0
        for number, offset, line in self._lines():
            try:
                exchange = exchange_from_line(line)
            except TransferError as error:
                raise TransferError(f"line {number}: {error}; nothing was imported.") from error
            self._take(number, offset, len(line), exchange)
        for identity, first in self._events.items():
            record = event_of(identity)
            if record is not None and _digest(record.org, record.summary) != first.digest:
                raise _contradiction(f"line {self._number(first.offset)} contradicts what is on record", identity)

    @property
    def new(self) -> int:
        """How many exchanges are to be put on record."""
        return len(self._taken)

    def _lines(self) -> Iterator[tuple[int, int, bytes]]:
        """The lines that are not empty, each with its number and where it begins."""
        self._file.seek(0)
        number = offset = 0
        while line := self._file.readline(_PIECE):
            number += 1
            if len(line) == _PIECE and not line.endswith(b"\n"):
                line = self._long_line(number, offset)
            size = len(line)
            if not line.isspace():
                yield number, offset, line
            offset += size

    def _long_line(self, number: int, offset: int) -> bytes:
        """The line that begins there, read in one piece: to read up to an end that is not known takes twice its room.

        Raises ``TransferError`` where it is too long, of which then nothing was kept.
        """
        size = _PIECE
        while more := self._file.readline(_PIECE):
            size += len(more)
            if size > _LONGEST_LINE:
                raise TransferError(f"line {number}: it is longer than {_LONGEST_LINE:,} bytes; nothing was imported.")
            if more.endswith(b"\n"):
                break
        self._file.seek(offset)
        return self._file.read(size)

    def _number(self, offset: int) -> int:
        """The number of the line that begins there."""
        return next(number for number, begin, _ in self._lines() if begin == offset)

    def _at(self, offset: int) -> Exchange:
        here = self._file.tell()
        self._file.seek(offset)
        exchange = exchange_from_line(self._file.readline())
        self._file.seek(here)
        return exchange

    def _take(self, number: int, offset: int, size: int, exchange: Exchange) -> None:
        if exchange.event is not None:
            sent = _First(offset, _digest(exchange.org, exchange.event))
            first = self._events.setdefault(exchange.event.id, sent)
            if first.digest != sent.digest:
                words = f"lines {self._number(first.offset)} and {number} contradict each other"
                raise _contradiction(words, exchange.event.id)
        if (before := self._taken.get(exchange.id)) is not None:
            if self._at(before) != exchange:
                words = f"lines {self._number(before)} and {number} are two exchanges of the id {exchange.id}"
                raise TransferError(f"{words}; nothing was imported.")
            self.known += 1
        elif self._is_known(exchange.id):
            self.known += 1
        else:
            self._check_size(exchange)
            self._taken[exchange.id] = offset
            self._size += size
            if self._few is not None:
                self._few.append(exchange)
                if self._size > LARGEST_PART:
                    self._few = None

    def _check_size(self, exchange: Exchange) -> None:
        most, size = self._most_decoded, exchange.decoded_size or 0
        if most is not None and size > most:
            raise TransferError(
                f"the exchange {exchange.id} has a body of {size:,} bytes when decoded, and this server takes {most:,} "
                "(--max-decoded); nothing was imported."
            )

    def parts(self) -> Iterator[list[Exchange]]:
        """The exchanges that are new, in their order, as many at a time as there is room for."""
        if self._few is not None:
            if self._few:
                yield self._few
            return
        new = set(self._taken.values())
        part: list[Exchange] = []
        room = LARGEST_PART
        for _, offset, line in self._lines():
            if offset not in new:
                continue
            part.append(exchange_from_line(line))
            room -= len(line)
            if room <= 0:
                yield part
                part, room = [], LARGEST_PART
        if part:
            yield part


# What an event is, by which all exchanges with it agree: the same body of the same org. How it was judged may differ:
# that is for the settings of the day. What later versions added may be missing.
_ADDED = {
    column.path.removeprefix("event."): column.default
    for column in LAYOUT.columns
    if column.part == "event" and column.name in LAYOUT.added
}


def _digest(org: str, event: EventSummary) -> bytes:
    sent = (org, replace(event, status=Status.OK, **_ADDED))
    try:
        text = _encode(sent)
    except UnicodeEncodeError:  # a lone surrogate stands in it
        text = repr(sent).encode("ascii", "backslashreplace")
    return hashlib.blake2b(text, digest_size=16, usedforsecurity=False).digest()


def _contradiction(words: str, event_id: str) -> TransferError:
    return TransferError(
        f"{words}: both have the event {event_id}, and it is not of one org, job, run or of the same datasets in both; "
        "nothing was imported."
    )


def is_packed(file: IO[bytes]) -> bool:
    """Whether a file is gzipped."""
    file.seek(0)
    return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def unpack(file: IO[bytes], to: IO[bytes], most: int) -> None:
    """Writes what a gzipped file holds, at most so many bytes of it. Raises ``TransferError`` for what is none."""
    file.seek(0)
    size = 0
    try:
        with GzipFile(fileobj=file) as unzipped:
            while piece := unzipped.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise TransferError("it is larger than the limit when decoded; nothing was imported.")
                to.write(piece)
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise TransferError(f"it is not gzip: {error}; nothing was imported.") from error
    to.seek(0)


def longest_line(file: IO[bytes]) -> int:
    """How long (bytes) the longest line of a file is."""
    file.seek(0)
    longest = begun = 0
    while piece := file.read(_PIECE):
        first, *rest = piece.split(b"\n")
        begun += len(first)
        for line in rest:
            longest, begun = max(longest, begun), len(line)
    return max(longest, begun)
