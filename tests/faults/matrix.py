"""Measures what the real clients do when the intake misbehaves: every fault with every client, side by side."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import Exchange, header
from mock_intake.secrets.api_keys import org_of
from tests.events import run_event
from tests.programs import body_of

# The Python client's own time-out, and what a retry of an unanswered request waits for at most.
DEFAULT_TIMEOUT = 5.0
# In plans: where a redirect leads, to be replaced by the URLs of the servers.
HERE = "http://this-intake"
ELSEWHERE = "http://another-origin"

# So many of either kind at once: enough that the longest wait decides how long it takes, and few enough that what
# is measured are the clients' waits, not the machine's load.
_PARALLEL = 12

HTTP, SYNC, ASYNC = "HTTP transport", "Datadog transport, sync route", "Datadog transport, async route"
PYTHON_CLIENTS = {HTTP: "http", SYNC: "datadog", ASYNC: "async"}
CURLS: dict[str, tuple[str, ...]] = {
    "curl": (),
    "curl --retry 3": ("--retry", "3"),
    "curl --fail --retry 3 --retry-all-errors": ("--fail", "--retry", "3", "--retry-all-errors"),
}
CLIENTS = (*CURLS, *PYTHON_CLIENTS)


@dataclass(frozen=True)
class Fault:
    """A plan to measure, with the time that clients are told to wait for an answer (seconds)."""

    name: str
    sequence: tuple[Any, ...]
    repeat_last: bool = False
    timeout: float = DEFAULT_TIMEOUT

    @property
    def plan(self) -> dict[str, Any]:
        always = {"repeat_last": True} if self.repeat_last else {}
        return {"sequence": list(self.sequence), **always}


def _status(status: int, **headers: str) -> dict[str, Any]:
    return {"step": status, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def _redirect(origin: str) -> dict[str, Any]:
    return {"step": "redirect", "location": origin + INTAKE_PATH}


FAULTS = (
    Fault("500 once", (500,)),
    Fault("502 once", (502,)),
    Fault("503 once", (503,)),
    Fault("504 once", (504,)),
    Fault("503 with Retry-After: 1, once", (_status(503, Retry_After="1"),)),
    Fault("503 always", (503,), repeat_last=True),
    Fault("429 once", (429,)),
    Fault("429 with Retry-After: 1, once", (_status(429, Retry_After="1"),)),
    Fault("400 once", (400,)),
    Fault("403 once", (403,)),
    Fault("413 once", (413,)),
    Fault("close once", ("close",)),
    Fault("close always", ("close",), repeat_last=True),
    Fault("reset once", ("reset",)),
    Fault("lost once", ("lost",)),
    Fault("truncate once", ("truncate",)),
    Fault("drip once", ("drip",)),
    Fault("garbage once", ("garbage",)),
    Fault("redirect to this origin, once", (_redirect(HERE),)),
    Fault("redirect to another origin, once", (_redirect(ELSEWHERE),)),
    Fault("hang once", ("hang",), timeout=3),
    # Short, as clients that send again six times would otherwise take 40 seconds to give up.
    Fault("hang always", ("hang",), repeat_last=True, timeout=0.3),
    Fault("answer late, in time", ({"step": 202, "delay": 1},)),
    Fault("answer too late, once", ({"step": 202, "delay": 5},), timeout=3),
)


@dataclass(frozen=True)
class Row:
    """What one client did about one fault: a line of the table.

    ``waits``: seconds from each attempt's arrival to the next one's. ``caller``: what its caller gets to know.
    ``accepted``: how many attempts the intake took.
    """

    attempts: int
    waits: tuple[float, ...]
    caller: str
    delivered: bool
    accepted: int


@dataclass(frozen=True)
class _Cell:
    fault: Fault
    client: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def id(self) -> str:
        return f"{self.fault.name} | {self.client}"


@dataclass(frozen=True)
class Measured:
    """All rows by fault and client, and what reached the other origin that redirects lead to."""

    rows: dict[tuple[str, str], Row]
    elsewhere: list[Exchange]

    @property
    def keys_elsewhere(self) -> int:
        """How many requests brought a key to the other origin."""
        return sum(1 for exchange in self.elsewhere if header(exchange.request.headers, "authorization") is not None)


def measure() -> Measured:
    """Runs every client against every fault; each pair has a key, and so a plan, of its own. About 15 seconds."""
    cells = [_Cell(fault, client) for fault in _longest_first(FAULTS) for client in CLIENTS]
    with (
        IntakeServer() as here,
        IntakeServer() as elsewhere,
        tempfile.TemporaryDirectory(prefix="mock-intake-") as home,
        ThreadPoolExecutor(_PARALLEL + 1) as pool,
    ):
        for cell in cells:
            plan = json.dumps(cell.fault.plan).replace(HERE, here.url).replace(ELSEWHERE, elsewhere.url)
            here.faults.set(parse_plan(plan, org_of(cell.key)))
        python = [cell for cell in cells if cell.client in PYTHON_CLIENTS]
        curls = [cell for cell in cells if cell.client in CURLS]
        from_python = pool.submit(_run_python, python, here.url, Path(home))
        from_curl = pool.map(lambda cell: _run_curl(cell, here.url, Path(home)), curls)
        callers = {cell.id: caller for cell, caller in zip(curls, from_curl, strict=True)} | from_python.result()
    exchanges = [exchange for server in (here, elsewhere) for _, exchange in server.journal.read(0, 10_000)]
    by_run: dict[str, list[Exchange]] = {}
    for exchange in sorted(exchanges, key=lambda exchange: exchange.received_at):
        by_run.setdefault(body_of(exchange)["run"]["runId"], []).append(exchange)
    return Measured(
        {(cell.fault.name, cell.client): _row(by_run[cell.run_id], callers[cell.id]) for cell in cells},
        [exchange for _, exchange in elsewhere.journal.read(0, 10_000)],
    )


def steadied(times: Sequence[Measured]) -> Measured:
    """Several measurements as one: the median of every wait. Raises ``ValueError`` where the clients did not agree."""
    rows = {}
    for cell, row in times[0].rows.items():
        same = [measured.rows[cell] for measured in times]
        if len({replace(other, waits=(0.0,) * len(other.waits)) for other in same}) > 1:
            raise ValueError(f"{cell}: not the same every time: {same}")
        rows[cell] = replace(row, waits=tuple(median(waits) for waits in zip(*(o.waits for o in same), strict=True)))
    return Measured(rows, times[0].elsewhere)


def _longest_first(faults: Iterable[Fault]) -> list[Fault]:
    """What goes on until the clients give up begins first, so that it doesn't end last."""
    return sorted(faults, key=lambda fault: not fault.repeat_last)


def _row(exchanges: list[Exchange], caller: str) -> Row:
    moments = [exchange.received_at for exchange in exchanges]
    accepted = sum(exchange.accepted for exchange in exchanges)
    return Row(
        attempts=len(exchanges),
        waits=tuple(round((later - earlier).total_seconds(), 1) for earlier, later in pairwise(moments)),
        caller=caller,
        delivered=accepted > 0,
        accepted=accepted,
    )


def _run_python(cells: list[_Cell], url: str, home: Path) -> dict[str, str]:
    jobs = [
        {
            "id": cell.id,
            "client": PYTHON_CLIENTS[cell.client],
            "url": url,
            "key": cell.key,
            "run_id": cell.run_id,
            "timeout": cell.fault.timeout,
        }
        for cell in cells
    ]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("producer.py")],
        input=json.dumps({"parallel": _PARALLEL, "jobs": jobs}),
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    return {cell.id: _python_caller(outcomes[cell.id]) for cell in cells}


def _python_caller(outcome: dict[str, Any]) -> str:
    """What the caller of ``emit`` and ``close`` gets to know, in words."""
    words = "returns"
    if outcome["raised"]:
        words = f"raises {outcome['raised']}"
        if outcome["status"]:
            words += f" {outcome['status']}"
    if outcome["logged"]:
        words += f", logs {outcome['logged']}"
    if outcome["closed"] is not True:
        words += f", close() gives {outcome['closed']}"
    return words


def _run_curl(cell: _Cell, url: str, home: Path) -> str:
    done = subprocess.run(
        [
            "curl", "-sS", "-X", "POST", url + INTAKE_PATH,
            "-H", f"Authorization: Bearer {cell.key}",
            "-H", "Content-Type: application/json",
            "--max-time", str(cell.fault.timeout),
            *CURLS[cell.client],
            "-d", json.dumps(run_event(run={"runId": cell.run_id})),
        ],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    return f"exit {done.returncode}"
