"""Runs the command as a user does: the installed script, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MOCK_INTAKE = str(Path(sys.executable).parent / "mock-intake")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without what would steer clients, colours or settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENLINEAGE", "DD_", "MOCK_INTAKE")) and not name.lower().endswith("_proxy")
    }
    for name in ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE"):
        kept.pop(name, None)
    return {**kept, **more}


def mock_intake(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``mock-intake`` to its end; output as text."""
    done = subprocess.run(
        [MOCK_INTAKE, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=clean_environment(**environment),
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
