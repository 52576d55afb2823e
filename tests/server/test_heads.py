"""Heads without end: what is refused, when, and what of it is on record."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import Exchange, joined
from mock_intake.server.http.tls import Certificates
from mock_intake.server.http.unreadable import MAX_HEAD
from tests.events import run_event
from tests.fuzz import Answer, connect, read_answers, recorded, request_bytes, send
from tests.interception.wire import agent_address

PATH = "/api/v1/lineage"
EVENT = json.dumps(run_event()).encode()
REQUEST = request_bytes(EVENT)
BEGINNING = b"POST /api/v1/lineage?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Usual: kept\r\n"
FIVE_MEBIBYTES = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates(), agent=AgentSettings("0" * 32)) as server:
        yield server


def heard(connection: socket.socket, *pieces: bytes, wanted: int = 1) -> list[Answer]:
    """The answers; the server may have heard enough before all is sent."""
    try:
        for piece in pieces:
            connection.sendall(piece)
    except ConnectionError:
        pass
    return read_answers(connection, wanted)


def refused(intake: IntakeServer, *pieces: bytes) -> Exchange:
    """The exchange of a request whose head is refused; what was answered is what is on record."""
    before = intake.journal.position
    with connect(intake) as connection:
        (answer,) = heard(connection, *pieces)
    (exchange,) = recorded(intake.journal, before, 1)
    assert (answer.status, answer.body) == (431, exchange.response.body)
    assert [finding.code for finding in exchange.findings] == ["HT107"]
    assert not exchange.accepted
    assert len(repr(exchange)) < 50_000
    return exchange


def with_head_of(size: int) -> bytes:
    bare = len(request_bytes(EVENT, (("X-Filling", ""),))) - len(EVENT)
    return request_bytes(EVENT, (("X-Filling", "v" * (size - bare)),))


def test_64_kibibytes_are_taken_and_not_a_byte_more(intake: IntakeServer) -> None:
    assert send(intake, with_head_of(MAX_HEAD))[0].status == 202
    exchange = refused(intake, with_head_of(MAX_HEAD + 1))
    assert exchange.findings[0].actual == "65,537 bytes"


def test_the_limit_is_the_same_however_the_head_is_torn(intake: IntakeServer) -> None:
    for size, status in ((MAX_HEAD, 202), (MAX_HEAD + 1, 431)):
        request = with_head_of(size)
        pieces = [request[start : start + 5_000] for start in range(0, len(request), 5_000)]
        assert send(intake, *pieces, pause=0.001)[0].status == status


def test_what_is_long_is_cut_on_record_and_the_rest_is_there(intake: IntakeServer) -> None:
    exchange = refused(intake, BEGINNING + b"X-Long: " + b"v" * 70_000 + b"\r\n\r\n")
    request = exchange.request
    assert (request.method, request.path, request.query) == ("POST", PATH, "x=1")
    assert joined(request.headers) == {
        "host": "127.0.0.1",
        "x-usual": "kept",
        "x-long": "v" * 200 + "... (70,000 characters)",
    }
    assert "most of that is the header x-long" in exchange.findings[0].message


def test_five_mebibytes_are_refused_before_they_are_all_read(intake: IntakeServer) -> None:
    exchange = refused(intake, BEGINNING + b"X-Long: " + b"v" * FIVE_MEBIBYTES + b"\r\n\r\n")
    assert joined(exchange.request.headers) == {"host": "127.0.0.1", "x-usual": "kept"}
    (finding,) = exchange.findings
    assert "most of that is the header X-Long" in finding.message
    assert finding.actual == "more than 65,536 bytes"
    assert send(intake, REQUEST)[0].status == 202


def test_a_header_that_never_ends_is_answered_while_the_client_still_sends(intake: IntakeServer) -> None:
    with connect(intake) as connection:
        connection.sendall(BEGINNING + b"X-Long: ")
        connection.settimeout(0.01)
        sent, answer = 0, b""
        while not answer and sent < FIVE_MEBIBYTES:
            connection.sendall(b"v" * 10_000)
            sent += 10_000
            try:
                answer = connection.recv(65_536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert sent < 2 * MAX_HEAD


def test_many_small_headers_are_as_many_too_many(intake: IntakeServer) -> None:
    exchange = refused(intake, request_bytes(EVENT, [(f"X-{number}", "v") for number in range(10_000)]))
    assert len(exchange.request.headers) == 100


def test_a_url_that_is_too_long_is_told_as_such(intake: IntakeServer) -> None:
    for length in (70_000, FIVE_MEBIBYTES):
        exchange = refused(intake, request_bytes(EVENT, target=f"{PATH}?x={'v' * length}"))
        assert exchange.request.path == PATH
        assert len(exchange.request.query) < 300
        assert "most of that is the URL" in exchange.findings[0].message


def test_no_key_is_on_record_of_a_head_that_is_too_large(intake: IntakeServer, api_key: str) -> None:
    other = secrets.token_hex(16)
    headers = (
        ("X-Note", f"it is {api_key}"),
        ("X-Long", f"{other} and {api_key}" + "v" * 70_000),
        ("Cookie", "session=open-sesame; " + "c" * 70_000),
    )
    exchange = refused(intake, request_bytes(EVENT, headers, key=api_key, target=f"{PATH}?api_key={api_key}"))
    for secret in (api_key, other, "open-sesame"):
        assert secret not in repr(exchange)
    assert joined(exchange.request.headers)["authorization"] == f"Bearer ****{api_key[-4:]}"


def test_a_key_that_does_not_look_like_one_is_masked_there_too(intake: IntakeServer) -> None:
    headers = (("X-Note", "it is my-very-own-key-of-all"), ("X-Long", "v" * 70_000))
    exchange = refused(intake, request_bytes(EVENT, headers, key="my-very-own-key-of-all"))
    assert "very-own" not in repr(exchange)
    assert joined(exchange.request.headers)["x-note"] == "it is ****-all"


def test_what_came_before_on_the_connection_is_answered_first(intake: IntakeServer) -> None:
    before = intake.journal.position
    with connect(intake) as connection:
        answers = heard(connection, REQUEST + REQUEST + BEGINNING + b"X-Long: " + b"v" * FIVE_MEBIBYTES, wanted=3)
    assert [answer.status for answer in answers] == [202, 202, 431]
    assert [exchange.response.status_code for exchange in recorded(intake.journal, before, 3)] == [202, 202, 431]


def test_many_requests_in_one_piece_are_no_large_head(intake: IntakeServer) -> None:
    """The last of them is torn, and what came before it is not counted."""
    health = request_bytes(target="/healthz", method="GET")
    requests = health * (2 * MAX_HEAD // len(health))
    with connect(intake) as connection:
        connection.sendall(requests + REQUEST[:100])
        time.sleep(0.05)
        connection.sendall(REQUEST[100:])
        answers = read_answers(connection, requests.count(b"GET ") + 1)
    assert {answer.status for answer in answers[:-1]} == {200}
    assert answers[-1].status == 202


def test_the_body_behind_a_large_head_is_no_request(intake: IntakeServer) -> None:
    inner = request_bytes(EVENT)
    before = intake.journal.position
    with connect(intake) as connection:
        (answer,) = heard(connection, request_bytes(inner, [("X-Long", "v" * 70_000)]))
    assert answer.status == 431
    assert len(recorded(intake.journal, before, 2, patience=0.2)) == 1


def test_an_offer_to_upgrade_with_a_large_head_is_refused_too(intake: IntakeServer) -> None:
    offer = [("Connection", "Upgrade"), ("Upgrade", "h2c"), ("X-Long", "v" * 70_000)]
    assert refused(intake, request_bytes(EVENT, offer)).request.body == b""


def test_the_answer_to_head_has_no_body(intake: IntakeServer) -> None:
    with connect(intake) as connection:
        connection.sendall(request_bytes(b"", [("X-Long", "v" * 70_000)], method="HEAD"))
        received = b""
        while more := connection.recv(65_536):
            received += more
    assert received.startswith(b"HTTP/1.1 431 ")
    assert received.endswith(b"\r\n\r\n")


def test_it_can_be_read_over_tls(intake: IntakeServer) -> None:
    certificates = intake.certificates
    assert certificates is not None
    assert certificates.ca_pem is not None
    context = ssl.create_default_context(cadata=certificates.ca_pem.decode())
    with (
        socket.create_connection(intake.https_address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        (answer,) = heard(connection, request_bytes(EVENT, [("X-Long", "v" * 1_000_000)]))
    assert answer.status == 431


def test_the_agents_port_has_the_same_limit(intake: IntakeServer) -> None:
    with socket.create_connection(agent_address(intake), timeout=10) as connection:
        request = request_bytes(EVENT, [("X-Long", "v" * 70_000)], target="/openlineage/api/v1/lineage")
        (answer,) = heard(connection, request)
    assert (answer.status, answer.json()["findings"][0]["code"]) == (431, "HT107")


# Faults are for requests that arrive.


def test_a_head_that_is_refused_takes_no_step(start_server: Callable[..., IntakeServer]) -> None:
    intake = start_server()
    intake.faults.set(parse_plan("503"))
    assert refused(intake, request_bytes(EVENT, [("X-Long", "v" * 70_000)])).fault is None
    assert send(intake, REQUEST)[0].status == 503


@pytest.mark.parametrize(
    "request_",
    [
        request_bytes(EVENT, length=len(EVENT) + 1),
        request_bytes(b"5\r\nhello\r\nZZ", [("Transfer-Encoding", "chunked")], length=-1),
        request_bytes(b"", length=20),
    ],
    ids=["too short", "broken chunk", "no body"],
)
def test_a_request_that_breaks_off_half_way_takes_no_step(
    request_: bytes, start_server: Callable[..., IntakeServer]
) -> None:
    intake = start_server()
    intake.faults.set(parse_plan("503,429"))
    with connect(intake) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        read_answers(connection, None)
    (exchange,) = recorded(intake.journal, 0, 1)
    assert (exchange.response.status_code, exchange.fault) == (400, None)
    assert [finding.code for finding in exchange.findings] == ["HT106"]
    assert [send(intake, REQUEST)[0].status for _ in range(3)] == [503, 429, 202]
