"""The documented Datadog transport program, unchanged, set to real sites, caught in every way; nothing leaves."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mock_intake.datadog.sites import SITES_WITH_INTAKE, intake_host
from tests import clients
from tests.commands import MOCK_INTAKE, clean_environment
from tests.conftest import REPOSITORY
from tests.interception import alone

HERE = Path(__file__).parent
WATCHED = HERE / "watched.py"
DOCUMENTED = REPOSITORY / "conformance/mock_intake_conformance/documented"
BY_HAND = DOCUMENTED / "datadog_transport.py"
BY_ENVIRONMENT = DOCUMENTED / "datadog_environment.py"
ASYNC_ROUTE = REPOSITORY / "conformance" / "mock_intake_conformance" / "producers" / "async_route.py"
SITES = ("datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com")
# The documented time without offset is made by a call that Python 3.12 deprecates.
PYTHON = (sys.executable, "-W", "ignore::DeprecationWarning")
Command = Sequence[str | Path]
ALONE = (sys.executable, str(HERE / "alone.py"))


def run(home: Path, command: Command, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=home,
        env=clean_environment(HOME=str(home), PYTHONPATH=str(REPOSITORY), **variables),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="session")
def without_network(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """What to put before a command that is to have no network but loopback."""
    done = run(tmp_path_factory.mktemp("alone"), [*ALONE, "true"])
    if done.returncode == alone.REFUSED:
        pytest.skip(f"the kernel lets this user have no network namespace: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return ALONE


def check_that_nothing_left(report: Path) -> dict[str, Any]:
    """Every address that was used, and every name that was looked up, is of the loopback network."""
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["addresses"], "the watch noticed nothing"
    for place in (*found["addresses"], *found["names"]):
        assert place == "localhost" or ipaddress.ip_address(place).is_loopback, place
    return found


@pytest.mark.parametrize("mode", ["proxy", "intercept"])
def test_in_one_process_it_reaches_the_intake_of_each_site(mode: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run(tmp_path, [*PYTHON, WATCHED, mode, report, BY_HAND, *SITES])
    assert done.returncode == 0, done.stderr
    found = check_that_nothing_left(report)
    assert found["arrived"] == [[intake_host(site), 202] for site in SITES]


@pytest.mark.parametrize("path", ["proxy", "intercept"])
def test_run_catches_it_on_each_site_where_there_is_no_network(
    path: str, without_network: tuple[str, ...], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    watched: Command = [*PYTHON, WATCHED, "plain", report, BY_HAND, *SITES]
    done = run(tmp_path, [*without_network, MOCK_INTAKE, "run", "--path", path, "--", *watched])
    assert done.returncode == 0, done.stderr
    check_that_nothing_left(report)
    lines = [line for line in done.stderr.splitlines() if "default/test-job" in line]
    assert len(lines) == len(SITES)
    assert all("DD101" in line for line in lines)


@pytest.mark.parametrize("path", ["proxy", "intercept"])
def test_run_catches_the_form_that_reads_the_environment(path: str, tmp_path: Path) -> None:
    site = SITES_WITH_INTAKE[3] if path == "proxy" else SITES_WITH_INTAKE[-1]
    done = run(tmp_path, [MOCK_INTAKE, "run", "--path", path, "--site", site, "--", *PYTHON, BY_ENVIRONMENT])
    assert done.returncode == 0, done.stderr
    assert "1 event taken" in done.stderr


def test_run_intercepts_the_async_engine(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    watched: Command = [*PYTHON, WATCHED, "plain", report, ASYNC_ROUTE, *SITES]
    done = run(tmp_path, [MOCK_INTAKE, "run", "--path", "intercept", "--", *watched])
    assert done.returncode == 0, done.stderr
    check_that_nothing_left(report)
    # START and COMPLETE of a run for every site, and no rule has anything to say.
    assert f"{2 * len(SITES)} events taken: {2 * len(SITES)} ok" in done.stderr


ASYNC_ONCE = f"""
import os
from openlineage.client import OpenLineageClient
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

retry = {{"total": 0, "backoff_factor": 0, "status_forcelist": []}}
config = DatadogConfig(
    os.environ["MOCK_INTAKE_KEY"],
    os.environ["MOCK_INTAKE_URL"],
    retry=retry,
    async_transport_rules={clients.ASYNC_ROUTE},
)
client = OpenLineageClient(transport=DatadogTransport(config))
run, job = Run("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"), Job("a", "b")
now = "2026-11-01T12:00:00Z"
client.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer="https://example.com"))
client.close()
"""


def test_the_async_engine_passes_by_the_proxy_and_would_have_left(
    without_network: tuple[str, ...], tmp_path: Path
) -> None:
    """Why the how-to names interception for it. Without the guard it finds no way out here, and the event is lost."""
    report, program = tmp_path / "report.json", tmp_path / "async_once.py"
    program.write_text(ASYNC_ONCE)
    (tmp_path / "pyproject.toml").write_text('[tool.mock-intake]\nguard = "off"\n')
    watched: Command = [*PYTHON, WATCHED, "plain", report, program, SITES[0]]
    done = run(tmp_path, [*without_network, MOCK_INTAKE, "run", "--path", "proxy", "--", *watched])
    assert done.returncode == 1, done.stderr
    assert "0 events taken" in done.stderr
    assert intake_host(SITES[0]) in json.loads(report.read_text())["names"]


UVLOOP = f"""
import asyncio, ssl, uvloop

async def connect():
    await asyncio.open_connection({intake_host(SITES[0])!r}, 443, ssl=True)

try:
    uvloop.run(connect())
except OSError as error:
    print(type(error).__name__)
"""


def test_uvloop_is_not_caught_by_run_either(without_network: tuple[str, ...], tmp_path: Path) -> None:
    command = [MOCK_INTAKE, "run", "--path", "intercept", "--", *PYTHON, "-c", UVLOOP]
    done = run(tmp_path, [*without_network, *command])
    assert done.stdout == "gaierror\n", done.stderr
    assert "No event arrived" in done.stderr


def test_the_watch_notices_what_leaves(tmp_path: Path) -> None:
    """To an address that is kept for documentation, and to a name that nobody has."""
    program = tmp_path / "leaving.py"
    program.write_text(
        "import socket\n"
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:\n"
        "    sock.connect(('192.0.2.1', 9))\n"
        "try:\n"
        "    socket.getaddrinfo('192.0.2.300', 80, flags=socket.AI_NUMERICHOST)\n"
        "except OSError:\n"
        "    pass\n"
    )
    report = tmp_path / "report.json"
    done = run(tmp_path, [*PYTHON, WATCHED, "plain", report, program, SITES[0]], DD_API_KEY="0" * 32)
    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text()) == {"names": ["192.0.2.300"], "addresses": ["192.0.2.1"], "arrived": []}
    with pytest.raises(AssertionError, match=r"192\.0\.2"):
        check_that_nothing_left(report)
