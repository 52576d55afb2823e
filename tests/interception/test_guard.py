"""Nothing leaves the machine: connections to real intakes are stopped in Python producers, and told."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mock_intake.producers.guard import Attempt, Guard, RealSiteError, is_datadog, is_intake
from mock_intake.producers.reached import attempts_in, exchanges_of, guarding, through_text
from tests.commands import mock_intake
from tests.interception.reaches_the_real_site import HOST, tried

WAYS = ("urllib", "http.client", "asyncio", "socket", "httpx", "requests", "gethostbyname")
PRODUCER = Path(__file__).parent / "reaches_the_real_site.py"


@pytest.mark.parametrize("how", WAYS)
def test_whatever_goes_by_pythons_sockets_is_stopped_and_noted(how: str) -> None:
    """Not as an OSError, which clients take for an outage: they would try again."""
    noted: list[Attempt] = []
    guard = Guard(noted.append)
    guard.install()
    try:
        assert f"RealSiteError: mock-intake stops this: set to the real site {HOST}" in tried(how)
    finally:
        guard.uninstall()
    assert {(each.host, each.stopped, each.pid) for each in noted} == {(HOST, True, os.getpid())}


def test_other_hosts_of_datadogs_are_noted_and_stopped_only_where_asked() -> None:
    noted: list[Attempt] = []
    for level, stopped in (("intake", False), ("datadog", True)):
        guard = Guard(noted.append, level)
        guard.install()
        try:
            error = connect("http-intake.logs.datadoghq.eu")
        finally:
            guard.uninstall()
        assert isinstance(error, RealSiteError) is stopped
        assert noted.pop().stopped is stopped
    assert connect("data-obs-intake.datadoghq.com.invalid") is not None
    assert noted == [], "it is in place no more"


def connect(host: str) -> Exception | None:
    try:
        socket.create_connection((host, 443), timeout=0.2).close()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(
    ("host", "intake", "datadog"),
    [
        ("data-obs-intake.datadoghq.com", True, True),
        ("data-obs-intake.a-site-to-come.example", True, True),
        ("api.us5.datadoghq.com", False, True),
        ("datadoghq.eu", False, True),
        ("notdatadoghq.com", False, False),
        ("localhost", False, False),
    ],
)
def test_which_hosts_are_meant(host: str, intake: bool, datadog: bool) -> None:
    assert (is_intake(host), is_datadog(host)) == (intake, datadog)


def test_children_are_guarded_and_write_down_what_they_tried(tmp_path: Path) -> None:
    """Those of children too, and forked ones; with a sitecustomize of the user's own, which has its turn."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("print('own sitecustomize')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "own")}
    environment |= guarding(tmp_path, "intake", environment)
    code = (
        "import os, subprocess, sys; sys.path.insert(0, sys.argv[1]); from reaches_the_real_site import tried\n"
        "print(tried('socket')); sys.stdout.flush()\n"
        "if os.fork() == 0: tried('socket'); os._exit(0)\n"
        "os.wait(); subprocess.run([sys.executable, sys.argv[1] + '/reaches_the_real_site.py', 'socket'])\n"
    )
    command = [sys.executable, "-c", code, str(PRODUCER.parent)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("own sitecustomize") == 2
    assert done.stdout.count("set to the real site") == 2, done.stdout + done.stderr
    found = attempts_in(tmp_path)
    assert len({each.pid for each in found}) == 3
    assert {each.host for each in found} == {HOST}
    exchange, *others = exchanges_of(found)
    assert len(others) == 2, "one for each process, not for each try"
    assert [finding.code for finding in exchange.findings] == ["HT306"]
    assert (exchange.request.method, exchange.request.path) == ("CONNECT", f"{HOST}:443")


def test_threads_that_try_at_once_are_all_stopped() -> None:
    noted: list[Attempt] = []
    guard = Guard(noted.append)
    guard.install()
    results: list[str] = []
    try:
        threads = [threading.Thread(target=lambda: results.append(tried("socket"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        guard.uninstall()
    assert all(result.startswith("RealSiteError") for result in results)
    assert len(noted) == 8


def test_what_was_let_through_is_told_in_one_sentence() -> None:
    attempts = [Attempt("api.datadoghq.com", 443, False, 0.0, 1)] * 2 + [Attempt(HOST, 443, True, 0.0, 1)]
    assert through_text(attempts) == (
        "Other hosts of Datadog's that were looked up or reached: api.datadoghq.com (2 times). "
        'guard = "datadog" in [tool.mock-intake] stops that.'
    )
    assert through_text(attempts[2:]) == ""


def test_run_tells_of_a_producer_that_is_set_to_the_real_site(tmp_path: Path) -> None:
    """It sent nothing, which fails, and where it went instead is the first of the causes."""
    done = mock_intake("run", "--", sys.executable, str(PRODUCER), "urllib", cwd=tmp_path)
    assert done.returncode == 1
    assert "RealSiteError: mock-intake stops this" in done.stdout
    assert re.search(rf"CONNECT {re.escape(HOST)}:443 +HT306", done.stderr), done.stderr
    assert "0 requests refused\nConnections to Datadog that were stopped: 1\n" in done.stderr
    assert f"Possible causes:\n  - it went to {HOST} instead, and was stopped (HT306)" in done.stderr


def test_the_setting_guards_against_all_of_datadog_or_nothing(tmp_path: Path) -> None:
    code = "import socket\ntry: socket.getaddrinfo('api.datadoghq.com', 443)\nexcept Exception as e: print(type(e))"
    for level, word in (("datadog", "RealSiteError"), ("off", "gaierror")):
        (tmp_path / "pyproject.toml").write_text(f'[tool.mock-intake]\nguard = "{level}"\n')
        done = mock_intake("run", "--allow-none", "--", sys.executable, "-c", code, cwd=tmp_path)
        assert word in done.stdout, done.stdout + done.stderr
        assert ("HT306" in done.stderr) is (level == "datadog")
    (tmp_path / "pyproject.toml").write_text('[tool.mock-intake]\nguard = "all"\n')
    for command in ("run", "certify"):
        done = mock_intake(command, "--", "true", cwd=tmp_path)
        assert "guard is one of intake, datadog, off, not 'all'" in done.stderr


@pytest.mark.parametrize(("level", "verdict"), [("datadog", "failed"), ("intake", "passed")])
def test_certify_heeds_the_setting_too(level: str, verdict: str, tmp_path: Path) -> None:
    """What is let through is noted."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.mock-intake]\nguard = "{level}"\n')
    code = "import socket\ntry: socket.getaddrinfo('api.datadoghq.com', 443)\nexcept Exception as e: pass"
    only = ("--only", "delivery/no-real-site", "-o", "report.json")
    mock_intake("certify", *only, "--", sys.executable, "-c", code, cwd=tmp_path)
    (producer,) = json.loads((tmp_path / "report.json").read_text())["producers"]
    results = {result["case"]: result["verdict"] for result in producer["results"]}
    assert results["delivery/no-real-site"] == verdict
    noted = "that were looked up or reached: api.datadoghq.com" in str(producer["executions"])
    assert noted is (level == "intake")


def test_certify_fails_a_producer_that_goes_to_the_real_site(tmp_path: Path) -> None:
    """No request of the intake's is judged for that: none came."""
    report = tmp_path / "report.json"
    only = ("--only", "delivery", "-o", report, "--time-limit", "20")
    done = mock_intake("certify", *only, "--", sys.executable, str(PRODUCER), "socket", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    (producer,) = json.loads(report.read_text())["producers"]
    results = {result["case"]: result for result in producer["results"]}
    verdict = results["delivery/no-real-site"]
    assert (verdict["verdict"], [finding["code"] for finding in verdict["findings"]]) == ("failed", ["HT306"])
    assert results["delivery/bearer-key"]["skip"] == "no evidence"
    arrives = results["delivery/reaches-the-endpoint"]
    assert arrives["message"] == f"no request arrived; it went to {HOST}, and was stopped"
    assert [request["exchange"]["path"] for request in producer["executions"][0]["requests"]] == [f"{HOST}:443"]
