"""A journal, the views of it and its pages, each measured again and again in a process that keeps them.

``bench.before`` starts it with the Python of a build, whose own ``bench`` makes the events, the queries and the
addresses of pages. It writes what there is to be measured as one line of JSON, a list of titles by part; then, for
each title that it reads, a line with the seconds by the clock and of the processor that one of that took.
"""

from __future__ import annotations

import gc
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx

from bench.journal import GROUP, exchanges, queries
from bench.pages import NODES, addresses, lineage
from mock_intake import IntakeServer
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.views import Views

if TYPE_CHECKING:  # an earlier build has it elsewhere
    from mock_intake.model.exchange import Exchange

EVENTS = 10_000
APPENDED = 1_000
SECONDS = 0.05
# So often, where each call makes the record longer: both builds are to have the same one.
APPENDS = 300
Once = Callable[[], object]
# What is left out of what is measured: nothing of it is the journal's.
WAITING = 600


class Measurement(NamedTuple):
    """What is called once each time; what goes before all of them, and is not measured; how often, if not as often as
    takes about ``SECONDS``."""

    call: Once
    before: Once = lambda: None
    times: int | None = None

    def cost(self) -> tuple[float, float]:
        """Seconds by the clock and of the processor for one call."""
        self.before()
        calls = 0
        gc.collect()
        began, used = time.perf_counter(), time.process_time()
        while calls < self.times if self.times else (not calls or time.perf_counter() < began + SECONDS):
            self.call()
            calls += 1
        return (time.perf_counter() - began) / calls, (time.process_time() - used) / calls


class Appending:
    """Appends so many at a time to a journal that holds some, until all are used up; then to a new one."""

    def __init__(self, new: Callable[[], Journal], group: int) -> None:
        self._new, self._group = new, group
        self._made = list(itertools.islice(exchanges(), APPENDED))
        self._begin()

    def _begin(self) -> None:
        self._journal = self._new()
        self._left = iter(self._made)

    def __call__(self) -> None:
        batch = list(itertools.islice(self._left, self._group))
        if batch:
            self._journal.append(batch)
        else:
            self._begin()


def of_journal(folder: Path) -> Iterator[tuple[str, Measurement]]:
    """What is measured of journals: appending, and each query of ``bench.journal``."""
    files = (folder / f"journal-{number}.db" for number in itertools.count())
    kinds: dict[str, Callable[[], Journal]] = {
        "memory": lambda: MemoryJournal(EVENTS * 2, EVENTS * 20_000),
        "sqlite": lambda: SqliteJournal(next(files)),
    }
    for name, new in kinds.items():
        for group in (1, GROUP):
            yield f"{name}, append by {group}", Measurement(Appending(new, group))
        journal = new()
        _fill(journal, itertools.islice(exchanges(), EVENTS))
        for title, call in queries(journal, EVENTS).items():
            yield f"{name}, {title}", Measurement(call)


def _fill(journal: Journal, source: Iterator[Exchange]) -> None:
    while batch := list(itertools.islice(source, GROUP)):
        journal.append(batch)


def of_pages(stack: ExitStack) -> Iterator[tuple[str, Measurement]]:
    """What is measured of views and pages: reading the record anew, what is asked after each append, and each page."""
    journal = MemoryJournal(EVENTS * 4, EVENTS * 40_000)
    _fill(journal, lineage(NODES))
    source = exchanges()
    _fill(journal, itertools.islice(source, EVENTS))
    yield "views, all read anew", Measurement(lambda: Views(journal).catch_up(WAITING))
    held = Views(journal)

    def after_an_append(ask: Callable[[str], object]) -> Measurement:
        def call() -> None:
            exchange = next(source)
            journal.append([exchange])
            ask(exchange.org)

        return Measurement(call, lambda: held.catch_up(WAITING), APPENDS)

    yield "runs after an append", after_an_append(lambda _: held.runs())
    yield "runs of an org after it", after_an_append(held.runs)
    yield "lineage after an append", after_an_append(held.lineage)
    # Near misses need the lineage, since symlinks join datasets: an earlier build's, which read no body, are no measure
    # for them alone.
    yield "both after an append", after_an_append(lambda org: (held.lineage(org), held.near_misses(org)))
    yield "tallies after an append", after_an_append(lambda _: held.tallies())
    server = stack.enter_context(IntakeServer(journal=journal))
    client = stack.enter_context(httpx.Client(base_url=server.url, timeout=WAITING))

    def until_all_is_read() -> None:
        while "<h1>Reading the record" in client.get("/mock/rules").text:
            time.sleep(0.1)

    for title, path in addresses(journal).items():
        yield f"page: {title}", Measurement(partial(_get, client, f"/mock/{path}"), until_all_is_read)


def _get(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="record-bench-")))
        parts = {"journal": lambda: of_journal(folder), "pages": lambda: of_pages(stack)}
        part = sys.argv[1]
        calls = dict(parts[part]())
        for one in calls.values():
            one.before()
            one.call()
        # As `mock-intake serve` does.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 10, 100)
        print(json.dumps(list(calls)), flush=True)
        for line in sys.stdin:
            print(json.dumps(calls[json.loads(line)].cost()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
