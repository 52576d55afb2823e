"""The real disk, also where a test has put a fake file system in its place.

Libraries that do so replace what modules hold by name. Imported whenever pytest starts, before any of them is at work.
"""

from __future__ import annotations

import io
import os
from pathlib import Path


class _Real:
    """Held by a class, where nothing that fakes a file system looks."""

    open = staticmethod(io.open)
    makedirs = staticmethod(os.makedirs)


def read(file: Path) -> str | None:
    """A file's text; None if there is no such file."""
    try:
        with _Real.open(str(file), encoding="utf-8") as opened:
            return opened.read()
    except FileNotFoundError:
        return None


def write(file: Path, text: str) -> None:
    """Writes a file, and the directories that lead to it."""
    _Real.makedirs(str(file.parent), exist_ok=True)
    with _Real.open(str(file), "w", encoding="utf-8") as opened:
        opened.write(text)
