"""How long pages take until something is painted, in a real browser, over a long record.

Run: make bench-pages, or .venv/bin/python -m bench.pages [EVENTS], 100,000 by default. Both back ends hold them,
judged and gzipped as in bench/journal.py, over a few orgs and thousands of jobs; one more org has a lineage of 2,000
nodes. First the pages are opened while the views still read the record, as after a start; then, when these have seen
all, each page is opened several times. Times are Chromium's own first contentful paint, the request included.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from bench.journal import exchanges, fill
from bench.judge import PRODUCER, facet
from mock_intake import IntakeServer
from mock_intake.journal import EventFilter, ExchangeFilter, Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import Exchange, ReceivedRequest
from mock_intake.secrets.api_keys import org_of
from tests.browser import chromium

NODES = 2_000
KEY = "0123456789abcdef0123456789abcdef"
ORG = org_of(KEY)
LOADS = 5
AIM, LINEAGE_AIM = 500, 2_000
PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)[0] ?? null"
WHOLE = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def lineage(nodes: int) -> Iterator[Exchange]:
    """An event of each of half as many jobs; each writes a dataset, and reads one or two of those written before."""
    intake, chance = Intake(), random.Random(7)
    job_type = facet("JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="CUSTOM", jobType="JOB")
    for number in range(nodes // 2):
        reads = {max(0, number - chance.randint(1, 40)) for _ in range(chance.randint(1, 2))} if number else set()
        event = {
            "eventType": "COMPLETE",
            "eventTime": "2026-11-01T12:00:00Z",
            "producer": PRODUCER,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
            "job": {"namespace": "prod", "name": f"build_table_{number:04d}", "facets": {"jobType": job_type}},
            "inputs": [_table(one) for one in sorted(reads)],
            "outputs": [_table(number)],
        }
        body = orjson.dumps(event)
        headers = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
        received = datetime(2026, 11, 2, tzinfo=UTC)
        yield intake.receive(
            ReceivedRequest(f"l{number:08x}", "POST", "/api/v1/lineage", "", headers, body, received, None, len(body))
        )


def _table(number: int) -> dict[str, Any]:
    return {"namespace": "postgres://warehouse:5432", "name": f"shop.public.table_{number:04d}"}


def addresses(journal: Journal) -> dict[str, str]:
    """What is opened, by name."""
    page = journal.events(EventFilter(org="org-main"), 1).items[0]
    event, exchange = page.summary, journal.exchanges(ExchangeFilter(), 1).items[0]
    dataset = "namespace=postgres%3A%2F%2Fwarehouse%3A5432&name=shop.public.table_0900"
    return {
        "events": "events",
        "events, status=error": "events?status=error",
        "events, org, job": "events?org=org-three&job_name=job-322",
        "events, rule=DD101": "events?rule=DD101",
        "events, text= that all have": "events?text=column_1",
        "events, text= that none has": "events?text=nothing+has+this",
        "events, no such type": "events?event_type=FAIL",
        "event": f"events/{event.id}",
        "runs": "runs",
        "runs, state=RUNNING": "runs?state=RUNNING",
        "runs, the last of them": "runs?cursor=33000",
        "run": f"run?id={event.run_id}",
        "exchanges": "exchanges",
        "exchanges, refused": "exchanges?outcome=refused",
        "exchange": f"exchanges/{exchange.id}",
        "rules": "rules",
        "coverage": "coverage",
        "job": f"job?org={page.org}&namespace={event.job_namespace}&name={event.job_name}",
        "dataset": f"dataset?org={ORG}&{dataset}",
        "faults": "faults",
        "start": "start",
        "lineage, too many": "lineage?org=org-main",
        # Each by itself, as all were drawn before those of a namespace became one.
        f"lineage of {NODES:,} nodes": f"lineage?org={ORG}&each=1",
        "lineage, by namespaces": f"lineage?org={ORG}",
        "lineage around a dataset": f"lineage?org={ORG}&type=dataset&{dataset}",
    }


class Times(NamedTuple):
    """Milliseconds until something of the page's content was painted, and until all of it had been loaded."""

    paint: float
    whole: float


def load(context: BrowserContext, url: str) -> Times:
    # In a window of its own: a page that still waits for the views would load itself anew meanwhile.
    with context.new_page() as page:
        answer = page.goto(url, wait_until="load")
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{url}: {answer and answer.status}")
        until = time.perf_counter() + 30
        while (found := _painted(page)) is None:
            if time.perf_counter() > until:
                raise RuntimeError(f"{url} was never painted")
            page.wait_for_timeout(20)
        return found


def _painted(page: Page) -> Times | None:
    """The times of a page that was painted. One that still waits for the views loads itself anew, at any moment."""
    try:
        paint = page.evaluate(PAINT)
        return None if paint is None else Times(float(paint), float(page.evaluate(WHOLE)))
    except Error:
        return None


class Measured(NamedTuple):
    """The times of a page, once while the record is still read, and several times afterwards."""

    early: Times
    warm: list[Times]


def opened(context: BrowserContext, base: str, journal: Journal) -> dict[str, Measured]:
    pages = addresses(journal)
    load(context, f"{base}/mock/faults")  # the browser's own beginning, and styles
    early = {name: load(context, f"{base}/mock/{path}") for name, path in pages.items()}
    began = time.perf_counter()
    with context.new_page() as page:
        page.goto(f"{base}/mock/rules")
        page.get_by_role("heading", name="Rules").wait_for(timeout=600_000)
    print(f"  all was read {time.perf_counter() - began:.0f} s after the early look", file=sys.stderr)
    return {
        name: Measured(early[name], [load(context, f"{base}/mock/{path}") for _ in range(LOADS)])
        for name, path in pages.items()
    }


def measure(browser: Browser, journal: Journal, events: int) -> dict[str, Measured]:
    fill(journal, lineage(NODES), NODES // 2, 16)
    fill(journal, exchanges(), events, 16)
    # As `mock-intake serve` does.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 100)
    with (
        IntakeServer(journal=journal) as server,
        browser.new_context(viewport={"width": 1280, "height": 800}) as context,
    ):
        return opened(context, server.url, journal)


def main(arguments: list[str]) -> int:
    events = int(float(arguments[0])) if arguments else 100_000
    results = {}
    with tempfile.TemporaryDirectory(prefix="pages-bench-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        kept = SqliteJournal(Path(folder) / "journal.db")
        journals: dict[str, Journal] = {"memory": MemoryJournal(events * 2, events * 20_000), "sqlite": kept}
        for name, journal in journals.items():
            print(f"  {name}: {events:,} events", file=sys.stderr)
            results[name] = measure(browser, journal, events)
        kept.close()
        print(
            f"Python {sys.version.split()[0]}, Chromium {browser.version}; {events:,} events, milliseconds to the first"
        )
        print(f"contentful paint: early (while the record is read), then the median and the slowest of {LOADS} loads;")
        print("whole: the median until all was loaded")
        browser.close()
    print(f"{'':>30}" + "".join(f"{name:>10} early{'median':>8}{'slowest':>8}{'whole':>7}" for name in results))
    missed = []
    for title in next(iter(results.values())):
        aim = LINEAGE_AIM if f"{NODES:,}" in title else AIM
        line = f"{title:>30}"
        for name, measured in results.items():
            early, warm = measured[title]
            middle, slowest = statistics.median(one.paint for one in warm), max(one.paint for one in warm)
            whole = statistics.median(one.whole for one in warm)
            line += f"{early.paint:>16.0f}{middle:>8.0f}{slowest:>8.0f}{whole:>7.0f}"
            if max(middle, whole if aim == LINEAGE_AIM else 0) > aim:
                missed.append(f"{title} ({name})")
        print(line)
    print("over the aim of 0.5 s, 2 s for the lineage: " + (", ".join(missed) or "none"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
