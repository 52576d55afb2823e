"""Room that is held for the day on which the disk is full: to forget needs some, as all that is written does.

SQLite writes what it takes away to its log first. So a file beside the journal takes a few megabytes while there are
many; where the disk is full, it goes, and what is to be forgotten goes into its place.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

_SIZE = 4 * 1024 * 1024
_LEAST = 256 * 1024
# It takes this part of what is free at most.
_PART = 8


class Reserve:
    """The file beside a journal. Nothing here raises: where it cannot be had, there is none."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.with_name(journal.name + "-reserve")

    def hold(self) -> None:
        """Takes the room, if it is not taken and there is enough."""
        with suppress(OSError, AttributeError):
            if self._file.exists():
                return
            size = min(_SIZE, shutil.disk_usage(self._file.parent).free // _PART)
            if size < _LEAST:
                return
            with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                try:
                    os.posix_fallocate(file.fileno(), 0, size)
                except OSError:
                    self._file.unlink(missing_ok=True)

    def give_up(self) -> bool:
        """Lets the room go; whether there was any."""
        try:
            self._file.unlink()
        except OSError:
            return False
        return True
