"""The C library's allocator, told to give memory back: what one large event took is then there for the next one.

By itself glibc keeps what was freed, apart for each thread, and the more of it the larger the pieces have been.
"""

from __future__ import annotations

import ctypes
import sys

# glibc's names of these are M_MMAP_THRESHOLD and M_ARENA_MAX (mallopt(3)).
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_LARGE = 128 * 1024


def give_memory_back() -> None:
    """For the process of a server; does nothing where the allocator is another."""
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGE)
