"""The one server of a pytest process, and which of what it receives belongs to which test.

Every test has an API key of its own, and with it an org. What arrives with the key is the test's, however late; what
arrives without a key that any test has is nobody's, and told to whichever test was running.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mock_intake.config import Config
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.exchange import Exchange
from mock_intake.findings import Selection
from mock_intake.intake import Settings
from mock_intake.journal import MemoryJournal
from mock_intake.masking import org_of
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.server.doors import Door
from mock_intake.server.runner import IntakeServer
from mock_intake.server.tls import Certificates, TlsError
from mock_intake.views import Views

_BATCH = 1_000


@dataclass(frozen=True)
class IssuedKeys(Keys):
    """The keys of the tests so far, and no other.

    ``known`` stays empty: the keys are made up, so nothing needs to mask one test's key in another's requests.
    """

    known: frozenset[str] | None = frozenset()
    issued: set[str] = field(default_factory=set, compare=False)

    def accepts(self, key: str) -> bool:
        return key in self.issued

    def issue(self) -> str:
        key = secrets.token_hex(16)
        self.issued.add(key)
        return key


class Stray(NamedTuple):
    """A request that no test's key came with, and ``when``: in words, the test that was running, or several."""

    exchange: Exchange
    when: str


class Record:
    """What belongs to one test: a journal of its own, views of it, and the strays that came meanwhile.

    ``strays`` are requests that no test's key came with; they came during this test and no other if it was ``alone``.
    Once the test is ``closed``, what comes for it goes to ``late``. ``dropped`` counts requests, of whatever test,
    that the server's bounds dropped before they were read.
    """

    def __init__(self, nodeid: str, org: str, selection: Selection) -> None:
        self.nodeid = nodeid
        self.org = org
        self.selection = selection
        self.journal = MemoryJournal()
        self.views = Views(self.journal, selection)
        self.strays: list[Exchange] = []
        self.alone = True
        self.closed = False
        self.late: list[Exchange] = []
        self.dropped = 0

    def release(self) -> None:
        """Gives back what a test that was judged needs no more."""
        self.journal = MemoryJournal()
        self.views = Views(self.journal, self.selection)
        self.strays = []

    def late_journal(self) -> MemoryJournal:
        journal = MemoryJournal()
        journal.append(self.late)
        return journal


@contextmanager
def _real_sockets() -> Iterator[None]:
    """Within, sockets are real ones, also where a library keeps the test that begins off the network.

    uvloop keeps the class that it finds when it is imported, and could not take connections with another.
    """
    found: Any = socket.socket
    real: Any = next(each for each in found.__mro__ if each.__module__ == "socket")
    setattr(socket, "socket", real)  # noqa: B010 - the class, which has a name for mypy
    try:
        yield
    finally:
        setattr(socket, "socket", found)  # noqa: B010


def _certificates() -> Certificates:
    if not Path(__file__).exists():
        # OpenSSL takes keys from real files only; and what it is made of does not survive being imported now.
        raise pytest.fail.Exception(
            "The intake's certificates cannot be made while the file system is a fake: ask for intake.ca_file or "
            "intake_env before, in a fixture that comes ahead of it.",
            pytrace=False,
        )
    try:
        return Certificates()
    except TlsError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


class Host:
    """Keeps the server, gives out keys, and sorts what arrives. ``directory`` is for files that producers read."""

    def __init__(self, config: Config, directory: Path) -> None:
        self.config = config
        self._directory = directory
        self._keys = IssuedKeys()
        self._lock = threading.RLock()
        self._position = 0
        self._records: dict[str, Record] = {}
        self._open: list[Record] = []
        self.strays: list[Stray] = []
        library = FacetLibrary.from_directory(config.facets) if config.facets else None
        self.server = IntakeServer(Settings(keys=self._keys, selection=config.selection), library=library)

    def start(self) -> None:
        with _real_sockets():
            self.server.start()
        self.no_config_file.write_text("# In place of one that would lead the test's events elsewhere.\nfacets: {}\n")

    def stop(self) -> None:
        self.server.stop()
        self.catch_up()

    @property
    def ca_file(self) -> Path:
        """The CA's certificate; https is served from the first time on that somebody asks for it."""
        self.secure_server()
        return self._directory / "ca.pem"

    def secure_server(self) -> IntakeServer:
        """The server, serving https too."""
        with self._lock:
            if self.server.certificates is None:
                certificates = _certificates()
                self.server.open_tls(certificates)
                certificates.write_ca(self._directory / "ca.pem")
        return self.server

    def open_agent(self, api_key: str) -> Door:
        return self.server.open_agent(AgentSettings(api_key))

    @property
    def no_config_file(self) -> Path:
        """A configuration file for OpenLineage clients that says nothing, to be read in place of any other."""
        return self._directory / "openlineage.yml"

    def open(self, nodeid: str, ignore: Sequence[str] = ()) -> tuple[Record, str]:
        """A record for a test that begins, and its API key."""
        key = self._keys.issue()
        selection = self.config.with_options((), ignore, None).selection
        record = Record(nodeid, org_of(key), selection)
        with self._lock:
            self.catch_up()
            self._records[record.org] = record
            self._open.append(record)
            if len(self._open) > 1:
                for each in self._open:
                    each.alone = False
        return record, key

    def close(self, record: Record) -> None:
        """The test is over: what comes for it from now on is late."""
        with self._lock:
            self.catch_up()
            record.closed = True
            self._open = [each for each in self._open if each is not record]

    def records(self) -> list[Record]:
        """The records of all tests so far."""
        with self._lock:
            self.catch_up()
            return list(self._records.values())

    def catch_up(self) -> None:
        """Sorts what has arrived since the last time."""
        journal = self.server.journal
        with self._lock:
            while batch := journal.read(self._position, _BATCH):
                for position, exchange in batch:
                    if self._open:
                        # Positions have no holes, unless what was there has been dropped.
                        self._open[-1].dropped += position - self._position - 1
                    self._position = position
                    self._sort(exchange)

    def _sort(self, exchange: Exchange) -> None:
        record = self._records.get(exchange.org)
        if record is None:
            running = " or ".join(each.nodeid for each in self._open)
            self.strays.append(Stray(exchange, f"during {running}" if running else "between tests"))
            for each in self._open:
                each.strays.append(exchange)
        elif record.closed:
            record.late.append(exchange)
        else:
            record.journal.append([exchange])
