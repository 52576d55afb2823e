"""Databases as users have them elsewhere: behind TLS, far away, used up by others, with a standby that takes over.

The PostgreSQL of the tests knows no TLS: a relay before it does. All else is as it is there.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import trustme

from mock_intake.journal import EventFilter, JournalError, walk
from mock_intake.journal.postgres import PostgresJournal
from tests import databases
from tests.databases import FAST, Database
from tests.journal.exchanges import plain
from tests.journal.relay import Relay
from tests.journal.serving import Load, serving


@pytest.fixture
def url() -> Iterator[str]:
    taken = databases.take()
    yield taken
    databases.give_back(taken)


def through(relay: Relay, url: str) -> str:
    """The address of a database by way of a relay."""
    return url.replace(url.split("@")[1].split("/")[0], f"127.0.0.1:{relay.port}")


def port_of(url: str) -> int:
    return int(psycopg.conninfo.conninfo_to_dict(url)["port"] or 0)


def test_by_tls_only_the_named_ca_is_trusted_and_only_for_its_hosts(url: str, tmp_path: Path) -> None:
    ca, other = trustme.CA(), trustme.CA()
    for name, each in (("ca.pem", ca), ("other.pem", other)):
        each.cert_pem.write_to_path(str(tmp_path / name))

    def context(host: str) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert(host).configure_cert(made)
        return made

    options = f"?sslmode=verify-full&sslrootcert={tmp_path}"
    with Relay(port_of(url), context("127.0.0.1")) as relay, Relay(port_of(url), context("db.example")) as elsewhere:
        with closing(PostgresJournal(f"{through(relay, url)}{options}/ca.pem")) as journal:
            journal.append([plain("a")])
            assert journal.count_events(EventFilter()) == 1
        for address in (f"{through(relay, url)}{options}/other.pem", f"{through(elsewhere, url)}{options}/ca.pem"):
            with pytest.raises(JournalError, match="its certificate is not trusted"):
                PostgresJournal(address)
    with pytest.raises(JournalError, match="the database speaks no TLS"):
        PostgresJournal(f"{url}?sslmode=require")


def test_a_database_that_is_far_away_is_waited_for_and_one_that_is_too_slow_given_up(url: str) -> None:
    with Relay(port_of(url)) as relay, closing(PostgresJournal(through(relay, url))) as journal:
        relay.delay = 0.02
        journal.append([plain("a"), plain("b")])
        assert journal.count_events(EventFilter()) == 2
        relay.delay = 6
        began = time.monotonic()
        with pytest.raises(JournalError, match="does not answer"):
            journal.append([plain("c")])
        assert time.monotonic() - began < 30
        relay.delay = 0
        wait_until(lambda: appended(journal))


def test_a_database_that_may_only_be_read_is_told_and_written_when_it_may_be_again(url: str) -> None:
    """As a primary is that has become a standby: libpq looks for one that can be written to."""
    name = url.rpartition("/")[2]
    with closing(PostgresJournal(url)) as journal, closing(psycopg.connect(url, autocommit=True)) as other:
        journal.append([plain("a")])
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            with pytest.raises(JournalError, match="the database is read-only"):
                journal.append([plain("b")])
        finally:
            other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        wait_until(lambda: appended(journal))
        assert journal.attempts("org-b") == 0


def appended(journal: PostgresJournal) -> bool:
    try:
        journal.append([plain("a")])
    except JournalError:
        return False
    return True


def test_connections_that_others_have_used_up_are_told_and_used_when_they_are_free() -> None:
    database = Database(*FAST[:-1], "max_connections=8", "superuser_reserved_connections=0")
    try:
        url = database.create()
        with closing(PostgresJournal(url)) as journal, ExitStack() as others:
            others.enter_context(used_up(url))
            for open_journal in (lambda: PostgresJournal(url), lambda: journal.append([plain("a")])):
                with pytest.raises(JournalError, match="no connection left for us"):
                    open_journal()
            others.close()
            wait_until(lambda: appended(journal))
            assert journal.attempts("org-a") == journal.position == 1
    finally:
        database.end()


@contextmanager
def used_up(url: str) -> Iterator[None]:
    """All connections that a database has are taken meanwhile."""
    with ExitStack() as taken:
        while True:
            try:
                taken.enter_context(closing(psycopg.connect(url)))
            except psycopg.OperationalError as error:
                assert "too many clients" in str(error)  # noqa: PT017 - of which there are several
                break
        yield


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.05)


def test_a_standby_that_takes_over_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    """The address names both hosts; the primary waits for its standby before it says that something is committed."""
    primary = Database(*FAST)
    standby = None
    try:
        url = primary.create()
        standby = Database(*FAST, primary=primary)
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        both = url.replace(f"127.0.0.1:{primary.port}", f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}")
        with serving(tmp_path, "--journal", both) as server:
            with Load(server, 2) as load:
                load.wait_for(10)
                primary.kill()
                standby.promote()
                taken = len([each for each in load.sent if each.status == 202])
                wait_until(lambda: len([each for each in load.sent if each.status == 202]) > taken + 5)
            assert server.end() == 0
        assert {each.status for each in load.sent} <= {202, 503}
        with closing(PostgresJournal(both)) as journal:
            kept = [exchange.event.id for _, exchange in walk(journal) if exchange.event is not None]
        assert len(kept) == len(set(kept))
        assert {each.event_id for each in load.sent if each.status == 202} <= set(kept)
    finally:
        primary.end()
        if standby is not None:
            standby.end()
