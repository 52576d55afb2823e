"""Faults over real sockets, many clients at once: N requests, exactly the planned steps, each once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.http.tls import Certificates
from tests.faults.wire import GARBAGE, Scheme, answers, connected, control, event_bytes, hear, misbehave, post
from tests.fuzz import request_bytes


@pytest.fixture
def server(start_server: Callable[..., IntakeServer]) -> IntakeServer:
    return start_server(tls=Certificates())


def outcome(server: IntakeServer, key: str, scheme: Scheme = "http") -> str:
    """What a client sees of one request, in a word: a status, or the way in which there was none."""
    with connected(server, scheme, timeout=20) as connection:
        connection.sendall(request_bytes(event_bytes(), key=key))
        heard = hear(connection, 20, wanted=1)
    if found := answers(heard.data):
        return str(found[0].status)
    if heard.data == GARBAGE:
        return "garbage"
    return "truncate" if heard.data else {"reset": "reset", "eof": "close", "open": "hang"}[heard.ending]


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    """So many clients that all requests are under way at once."""
    with ThreadPoolExecutor(100) as pool:
        yield pool


def test_parallel_requests_take_each_planned_step_exactly_once(
    server: IntakeServer, crowd: ThreadPoolExecutor, api_key: str
) -> None:
    words = ["close", "reset", "truncate", "garbage"] * 5
    statuses = list(range(400, 460))
    misbehave(server, [*statuses, *words])
    before = threading.Barrier(100)

    def send(number: int) -> str:
        before.wait()
        return outcome(server, api_key, "https" if number % 4 == 0 else "http")

    seen = Counter(crowd.map(send, range(100)))
    planned: Counter[str | None] = Counter([*map(str, statuses), *words])
    assert seen == planned + Counter({"202": 20})
    exchanges = [exchange for _, exchange in server.journal.read(0, 1_000)]
    assert Counter(exchange.fault for exchange in exchanges) == planned + Counter({None: 20})
    state = control(server, "GET", "/faults")
    assert (state["taken"], set(state["left"]), state["active"]) == (80, {0}, False)


def test_what_a_client_sees_is_what_is_on_record(server: IntakeServer, crowd: ThreadPoolExecutor, api_key: str) -> None:
    """Each client has an org of its own, so that its request can be found."""
    keys = [f"{number:032x}" for number in range(60)]
    misbehave(server, [503, "reset", 429, "close", "garbage", 500] * 8)
    seen = dict(zip(keys, crowd.map(lambda key: outcome(server, key), keys), strict=True))
    recorded = {exchange.org: exchange.fault or "202" for _, exchange in server.journal.read(0, 1_000)}
    assert {org_of(key): word for key, word in seen.items()} == recorded
    assert Counter(seen.values()) == {
        "503": 8, "reset": 8, "429": 8, "close": 8, "garbage": 8, "500": 8, "202": 12
    }  # fmt: skip


def test_orgs_take_their_own_steps_and_share_those_for_all(server: IntakeServer, crowd: ThreadPoolExecutor) -> None:
    keys = [f"{number:032x}" for number in range(10)]
    misbehave(server, [{"step": 503, "times": 30}])
    for number, key in enumerate(keys):
        misbehave(server, [{"step": 400 + number, "times": 3}], org_of(key))
    seen = Counter(crowd.map(lambda number: (number % 10, outcome(server, keys[number % 10])), range(100)))
    own = {(number, str(400 + number)): 3 for number in range(10)}
    assert {cell: count for cell, count in seen.items() if cell in own} == own
    rest = Counter({"503": 0, "202": 0})
    for (number, word), count in seen.items():
        if (number, word) not in own:
            rest[word] += count
    assert rest == {"503": 30, "202": 40}


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
    else:
        with closing(SqliteJournal(tmp_path / "journal.db")) as on_disk:
            yield on_disk


def test_attempts_of_one_event_are_counted_through_however_many_come_at_once(
    journal: Journal, start_server: Callable[..., IntakeServer], crowd: ThreadPoolExecutor, api_key: str
) -> None:
    """Also where an attempt is counted while those before it still wait for the disk."""
    server = start_server(journal=journal)
    body = event_bytes()
    numbers = range(1, 51)
    misbehave(server, [{"step": 400 + n, "times": None, "match": {"attempt": n}} for n in numbers])
    before = threading.Barrier(len(numbers))

    def send(_: int) -> int:
        before.wait()
        return post(server, api_key, body).status

    assert sorted(crowd.map(send, numbers)) == [400 + number for number in numbers]
    assert post(server, api_key, body).status == 202


def test_a_plan_that_is_set_while_requests_come_in_loses_none(
    server: IntakeServer, crowd: ThreadPoolExecutor, api_key: str
) -> None:
    """Whatever is left of the old plan is gone; every request is on record with the step that it was answered."""
    running = crowd.map(lambda _: outcome(server, api_key), range(100))
    for status in (500, 502, 503):
        control(server, "PUT", "/faults", [{"step": status, "times": 10}])
    seen = Counter(running)
    recorded = Counter(exchange.fault or "202" for _, exchange in server.journal.read(0, 1_000))
    assert seen == recorded
    assert set(seen) <= {"202", "500", "502", "503"}
    assert sum(seen.values()) == 100
    control(server, "DELETE", "/faults")
    assert post(server, api_key).status == 202
