"""Keeps the order in which requests came, where some are judged beside the loop and others are done sooner.

A lane is what is kept in order: the record of one org, or the steps of fault plans. Whoever joins a lane is at the end
of it, and has its turn once all before it have left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable


class Order:
    """The lanes of one loop. A lane in which nobody is does not exist."""

    def __init__(self) -> None:
        self._last: dict[Hashable, asyncio.Future[None]] = {}

    @property
    def has_lanes(self) -> bool:
        """Whether there is anybody to wait for at all."""
        return bool(self._last)

    def has(self, lane: Hashable) -> bool:
        """Whether there is anybody to wait for in ``lane``."""
        return lane in self._last

    def join(self, lane: Hashable) -> Place:
        """A place at the end of ``lane``; it must be left."""
        before, left = self._last.get(lane), asyncio.get_running_loop().create_future()
        self._last[lane] = left
        left.add_done_callback(lambda _: self._gone(lane, left))
        return Place(before, left)

    def _gone(self, lane: Hashable, left: asyncio.Future[None]) -> None:
        if self._last.get(lane) is left:
            del self._last[lane]


class Place:
    """Somebody's place in a lane."""

    def __init__(self, before: asyncio.Future[None] | None, left: asyncio.Future[None]) -> None:
        self._before = before
        self._left = left

    async def turn(self) -> None:
        """Returns once all before it have left."""
        if self._before is not None and not self._before.done():
            await asyncio.shield(self._before)

    def leave(self) -> None:
        """Lets the next go on; where it is not this one's turn yet, once it would be. Again it does nothing."""
        if self._left.done():
            return
        if self._before is None or self._before.done():
            self._left.set_result(None)
        else:
            self._before.add_done_callback(lambda _: self.leave())
