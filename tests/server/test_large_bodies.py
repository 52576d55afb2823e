"""A body that takes long to judge is judged beside the loop: others are answered meanwhile, and nobody overtakes it."""

from __future__ import annotations

import gzip
import json
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.faults import parse_plan
from mock_intake.journal import ExchangeFilter, Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.secrets.api_keys import org_of
from tests.events import dataset, run_event, schema
from tests.fuzz import connect, read_answers, request_bytes, send

KEY, OTHER = "0a" * 16, "0b" * 16
SMALL = json.dumps(run_event("COMPLETE")).encode()


def _large() -> bytes:
    """An event of some 15 MB, packed: on the wire in a moment, judged for half a second or more."""
    columns = [f"a_column_with_a_name_{number}" for number in range(500)]
    event = run_event("START", outputs=[dataset(f"shop.public.t{n}", schema=schema(*columns)) for n in range(450)])
    return gzip.compress(json.dumps(event).encode(), 1)


LARGE = request_bytes(_large(), [("Content-Encoding", "gzip")], key=KEY)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    kept: Journal = MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "journal.db")
    yield kept
    kept.close()


@pytest.fixture
def intake(journal: Journal) -> Iterator[IntakeServer]:
    with IntakeServer(journal=journal) as server:
        send(server, request_bytes(SMALL, key="0c" * 16))  # schemas compile with the first event
        yield server


def _sent_to_its_end(intake: IntakeServer) -> socket.socket:
    """A connection on which the large body has ended, as far as can be told from outside."""
    connection = connect(intake, timeout=60)
    connection.sendall(LARGE)
    time.sleep(0.05)
    return connection


def _events_of(intake: IntakeServer, key: str) -> list[str | None]:
    """The types of an org's events, as they were put on record."""
    page = intake.journal.exchanges(ExchangeFilter(org=org_of(key)), limit=1000)
    return [exchange.event.event_type if exchange.event else None for exchange in reversed(page.items)]


def test_others_are_answered_while_a_large_body_is_judged(intake: IntakeServer) -> None:
    with _sent_to_its_end(intake) as connection:
        answered = 0
        while not select.select([connection], [], [], 0)[0]:
            assert [answer.status for answer in send(intake, request_bytes(SMALL, key=OTHER))] == [202]
            answered += 1
        assert [answer.status for answer in read_answers(connection, 1)] == [202]
    assert answered > 1


def test_the_record_of_an_org_is_in_the_order_in_which_bodies_ended(intake: IntakeServer) -> None:
    with _sent_to_its_end(intake) as connection:
        assert [answer.status for answer in send(intake, request_bytes(SMALL, key=KEY))] == [202]
        assert [answer.status for answer in read_answers(connection, 1)] == [202]
    assert _events_of(intake, KEY) == ["START", "COMPLETE"]


@pytest.mark.parametrize(
    "plan",
    [
        "503,202,204",
        {"sequence": [{"step": "503", "match": {"event_type": "START"}}, 202, {"step": 204, "match": {"attempt": 2}}]},
    ],
    ids=["of all", "of some"],
)
def test_steps_are_taken_in_the_order_in_which_bodies_ended(intake: IntakeServer, plan: object) -> None:
    intake.faults.set(parse_plan(plan))
    with _sent_to_its_end(intake) as connection:
        small = [send(intake, request_bytes(SMALL, key=OTHER))[0].status for _ in range(20)]
        assert small == [202, 204, *[202] * 18]
        assert [answer.status for answer in read_answers(connection, 1)] == [503]


def test_a_server_that_ends_has_put_a_large_body_on_record(journal: Journal) -> None:
    with IntakeServer(journal=journal) as server, _sent_to_its_end(server):
        pass
    assert journal.position == 1
