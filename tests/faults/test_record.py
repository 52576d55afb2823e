"""What is on record of a request that a fault hit, and what is then said of its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.faults import WORDS
from mock_intake.secrets.api_keys import org_of
from tests.faults.expected import LOCATION, expected_of
from tests.faults.wire import connected, control, event_bytes, hear, misbehave, post
from tests.fuzz import request_bytes


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    """Shared: every test has a key, and so a plan, of its own."""
    with IntakeServer() as server:
        yield server


def hit(intake: IntakeServer, key: str, plan: Any, body: bytes | None = None) -> dict[str, Any]:
    """Sends a request that takes a step, and leaves; what is on record of it."""
    org = org_of(key)
    misbehave(intake, plan, org)
    before = intake.journal.position
    with connected(intake) as connection:
        connection.sendall(request_bytes(event_bytes() if body is None else body, key=key))
        hear(connection, 0.2, wanted=1)
    assert intake.journal.position > before
    exchange: dict[str, Any] = control(intake, "GET", f"/exchanges?org={org}&limit=1")["exchanges"][0]
    return exchange


@pytest.mark.parametrize(
    ("step", "fault", "status_code", "accepted"),
    [
        (500, "500", 500, False),
        (503, "503", 503, False),
        (429, "429", 429, False),
        (304, "304", 304, False),
        (200, "200", 200, True),
        (202, "202", 202, True),
        (204, "204", 204, True),
        ({"step": 202, "delay": 0.05}, "delay", 202, True),
        ({"step": 302, "location": "/api/v1/lineage"}, "302", 302, False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_step_is_on_record_with_what_was_answered(
    step: Any, fault: str, status_code: int | None, accepted: bool, intake: IntakeServer, api_key: str
) -> None:
    exchange = hit(intake, api_key, [step])
    assert (exchange["fault"], exchange["status_code"]) == (fault, status_code)
    events = control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]
    assert [event["id"] for event in events] == ([exchange["event_id"]] if accepted else [])


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_on_record_with_what_was_answered(word: str, intake: IntakeServer, api_key: str) -> None:
    """The status is also that of an answer that went missing, in part or altogether."""
    expected = expected_of(word)
    exchange = hit(intake, api_key, [{"step": word, "location": LOCATION}])
    assert (exchange["fault"], exchange["status_code"]) == (word, expected.status_code)
    events = control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]
    assert [event["id"] for event in events] == ([exchange["event_id"]] if expected.accepted else [])


def test_without_a_step_no_fault_is_on_record(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, [503], org_of(api_key))
    for _ in range(3):
        post(intake, api_key)
    exchanges = control(intake, "GET", f"/exchanges?org={org_of(api_key)}")["exchanges"]
    assert [exchange["fault"] for exchange in exchanges] == [None, None, "503"]


def test_a_request_that_chance_spared_has_no_fault(intake: IntakeServer, api_key: str) -> None:
    exchange = hit(intake, api_key, [{"step": 503, "probability": 0}])
    assert (exchange["fault"], exchange["status_code"]) == (None, 202)


@pytest.mark.parametrize("step", [503, "reset", "hang"])
def test_the_event_is_judged_as_ever(step: Any, intake: IntakeServer, api_key: str) -> None:
    body = b'{"eventType": "START"}'
    faulty = hit(intake, api_key, [step], body)
    post(intake, api_key, body)
    well = control(intake, "GET", f"/exchanges?org={org_of(api_key)}&limit=1")["exchanges"][0]
    assert faulty["event_id"] == well["event_id"]
    assert faulty["findings"] == well["findings"] != []


@pytest.mark.parametrize("step", ["lost", "truncate", "drip", 202, {"step": 202, "delay": 0.01}])
def test_a_fault_takes_no_event_that_would_have_been_refused(step: Any, intake: IntakeServer, api_key: str) -> None:
    exchange = hit(intake, api_key, [step], b"[1, 2]")
    assert exchange["status_code"] == 400
    assert control(intake, "GET", f"/events?org={org_of(api_key)}")["events"] == []


def test_every_attempt_counts_and_the_event_is_listed_once(intake: IntakeServer, api_key: str) -> None:
    body = event_bytes()
    misbehave(intake, [503, "reset", "garbage", 202], org_of(api_key))
    for _ in range(4):
        with connected(intake) as connection:
            connection.sendall(request_bytes(body, key=api_key))
            hear(connection, wanted=1)
    (event,) = control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]
    assert event["attempts"] == 4
    exchanges = control(intake, "GET", f"/exchanges?event_id={event['id']}")["exchanges"]
    assert [exchange["fault"] for exchange in exchanges] == ["202", "garbage", "reset", "503"]
    assert event["received_at"] == exchanges[0]["received_at"]


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_step_can_be_for_an_attempt_of_each_event(attempt: int, intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, [{"step": 503, "times": None, "match": {"attempt": attempt}}], org_of(api_key))
    bodies = [event_bytes(), event_bytes()]
    got = [post(intake, api_key, body).status for _ in range(4) for body in bodies]
    assert got == [503 if number == attempt else 202 for number in range(1, 5) for _ in bodies]


# What is said of the run. Accepted twice is the producer's doing only if nothing had gone wrong.


def repeated(intake: IntakeServer, key: str, plan: Any) -> list[tuple[str, str]]:
    """Sends an event twice, the first time with the plan; the findings of its run."""
    body = event_bytes()
    hit(intake, key, plan, body)
    intake.faults.clear(org_of(key))
    assert post(intake, key, body).status == 202
    (run,) = control(intake, "GET", f"/runs?org={org_of(key)}")["runs"]
    return [(finding["code"], finding["severity"]) for finding in run["findings"]]


@pytest.mark.parametrize("step", ["lost", "truncate"])
def test_an_event_sent_again_after_a_lost_answer_is_told_as_information(
    step: str, intake: IntakeServer, api_key: str
) -> None:
    assert repeated(intake, api_key, [step]) == [("RC301", "info")]


@pytest.mark.parametrize(
    "plan", [["drip"], [{"step": 202, "delay": 0.3}], {"delay": 0.3}], ids=["drip", "late step", "late plan"]
)
def test_an_event_sent_again_because_the_answer_was_late_is_told_as_information(
    plan: Any, intake: IntakeServer, api_key: str
) -> None:
    """The client left after 0.2 seconds. It was the intake that was told to be slow."""
    assert repeated(intake, api_key, plan) == [("RC301", "info")]


@pytest.mark.parametrize("plan", [[202], [200], {"sequence": []}], ids=str)
def test_an_event_sent_again_for_nothing_is_a_warning(plan: Any, intake: IntakeServer, api_key: str) -> None:
    assert repeated(intake, api_key, plan) == [("RC301", "warning")]


@pytest.mark.parametrize("step", [503, 429, "reset", "close", "garbage", "hang"])
def test_an_event_sent_again_after_it_was_not_taken_is_no_finding(
    step: Any, intake: IntakeServer, api_key: str
) -> None:
    assert repeated(intake, api_key, [step]) == []


def test_only_the_attempt_after_the_lost_answer_is_excused(intake: IntakeServer, api_key: str) -> None:
    body = event_bytes()
    hit(intake, api_key, ["lost"], body)
    post(intake, api_key, body)
    post(intake, api_key, body)
    (run,) = control(intake, "GET", f"/runs?org={org_of(api_key)}")["runs"]
    severities = {finding["severity"] for finding in run["findings"] if finding["code"] == "RC301"}
    assert "warning" in severities


def test_the_program_itself_can_look(start_server: Callable[..., IntakeServer], api_key: str) -> None:
    """The same facts in Python, where ``accepted`` is told too."""
    server = start_server()
    misbehave(server, ["lost", "reset", 503])
    for _ in range(3):
        with connected(server) as connection:
            connection.sendall(request_bytes(event_bytes(), key=api_key))
            hear(connection, wanted=1)
    exchanges = [exchange for _, exchange in server.journal.read(0, 10)]
    assert [(exchange.fault, exchange.accepted) for exchange in exchanges] == [
        ("lost", True),
        ("reset", False),
        ("503", False),
    ]
