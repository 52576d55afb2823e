"""The Agent's proxy where it is off, and what it makes of faults of the intake behind it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import UNATTRIBUTED
from mock_intake.secrets.api_keys import org_of
from tests.clients import cut_off
from tests.test_agent import AGENT_KEY, EVENT, INTAKE_PATH, Start, exchanges, only, send


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


@pytest.fixture
def agent(start_server: Start) -> IntakeServer:
    return start_server(agent=AgentSettings(AGENT_KEY))


# Off


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (AgentSettings(AGENT_KEY, enabled=False), "ol_proxy_config.enabled"),
        (AgentSettings(AGENT_KEY, dd_url="http://[::1"), "ol_proxy_config.dd_url"),
        (AgentSettings(AGENT_KEY, dd_url="https://"), "ol_proxy_config.dd_url"),
    ],
)
def test_a_forwarder_that_is_off_answers_500_and_says_why(
    settings: AgentSettings, why: str, start_server: Start
) -> None:
    server = start_server(agent=settings)
    answer = send(server, key="0" * 32)
    assert answer.status == 500
    assert answer.body.startswith(b"OpenLineage forwarder is OFF: ")
    assert why in answer.body.decode()
    exchange = only(server)
    assert [finding.code for finding in exchange.findings] == ["HT304"]
    assert exchange.org == UNATTRIBUTED
    assert not exchange.accepted
    assert "0" * 32 not in repr(exchange)


def test_off_is_for_the_agents_port_only(start_server: Start) -> None:
    server = start_server(agent=AgentSettings(AGENT_KEY, enabled=False))
    headers = {"Authorization": "Bearer " + "0" * 32}
    assert requests.post(server.url + INTAKE_PATH, EVENT, headers=headers, timeout=10).status_code == 202


# Faults behind it


@pytest.mark.parametrize("step", ["close", "reset", "lost", "garbage"])
def test_a_connection_broken_behind_the_agent_is_a_502_before_it(step: str, agent: IntakeServer) -> None:
    agent.faults.set(parse_plan(step))
    assert send(agent).status == 502
    exchange = only(agent)
    assert exchange.fault == step
    assert exchange.hop is not None
    assert exchange.accepted is (step == "lost")
    assert send(agent).status == 202


def test_a_status_of_the_intakes_goes_through_with_its_headers(agent: IntakeServer) -> None:
    step: dict[str, Any] = {"step": 429, "headers": {"Retry-After": "7"}, "body": "slow down"}
    agent.faults.set(parse_plan([step, 503]))
    answer = send(agent)
    assert (answer.status, answer.headers["retry-after"], answer.body) == (429, "7", b"slow down")
    assert send(agent).status == 503
    assert send(agent).status == 202
    assert [exchange.fault for exchange in exchanges(agent)] == ["429", "503", None]


def test_the_delay_of_a_plan_holds_behind_the_agent_too(agent: IntakeServer) -> None:
    agent.faults.set(parse_plan({"sequence": ["reset", 202], "delay": 0.3}))
    for status in (502, 202):
        began = time.monotonic()
        assert send(agent).status == status
        assert time.monotonic() - began >= 0.3


def test_a_plan_for_the_agents_key_is_for_all_that_it_sends(agent: IntakeServer) -> None:
    agent.faults.set(parse_plan("503", org_of(AGENT_KEY)))
    assert send(agent, key="0" * 32).status == 503


def test_an_agent_that_is_off_takes_no_step(start_server: Start) -> None:
    server = start_server(agent=AgentSettings(AGENT_KEY, enabled=False))
    server.faults.set(parse_plan("503"))
    assert send(server).status == 500
    assert server.faults.active
