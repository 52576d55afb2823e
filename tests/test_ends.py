"""How commands end and what they leave: interrupted, killed, told to write where they must not."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from click.testing import CliRunner

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.faults import parse_plan
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.server.access import Access, Guesses, host_name
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, start_command
from tests.events import run_event
from tests.fuzz import connect, read_answers, request_bytes, send
from tests.journal.serving import Serving, new_event, serving
from tests.web.looking import submit

LONG = "n" * 300


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ends") / "events.db"
    record = SqliteJournal(file)
    with IntakeServer(journal=record) as server:
        send(server, request_bytes(orjson.dumps(run_event())))
    record.close()
    return file


# Files


def test_exports_are_their_owners_alone_and_reports_follow_the_umask(journal: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "events.ndjson.partial").write_text("of somebody who may be read by all")
        for command in (["export", journal, "-o"], ["report", journal, "--fail-on", "never", "-o"]):
            output = tmp_path / ("events.ndjson" if command[0] == "export" else "report.html")
            assert CliRunner().invoke(main, [*map(str, command), str(output)]).exit_code == 0
    finally:
        os.umask(before)
    assert mode(tmp_path / "events.ndjson") == 0o600
    assert mode(tmp_path / "report.html") == 0o644
    assert mode(journal) == 0o600


def test_a_hyphen_is_standard_output(journal: Path, tmp_path: Path) -> None:
    for command in ("report", "export"):
        plain = mock_intake(command, journal, cwd=tmp_path)
        done = mock_intake(command, journal, "-o", "-", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
        assert done.stdout
        assert "-" not in done.stderr.split()
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_too_long_are_told_in_a_line(journal: Path, tmp_path: Path) -> None:
    for arguments in (
        ["serve", "--port", "0", "--journal", tmp_path / LONG],
        ["serve", "--port", "0", "--ready-file", tmp_path / LONG],
        ["report", journal, "-o", tmp_path / LONG],
        ["report", tmp_path / LONG],
    ):
        done = CliRunner().invoke(main, list(map(str, arguments)))
        assert done.exit_code == 2, done.output
        told = " ".join(done.output.replace("\u2502", " ").split())
        assert "too long" in told.lower() or "there is no such journal file" in told, told
        assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_file_of_another_kind_is_no_ready_file(tmp_path: Path) -> None:
    for text in ("important\n", '{"url": "x"}', "[]"):
        file = tmp_path / "notes.txt"
        file.write_text(text)
        done = CliRunner().invoke(main, ["serve", "--port", "0", "--ready-file", str(file)])
        assert done.exit_code == 2
        assert "not overwritten" in " ".join(done.output.split())
        assert file.read_text() == text


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as running:
        yield running


def test_the_ready_file_of_a_server_that_was_killed_is_overwritten_and_an_empty_one_used(
    server: Serving, tmp_path: Path
) -> None:
    (left,) = tmp_path.glob("ready-*.json")
    server.kill()
    assert json.loads(left.read_text())["pid"] == server.pid
    process = start_command(
        [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", left],
        stdout=subprocess.DEVNULL,
        env=clean_environment(),
    )
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if left.exists() and json.loads(left.read_text())["pid"] == process.pid:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("the file is not of the new server")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert not left.exists()


# Interruptions


@pytest.mark.parametrize("command", [["check", "-"], ["import", "-", "--to", "journal.db"]])
def test_ctrl_c_is_told(command: list[str], tmp_path: Path) -> None:
    process = start_command(
        [MOCK_INTAKE, *command],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
    )
    # It reads from standard input, which stays open: that of the interpreter is not read before.
    assert process.stdin is not None
    process.stdin.write(json.dumps(run_event()) + "\n")
    process.stdin.flush()
    until = time.monotonic() + 30
    while socket_waits(process.pid) is False and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors


def socket_waits(pid: int) -> bool:
    """Whether a process waits for what is written to its pipe."""
    try:
        return "pipe" in Path(f"/proc/{pid}/wchan").read_text() or "pipe" in Path(f"/proc/{pid}/stack").read_text()
    except OSError:
        time.sleep(2)
        return True


def test_a_signal_ends_the_demo_and_its_programs(tmp_path: Path) -> None:
    documented = tmp_path / "documented"
    documented.mkdir()
    for name in ("curl.sh", "http_transport.py", "datadog_transport.py", "datadog_environment.py"):
        script = f"echo $$ > {tmp_path}/{name}.pid; exec sleep 60"
        if name.endswith(".py"):
            script = f"import os, time; open('{tmp_path}/{name}.pid', 'w').write(str(os.getpid())); time.sleep(60)"
        (documented / name).write_text(script)
    process = start_command(
        [MOCK_INTAKE, "demo", "--documented", documented, "--out", tmp_path / "out"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(TMPDIR=str(tmp_path)),
    )
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("*.pid"))) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "Interrupted." in errors
    for file in tmp_path.glob("*.pid"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)
    assert list(tmp_path.glob("mock-intake-*")) == []


# Who asks


def test_a_client_that_half_closes_gets_its_answer_with_a_journal_on_disk(tmp_path: Path) -> None:
    record = SqliteJournal(tmp_path / "events.db")
    with IntakeServer(journal=record) as server:
        for pieces in (1, 3):
            with connect(server) as connection:
                connection.sendall(request_bytes(orjson.dumps(new_event())) * pieces)
                connection.shutdown(socket.SHUT_WR)
                answers = read_answers(connection, None)
            assert [answer.status for answer in answers] == [202] * pieces
    record.close()


def test_who_half_closes_and_is_left_hanging_is_let_go() -> None:
    with IntakeServer() as server:
        server.faults.set(parse_plan("hang"))
        with connect(server) as connection:
            connection.sendall(request_bytes(orjson.dumps(run_event())))
            connection.shutdown(socket.SHUT_WR)
            assert read_answers(connection, None) == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8580", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:80", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("localhost:80.evil.example", "localhost:80.evil.example"),
        ("[::1].evil.example", "[::1].evil.example"),
        ("localhost:evil", "localhost:evil"),
        ("evil@localhost", "evil@localhost"),
        ("localhost/evil", "localhost/evil"),
        ("[::1", "[::1"),
    ],
)
def test_of_a_host_that_is_none_as_a_whole_no_part_is_taken_for_one(host: str, name: str) -> None:
    assert host_name(host) == name


def test_wrong_tokens_are_slowed_down_together_and_the_right_one_never() -> None:
    access = Access("right")
    with IntakeServer(access=access) as server, httpx.Client(trust_env=False, timeout=60) as client:
        began = time.monotonic()
        for _ in range(2):
            wrong = client.get(f"{server.url}/api/mock/v1/events", headers={"authorization": "Bearer wrong"})
            assert wrong.status_code == 401
        assert submit(server, "/mock/login", {"token": "wrong"}).status_code == 401
        assert time.monotonic() - began >= 1.5
        # As if many were waiting.
        access._guesses._next = time.monotonic() + 3600
        assert client.get(f"{server.url}/api/mock/v1/events").status_code == 401, "nothing was guessed"
        late = client.get(f"{server.url}/api/mock/v1/events", headers={"authorization": "Bearer wrong"})
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 0
        assert submit(server, "/mock/login", {"token": "wrong"}).status_code == 429
        right = client.get(f"{server.url}/api/mock/v1/events", headers={"authorization": "Bearer right"})
        assert right.status_code == 200
        assert submit(server, "/mock/login", {"token": "right"}).status_code == 303
    assert Access("right") == Access("right")
    assert isinstance(Access()._guesses, Guesses)
