"""Runs the command as a user does, in a process of its own.

The installed script is where its interpreter's start matters; elsewhere the process is forked from one that has begun
(``tests.forking``), which is the same but for a third of a second.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.forking import Forked, Started, can_fork

MOCK_INTAKE = str(Path(sys.executable).parent / "mock-intake")
PYTEST = (sys.executable, "-m", "pytest")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without what would steer clients, colours or settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW__", "OPENLINEAGE", "DD_", "MOCK_INTAKE"))
        and not name.lower().endswith("_proxy")
        and not name.lower().endswith("_proxy")
    }
    for name in ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE"):
        kept.pop(name, None)
    return {**kept, **more}


# What was started and may run still.
running: list[Started] = []


def start_command(command: Sequence[str | Path], *, forked: bool = True, **options: Any) -> Started:
    """``subprocess.Popen`` of a command line; the process is killed at its test's end.

    Those of ``MOCK_INTAKE`` are forked, if that may be, and the environment is like this one's; and those of ``PYTEST``
    that load no plugins but those that they name: it means to rewrite what others it finds, and finds it imported.
    """
    environment = os.environ if (given := options.get("env")) is None else given
    of_pytest = tuple(command[:3]) == PYTEST and "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in environment
    if forked and (command[0] == MOCK_INTAKE or of_pytest) and can_fork(environment):
        process: Started = Forked(command, **options)
    else:
        process = Started(command, **options)
    running.append(process)
    return process


def end(process: Started) -> None:
    """Kills it, if it runs still, and closes its streams, which nobody reads any more."""
    if process.poll() is None:
        process.kill()
        process.wait(10)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def run_command(
    command: Sequence[str | Path],
    *,
    input: Any = None,  # noqa: A002  as subprocess.run has it
    timeout: float = 60,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """``subprocess.run`` of what ``start_command`` starts; its output is captured."""
    options.pop("capture_output", None)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    if input is not None:
        streams["stdin"] = subprocess.PIPE
    with start_command(command, **streams) as process:
        out, err = process.communicate(input, timeout)
    ended = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        ended.check_returncode()
    return ended


def mock_intake(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``mock-intake`` to its end; output as text."""
    ran = run_command([MOCK_INTAKE, *map(str, arguments)], cwd=cwd, input=stdin, env=clean_environment(**environment))
    return subprocess.CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())
