"""Three new users' first minutes, as README and docs tell them, timed step by step: ``python -m bench.walk``.

A data engineer with an ETL, a platform engineer with a CI, and somebody who looks. The wheel is built and installed
into an empty environment, and then is done what the pages say, with their own blocks: the test of README.md, the script
of docs/how-to/ci.md, the first event of docs/tutorial.md. A step that does not end as the page says ends the walk with
1. What people need to read and to type is not in the seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

REPOSITORY = Path(__file__).parent.parent
_LIMIT = 600
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# As most people have it at first: all that the client asks for, and no facet.
ETL = """import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

FACETS = {}


def load_orders():
    client = OpenLineageClient()
    run = Run(str(uuid.uuid4()))
    for state in (RunState.START, RunState.COMPLETE):
        client.emit(RunEvent(
            eventType=state, eventTime=datetime.now(timezone.utc).isoformat(), run=run,
            job=Job("prod", "load_orders", facets=FACETS), producer="https://github.com/acme/etl",
            outputs=[OutputDataset("postgres://warehouse:5432", "shop.public.orders")],
        ))
    client.close()
"""
# What the advice of DD101 says.
MENDED = ETL.replace(
    "FACETS = {}",
    'FACETS = {"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")}',
)
# What the advice of resilience/job-survives-answers says.
SAFE = (
    MENDED.replace("        client.emit(", "        emit(client, ")
    + """

def emit(client, event):
    try:
        client.emit(event)
    except Exception:
        logging.exception("lineage was lost")
"""
)
SAFE = SAFE.replace("import uuid", "import logging\nimport uuid", 1)
JOB = "import my_etl\n\nmy_etl.load_orders()\n"


class WrongTurnError(Exception):
    """A step did not end as the page says."""


class Step(NamedTuple):
    """What was done, by whom, and how long (seconds) it took."""

    who: str
    what: str
    seconds: float


class Walk:
    """Walks in ``directory``, with the commands that ``environment`` finds, and notes the ``steps``."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = {**environment, "HOME": str(directory)}
        self.steps: list[Step] = []

    def step(self, who: str, what: str, command: str, *, code: int = 0, says: str = "") -> str:
        """Runs ``command``, which has to end with ``code`` and to say ``says``. Raises ``WrongTurnError``."""
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603
            ["bash", "-c", command],  # noqa: S607
            cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=_LIMIT, check=False,
        )  # fmt: skip
        self.steps.append(Step(who, what, time.perf_counter() - began))
        said = done.stdout + done.stderr
        if done.returncode != code or says not in said:
            raise WrongTurnError(f"{who}: {what}: exit code {done.returncode}, not {code} with {says!r}:\n{said}")
        return said

    def write(self, name: str, text: str) -> None:
        """Writes a file as the user would."""
        (self.directory / name).write_text(text, encoding="utf-8")

    def seconds(self, who: str) -> float:
        """How long all steps of one took."""
        return sum(step.seconds for step in self.steps if step.who == who)


def block(page: str, pattern: str) -> str:
    """The one code block of a page that has ``pattern`` in it."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    [one] = [str(each[1]) for each in _BLOCK.finditer(text) if re.search(pattern, each[1])]
    return one


def data_engineer(walk: Walk) -> None:
    """From the README's test, red as it should be, to a green one."""
    who = "data engineer"
    walk.write("my_etl.py", ETL)
    walk.write("test_lineage.py", "import my_etl\n\n\n" + block("README.md", "def test_the_load_tells_its_lineage"))
    walk.step(
        who, "a first test, which fails and says why", "python -m pytest -q", code=1, says="Add job.facets.jobType"
    )
    walk.write("my_etl.py", MENDED)
    walk.step(who, "the same, green", "python -m pytest -q", says="2 events received in 1 test")


def platform_engineer(walk: Walk, *, certifies: bool) -> None:
    """From the script of the page on CI to a job that fails for its lineage, and a verdict before going live."""
    who = "platform engineer"
    walk.write("my_job.py", JOB)
    walk.write("my_etl.py", MENDED)
    walk.write("lineage.sh", block("docs/how-to/ci.md", r"\A#!/bin/sh"))
    walk.step(who, "lineage.sh around a good job", "sh lineage.sh python my_job.py", says="2 events: 2 ok")
    walk.write("my_etl.py", ETL)
    walk.step(who, "lineage.sh around a bad one", "sh lineage.sh python my_job.py", code=1, says="DD101")
    reports = sorted(file.name for file in (walk.directory / "build" / "lineage").iterdir())
    if not {"report.html", "report.md", "report.xml"} <= {*reports}:
        raise WrongTurnError(f"{who}: reports are {reports}")
    walk.write("my_etl.py", MENDED)
    if certifies:
        certify = "mock-intake certify -o report.html -- python my_job.py"
        walk.step(who, "certify: not ready, and why", certify, code=1, says="Put try: ... except Exception:")
        walk.write("my_etl.py", SAFE)
        walk.step(who, "the same, ready to go live", certify, says="no required case failed.")


def onlooker(walk: Walk) -> None:
    """From a server to the first event on a page."""
    who = "somebody who looks"
    serve = "mock-intake serve --port 0 --ready-file ready.json > serve.log 2>&1 & echo $! > serve.pid"
    walk.step(who, "a server that takes requests", f"{serve}; mock-intake wait ready.json --ready")
    url = json.loads((walk.directory / "ready.json").read_text())["url"]
    try:
        curl = block("docs/tutorial.md", r"curl -X POST").replace("http://127.0.0.1:8580", url)
        walk.step(who, "the tutorial's first event", curl.replace("curl ", "curl -sS "), says="DD101")
        walk.step(who, "what its code means", "mock-intake rules DD101", says="jobType")
        began = time.perf_counter()
        page = httpx.get(f"{url}/mock/events", trust_env=False, timeout=_LIMIT).text
        walk.steps.append(Step(who, "its page", time.perf_counter() - began))
        if "my-job" not in page or "DD101" not in page:
            raise WrongTurnError(f"{who}: the page does not show the event")
        walk.step(who, "a report as a page", "mock-intake report ready.json -o seen.html", code=1, says="Exit code 1")
    finally:
        walk.step(who, "the end of the server", "kill $(cat serve.pid)")


def _installed(walk: Walk, wheels: Path) -> None:
    everybody = "everybody"
    walk.step(everybody, "an empty environment", f"{sys.executable} -m venv venv")
    [wheel] = wheels.glob("*.whl")
    walk.step(everybody, "pip install", f"python -m pip install -q '{wheel}[pytest,openlineage]'")


def _table(steps: list[Step]) -> Iterator[str]:
    yield from ("| Who | What | Seconds |", "|---|---|---|")
    yield from (f"| {step.who} | {step.what} | {step.seconds:.1f} |" for step in steps)


def main() -> None:
    """Walks with what pip installs, and prints the table of docs/explanation/benchmarks.md."""
    with tempfile.TemporaryDirectory(prefix="mock-intake-walk-") as folder:
        directory = Path(folder)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory / "wheels")]
        subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)  # noqa: S603
        passed_on = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        path = f"{directory / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        walk = Walk(directory, {**passed_on, "PATH": path})
        try:
            _installed(walk, directory / "wheels")
            data_engineer(walk)
            platform_engineer(walk, certifies=True)
            onlooker(walk)
        except WrongTurnError as error:
            sys.stdout.write("\n".join(_table(walk.steps)) + "\n")
            sys.exit(str(error))
        sys.stdout.write("\n".join(_table(walk.steps)) + "\n")
        load = f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
        sys.stdout.write(f"\nFirst green test: {walk.seconds('data engineer'):.1f} s after pip install ({load}).\n")


if __name__ == "__main__":
    main()
