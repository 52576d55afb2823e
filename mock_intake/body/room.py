"""How much memory work on a body takes, and work that waits until there is so much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MEBIBYTE = 1024 * 1024
LARGE = 256 * 1024
"""What is decoded and larger (bytes) is worked on once there is room for it."""
# Measured: what is parsed and judged takes at most so many times the room of its text (arrays of one number each), and
# never more than that in all, as an event has a largest size and a largest number of values.
_MULTIPLE = 32
_LARGEST = 216 * MEBIBYTE


def room_of(decoded: int) -> int:
    """How much room (bytes) an event of so many bytes takes while it is judged, or made into an answer, at most."""
    return min(_MULTIPLE * decoded, _LARGEST)


class Large(NamedTuple, Generic[T_co]):
    """Work that is done once there is so much room (bytes): whoever has to wait for that holds nothing meanwhile."""

    room: int
    work: Callable[[], T_co]


def when_there_is_room(decoded: int | None, work: Callable[[], T]) -> T | Large[T]:
    """What is made of a body of so many bytes, decoded: now, or, where that is large, once there is room."""
    return work() if (decoded or 0) <= LARGE else Large(room_of(decoded or 0), work)


class BusyError(RuntimeError):
    """There was no room in all the time that one waits for it; the message says so."""
