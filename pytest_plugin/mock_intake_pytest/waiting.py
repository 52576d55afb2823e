"""Waits in threads and coroutines."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Any, TypeVar

from mock_intake.server.change_signal import ChangeSignal
from mock_intake.system.clock import monotonic
from mock_intake_pytest.failures import IntakeFailure
from mock_intake_pytest.renames import check_keywords

T = TypeVar("T")


# How soon a thread sees that nobody waits for it any more, in seconds.
_GLANCE = 0.1
# Set once the coroutine that waits for this thread has been cancelled.
_ABANDONED: ContextVar[threading.Event | None] = ContextVar("_ABANDONED", default=None)


class _AbandonedError(Exception):
    """Ends a wait whose coroutine was cancelled; there is nobody left to hear of it."""


async def in_thread(wait: Callable[[], T]) -> T:
    """Waits in a thread, while the loop goes on; the thread ends when the coroutine is cancelled.

    Loops wait for their threads before they close, and a thread cannot be ended from outside. It is a thread at all
    because its clock is the real one, where a loop's may be frozen by a test.
    """
    __tracebackhide__ = True
    abandoned = threading.Event()

    def run() -> T:
        # Of the thread's own copy of the context.
        _ABANDONED.set(abandoned)
        return wait()

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        abandoned.set()
        raise
    except (IntakeFailure, TypeError, ValueError) as failure:
        # The way through the thread tells a reader nothing.
        raise failure.with_traceback(None) from None


def check_names(wait: Callable[..., Any], given: Collection[str]) -> None:
    """Raises ``TypeError`` for a keyword that a wait does not know."""
    __tracebackhide__ = True
    check_keywords(f"{wait.__name__}_async", given)
    known = inspect.signature(wait).parameters
    for name in given:
        if name not in known:
            raise TypeError(f"{wait.__name__}_async has no {name}; there are {', '.join(known)}")


def wait_in_turns(wait: Callable[[float], bool], timeout: float) -> bool:
    """Calls ``wait`` with a number of seconds, at once or bit by bit, until it gives true or the time is up."""
    abandoned = _ABANDONED.get()
    if abandoned is None:
        return wait(timeout)
    until = monotonic() + timeout
    while not abandoned.is_set():
        left = until - monotonic()
        if wait(max(0.0, min(left, _GLANCE))):
            return True
        if left <= _GLANCE:
            return False
    raise _AbandonedError


def in_a_loop() -> str:
    """A word on why nothing may have come, if the wait kept an event loop from running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return ""
    return (
        "The wait was made inside a running event loop, and held it up: in coroutines, use "
        "await intake.wait_for_async(...), wait_for_run_async or settled_async."
    )


def changed_since(changes: ChangeSignal, seen: int) -> bool:
    return changes.count != seen
