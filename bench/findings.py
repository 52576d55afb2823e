"""What an event costs in which something is wrong, beside the same event in which nothing is.

Run: make bench, or .venv/bin/python -m bench.findings. Ten findings that are the commonest, each in an event of 6 KB
and in one of 0.5 KB, and text in SQL that looks like a secret and is none. The wrong event and its clean sister are
judged in turns; what counts is the median of the rounds, by the processor. Exits with 1 where an aim is missed.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from typing import Any, NamedTuple

import orjson

from bench.judge import events, facet
from mock_intake.judging.judgement import Judge

ROUNDS = 9
SECONDS = 0.03
# How often the cost of a clean event one with a finding may have, and how many microseconds more a small one.
MOST_TIMES, MOST_MORE, MOST_OF_SQL = 1.5, 17.0, 2.0

Event = dict[str, Any]
ORDERS = {"namespace": "postgres://db.acme.example:5432", "name": "shop.public.orders"}


def _without(event: Event, key: str) -> None:
    del event[key]


def _of_job(event: Event, key: str, content: Event) -> None:
    event["job"]["facets"][key] = content


def _changed(event: Event, **changed: Any) -> None:
    event.update(changed)


# What is wrong, and how it comes to be.
COMMONEST: Mapping[str, Callable[[Event], object]] = {
    "a time without an offset": lambda event: event.update(eventTime="2026-11-01T12:00:00.555555"),
    "no schemaURL": lambda event: event.pop("schemaURL"),
    "a producer that is no URI": lambda event: event.update(producer="etl"),
    "a run id that is no UUID": lambda event: event["run"].update(runId="run-555555"),
    "an eventType in lower case": lambda event: event.update(eventType=event["eventType"].lower()),
    "no jobType": lambda event: event["job"]["facets"].pop("jobType"),
    "a namespace without a port": lambda event: event["inputs"][0].update(namespace="postgres://db.acme.example"),
    "a name of two parts": lambda event: event["inputs"][0].update(name="public.orders"),
    "a number in place of a text": lambda event: event["job"]["facets"]["documentation"].update(description=17),
    "a null in a facet": lambda event: event["job"]["facets"]["documentation"].update(contentType=None),
}


# What has a line end and looks like a log-in, or an assignment, as many statements do.
SQL = "SELECT *\nFROM orders -- ask data@acme.example\nWHERE password = '' AND note LIKE 'api_key=%'\n" * 5


class Cost(NamedTuple):
    """Seconds by the clock, and of a processor, for one judgement."""

    clock: float
    processor: float


class Pair(NamedTuple):
    """An event with a finding, and its clean sister; ``of_secret`` where the one only looks as if it had one."""

    title: str
    clean: bytes
    wrong: bytes
    of_secret: bool = False


def pairs(name: str) -> Iterator[Pair]:
    """The commonest findings in an event of this size, each beside the event without it."""
    clean = orjson.loads(events()[name])
    clean["eventTime"], clean["run"]["runId"] = "2026-11-01T12:00:00.555555Z", "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f555555"
    clean["inputs"] = clean["inputs"] or [ORDERS]
    clean["job"]["facets"]["documentation"] = facet("DocumentationJobFacet", "1-1-0", description="Loads orders.")
    for title, change in COMMONEST.items():
        wrong = copy.deepcopy(clean)
        change(wrong)
        yield Pair(title, orjson.dumps(clean), orjson.dumps(wrong))


def of_sql() -> Pair:
    """Text that looks like a secret, in the SQL of an event of 6 KB."""
    clean = orjson.loads(events()["middle"])
    wrong = copy.deepcopy(clean)
    wrong["job"]["facets"]["sql"]["query"] = SQL
    clean["job"]["facets"]["sql"]["query"] = "x" * len(SQL)
    return Pair("secret-like text in SQL", orjson.dumps(clean), orjson.dumps(wrong), of_secret=True)


def cost(judge: Judge, body: bytes, calls: Iterator[int]) -> Cost:
    """The mean over as many judgements as fit into a turn, each of another time and another run."""
    began, used = time.perf_counter(), time.process_time()
    first = number = next(calls)
    while time.perf_counter() < began + SECONDS:
        for number in islice(calls, 10):
            judge.judge(body.replace(b"555555", b"%06d" % (number % 1_000_000)), "bench")
    made = number - first
    return Cost((time.perf_counter() - began) / made, (time.process_time() - used) / made)


def measured(judge: Judge, pair: Pair) -> tuple[Cost, Cost]:
    """The medians of a clean event's cost and of a wrong one's, by clock and processor."""
    assert judge.judge(pair.clean, "bench").findings == (), pair.title
    assert bool(judge.judge(pair.wrong, "bench").findings) is not pair.of_secret, pair.title
    calls = count()
    rounds = [(cost(judge, pair.clean, calls), cost(judge, pair.wrong, calls)) for _ in range(ROUNDS)]
    clean, wrong = zip(*rounds, strict=True)
    return Cost(*map(statistics.median, zip(*clean, strict=True))), Cost(
        *map(statistics.median, zip(*wrong, strict=True))
    )


def main() -> int:
    judge = Judge()
    print(f"us for one judgement, median of {ROUNDS} rounds, clock and processor; Python {sys.version.split()[0]}")
    print(f"{'':<37} {'clean':>14} {'wrong':>14} {'times':>7} {'more':>7}")
    met = True
    todo = [("0.5 KB", pair) for pair in pairs("small")] + [("6 KB", pair) for pair in (*pairs("middle"), of_sql())]
    for size, pair in todo:
        clean, wrong = measured(judge, pair)
        times, more = wrong.processor / clean.processor, (wrong.processor - clean.processor) * 1e6
        good = more <= MOST_MORE if size == "0.5 KB" else times <= (MOST_OF_SQL if pair.of_secret else MOST_TIMES)
        met = met and good
        shown = [f"{each.clock * 1e6:.1f} {each.processor * 1e6:>6.1f}" for each in (clean, wrong)]
        missed = "" if good else "  missed"
        print(
            f"{size:>7} {pair.title:<29} {shown[0]:>14} {shown[1]:>14} {times:>7.2f} {more:>7.1f}{missed}", flush=True
        )
    print(
        f"aims: at 6 KB at most {MOST_TIMES:g} times a clean event, at 0.5 KB at most {MOST_MORE:g} us more, "
        f"secret-like text at most {MOST_OF_SQL:g} times"
    )
    print("aims met" if met else "aims missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
