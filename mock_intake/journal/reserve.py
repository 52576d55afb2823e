"""Room that is held for the day on which the disk is full: to forget needs some, as all that is written does.

SQLite writes what it takes away to its log first. So a file beside the journal takes a few megabytes while there are
many; where the disk is full, it goes, and what is to be forgotten goes into its place.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

_SIZE = 4 * 1024 * 1024
# Measured: with that, some exchanges can be forgotten and the log be written back, also where all is in the log still.
_LEAST = 384 * 1024
# With less free than that the log may find no room to be written back; it grows to about so much.
_SHORT = 64 * 1024 * 1024
# It takes this part of what is free, or the least that is of use, but never more than half.
_PART = 8
_SUFFIX = "-reserve"

_log = logging.getLogger("mock_intake")


class Reserve:
    """The file beside a journal. Nothing here raises: where it cannot be had, there is none."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.with_name(journal.name + _SUFFIX)

    def hold(self) -> bool:
        """Takes the room, if it is not taken and there is enough; whether it is taken now."""
        with suppress(OSError):
            if self._file.exists():
                return True
            free = shutil.disk_usage(self._file.parent).free
            size = min(_SIZE, max(_LEAST, free // _PART))
            if size > free // 2:
                return False
            with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                try:
                    _allocate(file.fileno(), size)
                except OSError:
                    self._file.unlink(missing_ok=True)
                    return False
            return True
        return False

    def hold_or_tell(self) -> None:
        """As ``hold``; where it cannot be had, the log is told what follows from that."""
        if not self.hold():
            _log.warning(
                "%s: the disk has no room for a reserve beside it. Should it be full, to forget may not help: free "
                "some %d KB.",
                self._file.with_name(self._file.name.removesuffix(_SUFFIX)),
                2 * _LEAST // 1024,
            )

    @property
    def is_short(self) -> bool:
        """Whether so little is free on the disk that what is free in the journal's file is of use there."""
        try:
            return shutil.disk_usage(self._file.parent).free < _SHORT
        except OSError:
            return False

    def give_up(self) -> bool:
        """Lets the room go; whether there was any."""
        try:
            self._file.unlink()
        except OSError:
            return False
        return True


def _allocate(descriptor: int, size: int) -> None:
    """Makes a file so large (bytes) that the room is its own. Raises ``OSError``."""
    try:
        allocate = os.posix_fallocate
    except AttributeError:  # not everywhere, for instance not on macOS
        os.write(descriptor, bytes(size))
    else:
        allocate(descriptor, 0, size)
