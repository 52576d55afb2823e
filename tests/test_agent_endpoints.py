"""Where the Agent sends to: another main endpoint, additional ones, places that are slow, gone, or itself."""

from __future__ import annotations

import gzip
import json
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mock_intake import IntakeServer, Settings
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import UNATTRIBUTED, header, joined
from mock_intake.secrets.api_keys import org_of
from tests.clients import cut_off
from tests.events import run_event
from tests.fuzz import recorded, request_bytes
from tests.interception.wire import agent_address
from tests.test_agent import AGENT_KEY, AGENT_PATH, EVENT, INTAKE_PATH, exchanges, only, send
from tests.timing import in_time

BEARER = {"Authorization": "Bearer " + "0" * 32, "Content-Type": "application/json"}
Start = Callable[..., IntakeServer]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


def test_the_main_endpoint_may_be_another_intake_whose_answer_is_given(start_server: Start) -> None:
    there = start_server(Settings(strict=True))
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=f"{there.url}{INTAKE_PATH}"))
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
        assert "user-agent" not in headers
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert exchange.org == org_of(AGENT_KEY)
    assert exchanges(there)[0].request.body == EVENT


def test_a_full_url_is_used_as_it_is(start_server: Start) -> None:
    """Without a path of its own it leads to none, as with the real Agent; the api-version is added to what it asks."""
    there = start_server()
    here = start_server(agent=AgentSettings(AGENT_KEY, dd_url=there.url + "?a=b"))
    assert send(here).status == 404
    assert only(there).findings[0].code == "HT301"
    assert only(there).request.query == "a=b&api-version=2"


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


def test_an_additional_endpoint_that_is_gone_changes_no_answer(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = taken.getsockname()[1]
    others = {f"http://127.0.0.1:{gone}/x": ("0" * 32,)}
    server = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
    assert [send(server).status for _ in range(2)] == [202, 202]


def test_copies_are_sent_one_after_another_and_the_producer_waits_for_the_last(start_server: Start) -> None:
    slow, next_one = start_server(), start_server()
    slow.faults.set(parse_plan([{"step": 202, "delay": 0.4, "times": None}]))
    others = {slow.url + INTAKE_PATH: ("0" * 32,), next_one.url + INTAKE_PATH: ("1" * 32,)}
    server = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
    began = time.monotonic()
    assert send(server).status == 202
    assert time.monotonic() - began >= 0.4
    order = [only(each).received_at for each in (server, slow, next_one)]
    assert order == sorted(order)
    assert (order[2] - order[1]).total_seconds() >= 0.3, "the next copy waits for the answer of the one before"


def test_one_that_hangs_blocks_its_producer_and_nobody_else(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        others = {f"http://127.0.0.1:{silent.getsockname()[1]}/x": ("0" * 32,)}
        server = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
        with socket.create_connection(agent_address(server), timeout=10) as blocked:
            blocked.sendall(request_bytes(EVENT, target=AGENT_PATH))
            assert recorded(server.journal, 0, 1)[0].accepted
            blocked.settimeout(0.3)
            with pytest.raises(TimeoutError):
                blocked.recv(1)
            assert httpx.post(server.url + INTAKE_PATH, content=EVENT, headers=BEARER, timeout=10).status_code == 202
            with in_time():
                server.stop()
        assert not server.is_running


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
    assert (answer.status, answer.body) == (502, b"")
    exchange = only(server)
    assert b"could not forward the event: ConnectError" in exchange.response.body
    assert (exchange.response.status_code, exchange.accepted) == (502, False)
