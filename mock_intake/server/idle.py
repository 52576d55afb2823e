"""Waits until all that has reached a server is on record, for a thread that is not the server's."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from mock_intake.server.listen import Listener
from mock_intake.system.clock import monotonic

# How long between two looks at whether there is still something to wait for, in seconds.
_PATIENCE = 0.002
# How long a turn of the loop is waited for at a time: it may end without one, in seconds.
_TURNS_TIMEOUT = 0.2
# So many behind the first.
_TURNS = 4
# One that is asked once only is not worth a descriptor of its own. Windows has no other.
_Selector = getattr(selectors, "PollSelector", selectors.DefaultSelector)


def wait_until_idle(
    running: Callable[[], asyncio.AbstractEventLoop | None],
    listeners: Callable[[], Iterable[Listener]],
    under_way: Callable[[], int],
    timeout: float,
) -> bool:
    """Waits at most ``timeout`` seconds until a server has nothing to do; whether that is so.

    ``running`` gives its loop, None once there is none; ``under_way`` how many requests are not on record yet.
    """
    until = monotonic() + timeout
    while (loop := running()) is not None:
        # What has arrived at a socket begins to be read in a turn of the loop or two, but of many connections that are
        # made at once, each turn accepts one.
        accepted = not _connections_wait(listeners())
        turned = _has_turned(loop, max(0.001, min(_TURNS_TIMEOUT, until - monotonic())))
        if accepted and turned and not under_way():
            return True
        if monotonic() >= until:
            return False
        if accepted and turned:
            time.sleep(_PATIENCE)
    return True


def _connections_wait(listeners: Iterable[Listener]) -> bool:
    """Whether connections have been made that nobody has accepted yet."""
    with _Selector() as selector:
        for listener in listeners:
            with suppress(ValueError, OSError):  # it was closed meanwhile
                selector.register(listener.socket, selectors.EVENT_READ)
        return bool(selector.select(0)) if selector.get_map() else False


def _has_turned(loop: asyncio.AbstractEventLoop, timeout: float) -> bool:
    """Whether the loop of another thread has had its turns within so many seconds: not if it is busy, or has ended."""
    # A lock alone: all else that threads wait by is made of several, and this is asked at the end of every test.
    turned = threading.Lock()
    turned.acquire()
    try:
        loop.call_soon_threadsafe(_turn, loop, _TURNS, turned)
    except RuntimeError:  # it is closed
        return False
    return turned.acquire(timeout=timeout)


def _turn(loop: asyncio.AbstractEventLoop, left: int, turned: threading.Lock) -> None:
    if left:
        loop.call_soon(_turn, loop, left - 1, turned)
    else:
        turned.release()
