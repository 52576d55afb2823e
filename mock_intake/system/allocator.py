"""The C library's allocator, told to give memory back: what one large event took is then there for the next one.

By itself glibc keeps what was freed, apart for each thread, and the more of it the larger the pieces have been.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import ctypes

T = TypeVar("T")

# glibc's names of these are M_MMAP_THRESHOLD and M_ARENA_MAX (mallopt(3)).
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_LARGE = 128 * 1024
# In the process of a server, where there is such an allocator.
_library: ctypes.CDLL | None = None


def give_memory_back() -> None:
    """For the process of a server; does nothing where the allocator is another."""
    global _library
    if not sys.platform.startswith("linux"):
        return
    # Here alone: whoever serves events in a process of their own needs none of it.
    import ctypes

    try:
        library = ctypes.CDLL(None)
        mallopt, _ = library.mallopt, library.malloc_trim
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGE)
    _library = library


def leaving_no_holes(work: Callable[[], T]) -> T:
    """What ``work``, which takes much memory, gives; what it has let go of is then given back, in such a process.

    Many small pieces of one large event leave holes between what is in use still. To look for them takes milliseconds.
    """
    try:
        return work()
    finally:
        if _library is not None:
            _library.malloc_trim(0)
