"""Temporary directories that are removed also when whoever made them was killed: by the next one that needs one.

A directory is known to be in use by a lock on a file in it, which goes with the process that holds it, however that
ends. There are no such locks on Windows: there nothing is removed but one's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "mock-intake-"
_OWNER = ".in-use"
_UNDER_WAY = ".in-use.new"
# Between two looks at what others have left: there may be thousands of directories to look through.
_looked: set[str] = set()


class TemporaryError(OSError):
    """There is nowhere to put temporary files; the message says why, and what to do."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"Temporary files: {error.strerror or error}: set TMPDIR to where there is room.")


def where_temporary_files_go() -> Path:
    """The directory that they are made in. Raises ``TemporaryError`` where there is none that can be written to."""
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise TemporaryError(error) from error


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory of one's own, gone after the block. What processes that were killed left of theirs goes first.

    Raises ``TemporaryError``.
    """
    try:
        remove_left_over()
        made = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise TemporaryError(error) from error
    held = _hold(made / _UNDER_WAY, os.O_CREAT)
    if held is not None:
        # It has its lock before anybody can look for one: else whoever came between would find it left over.
        (made / _UNDER_WAY).rename(made / _OWNER)
    try:
        yield made
    finally:
        if held is not None:
            held.close()
        shutil.rmtree(made, ignore_errors=True)


def remove_left_over() -> None:
    """Removes directories of processes of ours that were killed; looks for them once in the life of a process."""
    place = tempfile.gettempdir()
    if place in _looked:
        return
    _looked.add(place)
    with suppress(OSError):
        for directory in Path(place).glob(f"{PREFIX}*"):
            if _is_left_over(directory):
                shutil.rmtree(directory, ignore_errors=True)


def _is_left_over(directory: Path) -> bool:
    """Whether a directory is one of ours that nobody uses any more. What does not have the mark is not touched."""
    try:
        if directory.is_symlink() or directory.stat().st_uid != os.getuid():
            return False
    except (OSError, AttributeError):
        return False
    held = _hold(directory / _OWNER)
    if held is None:
        return False
    held.close()
    return True


def _hold(file: Path, create: int = 0) -> IO[bytes] | None:
    """The lock on a file, to be closed; None where another process has it, or there is none to be had."""
    try:
        import fcntl

        held = os.fdopen(os.open(file, os.O_RDWR | os.O_NOFOLLOW | create, 0o600), "r+b")
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        return None
    return held
