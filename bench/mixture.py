"""Recorded events as real producers send them, made up: what ``bench.check`` has judged.

Runs of the same jobs over and over, each with its START, its end and what is between; some with children, several under
way at once; a third as many runs as events. A third of the events are wrong in the commonest ways (``bench.findings``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import orjson
from faker import Faker

from bench.findings import COMMONEST, ORDERS
from bench.judge import facet
from mock_intake.fake import OpenLineageProvider

Event = dict[str, Any]

SEED = 20
# So many different runs there are; after them the same jobs run again, with run ids of their own.
RUNS = 1_200
# So many are under way at once.
AT_ONCE = 12
# The ids of runs, but for their first eight digits: these are others in each round.
_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


def lines(start: int = 0) -> Iterator[bytes]:
    """Lines without end, the same each time; from the one with the number ``start`` on, counted from 0."""
    first = _pieces()
    begun, skipped = divmod(start, len(first))
    for number in count(begun):
        begin = b"%08x" % number
        for pieces in first[skipped:]:
            # Every other piece is the rest of an id.
            yield b"".join([begin + piece if index % 2 else piece for index, piece in enumerate(pieces)])
        skipped = 0


def write(file: Path, events: int) -> None:
    """Writes so many events to a file."""
    with file.open("wb") as stream:
        stream.writelines(line + b"\n" for line in islice(lines(), events))


@cache
def _pieces() -> list[list[bytes]]:
    return [_ID.split(line) for line in _first_round()]


def _first_round() -> Iterator[bytes]:
    fake = Faker()
    fake.seed_instance(SEED)
    fake.add_provider(OpenLineageProvider)
    random = Random(SEED)
    ways = list(COMMONEST.values())
    for event in _interleaved(_runs(fake, random), random):
        if random.randrange(3) == 0:
            event["inputs"] = event.get("inputs") or [dict(ORDERS)]
            text = facet("DocumentationJobFacet", "1-1-0", description="Loads orders.")
            event["job"].setdefault("facets", {}).setdefault("documentation", text)
            run_id = event["run"]["runId"]
            random.choice(ways)(event)
            if event["run"]["runId"] != run_id:  # each run is to have one of its own
                event["run"]["runId"] = f"run-{run_id}"
        yield orjson.dumps(event)


def _runs(fake: Faker, random: Random) -> Iterator[list[Event]]:
    for _ in range(RUNS):
        (end,) = random.choices(("COMPLETE", "FAIL", "ABORT"), (8, 2, 1))
        yield fake.run_cycle(end, children=random.choice((0, 0, 0, 0, 2)))


def _interleaved(runs: Iterator[list[Event]], random: Random) -> Iterator[Event]:
    under_way = [iter(run) for run in islice(runs, AT_ONCE)]
    while under_way:
        number = random.randrange(len(under_way))
        event = next(under_way[number], None)
        if event is not None:
            yield event
        elif (following := next(runs, None)) is not None:
            under_way[number] = iter(following)
        else:
            del under_way[number]
