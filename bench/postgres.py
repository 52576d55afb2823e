"""How a shared intake on PostgreSQL scales: appends by several writers, and ``serve`` by several workers.

Run: .venv/bin/python -m bench.postgres [appends] [workers] [queries] [start] [--rounds N] [--events N].

All is on one machine, which the database, the servers and the client share: so the processor time of each is measured
beside the clock, and what the machine lacks to show a ratio by the clock is calculated from that and said to be
calculated. Figures of a machine that does something else at the time are worth little; ``load`` tells.

* appends: 16 clients' groups to SQLite, to PostgreSQL by one replica, by two replicas in processes of their own.
* workers: ``serve --workers`` 1 and 2, events of 6 KB, judged, gzipped, no two alike, over 32 connections.
* queries: those of ``bench/journal.py`` with a million events on record, warm; filled by 500 at once, without waiting
  for the disk, as it is not what is measured.
* start: until a replica that has just started has folded runs, lineage and counts of so many events: the first, which
  reads the bodies, and one after it, which reads what the first has taken of them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

import psutil
from msgspec.structs import replace

from bench import intake
from bench.journal import GROUP, exchanges, fill, milliseconds, queries
from mock_intake.journal import Journal
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from mock_intake.system.collector import spare_the_collector
from mock_intake.views import Views
from tests.databases import Database

APPENDS = 8_000
CONNECTIONS = 32
SETTINGS = ("shared_buffers=256MB", "max_wal_size=4GB", "log_checkpoints=off")
AIM_OF_SQLITE, AIM_OF_REPLICAS, AIM_OF_WORKERS = 0.5, 1.1, 1.6
# Milliseconds.
AIM_OF_QUERIES = 20


class Appended(NamedTuple):
    """Appends per second, and processor time (microseconds) of the writers and of the database for each."""

    rate: float
    own: float
    database: float


def processor_time(*roots: int) -> float:
    """Of processes and of all that they have started and runs, in seconds."""
    processes = [each for pid in roots for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    spent = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def _made(begin: int, count: int) -> list[list[Exchange]]:
    source = exchanges(begin)
    # Ids are given once, so those of two writers are of different kinds.
    made = [replace(each, request=replace(each.request, id=f"{begin:x}-{each.id}")) for each in islice(source, count)]
    return [made[at : at + GROUP] for at in range(0, count, GROUP)]


def _write(open_journal: Callable[[], Journal], begin: int, count: int, barrier: Barrier, spent: object) -> None:
    """A writer in a process of its own: says how long it took, and its own processor time."""
    groups = _made(begin, count)
    journal = open_journal()
    journal.append(groups[0])
    barrier.wait()
    used, began = time.process_time(), time.perf_counter()
    for group in groups[1:]:
        journal.append(group)
    spent.put((count - GROUP, time.perf_counter() - began, time.process_time() - used))  # type: ignore[attr-defined]
    journal.close()


def appended(open_journal: Callable[[], Journal], writers: int, database: int | None) -> Appended:
    """So many writers append beside each other."""
    context = multiprocessing.get_context("fork")
    barrier, spent = context.Barrier(writers + 1), context.Queue()
    processes = [
        context.Process(target=_write, args=(open_journal, number << 40, APPENDS, barrier, spent))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    before = processor_time(database) if database else 0.0
    results = [spent.get() for _ in processes]
    after = processor_time(database) if database else 0.0
    for process in processes:
        process.join()
    number = sum(each[0] for each in results)
    return Appended(
        number / max(each[1] for each in results),
        sum(each[2] for each in results) / number * 1e6,
        (after - before) / number * 1e6,
    )


def compare_appends(rounds: int) -> bool:
    seen: dict[str, list[Appended]] = {"sqlite": [], "one replica": [], "two replicas": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="postgres-bench-") as folder:
            file = Path(folder) / "journal.db"
            seen["sqlite"].append(appended(lambda file=file: SqliteJournal(file), 1, None))  # type: ignore[misc]
        database = Database(*SETTINGS)
        try:
            for name, writers in (("one replica", 1), ("two replicas", 2)):
                url = database.create()
                PostgresJournal(url).close()
                seen[name].append(appended(lambda url=url: PostgresJournal(url), writers, database.pid))  # type: ignore[misc]
        finally:
            database.end()
    print(f"appends by {GROUP}, medians of {rounds} rounds; CPU us per append")
    print(f"{'':>14} {'per second':>11} {'of writers':>11} {'of database':>12}")
    medians = {name: Appended(*map(statistics.median, zip(*each, strict=True))) for name, each in seen.items()}
    for name, each in medians.items():
        print(f"{name:>14} {each.rate:>11,.0f} {each.own:>11.0f} {each.database:>12.0f}")
    of_sqlite = statistics.median(
        one.rate / other.rate for one, other in zip(seen["one replica"], seen["sqlite"], strict=True)
    )
    of_one = statistics.median(
        two.rate / one.rate for two, one in zip(seen["two replicas"], seen["one replica"], strict=True)
    )
    print(f"one replica: {of_sqlite:.2f} of SQLite's rate (aim {AIM_OF_SQLITE})")
    print(f"two replicas: {of_one:.2f} of one's (aim {AIM_OF_REPLICAS})")
    return of_sqlite >= AIM_OF_SQLITE and of_one >= AIM_OF_REPLICAS


class Served(NamedTuple):
    """Events per second; processor time (us) for each, of servers, database and client; how many cores were in use."""

    rate: float
    servers: float
    database: float
    client: float
    cores: float


def served(workers: int, database: Database) -> Served:
    """One round with so many workers."""
    with tempfile.TemporaryDirectory(prefix="postgres-bench-") as name:
        ready = Path(name) / "ready.json"
        serve = [str(Path(sys.executable).with_name("mock-intake")), "serve", "--port", "0", "--ready-file", str(ready)]
        options = ["--journal", database.create(), "--workers", str(workers)]
        process = subprocess.Popen([*serve, *options], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        try:
            url = intake.server_url(ready, process)
            address = url.removeprefix("http://").split(":")
            load = [sys.executable, "-m", "bench.intake", "load", *address, str(process.pid), "gzip", str(CONNECTIONS)]
            client = subprocess.Popen(load, stdout=subprocess.PIPE)  # noqa: S603 - our own
            assert client.stdout is not None
            # It makes its events, and warms up, before it counts.
            client.stdout.readline()
            before = [processor_time(pid) for pid in (process.pid, database.pid, client.pid)]
            began = time.perf_counter()
            time.sleep(intake.SECONDS)
            after = [processor_time(pid) for pid in (process.pid, database.pid, client.pid)]
            spent = time.perf_counter() - began
            rate = json.loads(client.stdout.read())[0]
            if client.wait() != 0:
                raise RuntimeError("the client failed")
        finally:
            process.terminate()
            process.wait()
    used = [second - first for first, second in zip(before, after, strict=True)]
    servers, of_database, of_client = (one / (rate * spent) * 1e6 for one in used)
    return Served(rate, servers, of_database, of_client, sum(used) / spent)


def compare_workers(rounds: int) -> bool:
    seen: dict[int, list[Served]] = {1: [], 2: []}
    database = Database(*SETTINGS)
    try:
        for _ in range(rounds):
            for workers, each in seen.items():
                each.append(served(workers, database))
    finally:
        database.end()
    print(f"serve --workers, events of 6 KB gzipped, {CONNECTIONS} connections, {rounds} rounds; CPU us per event")
    print(f"{'workers':>8} {'events/s':>9} {'servers':>8} {'database':>9} {'client':>7} {'cores in use':>13}")
    medians = {workers: Served(*map(statistics.median, zip(*each, strict=True))) for workers, each in seen.items()}
    for workers, one in medians.items():
        spent = f"{one.servers:>8.0f} {one.database:>9.0f} {one.client:>7.0f} {one.cores:>13.2f}"
        print(f"{workers:>8} {one.rate:>9,.0f} {spent}")
    one, two = medians[1], medians[2]
    measured = statistics.median(second.rate / first.rate for first, second in zip(seen[1], seen[2], strict=True))
    # A worker uses one core at most: two have twice the room of one, where database and client have cores of their own.
    calculated, rate = 2 * one.servers / two.servers, 2e6 / two.servers
    cores = os.cpu_count() or 1
    # What there is room for here at most: workers have a core each at most, and all there is has these.
    rooms = [
        min(workers / each.servers, cores / (each.servers + each.database + each.client))
        for workers, each in medians.items()
    ]
    print(f"two workers: {measured:.2f} of one by the clock, on {cores} cores that client and database share, which")
    print(f"have room for {rooms[1] / rooms[0]:.2f} by the processor time of all, where nothing else runs")
    print(f"calculated from processor time, with cores enough: {calculated:.2f} (aim {AIM_OF_WORKERS}),")
    print(f"{rate:,.0f} events/s, for which the database would use {rate * two.database / 1e6:.2f} cores")
    return max(measured, calculated) >= AIM_OF_WORKERS


def time_queries(events: int) -> bool:
    database = Database(*SETTINGS, "fsync=off")
    try:
        journal = PostgresJournal(database.create())
        rate = fill(journal, exchanges(), events, 500)
        took = {name: milliseconds(call) for name, call in queries(journal, events).items()}
        journal.close()
    finally:
        database.end()
    print(f"{events:,} events, put there at {rate:,.0f} per second by 500; milliseconds, medians, warm")
    for name, each in took.items():
        print(f"{name:>26} {each:>8.2f}")
    print(f"slowest: {max(took.values()):.1f} ms (aim {AIM_OF_QUERIES}); load {os.getloadavg()[0]:.1f} at the end")
    return max(took.values()) <= AIM_OF_QUERIES


class Started(NamedTuple):
    """Until all is folded: seconds, processor time (us) of the replica and of the database for each event."""

    seconds: float
    own: float
    database: float


def started(url: str, events: int, database: int) -> Started:
    """Of a process that has done nothing else, with the settings of a server."""
    context = multiprocessing.get_context("fork")
    before, spent = processor_time(database), context.Queue()

    def start() -> None:
        spare_the_collector()
        used, began = time.process_time(), time.perf_counter()
        journal = PostgresJournal(url)
        views = Views(journal)
        while views.catch_up(1.0):
            pass
        spent.put((time.perf_counter() - began, time.process_time() - used))
        journal.close()

    process = context.Process(target=start)
    process.start()
    seconds, own = spent.get()
    process.join()
    return Started(seconds, own / events * 1e6, (processor_time(database) - before) / events * 1e6)


def time_starts(events: int) -> bool:
    database = Database(*SETTINGS, "fsync=off")
    try:
        url = database.create()
        journal = PostgresJournal(url)
        fill(journal, exchanges(), events, 500)
        journal.close()
        first, later = (started(url, events, database.pid) for _ in range(2))
    finally:
        database.end()
    print(f"{events:,} events, until all is folded; CPU us per event; load {os.getloadavg()[0]:.1f} at the end")
    print(f"{'replica':>14} {'seconds':>9} {'own':>6} {'database':>9}")
    for name, each in (("the first", first), ("one after it", later)):
        print(f"{name:>14} {each.seconds:>9.1f} {each.own:>6.0f} {each.database:>9.0f}")
    return later.own + later.database < first.own + first.database


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.postgres")
    parser.add_argument("parts", nargs="*", help="appends, workers, queries, start; all where none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=lambda text: int(float(text)), default=10**6)
    options = parser.parse_args(arguments)
    parts = {
        "appends": lambda: compare_appends(options.rounds),
        "workers": lambda: compare_workers(options.rounds),
        "queries": lambda: time_queries(options.events),
        "start": lambda: time_starts(options.events),
    }
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    met = [parts[name]() for name in options.parts or parts]
    print("aims met" if all(met) else "aims missed")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
