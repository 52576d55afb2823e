"""How fast journals append and find, and how that grows with what they hold.

Run: .venv/bin/python bench/journal.py [EVENTS], up to 10^5 events by default, 10^6 on demand. Each back end is
filled with judged events of 6 KB, gzipped as the Datadog transport sends them, over a thousand jobs and a few orgs.
Appends are timed one by one, and in groups of 16 as the server makes them of 16 concurrent requests; a query's time
is the median over several runs, warm. PostgreSQL runs on this machine, each commit on the disk, as SQLite's are.
"""

from __future__ import annotations

import gzip
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from bench.judge import events
from mock_intake.journal import EventFilter, ExchangeFilter, Journal, MemoryJournal
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import Exchange, ReceivedRequest
from mock_intake.model.findings import Status
from tests.databases import Database

GROUP = 16
PAGE = 100
ORGS = ("org-main", "org-main", "org-main", "org-main", "org-main", "org-main", "org-two", "org-three")
STATUSES = (Status.OK,) * 15 + (Status.WARNING,) * 4 + (Status.ERROR,)
TYPES = ("START", "RUNNING", "COMPLETE")
_BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def exchanges(begin: int = 0) -> Iterator[Exchange]:
    """Accepted exchanges without end, three to a run, spread over orgs, jobs and statuses.

    One event in a hundred comes twice. ``begin`` leaves so many out at the beginning.
    """
    body = gzip.compress(events()["middle"])
    headers = (
        ("host", "data-obs-intake.datadoghq.com"),
        ("authorization", "Bearer ****cdef"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("user-agent", "python-requests/2.34"),
    )
    key = ("authorization", "Bearer 0123456789abcdef0123456789abcdef")
    received = ReceivedRequest(
        "x", "POST", "/api/v1/lineage", "", (*headers[:1], key, *headers[2:]), body, _BEGAN, "127.0.0.1:1", len(body)
    )
    judged = Intake().receive(received)
    assert judged.event is not None
    for number in itertools.count(begin):
        same_as = number - 1 if number % 100 == 99 else number
        run = same_as // 3
        event = replace(
            judged.event,
            # Ids as random as hashes are, and the same in every run.
            id=f"{same_as * 0x9E3779B97F4A7C15 % 2**64:016x}",
            status=STATUSES[same_as % len(STATUSES)],
            event_type=TYPES[same_as % 3],
            run_id=f"{run * 0x9E3779B97F4A7C15 % 2**64:016x}-run-{run:015d}",
            job_name=f"job-{run % 1000}",
            job_namespace=f"namespace-{run % 7}",
        )
        request = replace(judged.request, id=f"x{number:08x}", received_at=_BEGAN + timedelta(milliseconds=number))
        yield replace(judged, request=request, event=event, org=ORGS[run % len(ORGS)])


def queries(journal: Journal, size: int) -> dict[str, Callable[[], object]]:
    """What pages, commands and the control API ask for, by name."""
    (_, some), *_ = journal.read(size // 2, 1)
    assert some.event is not None
    event = some.event

    def page(**which: object) -> Callable[[], object]:
        return lambda: journal.events(EventFilter(**which), PAGE)  # type: ignore[arg-type]

    def count(**which: object) -> Callable[[], object]:
        return lambda: journal.count_events(EventFilter(**which))  # type: ignore[arg-type]

    org = "org-three"
    return {
        "newest page": page(),
        "page in the middle": lambda: journal.events(EventFilter(), PAGE, size // 2),
        "page of exchanges": lambda: journal.exchanges(ExchangeFilter(), PAGE),
        "page of an org's": lambda: journal.exchanges(ExchangeFilter(org=org), PAGE),
        "attempts of an event": lambda: journal.exchanges(ExchangeFilter(event_id=event.id), PAGE),
        "events: org": page(org=org),
        "events: status": page(status=Status.ERROR),
        "events: kind": page(kind="RunEvent"),
        "events: no such kind": page(kind="JobEvent"),
        "events: type": page(event_type="COMPLETE"),
        "events: no such type": page(event_type="FAIL"),
        "events: namespace": page(job_namespace="namespace-3"),
        "events: job": page(job_name="job-321"),
        "events: a run": page(run_id=event.run_id),
        "events: org, status": page(org=org, status=Status.ERROR),
        "events: org, no such type": page(org=org, event_type="FAIL"),
        "events: org, job": page(org=org, job_name="job-321"),
        "events: namespace, job": page(job_namespace="namespace-3", job_name="job-321"),
        "events: status, type": page(status=Status.ERROR, event_type="START"),
        "count": count(),
        "count: org": count(org="org-main"),
        "count: status ok": count(status=Status.OK),
        "count: kind": count(kind="RunEvent"),
        "count: org, status": count(org="org-main", status=Status.OK),
        "count: namespace": count(job_namespace="namespace-3"),
        "count: job": count(job_name="job-321"),
        "one event": lambda: journal.event(event.id),
        "one exchange": lambda: journal.exchange(some.id),
        "attempts": lambda: journal.attempts(event.id),
        "100 by position": lambda: journal.read(size // 2, PAGE),
    }


def milliseconds(call: Callable[[], object], least: int = 3, budget: float = 0.1) -> float:
    """The median of a warm call."""
    call()
    times: list[float] = []
    until = time.perf_counter() + budget
    while len(times) < least or (time.perf_counter() < until and len(times) < 100):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def fill(journal: Journal, source: Iterator[Exchange], count: int, group: int) -> float:
    """Appends so many exchanges; how many went in per second, their making not counted."""
    spent = 0.0
    left = count
    while left > 0:
        batch = [next(source) for _ in range(min(group, left))]
        began = time.perf_counter()
        journal.append(batch)
        spent += time.perf_counter() - began
        left -= len(batch)
    return count / spent


def sizes(most: int) -> list[int]:
    powers = [10**power for power in range(4, 10) if 10**power <= most]
    return powers if powers and powers[-1] == most else [*powers, most]


def measure(name: str, journal: Journal, most: int) -> dict[int, dict[str, float]]:
    """Appends per second and milliseconds of queries, for each size on the way."""
    measured: dict[int, dict[str, float]] = {}
    source = exchanges()
    held = 0
    for size in sizes(most):
        singly = min(500, size // 10)
        rate = fill(journal, source, size - held - singly, GROUP)
        rates = {f"appends/s by {GROUP}": rate, "appends/s by 1": fill(journal, source, singly, 1)}
        held = size
        measured[size] = rates | {title: milliseconds(call) for title, call in queries(journal, size).items()}
        print(f"  {name}: {size:,} held", file=sys.stderr)
    return measured


def main(arguments: list[str]) -> int:
    most = int(float(arguments[0])) if arguments else 10**5
    if most < 1000:
        print("give the number of events, 1000 at least", file=sys.stderr)
        return 2
    results = {"memory": measure("memory", MemoryJournal(most * 2, most * 10_000), most)}
    with tempfile.TemporaryDirectory(prefix="journal-bench-") as folder:
        file = Path(folder) / "journal.db"
        journal = SqliteJournal(file)
        results["sqlite"] = measure("sqlite", journal, most)
        megabytes = file.stat().st_size / 1e6
        journal.close()
        began = time.perf_counter()
        kept = SqliteJournal(file, retention=Retention(exchanges=most, bytes=most * 10_000, hours=1e6))
        opened = (time.perf_counter() - began) * 1000
        bounded = fill(kept, exchanges(most), 2000, GROUP)
        kept.close()
    database = Database("shared_buffers=256MB", "max_wal_size=4GB", "log_checkpoints=off")
    try:
        url = database.create()
        shared = PostgresJournal(url)
        results["postgres"] = measure("postgres", shared, most)
        shared.close()
        (room,) = database.execute("SELECT pg_database_size(current_database())", url.rpartition("/")[2])[0]
    finally:
        database.end()
    print(f"Python {sys.version.split()[0]}; appends per second, then milliseconds of warm queries (pages of {PAGE});")
    print("growth: the last column of a back end to its first")
    columns = {name: list(by_size) for name, by_size in results.items()}
    print(f"{'':>26}" + "".join(f"{name:>10}" * len(held) + " " * 8 for name, held in columns.items()))
    print(f"{'':>26}" + "".join("".join(f"{size:>10,}" for size in held) + "  growth" for held in columns.values()))
    for title in results["memory"][columns["memory"][0]]:
        line = f"{title:>26}"
        for name, held in columns.items():
            values = [results[name][size][title] for size in held]
            line += "".join(f"{value:>10,.0f}" if "/s" in title else f"{value:>10.2f}" for value in values)
            line += f"{values[-1] / values[0]:>7.1f}x"
        print(line)
    print(f"sqlite: {megabytes:,.0f} MB on disk, opened in {opened:.0f} ms")
    print(f"sqlite: {bounded:,.0f} appends/s by {GROUP} with retention at {most:,}")
    print(f"postgres: {room / 1e6:,.0f} MB in the database")
    group = f"appends/s by {GROUP}"
    rates = [results[name][most][group] for name in ("postgres", "sqlite")]
    print(f"postgres: {rates[0] / rates[1]:.2f} of sqlite's appends by {GROUP} at {most:,} (aim: at least 0.5)")
    slowest = {
        name: max(value for title, value in results[name][most].items() if "/s" not in title)
        for name in ("sqlite", "postgres")
    }
    print(
        f"slowest query at {most:,}: sqlite {slowest['sqlite']:.0f} ms, postgres {slowest['postgres']:.0f} ms", end=""
    )
    print(" (aim: at most 100 and 20)")
    return 0 if slowest["sqlite"] <= 100 and slowest["postgres"] <= 20 and rates[0] >= rates[1] / 2 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
