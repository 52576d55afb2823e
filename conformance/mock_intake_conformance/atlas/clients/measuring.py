"""Measures every situation with every client that it is about: each pair is a process, with a key and a plan."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults.plans import parse_plan
from mock_intake.journal import walk
from mock_intake.model.exchange import Exchange, header
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.runner import IntakeServer
from mock_intake_conformance.atlas.clients.facts import Row
from mock_intake_conformance.atlas.clients.relay import Relay
from mock_intake_conformance.atlas.clients.situations import (
    CURLS,
    ELSEWHERE,
    HERE,
    PYTHON_CLIENTS,
    Situation,
)
from mock_intake_conformance.producer import refusing_address

# So many of either kind at once: enough that the longest wait decides how long it takes, and few enough that what is
# measured are the clients' waits, not the machine's load.
PARALLEL = 16
# No module of ours to import: it needs the client, in whatever version.
PROGRAM = Path(__file__).with_name("program.py")
_LEVELS = {30: "WARNING", 40: "ERROR", 50: "CRITICAL"}


@dataclass(frozen=True)
class Cell:
    """A situation with a client: what is run, and by what its requests are known."""

    situation: Situation
    client: str
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    random_key: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def id(self) -> str:
        return f"{self.situation.name} | {self.client}"

    @property
    def key(self) -> str:
        return self.situation.key or self.random_key


@dataclass(frozen=True)
class Measured:
    """All rows by situation and client, and what reached the other origin that redirects and files lead to."""

    rows: Mapping[tuple[str, str], Row]
    elsewhere: Sequence[Exchange]

    @property
    def keys_elsewhere(self) -> int:
        """How many requests brought a key to the other origin."""
        return sum(1 for exchange in self.elsewhere if header(exchange.request.headers, "authorization") is not None)


def measure(
    situations: Iterable[Situation], interpreter: str | Path = sys.executable, *, curl: bool = True
) -> Measured:
    """Runs the clients of ``situations``: those for Python that ``interpreter`` has, and ``curl``. About 20 seconds."""
    # What goes on until the clients give up begins first, so that it doesn't end last.
    ordered = sorted(situations, key=lambda situation: (not situation.repeat_last, -situation.timeout))
    cells = [Cell(situation, client) for situation in ordered for client in situation.clients]
    cells = [cell for cell in cells if cell.client not in CURLS or (curl and cell.situation.of_curl)]
    with ExitStack() as stack:
        here, elsewhere = (stack.enter_context(IntakeServer()) for _ in range(2))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mock-intake-")))
        refusing = "http://{}:{}".format(*stack.enter_context(refusing_address()))
        urls = {cell.id: _url(cell, here.url, refusing, stack) for cell in cells}
        for cell in cells:
            plan = _led(json.dumps(cell.situation.plan), here.url, elsewhere.url, cell.key)
            here.faults.set(parse_plan(plan, org_of(cell.key)))
        with ThreadPoolExecutor(PARALLEL + 1) as pool:
            python = [cell for cell in cells if cell.client in PYTHON_CLIENTS]
            jobs = [_job(cell, home, urls[cell.id], here.url, elsewhere.url) for cell in python]
            from_python = pool.submit(_run_python, jobs, interpreter, home)
            curls = [cell for cell in cells if cell.client in CURLS]
            from_curl = list(pool.map(lambda cell: _run_curl(cell, urls[cell.id], home), curls))
            outcomes = dict(zip((cell.id for cell in curls), from_curl, strict=True)) | from_python.result()
        exchanges = [[exchange for _, exchange in walk(server.journal)] for server in (here, elsewhere)]
    seen = _by_cell(cells, [*exchanges[0], *exchanges[1]])
    away = {exchange.id for exchange in exchanges[1]}
    rows = {(cell.situation.name, cell.client): _row(cell, seen[cell.id], outcomes[cell.id], away) for cell in cells}
    return Measured(rows, exchanges[1])


def _url(cell: Cell, here: str, refusing: str, stack: ExitStack) -> str:
    if cell.situation.refused:
        return refusing
    return stack.enter_context(Relay(here)).url if cell.situation.cuts_head else here


def _led(text: str, here: str, elsewhere: str, key: str) -> str:
    return text.replace(HERE, here).replace(ELSEWHERE, elsewhere).replace("{key}", key)


def _job(cell: Cell, home: Path, url: str, here: str, elsewhere: str) -> dict[str, Any]:
    situation, directory = cell.situation, home / cell.run_id
    directory.mkdir()
    for name, text in situation.files.items():
        (directory / name).write_text(_led(text, here, elsewhere, cell.key), encoding="utf-8")
    return {
        "id": cell.id,
        "client": PYTHON_CLIENTS[cell.client],
        "does": situation.does,
        "url": url,
        "key": cell.key,
        "run_id": cell.run_id,
        "timeout": situation.timeout,
        "patience": situation.patience,
        "directory": str(directory),
        "environment": {name: _led(text, here, elsewhere, cell.key) for name, text in situation.environment.items()},
    }


def _run_python(jobs: Sequence[Mapping[str, Any]], interpreter: str | Path, home: Path) -> dict[str, Mapping[str, Any]]:
    done = subprocess.run(  # noqa: S603 - the interpreter that was asked for, with a program of ours
        [str(interpreter), str(PROGRAM)],
        input=json.dumps({"parallel": PARALLEL, "jobs": jobs}),
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{interpreter}: {done.stderr}")
    outcomes: dict[str, Mapping[str, Any]] = json.loads(done.stdout)
    return outcomes


def _run_curl(cell: Cell, url: str, home: Path) -> Mapping[str, Any]:
    command = [
        "curl", "-sS", "-X", "POST", url + INTAKE_PATH,
        "-H", f"Authorization: Bearer {cell.key}",
        "-H", "Content-Type: application/json",
        "--max-time", str(cell.situation.timeout),
        *CURLS[cell.client],
        "-d", json.dumps(_event(cell.run_id)),
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            capture_output=True,
            timeout=cell.situation.patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"exit": None}
    return {"exit": done.returncode, "printed": []}


def _event(run_id: str) -> dict[str, Any]:
    job_type = {
        "_producer": "https://github.com/acme/etl",
        "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
        "processingType": "BATCH",
        "integration": "CUSTOM",
        "jobType": "JOB",
    }
    return {
        "eventType": "START",
        "eventTime": datetime.now(UTC).isoformat(),
        "producer": "https://github.com/acme/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_id},
        "job": {"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type}},
    }


def _by_cell(cells: Sequence[Cell], exchanges: Sequence[Exchange]) -> Mapping[str, list[Exchange]]:
    """The exchanges of each cell, in order: by their run, or by their key where a redirect has cost them their body."""
    by_run = {cell.run_id: cell.id for cell in cells}
    by_org = {org_of(cell.key): cell.id for cell in cells if cell.situation.key is None}
    found: dict[str, list[Exchange]] = {cell.id: [] for cell in cells}
    for exchange in sorted(exchanges, key=lambda exchange: exchange.received_at):
        run = exchange.event.run_id if exchange.event is not None else None
        cell = by_run.get(run or "") or by_org.get(exchange.org)
        if cell is not None:
            found[cell].append(exchange)
    return found


def _row(cell: Cell, exchanges: Sequence[Exchange], outcome: Mapping[str, Any], away: set[str]) -> Row:
    moments = [exchange.received_at for exchange in exchanges]
    taken = [exchange for exchange in exchanges if exchange.accepted and exchange.event is not None]
    at_home = {exchange.event.event_type for exchange in taken if exchange.event and exchange.id not in away}
    return Row(
        attempts=len(exchanges),
        waits=tuple(round((later - earlier).total_seconds(), 1) for earlier, later in pairwise(moments)),
        caller=_caller(cell, outcome),
        events=2 if cell.situation.does in ("ends_at_once", "ends_after_a_pause", "forks") else 1,
        delivered=len(at_home),
        accepted=len(taken),
        notes=tuple(_notes(exchanges, outcome, away, taken)),
    )


def _caller(cell: Cell, outcome: Mapping[str, Any]) -> str:
    """What the caller of ``emit`` and ``close``, or who started curl, gets to know, in words."""
    if outcome["exit"] is None:
        return f"still waiting after {cell.situation.patience:g} s"
    if cell.client in CURLS:
        return f"exit {outcome['exit']}"
    words = "returns"
    if outcome.get("raised"):
        words = f"raises {outcome['raised']}"
        if outcome["status"]:
            words += f" {outcome['status']}"
    if outcome["logged"]:
        words += f", logs {_LEVELS.get(outcome['logged'], outcome['logged'])}"
    if outcome.get("closed", True) is not True:
        words += f", close() gives {outcome['closed']}"
    if outcome["exit"]:
        words += f", exit {outcome['exit']}"
    return words


def _notes(
    exchanges: Sequence[Exchange], outcome: Mapping[str, Any], away: set[str], taken: Sequence[Exchange]
) -> Iterable[str]:
    if outcome.get("printed"):
        yield f"its key is in {' and '.join(outcome['printed'])}"
    if outcome.get("event_printed") and not exchanges:
        yield "the event is printed"
    if any(exchange.id in away for exchange in taken):
        yield "went to the other origin"
    schemes = {(header(e.request.headers, "authorization") or "none").split(" ")[0] for e in exchanges}
    if schemes - {"Bearer"}:
        yield f"Authorization: {', '.join(sorted(schemes))}"
    methods = {exchange.request.method for exchange in exchanges} - {"POST"}
    if methods:
        yield f"sent again as {', '.join(sorted(methods))}"
    if any(exchange.response.status_code == 401 and exchange.id not in away for exchange in exchanges):
        yield "refused with 401"
