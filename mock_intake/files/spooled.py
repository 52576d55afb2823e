"""Values that are gone through several times, and may be more than memory has room for."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from tempfile import TemporaryFile
from typing import Generic, TypeVar

import msgspec

from mock_intake.files.recordings import RecordingError
from mock_intake.system.temporary import TemporaryError

T = TypeVar("T")
# So many are written, and read, at a time.
_AT_ONCE = 500
_LENGTH = struct.Struct("<Q")


class Spooled(Generic[T]):
    """Values of ``kind``, a type that msgspec encodes: gone through once they are those of ``source``, and each further
    time those again, from a temporary file, which ``close`` removes.

    Raises ``RecordingError`` where there is no room for them.
    """

    def __init__(self, source: Iterable[T], kind: type[T]) -> None:
        self._source: Iterable[T] | None = source
        try:
            self._file = TemporaryFile()  # noqa: SIM115 - closed by who made us
        except OSError as error:
            raise _no_room(error) from error
        self._encoded = msgspec.msgpack.Encoder().encode
        self._decoded = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]

    def __enter__(self) -> Spooled[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes what was kept."""
        # What could not be written is tried once more, and nobody wants it any longer.
        with suppress(OSError):
            self._file.close()

    def __iter__(self) -> Iterator[T]:
        if self._source is None:
            yield from self._again()
            return
        source, self._source = iter(self._source), None
        while values := list(islice(source, _AT_ONCE)):
            self._keep(self._encoded(values))
            yield from values

    def _keep(self, encoded: bytes) -> None:
        try:
            self._file.write(_LENGTH.pack(len(encoded)) + encoded)
            # Else what is small is written when it is read again, or never.
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from error

    def _again(self) -> Iterator[T]:
        self._file.seek(0)
        while length := self._file.read(_LENGTH.size):
            yield from self._decoded(self._file.read(*_LENGTH.unpack(length)))


def _no_room(error: OSError) -> RecordingError:
    return RecordingError(str(TemporaryError(error)))
