"""wait, faults, reset, status and open: the commands that speak to a running server."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.cli.open_ import _PAGES
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.server.access import Access
from mock_intake.web.site import PAGES
from tests.events import run_event

RUN = "0191a3c4-7b1c-7d38-9f3e-0242ac120002"


def command(*arguments: str, **environment: str) -> Result:
    result = CliRunner(env={"MOCK_INTAKE_URL": None, **environment}).invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def send(server: IntakeServer, event_type: str, *, key: str = "a" * 32, job: str = "load_orders") -> int:
    event = run_event(event_type, run={"runId": RUN})
    event["job"]["name"] = job
    answer = httpx.post(server.url + INTAKE_PATH, json=event, headers={"authorization": f"Bearer {key}"})
    return answer.status_code


@pytest.fixture
def server() -> Iterator[IntakeServer]:
    with IntakeServer() as running:
        yield running


@pytest.fixture
def filled(server: IntakeServer) -> IntakeServer:
    assert [send(server, each) for each in ("START", "COMPLETE")] == [202, 202]
    return server


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--events", "2"], 0, "2 events on record"),
        ([], 0, "2 events on record"),
        (["--events", "1", "--event-type", "FAIL"], 1, "0 of 1 such events are there"),
        (["--events", "3", "--job", "load_orders"], 1, "2 of 3 such events are there"),
        (["--job", "load_orders", "--state", "COMPLETE"], 0, f"run {RUN} of prod/load_orders: COMPLETE"),
        (["--job", "other", "--state", "COMPLETE"], 1, "there is no run that fits"),
        (["--run-id", RUN, "--state", "FAIL"], 1, "no run has reached FAIL, those that fit are in COMPLETE"),
        (["--org", "0" * 12], 1, "0 of 1"),
        (["--org", ""], 2, "it is empty"),
        (["--ready"], 0, "takes requests"),
        (["--events", "-1"], 2, "--events"),
        (["--state", "DONE"], 2, "--state"),
        (["--state", "complete"], 0, f"run {RUN} of prod/load_orders: COMPLETE"),
        (["--event-type", "STRAT"], 2, "'STRAT' is not one of"),
        (["--event-type", "start"], 0, "1 event on record"),
        (["--status", "ok"], 0, "2 events on record"),
        (["--status", "OK"], 0, "2 events on record"),
        (["--status", "well"], 2, "'well' is not one of 'ok', 'warning', 'error'"),
    ],
)
def test_waiting_says_what_is_there_or_what_came_instead(
    options: list[str], code: int, text: str, filled: IntakeServer
) -> None:
    result = command("wait", filled.url, "--timeout", "0.2", *options)
    assert (result.exit_code, text in result.output) == (code, True), result.output


def test_waiting_ends_when_it_comes(server: IntakeServer) -> None:
    sender = threading.Timer(0.3, lambda: send(server, "START"))
    sender.start()
    try:
        result = command("wait", server.url, "--timeout", "30", "--json")
    finally:
        sender.join()
    assert result.exit_code == 0
    waited = json.loads(result.stdout)
    assert waited["reached"] is True
    assert 0 < waited["waited"] < 25


def test_json_of_a_wait_that_was_missed(filled: IntakeServer) -> None:
    result = command("wait", filled.url, "--state", "FAIL", "--timeout", "0", "--json")
    assert result.exit_code == 1
    assert {"reached": False, "events": 2, "matching_runs": 0}.items() <= json.loads(result.stdout).items()


def test_a_wait_longer_than_the_server_takes_is_several(filled: IntakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_intake.cli.wait._LONGEST", 0.2)
    began = time.monotonic()
    assert command("wait", filled.url, "--events", "3", "--timeout", "0.9").exit_code == 1
    assert time.monotonic() - began >= 0.8


def test_server_and_ready_file_are_waited_for_where_they_are_not_there_yet(tmp_path: Path) -> None:
    """As in a script that starts a server in its background."""
    file = tmp_path / "intake.json"
    server = IntakeServer()

    def start() -> None:
        server.start()
        file.write_text(json.dumps({"url": server.url, "pid": os.getpid()}))

    starting = threading.Timer(0.3, start)
    starting.start()
    try:
        result = command("wait", str(file), "--ready", "--timeout", "30", "--json")
        assert json.loads(result.stdout) == {"url": server.url}
    finally:
        starting.join()
        server.stop()


def test_commands_on_recordings_take_the_ready_file_as_well(filled: IntakeServer, tmp_path: Path) -> None:
    ready, events, exchanges = (tmp_path / name for name in ("intake.json", "events.ndjson", "exchanges.ndjson"))
    ready.write_text(json.dumps({"url": filled.url, "pid": os.getpid()}))
    assert "2 events" in command("report", str(ready)).output
    assert "2 events exported" in command("export", str(ready), "-o", str(events)).output
    assert command("diff", str(ready), str(events)).exit_code == 0
    assert command("export", str(ready), "--what", "exchanges", "-o", str(exchanges)).exit_code == 0
    assert "0 exchanges imported, 2 were there" in command("import", str(exchanges), "--to", str(ready)).output
    ready.write_text(json.dumps({"url": "of nothing", "pid": 1}))
    assert "this is no journal" in command("report", str(ready)).output


def test_faults_are_set_shown_and_cleared(server: IntakeServer) -> None:
    assert "still to come 503, reset, 202 (0 taken)" in command("faults", server.url, "set", "503,reset,202").output
    assert send(server, "START") == 503
    assert "still to come reset, 202 (1 taken)" in command("faults", server.url, "show").output
    state = json.loads(command("faults", server.url, "show", "--json").stdout)
    assert (state["taken"], state["left"], state["active"]) == (1, [0, 1, 1], True)
    assert "No faults" in command("faults", server.url, "clear").output
    assert json.loads(command("faults", server.url, "show", "--json").stdout)["active"] is False
    assert send(server, "START") == 202


def test_a_plan_as_json_and_what_options_add(server: IntakeServer) -> None:
    plan = json.dumps({"sequence": [{"step": 429, "times": 2, "headers": {"Retry-After": "1"}}], "delay": 3})
    set_ = ("faults", "set", plan, "--delay", "0.5", "--repeat-last", "--org", "0" * 12, "--json")
    state = json.loads(command(*set_, MOCK_INTAKE_URL=server.url).stdout)
    assert (state["delay"], state["repeat_last"], state["org"]) == (0.5, True, "0" * 12)
    assert state["sequence"][0]["headers"] == {"Retry-After": "1"}
    shown = command("faults", "show", "--org", "0" * 12, MOCK_INTAKE_URL=server.url).output
    assert shown.startswith("Faults for the org 000000000000: still to come 429")
    assert "0.5 s before every answer" in shown


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["set", "99"], "99"),
        (["set", "nonsense"], "nonsense"),
        (["set"], "Which plan?"),
        (["set", '{"sequence": [503'], "JSON"),
        (["show", "503"], "more behind show"),
        (["show", "--delay", "1"], "go with set"),
        ([], "What is to be done?"),
        (["clear", "all"], "more behind clear"),
    ],
)
def test_faults_that_cannot_be_meant(words: list[str], text: str, server: IntakeServer) -> None:
    result = command("faults", server.url, *words)
    assert (result.exit_code, text in result.output) == (2, True), result.output


def test_reset_forgets_and_clears(filled: IntakeServer) -> None:
    other = secrets.token_hex(16)
    command("faults", filled.url, "set", "503")
    assert command("reset", filled.url, "--org", "0" * 12, "--keep-faults").output == "0 exchanges forgotten\n"
    assert send(filled, "START", key=other) == 503
    command("faults", filled.url, "set", "503")
    answer = command("reset", filled.url, "--json")
    assert json.loads(answer.stdout) == {"forgotten": 3, "faults_cleared": True}
    assert send(filled, "START") == 202
    assert command("reset", filled.url).output == "1 exchange forgotten; no faults are set\n"


def test_status_counts(filled: IntakeServer) -> None:
    assert command("status", MOCK_INTAKE_URL=filled.url).output.splitlines() == [
        f"{filled.url} answers",
        "  2 events: 2 ok",
        "  2 exchanges",
        "  No faults: requests are handled as usual.",
    ]
    httpx.post(filled.url + INTAKE_PATH, json={})
    status = json.loads(command("status", filled.url, "--json").stdout)
    assert (status["events"], status["refused"], status["faults"]["active"]) == (2, 1, False)
    assert "3 exchanges, 1 refused" in command("status", filled.url).output


def test_open_opens_the_page_in_the_browser_of_the_user(server: IntakeServer, tmp_path: Path) -> None:
    import subprocess
    import sys

    # webbrowser reads BROWSER once in a process.
    program = "import sys; from mock_intake.cli.main import main; main(sys.argv[1:])"
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program, "open", server.url, "--page", "lineage"],
        env={**os.environ, "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"Opened {server.url}/mock/lineage\n"), done.stderr
    assert seen.read_text() == f"{server.url}/mock/lineage"


def test_every_page_that_can_be_opened_is_there() -> None:
    assert {f"/mock/{page}" for page in _PAGES} <= {page.path for page in PAGES}


COMMANDS: dict[str, list[str]] = {
    "wait": ["wait", "{}", "--timeout", "0"],
    "faults": ["faults", "{}", "show"],
    "reset": ["reset", "{}"],
    "status": ["status", "{}"],
    "open": ["open", "{}"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_cannot_be_spoken_to(name: str, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.json"
    nonsense.write_text("[]")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with IntakeServer(access=Access("s3cret-token")) as guarded:
        cases: dict[str, Any] = {
            f"http://127.0.0.1:{port}": "does not answer",
            "nowhere.json": "neither a URL",
            str(nonsense): "no ready file",
            guarded.url: "--control-token",
        }
        for server, text in cases.items():
            result = command(*(word.format(server) for word in COMMANDS[name]))
            assert (result.exit_code, text in result.output) == (2, True), (server, result.output)
        if name != "open":
            right = [*(word.format(guarded.url) for word in COMMANDS[name]), "--control-token", "s3cret-token"]
            assert command(*right).exit_code == (1 if name == "wait" else 0)


def test_a_server_that_stands_in_the_wrong_place_is_told_where_it_goes() -> None:
    result = command("faults", "clear", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert "The server stands before clear: mock-intake faults http://127.0.0.1:9 clear ..." in result.output
