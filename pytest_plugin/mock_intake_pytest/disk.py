"""The real disk, also where a test has put a fake file system in its place.

Libraries that do so replace what modules hold by name. Imported whenever pytest starts, before any of them is at work.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path


class _Real:
    """Held by a class, where nothing that fakes a file system looks."""

    open = staticmethod(io.open)
    makedirs = staticmethod(os.makedirs)
    stat = staticmethod(os.stat)


def read(file: Path) -> str | None:
    """A file's text, what is no UTF-8 in it shown with escapes; None if there is no such file."""
    try:
        with _Real.open(str(file), encoding="utf-8", errors="backslashreplace") as opened:
            return opened.read()
    except FileNotFoundError:
        return None


def write(file: Path, text: str) -> None:
    """Writes a file, and the directories that lead to it."""
    _Real.makedirs(str(file.parent), exist_ok=True)
    with _Real.open(str(file), "w", encoding="utf-8") as opened:
        opened.write(text)


def no_directory(file: Path) -> Path | None:
    """What stands on the way to a file and is no directory; None if nothing does."""
    for each in reversed(file.parents):
        try:
            if not stat.S_ISDIR(_Real.stat(str(each)).st_mode):
                return each
        except OSError:
            return None
    return None
