"""Waits in threads and coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from mock_intake.server.bell import Bell
from mock_intake_pytest.telling import IntakeFailure

T = TypeVar("T")


async def in_thread(wait: Callable[[], T]) -> T:
    """Waits in a thread, while the loop goes on."""
    __tracebackhide__ = True
    try:
        return await asyncio.to_thread(wait)
    except (IntakeFailure, ValueError) as failure:
        # The way through the thread tells a reader nothing.
        raise failure.with_traceback(None) from None


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


def rang_since(bell: Bell, heard: int) -> bool:
    return bell.rung != heard
