"""HTTP as clients really speak it: torn, pipelined, upgraded, cut off. Each request is on record exactly once."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.model.exchange import Exchange
from tests.events import run_event
from tests.fuzz import Answer, chunked, connect, read_answers, recorded, request_bytes, send

EVENT = json.dumps(run_event()).encode()
REQUEST = request_bytes(EVENT)
CHUNKED = [("Transfer-Encoding", "chunked")]


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def sent(
    intake: IntakeServer, *pieces: bytes, requests: int = 1, pause: float = 0.0
) -> tuple[list[Answer], list[Exchange]]:
    """What was answered, and what is on record, once as many requests as told were answered."""
    before = intake.journal.position
    answers = send(intake, *pieces, wanted=requests, pause=pause)
    return answers, recorded(intake.journal, before, requests)


def left(intake: IntakeServer, *pieces: bytes, requests: int = 1, half: bool = False) -> list[Exchange]:
    """What is on record after the client sent this and went away, or (``half``) has nothing more to send."""
    before = intake.journal.position
    with connect(intake) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if half:
            connection.shutdown(socket.SHUT_WR)
            read_answers(connection, None)
    return recorded(intake.journal, before, requests)


def statuses(exchanges: list[Exchange]) -> list[int]:
    return [exchange.response.status_code for exchange in exchanges]


def codes(exchange: Exchange) -> list[str]:
    return [finding.code for finding in exchange.findings]


# Requests as they should be.


def test_what_is_answered_is_what_is_on_record(intake: IntakeServer) -> None:
    for request in (
        REQUEST,
        request_bytes(b"[]"),
        request_bytes(key=None),
        request_bytes(target="/"),
        b"garbage\r\n\r\n",
    ):
        (answer,), (exchange,) = sent(intake, request)
        assert answer.status == exchange.response.status_code
        assert answer.body == exchange.response.body
        assert answer.headers["content-type"] == "application/json"


def test_a_torn_request_is_put_together(intake: IntakeServer) -> None:
    pieces = [REQUEST[start : start + 40] for start in range(0, len(REQUEST), 40)]
    (answer,), (exchange,) = sent(intake, *pieces, pause=0.002)
    assert (answer.status, exchange.request.body) == (202, EVENT)


def test_chunks_trailers_and_chunk_extensions_make_one_body(intake: IntakeServer) -> None:
    framed = chunked(EVENT[:7], EVENT[7:90]) + b"%x;name=value\r\n%s\r\n" % (len(EVENT) - 90, EVENT[90:])
    (answer,), (exchange,) = sent(intake, request_bytes(framed + b"0\r\nX-Sum: 1\r\n\r\n", CHUNKED, length=-1))
    assert (answer.status, exchange.request.body, exchange.request.wire_size) == (202, EVENT, len(EVENT))


@pytest.mark.parametrize(
    "endless",
    [b"0\r\nX-Sum: " + b"1" * 200_000, b"0\r\n" + b"X: 1\r\n" * 40_000, b"5;" + b"x" * 200_000],
    ids=["a trailer", "trailers", "a chunk extension"],
)
def test_what_stands_around_chunks_has_a_size_of_its_own(intake: IntakeServer, endless: bytes) -> None:
    """The parser would collect it, however much there is."""
    head = request_bytes(chunked(EVENT), CHUNKED, length=-1)
    pieces = [endless[start : start + 30_000] for start in range(0, len(endless), 30_000)]
    (answer,), (exchange,) = sent(intake, head, *pieces, pause=0.005)
    assert (answer.status, exchange.request.complete) == (400, False)
    assert [finding.code for finding in exchange.findings][-1] == "HT106"


def test_a_body_in_a_transfer_coding_is_refused_for_that(intake: IntakeServer) -> None:
    framed = chunked(gzip.compress(EVENT)) + b"0\r\n\r\n"
    request = request_bytes(framed, [("Transfer-Encoding", "gzip, chunked")], length=-1)
    (answer,), (exchange,) = sent(intake, request)
    assert (answer.status, [finding.code for finding in exchange.findings]) == (501, ["HT108"])
    assert answer.json()["errors"][0]["detail"] == "the transfer coding gzip, chunked is not supported"


def test_requests_on_one_connection_are_answered_one_by_one(intake: IntakeServer) -> None:
    before = intake.journal.position
    with connect(intake) as connection:
        for event_type in ("START", "RUNNING", "COMPLETE"):
            body = json.dumps(run_event(event_type)).encode()
            connection.sendall(request_bytes(body))
            assert read_answers(connection, 1)[0].status == 202
    types = [exchange.event and exchange.event.event_type for exchange in recorded(intake.journal, before, 3)]
    assert types == ["START", "RUNNING", "COMPLETE"]


def test_pipelined_requests_are_answered_in_their_order(intake: IntakeServer) -> None:
    answers, exchanges = sent(intake, REQUEST + request_bytes(b"[]") + request_bytes(key=None) + REQUEST, requests=4)
    assert [answer.status for answer in answers] == [202, 400, 401, 202] == statuses(exchanges)


def test_answers_of_the_intake_and_of_the_control_api_keep_their_order(intake: IntakeServer) -> None:
    """The one are sent whole, the other piece by piece."""
    healthz = request_bytes(method="GET", target="/healthz")
    answers, _ = sent(intake, (REQUEST + healthz) * 3 + request_bytes(b"[]"), requests=7)
    assert [answer.status for answer in answers] == [202, 200] * 3 + [400]


def test_the_client_is_told_to_go_on_before_its_body(intake: IntakeServer) -> None:
    with connect(intake) as connection:
        connection.sendall(request_bytes(b"", [("Expect", "100-continue")], length=len(EVENT)))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(EVENT)
        assert read_answers(connection, 1)[0].status == 202


@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.2", "websocket"])
@pytest.mark.parametrize("torn", [False, True])
def test_an_offer_to_upgrade_is_passed_over_and_the_event_is_taken(
    intake: IntakeServer, upgrade: str, torn: bool
) -> None:
    """Java's HttpClient offers h2c on plain connections, Apache's 5.4 offers TLS; the body comes along at once."""
    offer = request_bytes(EVENT, [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", upgrade)])
    pieces = [offer[: -len(EVENT)], offer[-len(EVENT) :]] if torn else [offer]
    (answer,), (exchange,) = sent(intake, *pieces, pause=0.05)
    assert (answer.status, exchange.request.body) == (202, EVENT)


def test_the_connection_lives_on_after_an_offer_to_upgrade(intake: IntakeServer) -> None:
    offer = request_bytes(EVENT, [("Connection", "Upgrade"), ("Upgrade", "h2c")])
    answers, exchanges = sent(intake, offer, REQUEST, requests=2, pause=0.05)
    assert [answer.status for answer in answers] == [202, 202] == statuses(exchanges)
    answers, exchanges = sent(intake, offer + REQUEST, requests=2)
    assert [answer.status for answer in answers] == [202, 202] == statuses(exchanges)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/v1/lineage HTTP/1.1",
        b"POST /api/v1/lineage?api-version=2 HTTP/1.1",
        b"POST http://data-obs-intake.datadoghq.com/api/v1/lineage HTTP/1.1",
        b"POST /api/v1/lineage HTTP/1.0",
    ],
)
def test_the_endpoint_is_found_in_every_form_of_the_request_line(intake: IntakeServer, head: bytes) -> None:
    request = head + REQUEST[REQUEST.index(b"\r\n") :]
    (answer,), (exchange,) = sent(intake, request)
    assert (answer.status, exchange.request.path) == (202, INTAKE_PATH)
    assert ("connection" in answer.headers) == head.endswith(b"1.0")


def test_a_request_without_host_is_taken(intake: IntakeServer) -> None:
    assert sent(intake, REQUEST.replace(b"Host: 127.0.0.1\r\n", b""))[0][0].status == 202


def test_a_connection_that_is_to_be_closed_is_closed(intake: IntakeServer) -> None:
    with connect(intake) as connection:
        connection.sendall(request_bytes(EVENT, [("Connection", "close")]))
        (answer,) = read_answers(connection, None)
    assert (answer.status, answer.headers["connection"]) == (202, "close")


def test_head_is_answered_without_a_body(intake: IntakeServer) -> None:
    with connect(intake) as connection:
        connection.sendall(request_bytes(method="HEAD") + REQUEST)
        received = b""
        while received.count(b"HTTP/1.1 ") < 2:
            received += connection.recv(65_536)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert rest.startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("target", ["host:443", "/api/v1/lineage", "http://host:443"])
def test_connect_is_refused_and_recorded_once(intake: IntakeServer, target: str) -> None:
    answers, exchanges = sent(intake, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert [answer.status for answer in answers] == statuses(exchanges)
    assert 400 <= answers[0].status < 500


def test_the_peer_on_record_is_the_client_whatever_headers_say(intake: IntakeServer) -> None:
    before = intake.journal.position
    with connect(intake) as connection:
        host, port = connection.getsockname()
        connection.sendall(request_bytes(EVENT, [("X-Forwarded-For", "10.9.8.7"), ("X-Forwarded-Proto", "https")]))
        read_answers(connection, 1)
    assert recorded(intake.journal, before, 1)[0].request.peer == f"{host}:{port}"


# Requests that end early.


@pytest.mark.parametrize("half", [False, True])
def test_a_whole_request_is_taken_though_its_client_has_gone(intake: IntakeServer, half: bool) -> None:
    (exchange,) = left(intake, REQUEST, half=half)
    assert (exchange.response.status_code, exchange.request.complete) == (202, True)


@pytest.mark.parametrize("half", [False, True])
def test_pipelined_requests_are_all_taken_though_their_client_has_gone(intake: IntakeServer, half: bool) -> None:
    assert statuses(left(intake, REQUEST * 5, requests=5, half=half)) == [202] * 5


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_is_cut_off_is_on_record_as_far_as_it_came(intake: IntakeServer, framing: str, half: bool) -> None:
    part = EVENT[:100]
    if framing == "length":
        request = request_bytes(part, length=len(EVENT))
    else:
        request = request_bytes(chunked(part), CHUNKED, length=-1)
    (exchange,) = left(intake, request, half=half)
    assert (exchange.response.status_code, codes(exchange)) == (400, ["HT106"])
    assert (exchange.request.body, exchange.request.wire_size, exchange.request.complete) == (part, 100, False)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("size", [1, 4, 30, len(REQUEST) - len(EVENT) - 1])
def test_a_head_that_is_cut_off_is_on_record(intake: IntakeServer, size: int, half: bool) -> None:
    (exchange,) = left(intake, REQUEST[:size], half=half)
    assert 400 <= exchange.response.status_code < 500
    assert exchange.request.wire_size == size
    assert exchange.findings


def test_a_head_that_is_cut_off_behind_another_request_is_on_record(intake: IntakeServer) -> None:
    taken, cut = left(intake, REQUEST + REQUEST[:30], requests=2, half=True)
    assert taken.response.status_code == 202
    assert 400 <= cut.response.status_code < 500


def test_a_connection_without_a_request_leaves_no_record(intake: IntakeServer) -> None:
    before = intake.journal.position
    for pieces in ((), (b"\r\n",), (b"\r\n\r\n\r\n",)):
        left(intake, *pieces, requests=0, half=True)
    assert sent(intake, REQUEST)[0][0].status == 202
    assert intake.journal.position == before + 1


# Requests that are badly framed, or none.


@pytest.mark.parametrize("rubbish", [b"garbage\r\n\r\n", b"\x00\x01", b"}", b"\x16\x03\x01\x00"])
def test_rubbish_behind_a_request_does_not_change_its_answer(intake: IntakeServer, rubbish: bytes) -> None:
    before = intake.journal.position
    with connect(intake) as connection:
        connection.sendall(REQUEST + rubbish)
        answers = read_answers(connection, None)
    exchanges = recorded(intake.journal, before, 2)
    assert [answer.status for answer in answers] == [202, 400] == statuses(exchanges)
    assert codes(exchanges[1]) == ["HT303"]


def test_a_length_that_is_too_short_cuts_the_body_and_leaves_rubbish(intake: IntakeServer) -> None:
    answers, exchanges = sent(intake, request_bytes(EVENT, length=20), requests=2)
    assert [answer.status for answer in answers] == [400, 400] == statuses(exchanges)
    assert exchanges[0].request.body == EVENT[:20]
    assert codes(exchanges[1]) == ["HT303"]


def test_a_broken_chunk_is_answered_with_findings(intake: IntakeServer) -> None:
    (answer,), (exchange,) = sent(intake, request_bytes(chunked(b"hello") + b"ZZ\r\n", CHUNKED, length=-1))
    assert (answer.status, answer.body) == (400, exchange.response.body)
    assert answer.json()["findings"]
    assert exchange.request.body == b"hello"


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "3"), ("Content-Length", "4")],
        [("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "-1")],
        [("Content-Length", "99999999999999999999")],
        [("Bad Name", "x")],
        [("", "x")],
        [("X", "a\0b")],
    ],
)
def test_a_head_that_cannot_be_trusted_is_refused_once(intake: IntakeServer, headers: list[tuple[str, str]]) -> None:
    before = intake.journal.position
    with connect(intake) as connection:
        connection.sendall(request_bytes(b"", headers, length=-1) + REQUEST)
        answers = read_answers(connection, None)
    assert [answer.status for answer in answers] == [400]
    assert statuses(recorded(intake.journal, before, 1)) == [400]


def test_what_is_no_http_is_on_record_as_it_came(intake: IntakeServer) -> None:
    greeting = b"EHLO mail.example.com\r\nAUTH PLAIN\r\n"
    (answer,), (exchange,) = sent(intake, greeting)
    assert (answer.status, codes(exchange)) == (400, ["HT303"])
    assert (exchange.request.body, exchange.request.wire_size) == (greeting, len(greeting))


def test_an_unreadable_head_is_on_record_from_its_beginning_though_it_came_in_pieces(intake: IntakeServer) -> None:
    head = b"POST /api/v1/lineage HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    (answer,), (exchange,) = sent(intake, head, b"bad\0header\r\n\r\n", pause=0.05)
    assert answer.status == 400
    assert exchange.request.body.startswith(head)
    assert exchange.request.wire_size == len(head + b"bad\0header\r\n\r\n")


def test_tls_on_a_plain_port_is_told_as_such(intake: IntakeServer) -> None:
    hello = bytes.fromhex("16030100c2010000be0303") + bytes(range(180))
    (answer,), _ = sent(intake, hello)
    (finding,) = answer.json()["findings"]
    assert "TLS" in finding["message"]
    assert "http://" in finding["advice"]


def test_very_long_targets_and_headers_are_taken_as_long_as_a_head_may_be(intake: IntakeServer) -> None:
    for request, expected in (
        (request_bytes(EVENT, [(f"X-{number}", "v") for number in range(5_000)]), 202),
        (request_bytes(EVENT, [("X-Long", "v" * 1_000_000)]), 431),
        (request_bytes(EVENT, target="/" + "a" * 60_000), 404),
        (request_bytes(EVENT, target="/" + "a" * 200_000), 431),
    ):
        (answer,), (exchange,) = sent(intake, request)
        assert answer.status == exchange.response.status_code == expected
