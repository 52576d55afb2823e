"""Where the Agent sends to: another main endpoint, additional ones, places that are slow, gone, or itself."""

from __future__ import annotations

import gzip
import json
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_intake import IntakeServer, Settings
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.exchange import UNATTRIBUTED, header, joined
from mock_intake.masking import org_of
from tests.clients import cut_off
from tests.events import run_event
from tests.fuzz import recorded, request_bytes
from tests.interception.wire import agent_address
from tests.test_agent import AGENT_KEY, AGENT_PATH, EVENT, INTAKE_PATH, exchanges, only, send

Start = Callable[..., IntakeServer]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


def test_the_main_endpoint_may_be_another_intake_whose_answer_is_given(start_server: Start) -> None:
    there = start_server(Settings(strict=True))
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=f"{there.url}{INTAKE_PATH}?api-version=2"))
    assert send(here).status == 202
    without_job_type = json.dumps({**run_event(), "job": {"namespace": "a", "name": "b"}}).encode()
    answer = send(here, without_job_type)
    # Here it would have been taken; there, being strict, it was not.
    assert answer.status == 400
    assert answer.json()["errors"][0]["detail"] == "the event has errors (strict)"
    taken, refused = exchanges(here)
    assert (taken.accepted, refused.accepted) == (True, False)
    assert refused.response.status_code == 400
    for exchange in exchanges(there):
        headers = joined(exchange.request.headers)
        assert (exchange.request.path, exchange.request.query) == (INTAKE_PATH, "api-version=2")
        assert headers["authorization"] == f"Bearer ****{AGENT_KEY[-4:]}"
        assert headers["via"] == "trace-agent 7.79.0"
        assert headers["user-agent"] == ""
        assert exchange.org == org_of(AGENT_KEY)
    assert exchanges(there)[0].request.body == EVENT


def test_a_full_url_is_used_as_it_is(start_server: Start) -> None:
    """Without a path of its own it leads to none, as with the real Agent."""
    there = start_server()
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=there.url))
    assert send(here).status == 404
    assert only(there).findings[0].code == "HT301"


def test_additional_endpoints_get_a_copy_each_and_their_answers_are_dropped(start_server: Start) -> None:
    keys = tuple(secrets.token_hex(16) for _ in range(3))
    known = Settings(keys=Keys(frozenset({keys[0]})))
    second, third = start_server(known), start_server()
    main = start_server(
        agent=AgentSettings(
            AGENT_KEY,
            additional_endpoints={second.url + INTAKE_PATH: keys[:2], third.url + INTAKE_PATH: (keys[2],)},
        )
    )
    body = gzip.compress(EVENT)
    answer = send(main, body, (("Content-Encoding", "gzip"),))
    assert (answer.status, answer.json()["status"]) == (202, "ok")
    assert only(main).org == org_of(AGENT_KEY)
    copies = recorded(second.journal, 0, 2) + recorded(third.journal, 0, 1)
    assert sorted(copy.response.status_code for copy in copies) == [202, 202, 403]
    assert {copy.org for copy in copies} == {org_of(keys[0]), UNATTRIBUTED, org_of(keys[2])}
    for copy in copies:
        assert copy.request.body == body
        assert header(copy.request.headers, "via") == "trace-agent 7.79.0"
    assert main.journal.position == 1, "the copies are no exchanges of this intake"


def test_what_is_refused_here_goes_to_additional_endpoints_only(start_server: Start) -> None:
    """The real Agent judges nothing; the how-to says that this one does."""
    main, copied = start_server(), start_server()
    others = {copied.url + INTAKE_PATH: ("0" * 32,)}
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=main.url + INTAKE_PATH, additional_endpoints=others))
    assert send(here, b"{").status == 400
    assert recorded(copied.journal, 0, 1)[0].request.body == b"{"
    assert main.journal.position == 0


def test_an_additional_endpoint_that_is_slow_or_gone_holds_up_nobody(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as taken:
        gone = taken.getsockname()[1]
        taken.close()
        others = {f"http://127.0.0.1:{port}/x": ("0" * 32,) for port in (silent.getsockname()[1], gone)}
        server = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
        began = time.monotonic()
        assert send(server).status == 202
        assert send(server).status == 202
        assert time.monotonic() - began < 5
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2


def test_many_copies_that_nobody_answers_hold_up_nothing_that_goes_elsewhere(start_server: Start) -> None:
    there = start_server()
    with socket.create_server(("127.0.0.1", 0), backlog=500) as silent:
        others = {f"http://127.0.0.1:{silent.getsockname()[1]}/x": ("0" * 32,) * 30}
        here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=there.url + INTAKE_PATH, additional_endpoints=others))
        assert [send(here).status for _ in range(6)] == [202] * 6
    assert there.journal.position == 6


def test_a_header_that_is_not_ascii_is_sent_on(start_server: Start) -> None:
    there, copied = start_server(), start_server()
    others = {copied.url + INTAKE_PATH: ("0" * 32,)}
    url = there.url + INTAKE_PATH
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=url, additional_endpoints=others))
    assert send(here, headers=(("X-Team", "Größe"),)).status == 202
    for server in (here, there):
        assert header(only(server).request.headers, "x-team") == "Größe"
    assert header(recorded(copied.journal, 0, 1)[0].request.headers, "x-team") == "Größe"


def test_what_breaks_off_is_copied_nowhere(start_server: Start) -> None:
    copied = start_server()
    others = {copied.url + INTAKE_PATH: ("0" * 32,)}
    here = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
    with socket.create_connection(agent_address(here), timeout=10) as connection:
        connection.sendall(request_bytes(EVENT, target=AGENT_PATH, length=len(EVENT) + 1))
    assert not recorded(here.journal, 0, 1)[0].request.complete
    assert send(here).status == 202
    (copy,) = recorded(copied.journal, 0, 2, patience=0.3)
    assert copy.request.complete


def test_an_agent_that_sends_to_itself_stops_at_the_second_time(start_server: Start) -> None:
    """Its own address is known once it listens, so the second of two servers on that port is given it."""
    first = start_server(agent=AgentSettings(AGENT_KEY))
    host, port = agent_address(first)
    first.stop()
    own = f"http://{host}:{port}{AGENT_PATH}"
    main = start_server(agent=AgentSettings(AGENT_KEY, dd_url=own), agent_port=port)
    answer = send(main)
    assert (answer.status, "to itself" in answer.body.decode()) == (508, True)
    assert [exchange.accepted for exchange in recorded(main.journal, 0, 3, patience=0.3)] == [False, False]
    main.stop()
    copying = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints={own: ("0" * 32,)}), agent_port=port)
    assert send(copying).status == 202
    assert len(recorded(copying.journal, 0, 3, patience=0.3)) == 2, "the copy came, and no copy of the copy"


def test_a_main_endpoint_that_is_gone_is_a_502(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = taken.getsockname()[1]
    server = start_server(agent=AgentSettings(AGENT_KEY, dd_url=f"http://127.0.0.1:{gone}{INTAKE_PATH}"))
    answer = send(server)
    assert answer.status == 502
    exchange = only(server)
    assert (exchange.response.status_code, exchange.accepted) == (502, False)
