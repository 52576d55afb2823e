"""What a producer gets of each step where the Datadog Agent stands between it and the intake."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.sites import AGENT_PATH
from mock_intake.faults import WORDS
from mock_intake.secrets.api_keys import org_of
from tests.faults.expected import EXPECTED, LOCATION, expected_of
from tests.faults.wire import Heard, answers, event_bytes, hear, misbehave, undated
from tests.fuzz import request_bytes
from tests.interception.wire import agent_address

KEY = secrets.token_hex(16)


@pytest.fixture(scope="module")
def agent() -> Iterator[IntakeServer]:
    """An intake with an Agent before it. All that comes is of one org: that of the Agent's key."""
    with IntakeServer(agent=AgentSettings(KEY)) as server:
        yield server


def heard_of(agent: IntakeServer, body: bytes, patience: float = 5.0, wanted: int | None = None) -> Heard:
    with socket.create_connection(agent_address(agent), 5.0) as connection:
        connection.sendall(request_bytes(body, target=AGENT_PATH, key=None))
        return hear(connection, patience, wanted)


@pytest.mark.parametrize("word", WORDS)
def test_the_agent_passes_on_what_it_can_and_answers_for_what_broke(word: str, agent: IntakeServer) -> None:
    expected = expected_of(word)
    body, before = event_bytes(), agent.journal.position
    misbehave(agent, [{"step": word, "location": LOCATION}], org_of(KEY))
    answer_comes = expected.through_agent is not None or (
        expected.ending == "open" and expected.status_code is not None
    )
    never = expected.ending == "open" and not answer_comes
    heard = heard_of(agent, body, 0.5 if never else 5.0, 1 if answer_comes else None)
    ((_, exchange),) = agent.journal.read(before, 10)
    (ordinary,) = answers(heard_of(agent, body, wanted=1).data)
    if expected.through_agent is not None:
        (answer,) = answers(heard.data)
        assert (answer.status, answer.body) == (expected.through_agent, b"")
    else:
        assert (undated(heard.data), heard.ending) == (expected.heard(ordinary.body), expected.ending)
    assert (exchange.fault, exchange.accepted, exchange.hop is not None) == (word, expected.accepted, True)


@pytest.mark.parametrize("word", [word for word, expected in EXPECTED.items() if expected.through_agent is not None])
def test_a_delay_comes_before_what_the_agent_answers_for_the_intake(word: str, agent: IntakeServer) -> None:
    misbehave(agent, [{"step": word, "delay": 0.3}], org_of(KEY))
    body = event_bytes()
    with socket.create_connection(agent_address(agent), 5.0) as connection:
        connection.sendall(request_bytes(body, target=AGENT_PATH, key=None))
        assert hear(connection, 0.15).data == b""
        assert answers(hear(connection, 5.0, wanted=1).data)[0].status == expected_of(word).through_agent
