"""Earlier builds, each installed from its commit into an environment of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

BUILD = "b29d81f"
ROOT = Path(__file__).parents[1]


def installed(commit: str) -> Path:
    """The Python of an environment in which an earlier build is installed; made at the first time.

    It is checked out into ``build/before/``, with the versions that it pinned itself. Raises ``SystemExit`` where that
    fails.
    """
    folder = ROOT / "build" / "before" / commit
    if not folder.exists():
        _run("git", "-C", str(ROOT), "worktree", "add", "--detach", str(folder), commit)
    _run("make", "-C", str(folder), ".venv/.ready")
    return folder / ".venv" / "bin" / "python"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
