"""What an event costs in which something is wrong, beside the same event in which nothing is.

Run: make bench, or .venv/bin/python -m bench.findings [--rounds 7]. Ten findings that are the commonest,
each in an event of 6 KB and in one of 0.5 KB, and text in SQL that looks like a secret and is none. The wrong event and
its clean sister are judged in turns, by this build and by an earlier one; what counts is the median of the rounds, by
the processor. Exits with 1 where an aim is missed.
"""

from __future__ import annotations

import copy
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.aims import Aim, Point, Task, alone
from bench.builds import installed
from bench.judge import events, facet
from bench.turns import JUDGE_OTHERS, Cost, Turns

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


def sizes() -> list[tuple[str, Pair]]:
    """All pairs, each with how large its events are."""
    return [("0.5 KB", pair) for pair in pairs("small")] + [("6 KB", pair) for pair in (*pairs("middle"), of_sql())]


def measured(turns: Turns, name: str, rounds: int) -> tuple[Cost, Cost]:
    """The medians of what a clean event costs and a wrong one, each of another time and run than those before it."""
    seen = [
        [turns.cost(JUDGE_OTHERS, f"{name}, {which}", SECONDS) for which in ("clean", "wrong")] for _ in range(rounds)
    ]
    clean, wrong = (Cost(*map(statistics.median, zip(*side, strict=True))) for side in zip(*seen, strict=True))
    return clean, wrong


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Measures each pair in both builds, and prints a line for it."""
    todo = {f"{size}: {pair.title}": (size, pair) for size, pair in sizes()}
    bodies: dict[str, bytes] = {}
    for name, (_, pair) in todo.items():
        bodies |= {f"{name}, clean": pair.clean, f"{name}, wrong": pair.wrong}
    print(f"us of the processor for one judgement, medians of {task.rounds} rounds; Python {sys.version.split()[0]}")
    print(f"{'':<38} {'clean':>8} {'wrong':>8} {'times':>7} {'more':>7} {'times, ' + task.build:>16} {'more':>7}")
    found = []
    with Turns(installed(task.build), bodies) as before, Turns(Path(sys.executable), bodies) as now:
        for name, (size, pair) in todo.items():
            assert now.found(f"{name}, clean") == [], name
            assert bool(now.found(f"{name}, wrong")) is not pair.of_secret, name
            then, here = (measured(turns, name, task.rounds) for turns in (before, now))
            times = [wrong.processor / clean.processor for clean, wrong in (then, here)]
            more = [(wrong.processor - clean.processor) * 1e6 for clean, wrong in (then, here)]
            clean, wrong = (each.processor * 1e6 for each in here)
            print(f"{name:<38} {clean:>8.1f} {wrong:>8.1f} {times[1]:>7.2f} {more[1]:>7.1f}", end="")
            print(f" {times[0]:>16.2f} {more[0]:>7.1f}", flush=True)
            used = then[1].processor, here[1].processor
            if size == "0.5 KB":
                found.append(Aim(2, name, "at most", MOST_MORE, more[1], more[0], "us more", *used))
            else:
                most = MOST_OF_SQL if pair.of_secret else MOST_TIMES
                found.append(Aim(2, name, "at most", most, times[1], times[0], "times a clean one", *used))
    return found, []


if __name__ == "__main__":
    alone("findings", aims, __doc__)
