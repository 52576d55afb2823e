"""The one server of a pytest process, and which of what it receives belongs to which test.

Every test has an API key of its own, and with it an org. What arrives with the key is the test's, however late; what
arrives without a key that any test has is nobody's, and told to whichever test was running. A host that is ``shared``
has one key for all of them: a request is that test's which is under way when it arrives.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from msgspec import field

from mock_intake.datadog.authentication import Keys
from mock_intake.journal import MemoryJournal
from mock_intake.judging.config import Config
from mock_intake.judging.intake import Settings
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Selection
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.producers.interception import is_redirected
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.listen import Listener
from mock_intake.server.runner import IntakeServer
from mock_intake_pytest.outside import Outside
from mock_intake_pytest.record_views import RecordViews

if TYPE_CHECKING:
    from mock_intake.server.http.tls import Certificates

_BATCH = 1_000


class IssuedKeys(Keys, frozen=True):
    """The keys of the tests so far, and no other.

    ``known`` stays empty: the keys are made up, so nothing needs to mask one test's key in another's requests.
    """

    known: frozenset[str] | None = frozenset()
    issued: set[str] = field(default_factory=set)

    def __hash__(self) -> int:
        # Those issued by one host are no other's, and more come: part of what it is, and not of a hash.
        return hash((self.known, self.anonymous))

    def accepts(self, key: str) -> bool:
        """Whether a test has this key."""
        return key in self.issued

    def issue(self) -> str:
        """A new key, of 32 hexadecimal digits."""
        key = secrets.token_hex(16)
        self.issued.add(key)
        return key


class Stray(NamedTuple):
    """A request that is no test's, and ``when``: in words, the test that was running, or several.

    ``keyed`` if it came with the key that all tests share, while none that uses the intake was under way.
    """

    exchange: Exchange
    when: str
    keyed: bool = False


class Record:
    """What belongs to one test: a journal of its own, views of it, and the strays that came meanwhile.

    ``strays`` are requests that no test's key came with; they came during this test and no other if it was ``alone``.
    Once the test is ``closed``, what comes for it goes to ``late``. ``dropped`` counts requests, of whatever test,
    that the server's bounds dropped before they were read. ``with_keys_of_others`` counts requests that came meanwhile
    with the keys of tests that had ended, by those tests. ``by_key`` unless the test shares its key with all others:
    then what is here came while it was under way. ``reached`` are hosts of Datadog's that were tried meanwhile, each
    with the process that tried; ``not_led`` programs that were started with an environment that leads nowhere.
    """

    def __init__(self, nodeid: str, org: str, selection: Selection, *, by_key: bool = True) -> None:
        self.nodeid = nodeid
        self.by_key = by_key
        self.org = org
        self.selection = selection
        self.journal = MemoryJournal()
        self.strays: list[Exchange] = []
        self.alone = True
        self.closed = False
        self.late: list[Exchange] = []
        self.reached: set[tuple[str, int]] = set()
        self.not_led: list[str] = []
        self.dropped = 0
        self.with_keys_of_others: Counter[str] = Counter()

    @cached_property
    def views(self) -> RecordViews:
        """What is computed from the journal; made for who asks first, so that a test that is over has none."""
        return RecordViews(self.journal, self.selection)

    def release(self) -> None:
        """Gives back what a test that was judged needs no more."""
        self.journal = MemoryJournal()
        self.__dict__.pop("views", None)
        self.strays = []

    def late_journal(self) -> MemoryJournal:
        """A journal of what came when the test was over."""
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
    from mock_intake.server.http.tls import Certificates, TlsError

    try:
        return Certificates()
    except TlsError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


class Host:
    """Keeps the server, gives out keys, and sorts what arrives. ``directory`` is for files that producers read.

    ``shared`` gives all tests one key, ``shared_key``: for clients that live longer than a test. With
    ``clean_environment`` producers find none of the settings that make content.
    """

    def __init__(
        self, config: Config, directory: Path, *, shared: bool = False, clean_environment: bool = False
    ) -> None:
        self.config = config
        self.clean_environment = clean_environment
        self._directory = directory
        # Apart from other files: clients are told to look there for what they trust, and for nothing else.
        self._ca_file = directory / "trusted" / "ca.pem"
        self._has_proxy = False
        self._keys = IssuedKeys()
        self.shared_key = self._keys.issue() if shared else None
        self._shared_org = org_of(self.shared_key) if self.shared_key else None
        # The test that pytest runs, whether it uses the intake or not.
        self._under_way: str | None = None
        self._lock = threading.RLock()
        self._position = 0
        self._records: list[Record] = []
        self._by_org: dict[str, Record] = {}
        self._open: list[Record] = []
        self.strays: list[Stray] = []
        library = FacetLibrary.from_directory(config.facets) if config.facets else None
        self.outside = Outside(directory, config.guard)
        self.server = IntakeServer(Settings(keys=self._keys, selection=config.selection), library=library)

    def start(self) -> None:
        """Starts the server. Raises ``ServerError``."""
        with _real_sockets():
            self.server.start()

    def stop(self) -> None:
        """Ends the server, and sorts what had arrived until then."""
        self.server.stop()
        self.catch_up()

    @property
    def ca_file(self) -> Path:
        """The CA's certificate; https is served from the first time on that somebody asks for it."""
        self.secure_server()
        return self._ca_file

    @property
    def proxy_url(self) -> str:
        """The forward proxy's address; there is one from the first time on that somebody asks for it."""
        with self._lock:
            server = self.secure_server()
            if not self._has_proxy:
                server.open_proxy()
                self._has_proxy = True
        return server.proxy_url

    def secure_server(self) -> IntakeServer:
        """The server, serving https too."""
        with self._lock:
            if self.server.certificates is None:
                from mock_intake.server.http.tls import write_trusted

                certificates = _certificates()
                self.server.open_tls(certificates)
                write_trusted(certificates, self._ca_file.parent)
        return self.server

    def open_agent(self, api_key: str) -> Listener:
        """An Agent that sends on with this key, on a port of its own; to be closed by whoever opened it."""
        from mock_intake.datadog.agent import AgentSettings

        return self.server.open_agent(AgentSettings(api_key))

    def directory_of(self, api_key: str) -> Path:
        """Where the files may be written that lead whoever has a key."""
        org = org_of(api_key)
        self.outside.led.add(org)
        return self._directory / org

    def open(self, nodeid: str, ignore: Sequence[str] = ()) -> tuple[Record, str]:
        """A record for a test that begins, and its API key."""
        key = self.shared_key or self._keys.issue()
        selection = self.config.with_options((), ignore, None).selection if ignore else self.config.selection
        record = Record(nodeid, org_of(key), selection, by_key=self.shared_key is None)
        with self._lock:
            self.catch_up()
            self._records.append(record)
            self._by_org[record.org] = record
            self.outside.begin()
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
            if not self._open and self.shared_key is None:
                self.outside.end()

    def records(self) -> list[Record]:
        """The records of all tests so far."""
        with self._lock:
            self.catch_up()
            return list(self._records)

    def begins(self, nodeid: str) -> None:
        """pytest begins a test, which may use the intake or not: what has arrived was for those before."""
        with self._lock:
            self.catch_up()
            self._under_way = nodeid

    def owner_of(self, key: str) -> Record | None:
        """The latest test that had a key."""
        with self._lock:
            return self._by_org.get(org_of(key))

    def serves(self, url: str) -> bool:
        """Whether a URL leads to this host's server, by its address or by interception of a real site's."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return False
        host = "127.0.0.1" if host == "localhost" else host
        return self.server.serves(host, port) or is_redirected(host)

    def catch_up(self) -> None:
        """Sorts what has arrived since the last time."""
        journal = self.server.journal
        with self._lock:
            # Asked often: mostly nothing has.
            while journal.position > self._position and (batch := journal.read(self._position, _BATCH)):
                for position, exchange in batch:
                    if self._open:
                        # Positions have no holes, unless what was there has been dropped.
                        self._open[-1].dropped += position - self._position - 1
                    self._position = position
                    self._sort(exchange)
            if self.outside.sort(self._open):
                self.server.changes.notify()

    def _sort(self, exchange: Exchange) -> None:
        shared = exchange.org == self._shared_org
        record = self._by_time() if shared else self._by_org.get(exchange.org)
        if record is None:
            running = " or ".join(each.nodeid for each in self._open)
            self.strays.append(Stray(exchange, f"during {running}" if running else self._between(), keyed=shared))
            for each in self._open:
                each.strays.append(exchange)
        elif record.closed:
            record.late.append(exchange)
            for each in self._open:
                each.with_keys_of_others[record.nodeid] += 1
        else:
            record.journal.append([exchange])

    def _by_time(self) -> Record | None:
        """Whose a request with the shared key is: of the test under way, or late, of the one that has just ended."""
        last = self._open[-1] if self._open else self._records[-1] if self._records else None
        return last if last is not None and (not last.closed or last.nodeid == self._under_way) else None

    def _between(self) -> str:
        used = any(each.nodeid == self._under_way for each in self._records[-1:])
        if self._shared_org is None or used:
            return "between tests"
        return f"during {self._under_way}, which uses no intake" if self._under_way else "before the first test"
