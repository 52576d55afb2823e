"""What tests fork is what they would have started: the same output, the same end."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import MOCK_INTAKE, PYTEST, clean_environment, run_command, start_command
from tests.conftest import REPOSITORY
from tests.forking import Forked, can_fork

Start = Callable[..., "subprocess.Popen[Any]"]
BOTH: dict[str, Start] = {"started": subprocess.Popen, "forked": Forked}
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def ran(start: Start, *arguments: str, stdin: bytes = b"", **options: Any) -> tuple[int, bytes, bytes]:
    with start([MOCK_INTAKE, *arguments], **PIPES, env=clean_environment(), **options) as process:
        out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["rules", "DD101"], ["check", "-"], ["check", "missing"], ["nothing"], ["completion", "bash"], []],
    ids=" ".join,
)
def test_output_and_exit_code_are_the_same(arguments: list[str], tmp_path: Path) -> None:
    first, second = (ran(start, *arguments, stdin=b'{"a": "\xc3\xa4"}', cwd=tmp_path) for start in BOTH.values())
    assert first == second


@pytest.mark.parametrize("start", BOTH.values(), ids=BOTH)
def test_folder_and_environment_are_those_of_the_call(start: Start, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mock-intake]\nignore = ["OL", "DD"]\n')
    code, out, _ = ran(start, "check", "-", stdin=b'{"a": 1}', cwd=tmp_path)
    assert (code, b"1 ok" in out) == (0, True)


@pytest.mark.parametrize("start", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_signals_end_it(start: Start, number: signal.Signals, code: int, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with start(
        [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", ready], **PIPES, env=clean_environment()
    ) as server:
        try:
            until = time.monotonic() + 30
            while not ready.exists() and time.monotonic() < until:
                time.sleep(0.01)
            with pytest.raises(subprocess.TimeoutExpired):
                server.wait(0.05)
            assert server.poll() is None
            server.send_signal(number)
            assert server.wait(30) == code
            assert server.poll() == code
        finally:
            server.kill()


@pytest.mark.parametrize("start", BOTH.values(), ids=BOTH)
def test_an_output_that_nobody_reads_ends_in_the_same_way(start: Start) -> None:
    with start([MOCK_INTAKE, "rules", "--format", "json"], **PIPES, env=clean_environment()) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.close()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_a_run_of_pytest_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("NUMBER = 1\n")
    (tmp_path / "test_it.py").write_text(
        "import sys, beside\n"
        "def test_one(): assert beside.NUMBER == 1\n"
        "def test_two(): assert [beside.NUMBER] == [2], sys.argv[1:]\n"
    )
    command = [*PYTEST, "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    environment = clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    told = []
    for forked in (True, False):
        with start_command(command, forked=forked, **PIPES, cwd=tmp_path, env=environment) as process:
            assert isinstance(process, Forked) is forked
            out, err = process.communicate(timeout=60)
        told.append((process.returncode, re.sub(rb" in [\d.]+s", b"", out), err))
    assert told[0] == told[1]
    assert told[0][0] == 1
    assert b"1 failed, 1 passed" in told[0][1]


def test_what_is_in_the_repository_is_found_by_a_fork_that_is_led_there(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys, tests.events\ndef test_path(): assert sys.path[:2] == " + repr([str(tmp_path), str(REPOSITORY)])
    )
    command = [*PYTEST, "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    environment = clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONPATH=str(REPOSITORY))
    for forked in (True, False):
        with start_command(command, forked=forked, **PIPES, cwd=tmp_path, env=environment) as process:
            assert isinstance(process, Forked) is forked
            out, _ = process.communicate(timeout=60)
        assert b"1 passed" in out, out


def test_a_run_of_pytest_that_looks_for_plugins_is_started(tmp_path: Path) -> None:
    """They would be imported, and it says that it cannot rewrite them."""
    with start_command([*PYTEST, "--version"], **PIPES, env=clean_environment()) as process:
        assert not isinstance(process, Forked)


def test_an_interpreter_that_would_begin_otherwise_is_started() -> None:
    environment = clean_environment()
    assert can_fork(environment)
    assert can_fork({name: value for name, value in environment.items() if not name.startswith(("LANG", "LC_"))})
    assert can_fork({**environment, "PYTHONUNBUFFERED": "1"})
    assert not can_fork({**environment, "PYTHONPATH": "/elsewhere"})
    assert can_fork({**environment, "PYTHONPATH": str(REPOSITORY)})
    assert not can_fork({**environment, "LC_ALL": "de_DE.ISO-8859-1"})
    ascii_only = run_command([MOCK_INTAKE, "--help"], env={**environment, "PYTHONIOENCODING": "ascii"})
    assert not isinstance(ascii_only, Forked)
    assert ascii_only.returncode == 0
