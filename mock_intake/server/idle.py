"""Waits until all that has reached a server is on record, for a thread that is not the server's."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from mock_intake.server.listen import Listener, run_in
from mock_intake.system.clock import monotonic

# How long between two looks at whether there is still something to wait for, in seconds.
_PATIENCE = 0.002
# How long a turn of the loop is waited for at a time: it may end without one, in seconds.
_TURNS_TIMEOUT = 0.2


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
        try:
            run_in(loop, _turns, max(0.001, min(_TURNS_TIMEOUT, until - monotonic())))
        except RuntimeError:  # it is busy, or has ended
            accepted = False
        if accepted and not under_way():
            return True
        if monotonic() >= until:
            return False
        if accepted:
            time.sleep(_PATIENCE)
    return True


def _connections_wait(listeners: Iterable[Listener]) -> bool:
    """Whether connections have been made that nobody has accepted yet."""
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            with suppress(ValueError, OSError):  # it was closed meanwhile
                selector.register(listener.socket, selectors.EVENT_READ)
        return bool(selector.select(0)) if selector.get_map() else False


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
