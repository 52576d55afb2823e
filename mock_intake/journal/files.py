"""The file of a journal: whose it is, where it may lie, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import IO

from mock_intake.journal.protocol import JournalError
from mock_intake.journal.statements import APPLICATION_ID

# Bodies can hold what is nobody else's business.
_PRIVATE = 0o600
# How every database of SQLite begins (its file format, 1.3.1); a new one is empty.
_HEADER = b"SQLite format 3\0"
# So much of a name is told, where it may be of any length.
_LONGEST_NAME = 200
_MOUNTS = Path("/proc/self/mountinfo")
# Where the log would be shared by machines that do not share memory, and locks are a matter of luck.
_NETWORK = frozenset({"afs", "cifs", "fuse.sshfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"})
_ELSEWHERE = "keep the journal on a disk of this machine, and move it by export and import."

_EXPLANATIONS = {
    "SQLITE_NOTADB": "the file is no SQLite database, so it is no journal.",
    "SQLITE_FULL": "the disk is full.",
    "SQLITE_READONLY": "the file, or its directory, cannot be written to.",
    "SQLITE_CANTOPEN": "the file cannot be opened: does its directory exist, and may this user read and write there?",
    "SQLITE_BUSY": "the file is in use by another program.",
    "SQLITE_CORRUPT": "the file is damaged.",
    "SQLITE_PROTOCOL": f"the locks of its file system do not work: {_ELSEWHERE}",
    "SQLITE_IOERR_SHMMAP": f"its file system has no shared memory, which the log needs: {_ELSEWHERE}",
    "SQLITE_IOERR": "the disk cannot be read or written: it may be full, or the file has reached its largest size.",
    "SQLITE_CONSTRAINT_UNIQUE": "an exchange of the same id is on record already.",
    "SQLITE_TOOBIG": "the exchange is larger than SQLite can keep.",
}


def explained(error: sqlite3.Error) -> str:
    """What SQLite says in ``error``, as what a user can do about it."""
    name = getattr(error, "sqlite_errorname", "")
    return next((text for prefix, text in _EXPLANATIONS.items() if name.startswith(prefix)), f"{error}.")


def check_name(file: Path, *, must_exist: bool) -> None:
    """Raises ``JournalError`` for a name that no journal can have: of a directory, too long, of nothing to be read."""
    try:
        if file.is_dir():
            raise JournalError(f"{file} is a directory, and no file.")
        if must_exist and not file.exists():
            raise JournalError(f"{file} does not exist.")
    except OSError as error:
        raise JournalError(f"{error.strerror or error}: {str(file)[:_LONGEST_NAME]}") from error


def make_private(file: Path) -> None:
    """Makes ``file``, for its owner alone, unless it is there; SQLite gives the files beside it the same rights.

    Raises ``JournalError`` where it cannot be made.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, _PRIVATE))
    except PermissionError:
        return  # a file that may not be written to: SQLite says so, once it is known to be a journal
    except OSError as error:
        raise JournalError(f"{file}: {error.strerror or error}.") from error


def hold(file: Path) -> IO[str] | None:
    """Takes the lock of the one writer, beside ``file``; it goes with the process, however that ends.

    Raises ``JournalError`` where another process has it, where there can be no lock, or where ``file`` is of another
    kind, beside which none is left. None where the system has none.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on Windows; SQLite's own keep the file whole
        return None
    try:
        shown, file = file, file.resolve()  # another name of the file is no other file
        lock = file.with_name(file.name + "-writer")
        # Not where this process may have the journal open: closing any handle of a file ends SQLite's locks on it.
        if not lock.exists():
            if _is_of_another_kind(file):
                raise JournalError(f"{shown}: {_EXPLANATIONS['SQLITE_NOTADB']}")
            if _is_of_others(file):
                raise JournalError(f"{shown} is a database, and no journal of mock-intake.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        held = os.fdopen(os.open(lock, flags, _PRIVATE), "a")
    except OSError as error:
        raise JournalError(f"{file}: {error.strerror or error}: its directory must exist and be writable.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise JournalError(f"{file} is written to by another mock-intake; give each its own file.") from error
    return held


def _is_of_another_kind(file: Path) -> bool:
    """Whether ``file`` has something in it, and does not begin as SQLite's do; SQLite tells what cannot be read."""
    try:
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            return stream.read(len(_HEADER)) not in (b"", _HEADER)
    except OSError:
        return False


def _is_of_others(file: Path) -> bool:
    """Whether ``file`` is a database with something in it that another program made."""
    try:
        if not file.is_file() or not file.stat().st_size:
            return False
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (names,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return bool(names) and application != APPLICATION_ID
    except (OSError, sqlite3.Error):  # who opens it tells why that cannot be
        return False


def refuse_network(file: Path) -> None:
    """Raises ``JournalError`` for a file that lies on another machine, where that can be told."""
    if not _MOUNTS.exists():
        return
    kind = file_system(file.resolve(), _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    if kind in _NETWORK:
        raise JournalError(f"{file} is on a network drive ({kind}), where a journal is not safe: {_ELSEWHERE}")


def file_system(path: Path, mounts: str) -> str | None:
    """The kind of file system of ``path``, by ``mounts``, a text as in proc_pid_mountinfo(5); None if unknown."""
    places: dict[Path, str] = {}
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) > 4 and source:
            # What was mounted over an earlier one hides it.
            places[Path(_unescaped(fields[4]))] = source.split(" ")[0]
    return next((places[place] for place in (path, *path.parents) if place in places), None)


def _unescaped(text: str) -> str:
    """Blanks, tabs, line breaks and backslashes stand there in octal."""
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text


def log_of(file: Path) -> Path:
    """The write-ahead log that SQLite keeps beside ``file``."""
    return file.with_name(f"{file.name}-wal")


def is_full(error: BaseException) -> bool:
    """Whether ``error`` says that something could not be written for want of room."""
    name = getattr(error.__cause__, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_FULL", "SQLITE_IOERR"))


def _identity(file: str) -> tuple[int, int] | None:
    """Which file ``file`` is, whatever it is called (device and inode); None if there is none."""
    try:
        found = os.stat(file)  # noqa: PTH116 - before each append, and Path.stat takes three times as long
    except OSError:
        return None
    return found.st_dev, found.st_ino


class OpenedFile:
    """The ``file`` of a journal, and the log beside it: whether they are still those that were opened.

    What would be written to others would be lost.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._log = str(log_of(file))
        self._known: tuple[int, int] | None = None
        self._known_log: tuple[int, int] | None = None

    def was_opened(self) -> None:
        """The file is the one that is there now."""
        self._known = _identity(self._file)

    def has_log(self) -> None:
        """The log is the one that is there now, if any is."""
        self._known_log = _identity(self._log)

    def check(self, shown: Path) -> None:
        """Raises ``JournalError``, which calls the file as ``shown``, where another is there now, or none."""
        if _identity(self._file) != self._known:
            raise JournalError(f"{shown} was removed or replaced; put it back, or begin again with a new one.")
        if self._known_log is not None and _identity(self._log) != self._known_log:
            raise JournalError(
                f"The log beside {shown} (-wal) was removed or replaced. End this server, which writes what it "
                "has back into the file, and start it again."
            )
