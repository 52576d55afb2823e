"""Threads for what takes its time, so that the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """So many threads at most, begun when there is work; what is more waits its turn. Close them when done.

    ``close`` and then ``run`` begins anew, for a server that has another life. ``run`` is for one loop at a time.
    """

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._name = name
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work gives, or raises. One that is cancelled while it waits is not begun; one under way ends."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._number, self._name)
        return await asyncio.wrap_future(self._pool.submit(work, *args, **kwargs))

    def close(self) -> None:
        """Returns when the work under way has ended; what waits is dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)
