"""A user's project whose tests run in a process of their own, with the plugins that they name and no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.commands import clean_environment, run_command

OURS = "mock_intake_pytest.plugin"
# Sends events, and needs nothing but the standard library.
PRODUCER = """\
import http.client, json, uuid
import pytest

BASE = "https://github.com/acme/etl"

def event(kind="START", job="load_orders", run="5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"):
    facet = {"_producer": BASE, "processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB",
             "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"}
    return {"eventType": kind, "eventTime": "2026-11-01T12:00:00.000Z", "producer": BASE,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run}, "job": {"namespace": "prod", "name": job, "facets": {"jobType": facet}},
            "inputs": [], "outputs": []}

def post(host, key, body):
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/lineage", json.dumps(body).encode(), headers)
    status = connection.getresponse().status
    connection.close()
    return status
"""
CONFTEST = """
@pytest.fixture
def send(intake):
    return lambda *args, **kwargs: post(intake.host, intake.api_key, event(*args, **kwargs))
"""


class PytestRun:
    """A run of pytest that is over: its output, and how its tests ended (``{"passed": 3}``)."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.returncode = done.returncode
        self.output = done.stdout + done.stderr
        last = [line for line in done.stdout.splitlines() if re.search(r" in [\d.]+s", line)][-1:]
        counts = re.findall(r"(\d+) (passed|failed|errors?|skipped|warnings?)", "".join(last))
        self.outcomes = {name.rstrip("s"): int(count) for count, name in counts}

    @property
    def summary(self) -> list[str]:
        """The lines that the plugin tells at the end."""
        _, found, rest = self.output.partition(" mock-intake ====")
        if not found:
            # Of a run in which nothing failed there is one line.
            return re.findall(r"^mock-intake: (\d+ events? received .*)$", self.output, re.MULTILINE)
        return list(_until_next_part(rest.splitlines()[1:])) if found else []


def _until_next_part(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("===") or re.search(r" in [\d.]+s", line):
            return
        yield line


class AloneProject:
    """A project in a directory of its own, without anything of this repository on its path.

    Its tests run in a fork of a process that has imported what they need (``tests.forking``), or in an interpreter that
    has imported nothing, where that makes a difference.
    """

    def __init__(self, path: Path, *, imported: bool = True) -> None:
        self.path = path
        self._imported = imported
        self.write("pytest.ini", "[pytest]\nfilterwarnings = error\n")
        self.write("conftest.py", PRODUCER + CONFTEST)

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def run(
        self,
        *arguments: str,
        plugins: Sequence[str] = (),
        ours: bool = True,
        python: str = sys.executable,
        timeout: float = 100,
        **environment: str,
    ) -> PytestRun:
        """Runs its tests with our plugin, unless it is not wanted, and with ``plugins``."""
        loaded = [part for plugin in ([OURS] * ours + [*plugins]) for part in ("-p", plugin)]
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, *arguments]
        variables = {
            name: value
            for name, value in clean_environment().items()
            if not name.startswith(("PYTEST", "PYTHON", "CI"))
        }
        variables |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": os.fspath(self.path), **environment}
        run = run_command if self._imported else subprocess.run
        return PytestRun(
            run(command, cwd=self.path, env=variables, capture_output=True, text=True, timeout=timeout, check=False)
        )

    def passes(self, tests: int, *arguments: str, plugins: Sequence[str] = ()) -> PytestRun:
        """Runs its tests, so many, all of which pass."""
        ran = self.run(*arguments, plugins=plugins)
        assert ran.outcomes == {"passed": tests}, ran.output
        return ran
