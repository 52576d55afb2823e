"""Listings that are filtered further than the journal can: looked through newest first, for a limited time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mock_intake.journal.protocol import Page
from mock_intake.system.clock import monotonic

T = TypeVar("T")
PAGE_SIZE = 50
_LARGEST_BATCH = 400
_PATIENCE = 0.15


@dataclass(frozen=True)
class SearchPage(Generic[T]):
    """A part of a listing; ``next`` is the cursor of what follows.

    ``looked`` is how many were looked through; ``unfinished`` tells that time was up before the part was full.
    """

    items: list[T]
    next: int | None
    looked: int = 0
    unfinished: bool = False


def look_through(
    ask: Callable[[int, int | None], Page[T]], matches: Callable[[T], bool] | None, before: int | None
) -> SearchPage[T]:
    """A part of what ``ask`` (limit, before) lists; of what matches only, if that is given.

    Cursors stand between the pages of ``ask``, so there can be some more than asked for.
    """
    if matches is None:
        page = ask(PAGE_SIZE, before)
        return SearchPage(page.items, page.next)
    until = monotonic() + _PATIENCE
    items: list[T] = []
    looked, batch = 0, PAGE_SIZE
    while True:
        page = ask(batch, before)
        hits = [item for item in page.items if matches(item)]
        items += hits
        looked += len(page.items)
        before = page.next
        unfinished = monotonic() > until and len(items) < PAGE_SIZE
        if before is None or unfinished or len(items) >= PAGE_SIZE:
            return SearchPage(items, before, looked, unfinished and before is not None)
        if not hits:
            batch = min(2 * batch, _LARGEST_BATCH)
