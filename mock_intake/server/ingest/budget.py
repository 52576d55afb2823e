"""The room that bodies under way may take: while they are read, and while they are judged.

A sixteenth of the budget is for bodies as they come in. Where it is used up nobody is read on; who has begun to be read
goes on first, in the order in which they have begun, so that one after the other is done with. Half of it is for what
is judged beside the loop: an event takes many times the room of its text once it is parsed. The rest is for what nobody
counts: the first piece of each connection, copies, and what the allocator has not given back.
"""

from __future__ import annotations

import asyncio
from collections import deque

_ON_THE_WIRE = 16
_JUDGED = 2


class Room:
    """So much room (bytes, or whatever is counted); who wants some waits in the order of coming.

    Who wants more than there is gets it once nobody else has any.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> None:
        """Returns once there is room for ``amount`` bytes; it is to be given back."""
        if self.has(amount):
            self._used += amount
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give(amount)
            raise

    def has(self, amount: int) -> bool:
        """Whether nobody who wants ``amount`` bytes has to wait."""
        return not self._waiting and self._fits(amount)

    def give(self, amount: int) -> None:
        self._used -= amount
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            wanted, future = self._waiting.popleft()
            if not future.done():
                self._used += wanted
                future.set_result(None)

    def _fits(self, amount: int) -> bool:
        return not self._used or self._used + amount <= self._size


class Budget:
    """The room of one server. ``patience``: how long (seconds) a body waits for room to be read."""

    def __init__(self, size: int, patience: float) -> None:
        self.patience = patience
        self.judging = Room(size // _JUDGED)
        self.decoding = Room(1)
        self._wire = size // _ON_THE_WIRE
        self._used = 0
        # Those that are being read, in the order in which they have begun; and how many are read and not done with.
        self._reading: dict[Share, None] = {}
        self._read = 0
        self._waiting: dict[Share, asyncio.Future[None]] = {}

    def share(self) -> Share:
        """For one body that is read in parts; it is to be given back."""
        return Share(self)


class Share:
    """What one body takes of the budget."""

    __slots__ = ("_budget", "_is_read", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0
        self._is_read = False
        budget._reading[self] = None

    def add(self, size: int) -> None:
        """``size`` bytes more were read."""
        self.size += size
        self._budget._used += size

    @property
    def may_go_on(self) -> bool:
        """Whether there is room to read more, or nobody else who could make some."""
        budget = self._budget
        return budget._used < budget._wire or (not budget._read and next(iter(budget._reading)) is self)

    async def room(self) -> bool:
        """Waits until reading may go on; False if patience has run out before."""
        budget = self._budget
        loop = asyncio.get_running_loop()
        until = loop.time() + budget.patience
        while not self.may_go_on:
            future = budget._waiting[self] = loop.create_future()
            try:
                async with asyncio.timeout_at(until):
                    await future
            except TimeoutError:
                return False
            finally:
                del budget._waiting[self]
        return True

    def is_read(self) -> None:
        """The body has come to its end, and is kept until it is done with."""
        self._budget._reading.pop(self, None)
        self._is_read = True
        self._budget._read += 1

    def give_back(self) -> None:
        budget = self._budget
        budget._reading.pop(self, None)
        budget._used -= self.size
        if self._is_read:
            budget._read -= 1
        # Each looks for itself whether its turn has come.
        for future in budget._waiting.values():
            if not future.done():
                future.set_result(None)
