"""``python -m tests.same.make_journal`` makes ``inputs/journal.ndjson``, the recording behind pages and reports.

It was made once and stays as it is: the record of pages is of these exchanges. Make it anew only where an exported
exchange has got a new form, and say so. What differs from run to run (ids, times, ports) is fixed here afterwards.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.same.fakes import Event, line, seeded
from tests.same.serving import KEY, Headers, Served, framed, said, serving

INPUTS = Path(__file__).parent / "inputs"
JOURNAL = INPUTS / "journal.ndjson"
OTHER_KEY = "fedcba9876543210fedcba9876543210"
# Recordings with findings over runs and datasets, and with what lineage and families of runs are drawn of.
CASES = (
    "10-parent-changes",
    "11-three-deep-middle-missing",
    "13-upper-parent",
    "20b-near-bigquery-case",
    "34-symlink-joins-two-names",
    "43-error-on-running-then-fail",
    "48-retime",
    "53-complete-snapshot",
    "55-fail-then-complete",
    "59-explicit-lineage-facet",
)
# Microseconds since 1970: 2 November 2026, 08:00 UTC, the morning after the made-up events.
_BEGAN = 1_793_606_400_000_000
_EVERY = 1_730_000


def make(folder: Path) -> bytes:
    """The recording, from an intake that takes what is good, bad, late and astray."""
    with serving(folder, "--agent-port", "0", "--api-key", KEY, "--api-key", OTHER_KEY) as intake:
        _send(intake)
        exported = intake.ask("/api/mock/v1/export?what=exchanges").body
    return b"".join(_fixed(number, json.loads(text)) for number, text in enumerate(exported.splitlines()))


def _send(intake: Served) -> None:
    for event in _well_behaved():
        _post(intake, KEY, line(event))
    for name in CASES:
        for body in (INPUTS / "cases" / "folds" / f"{name}.ndjson").read_bytes().splitlines():
            _post(intake, OTHER_KEY, body)
    for rule in ("DD101", "OL006", "OL103", "DD202"):
        _post(intake, KEY, line(seeded(rule).broken_event(rule)))
    for rule in ("HT001", "HT102", "HT201", "HT203", "HT301"):
        [request] = seeded(rule).broken_requests(rule)
        sent = framed(request.method, request.target, request.headers.items(), request.body)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        said(intake.url, sent.replace(key.encode(), KEY.encode()) if key else sent)
    intake.control("/faults", "PUT", {"sequence": [503, "reset", {"step": 429, "headers": {"Retry-After": "1"}}]})
    again = line(seeded("again").run_event(eventType="START"))
    for _ in range(4):
        _post(intake, KEY, again)
    through = framed("POST", "/openlineage/api/v1/lineage", _headers(None), line(seeded("agent").job_event()))
    said(str(intake.ready["agent_url"]), through)


def _well_behaved() -> Iterator[Event]:
    nightly = seeded("nightly").run_cycle(children=2, platform="PostgreSQL")
    yield from nightly
    yield from seeded("failed").run_cycle("FAIL", parent=nightly[0], platform="PostgreSQL")
    yield from seeded("streaming").run_cycle(None, running=2, platform="Kafka")
    yield seeded("job").job_event(platform="Snowflake")
    yield seeded("dataset").dataset_event(platform="Snowflake")


def _headers(key: str | None) -> Headers:
    authorization = [] if key is None else [("Authorization", f"Bearer {key}")]
    return [*authorization, ("Content-Type", "application/json"), ("User-Agent", "acme-etl/4.2.0")]


def _post(intake: Served, key: str, body: bytes) -> None:
    said(intake.url, framed("POST", "/api/v1/lineage", _headers(key), body))


def _fixed(number: int, exchange: dict[str, Any]) -> bytes:
    exchange["id"] = f"5a3e{number:016x}"
    exchange["received_at"] = _BEGAN + number * _EVERY
    exchange["peer"] = f"127.0.0.1:{40_000 + number}"
    if exchange["hop"] is not None:
        exchange["hop"][3] = f"127.0.0.1:{41_000 + number}"
    return json.dumps(exchange, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made_in:
        made = make(Path(made_in))
    JOURNAL.write_bytes(made)
    sys.stdout.write(f"{JOURNAL.name}: {len(made.splitlines())} exchanges\n")
