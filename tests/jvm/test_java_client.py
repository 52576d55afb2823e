"""The real Java client of OpenLineage, on a real JVM: it comes here by each way in that it has."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands import clean_environment, mock_intake, run_command
from tests.isolation.test_isolation import REFUSAL

# Set in its code, as jobs in production are; nothing that a JVM reads of variables leads it elsewhere.
IN_CODE = {"SHOP_SENDS_TO": "https://data-obs-intake.datadoghq.com", "DD_API_KEY": "0123456789abcdef" * 2}
WAYS: Mapping[str, tuple[Sequence[str], Mapping[str, Any]]] = {
    "http": (("--path", "http"), {}),
    "agent": (("--path", "agent"), {}),
    "proxy": (("--path", "proxy"), IN_CODE),
    "intercept": (("--path", "intercept", "--isolate"), IN_CODE),
}
_TAKEN = re.compile(r"^\S+ +OK +(START|COMPLETE) +shop/daily_revenue run (\S+)", re.MULTILINE)


@pytest.mark.parametrize("way", WAYS)
def test_the_java_client_comes_here(way: str, daily_revenue: Sequence[str], tmp_path: Path) -> None:
    """Under ``intercept`` by the real site's name, with a trust store that is made of the intake's CA."""
    if "--isolate" in WAYS[way][0] and REFUSAL:
        pytest.skip(REFUSAL)
    options, environment = WAYS[way]
    ran = mock_intake("run", *options, "--", *daily_revenue, cwd=tmp_path, **environment)
    assert ran.returncode == 0, ran.stderr
    taken = _TAKEN.findall(ran.stderr)
    assert [event_type for event_type, _ in taken] == ["START", "COMPLETE"], ran.stderr
    assert len({run for _, run in taken}) == 1
    assert "2 events taken: 2 ok, 0 warning, 0 error; 0 requests refused" in ran.stderr


FILE = """\
transport:
  type: http
  url: https://data-obs-intake.datadoghq.com
  auth: {type: api_key, apiKey: 0123456789abcdef0123456789abcdef}
"""


@pytest.mark.parametrize("path", ["proxy", "intercept"])
def test_a_job_whose_file_leads_to_the_real_site_comes_here(
    path: str, daily_revenue: Sequence[str], tmp_path: Path
) -> None:
    """Of its file, which is the only place where it looks, it keeps the transport, with another key."""
    if REFUSAL:
        pytest.skip(REFUSAL)
    (tmp_path / "openlineage.yml").write_text(FILE)
    ran = mock_intake("run", "--path", path, "--isolate", "--", *daily_revenue, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert [event_type for event_type, _ in _TAKEN.findall(ran.stderr)] == ["START", "COMPLETE"], ran.stderr


OWN_SOCKET = {
    "OPENLINEAGE__TRANSPORT__TYPE": "http",
    "OPENLINEAGE__TRANSPORT__URL": "unix:///var/run/datadog/apm.socket",
}


@pytest.mark.parametrize(
    ("script", "own"),
    [((), {}), (("sh", "-c", 'exec "$@"', "nightly"), OWN_SOCKET)],
    ids=["a command java", "a script whose job has a socket's URL"],
)
def test_the_java_client_comes_by_the_socket_of_the_agent(
    script: Sequence[str], own: Mapping[str, Any], daily_revenue: Sequence[str], tmp_path: Path
) -> None:
    socket = tmp_path / "apm.socket"
    command = (*script, *daily_revenue)
    ran = mock_intake("run", "--path", "agent", "--agent-socket", socket, "--", *command, cwd=tmp_path, **own)
    assert ran.returncode == 0, ran.stderr
    # What the client says of itself: by the port it would arrive as well.
    assert f"Using Unix Domain Socket transport for OpenLineage at {socket}" in ran.stderr
    assert [event_type for event_type, _ in _TAKEN.findall(ran.stderr)] == ["START", "COMPLETE"], ran.stderr
    assert "2 events taken: 2 ok, 0 warning, 0 error; 0 requests refused" in ran.stderr


def test_what_is_lost_makes_the_job_fail_and_is_told(daily_revenue: Sequence[str], tmp_path: Path) -> None:
    """The client sends again on 503, and on nothing but that and 429."""
    options = ("--path", "http", "--fault", "503,202,500")
    ran = mock_intake("run", *options, "--", *daily_revenue, cwd=tmp_path)
    assert ran.returncode == 1
    assert [event_type for event_type, _ in _TAKEN.findall(ran.stderr)] == ["START"], ran.stderr
    assert "HttpTransportResponseException" in ran.stderr


def test_the_suite_judges_it(daily_revenue: Sequence[str], tmp_path: Path) -> None:
    """That it refuses a certificate counts, because it takes one that is right."""
    cases = ("delivery/reaches-the-endpoint", "delivery/bearer-key", "security/tls-expired")
    only = [word for case in cases for word in ("--only", case)]
    ran = mock_intake(
        "certify", "--producer", "java", *only, "--format", "json", "--", *daily_revenue, cwd=tmp_path
    )  # fmt: skip
    (found,) = json.loads(ran.stdout)["producers"]
    assert {result["case"]: result["verdict"] for result in found["results"]} == dict.fromkeys(cases, "passed")


def test_what_it_sends_belongs_to_the_test_that_ran_it(daily_revenue: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "test_job.py").write_text(
        "import subprocess, pytest\n\n"
        "@pytest.mark.intake(path='http')\n"
        "def test_job(intake, intake_env):\n"
        f"    subprocess.run({list(daily_revenue)!r}, check=True)\n"
        "    start, complete = intake.events()\n"
        "    assert (start.event_type, complete.event_type) == ('START', 'COMPLETE')\n"
        "    assert start.run_id == complete.run_id\n"
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_job.py"]
    ran = run_command(words, cwd=tmp_path, env=clean_environment())
    assert ran.returncode == 0, ran.stdout.decode()
    assert b"1 passed" in ran.stdout
