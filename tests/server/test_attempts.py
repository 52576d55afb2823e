"""The same body sent again is another attempt of one event, not another event."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from mock_intake import IntakeServer, Settings
from mock_intake.journal import MemoryJournal
from mock_intake.secrets.api_keys import org_of
from tests.events import run_event
from tests.fuzz import flawed_event, request_bytes, send

EVENT = json.dumps(run_event()).encode()
FLAWED = json.dumps(flawed_event()).encode()


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def get(intake: IntakeServer, path: str) -> Any:
    (answer,) = send(intake, request_bytes(method="GET", target=f"/api/mock/v1{path}", key=None))
    assert answer.status == 200, answer
    return answer.json()


def post(intake: IntakeServer, key: str, body: bytes = EVENT, *headers: tuple[str, str]) -> Any:
    (answer,) = send(intake, request_bytes(body, headers, key=key))
    return answer.json()


def events(intake: IntakeServer, key: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = get(intake, f"/events?org={org_of(key)}")["events"]
    return listed


def test_the_same_body_again_is_one_event_with_two_attempts(intake: IntakeServer, api_key: str) -> None:
    first, second = post(intake, api_key), post(intake, api_key)
    assert first == second
    (event,) = events(intake, api_key)
    assert (event["id"], event["attempts"]) == (first["id"], 2)
    exchanges = get(intake, f"/exchanges?org={org_of(api_key)}")["exchanges"]
    assert [exchange["event_id"] for exchange in exchanges] == [event["id"]] * 2
    assert [exchange["received_at"] for exchange in exchanges] == [event["last_received_at"], event["received_at"]]
    assert datetime.fromisoformat(event["received_at"]) < datetime.fromisoformat(event["last_received_at"])


def test_the_same_event_in_another_compression_is_the_same_event(intake: IntakeServer, api_key: str) -> None:
    post(intake, api_key)
    post(intake, api_key, gzip.compress(EVENT), ("Content-Encoding", "gzip"))
    post(intake, api_key, zlib.compress(EVENT), ("Content-Encoding", "deflate"))
    (event,) = events(intake, api_key)
    assert event["attempts"] == 3
    assert get(intake, f"/events/{event['id']}")["raw"] == EVENT.decode()
    assert len(get(intake, f"/exchanges?event_id={event['id']}")["exchanges"]) == 3


def test_another_body_or_another_org_is_another_event(intake: IntakeServer, api_key: str) -> None:
    ids = [post(intake, api_key)["id"], post(intake, api_key, EVENT + b" ")["id"], post(intake, "0" * 32)["id"]]
    assert len(set(ids)) == 3
    assert [event["attempts"] for event in events(intake, api_key)] == [1, 1]


def test_an_event_that_is_sent_again_moves_to_the_front(intake: IntakeServer, api_key: str) -> None:
    other = json.dumps(run_event("COMPLETE")).encode()
    post(intake, api_key)
    post(intake, api_key, other)
    assert [event["event_type"] for event in events(intake, api_key)] == ["COMPLETE", "START"]
    post(intake, api_key)
    assert [(event["event_type"], event["attempts"]) for event in events(intake, api_key)] == [
        ("START", 2),
        ("COMPLETE", 1),
    ]


@pytest.fixture
def strict_and_lenient(start_server: Callable[..., IntakeServer]) -> tuple[IntakeServer, IntakeServer]:
    """Two intakes with one record, the first of which refuses events with errors."""
    journal = MemoryJournal()
    return start_server(Settings(strict=True), journal=journal), start_server(journal=journal)


def test_an_event_is_listed_once_an_attempt_was_accepted_and_not_before(
    strict_and_lenient: tuple[IntakeServer, IntakeServer], api_key: str
) -> None:
    strict, lenient = strict_and_lenient
    refused = post(strict, api_key, FLAWED)
    assert (refused["status"], refused["errors"][0]["status"]) == ("error", "400")
    assert events(lenient, api_key) == []
    (answer,) = send(lenient, request_bytes(method="GET", target=f"/api/mock/v1/events/{refused['id']}"))
    assert answer.status == 404

    accepted = post(lenient, api_key, FLAWED)
    assert accepted["id"] == refused["id"]
    (event,) = events(lenient, api_key)
    exchanges = get(lenient, f"/exchanges?event_id={accepted['id']}")["exchanges"]
    assert [exchange["status_code"] for exchange in exchanges] == [202, 400]
    assert event["attempts"] == 2
    assert event["received_at"] == event["last_received_at"] == exchanges[0]["received_at"]


def test_a_refused_attempt_behind_an_accepted_one_counts_and_orders(
    strict_and_lenient: tuple[IntakeServer, IntakeServer], api_key: str
) -> None:
    strict, lenient = strict_and_lenient
    post(lenient, api_key, FLAWED)
    post(lenient, api_key)
    post(strict, api_key, FLAWED)
    flawed, fine = events(lenient, api_key)
    assert (flawed["status"], flawed["attempts"]) == ("error", 2)
    assert (fine["status"], fine["attempts"]) == ("ok", 1)
    latest, first = get(lenient, f"/exchanges?event_id={flawed['id']}")["exchanges"]
    assert (flawed["received_at"], flawed["last_received_at"]) == (first["received_at"], latest["received_at"])


def test_a_request_refused_for_its_key_is_an_attempt_of_the_event(intake: IntakeServer, api_key: str) -> None:
    """A key in the wrong place names its org, so what is sent again in the right way is known."""
    send(intake, request_bytes(EVENT, [("DD-API-KEY", api_key)], key=None))
    assert events(intake, api_key) == []
    post(intake, api_key)
    (event,) = events(intake, api_key)
    assert event["attempts"] == 2


def test_accepted_twice_is_told_of_the_run(intake: IntakeServer, api_key: str) -> None:
    post(intake, api_key)
    post(intake, api_key)
    (run,) = get(intake, f"/runs?org={org_of(api_key)}")["runs"]
    assert [finding["code"] for finding in run["findings"]] == ["RC301"]
    assert len(run["events"]) == 1
