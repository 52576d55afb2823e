"""``serve --forward``: accepted events are sent on to another intake, judged here, answered from there."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from mock_intake import IntakeServer, Settings
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import Exchange, header, joined
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.ingest.forwarding import Target
from tests.clients import ASYNC_ROUTE, client_event, cut_off, datadog_client
from tests.events import run_event
from tests.fuzz import connect, read_answers, recorded, request_bytes, send
from tests.programs import arrived
from tests.timing import in_time

PATH = "/api/v1/lineage"
EVENT = json.dumps(run_event()).encode()
WITHOUT_JOB_TYPE = json.dumps({**run_event(), "job": {"namespace": "a", "name": "b"}}).encode()
FORWARD_KEY = "f0a4a4d0" * 4
Start = Callable[..., IntakeServer]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


@pytest.fixture
def there(start_server: Start) -> IntakeServer:
    """The intake that events are sent on to; it is strict, so that its answers differ from ours."""
    return start_server(Settings(strict=True))


@pytest.fixture
def here(start_server: Start, there: IntakeServer) -> IntakeServer:
    return start_server(forward=Target(there.url + PATH, FORWARD_KEY))


def exchanges(server: IntakeServer) -> list[Exchange]:
    return [exchange for _, exchange in server.journal.read(0, 1_000)]


def test_an_accepted_event_is_sent_on_with_the_forward_key(
    here: IntakeServer, there: IntakeServer, api_key: str
) -> None:
    body = gzip.compress(EVENT, mtime=7)
    request = request_bytes(body, (("Content-Encoding", "gzip"), ("X-Custom", "kept")), key=api_key)
    assert send(here, request)[0].status == 202
    (ours,), (theirs,) = exchanges(here), exchanges(there)
    assert ours.org == org_of(api_key)
    assert theirs.org == org_of(FORWARD_KEY)
    assert theirs.request.body == ours.request.body == body
    headers = joined(theirs.request.headers)
    assert headers["x-custom"] == "kept"
    assert headers["content-encoding"] == "gzip"
    assert headers["host"] == there.url.removeprefix("http://")
    assert ours.event is not None
    assert theirs.event is not None
    assert ours.findings == theirs.findings == ()


def test_the_answer_is_that_of_the_other_side_and_the_judgement_ours(
    here: IntakeServer, there: IntakeServer, api_key: str
) -> None:
    there.faults.set(parse_plan({"sequence": [{"step": 200, "headers": {"X-From": "there"}}]}))
    (taken,) = send(here, request_bytes(EVENT, key=api_key))
    assert (taken.status, taken.headers["x-from"]) == (200, "there")
    assert taken.json()["id"] == exchanges(there)[0].event.id  # type: ignore[union-attr]
    (refused,) = send(here, request_bytes(WITHOUT_JOB_TYPE, key=api_key))
    assert refused.status == 400
    assert refused.json()["errors"][0]["detail"] == "the event has errors (strict)"
    first, second = exchanges(here)
    assert (first.accepted, first.response.status_code) == (True, 200)
    assert (second.accepted, second.response.status_code) == (False, 400)
    assert [finding.code for finding in second.findings] == ["DD101"]


def test_an_answer_has_each_header_once(here: IntakeServer, api_key: str) -> None:
    with connect(here) as connection:
        connection.sendall(request_bytes(EVENT, (("Connection", "close"),), key=api_key))
        received = b""
        while more := connection.recv(65_536):
            received += more
    head = received.partition(b"\r\n\r\n")[0].decode()
    names = [line.partition(":")[0].lower() for line in head.split("\r\n")[1:]]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "request_",
    [
        request_bytes(EVENT, key=None),
        request_bytes(EVENT, key="not-a-key"),
        request_bytes(b"{"),
        request_bytes(b"[]"),
        request_bytes(EVENT, target="/"),
        request_bytes(EVENT, target="/openlineage/api/v1/lineage"),
        request_bytes(b"", method="GET"),
        request_bytes(EVENT, (("Content-Encoding", "br"),)),
        b"garbage\r\n\r\n",
    ],
    ids=["no key", "wrong key", "no JSON", "array", "no endpoint", "agent's endpoint", "GET", "brotli", "no HTTP"],
)
def test_what_is_refused_here_is_not_sent_on(request_: bytes, here: IntakeServer, there: IntakeServer) -> None:
    (answer,) = send(here, request_)
    assert 400 <= answer.status < 500
    assert there.journal.position == 0


def test_what_is_refused_for_being_strict_is_not_sent_on(there: IntakeServer, start_server: Start) -> None:
    here = start_server(Settings(strict=True), forward=Target(there.url + PATH, FORWARD_KEY))
    assert send(here, request_bytes(WITHOUT_JOB_TYPE))[0].status == 400
    assert there.journal.position == 0


@pytest.mark.parametrize("step", ["503", "lost", "reset", "close"])
def test_what_a_fault_refuses_or_loses_is_not_sent_on(step: str, here: IntakeServer, there: IntakeServer) -> None:
    here.faults.set(parse_plan(step))
    send(here, request_bytes(EVENT))
    assert exchanges(here)[0].fault == step
    assert there.journal.position == 0
    assert send(here, request_bytes(EVENT))[0].status == 202
    assert there.journal.position == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_given_back_and_never_followed(
    status: int, here: IntakeServer, there: IntakeServer, start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    trap = start_server()
    step = {"step": status, "headers": {"Location": trap.url + PATH}}
    there.faults.set(parse_plan([step]))
    (answer,) = send(here, request_bytes(EVENT))
    assert answer.status == status
    # A producer that went there would take its key along.
    assert "location" not in answer.headers
    assert f"answers {status}: its events are to go elsewhere" in caplog.text
    assert trap.journal.position == 0
    assert there.journal.position == 1
    assert not exchanges(here)[0].accepted


def test_no_key_is_on_record_on_either_side(here: IntakeServer, there: IntakeServer, api_key: str) -> None:
    note = json.dumps(run_event(note=FORWARD_KEY)).encode()
    for body in (EVENT, note):
        send(here, request_bytes(body, (("X-Note", api_key),), key=api_key))
    for exchange in exchanges(here):
        assert api_key not in repr(exchange)
    for exchange in (*exchanges(here), *exchanges(there)):
        headers = repr(exchange.request.headers)
        assert FORWARD_KEY not in headers
        assert header(exchange.request.headers, "authorization") in (
            f"Bearer ****{api_key[-4:]}",
            f"Bearer ****{FORWARD_KEY[-4:]}",
        )


def test_no_other_credential_goes_along(here: IntakeServer, there: IntakeServer, api_key: str) -> None:
    headers = (("DD-API-KEY", api_key), ("Cookie", "session=1"), ("Proxy-Authorization", "Basic eDp5"))
    assert send(here, request_bytes(EVENT, headers, key=api_key, target=f"{PATH}?api_key={api_key}"))[0].status == 202
    (theirs,) = exchanges(there)
    assert theirs.request.query == ""
    assert {name for name, value in theirs.request.headers if "****" in value} == {"authorization"}


@pytest.mark.parametrize("name", ["DD-APPLICATION-KEY", "X-API-Key", "X-Auth-Token", "My-Secret", "Set-Cookie"])
def test_what_is_masked_on_record_is_not_sent_on(name: str, here: IntakeServer, there: IntakeServer) -> None:
    assert send(here, request_bytes(EVENT, ((name, "open-sesame"),)))[0].status == 202
    assert "****" in (header(exchanges(here)[0].request.headers, name.lower()) or "")
    assert header(exchanges(there)[0].request.headers, name.lower()) is None


def test_the_key_to_forward_with_is_masked_in_an_event_that_has_it(
    here: IntakeServer, there: IntakeServer, api_key: str
) -> None:
    note = gzip.compress(json.dumps(run_event(note=FORWARD_KEY)).encode())
    assert send(here, request_bytes(note, (("Content-Encoding", "gzip"),), key=api_key))[0].status == 202
    for exchange in (*exchanges(here), *exchanges(there)):
        assert FORWARD_KEY.encode() not in gzip.decompress(exchange.request.body)
        assert [finding.code for finding in exchange.findings] == ["HT007"]


def test_headers_of_one_connection_are_not_sent_on(here: IntakeServer, there: IntakeServer) -> None:
    headers = (
        ("TE", "trailers"),
        ("Keep-Alive", "timeout=1"),
        ("Proxy-Connection", "keep-alive"),
        ("Expect", ""),
        ("Connection", "X-Hop, keep-alive"),
        ("X-Hop", "1"),
    )
    assert send(here, request_bytes(EVENT, headers))[0].status == 202
    names = {name for name, _ in exchanges(there)[0].request.headers}
    assert not names & {"te", "keep-alive", "proxy-connection", "expect", "transfer-encoding", "connection", "x-hop"}


def test_nothing_is_added_but_what_is_told_here(here: IntakeServer, there: IntakeServer) -> None:
    assert send(here, request_bytes(EVENT))[0].status == 202
    ours, theirs = (joined(exchanges(server)[0].request.headers) for server in (here, there))
    assert theirs.keys() - ours.keys() == {"accept-encoding", "x-mock-intake-forwarded-by"}
    assert theirs["accept-encoding"] == "gzip, deflate"


def test_a_header_that_is_not_ascii_is_sent_on(here: IntakeServer, there: IntakeServer) -> None:
    assert send(here, request_bytes(EVENT, (("X-Team", "Größe"),)))[0].status == 202
    assert header(exchanges(there)[0].request.headers, "x-team") == "Größe"


def test_both_engines_of_the_datadog_transport_are_answered(
    here: IntakeServer, there: IntakeServer, api_key: str
) -> None:
    for rules in ({}, ASYNC_ROUTE):
        with datadog_client(here.url, api_key, async_transport_rules=rules) as client:
            client.emit(client_event())
    # The events have a job type, and strict as it is the other side takes them.
    assert [exchange.accepted for exchange in arrived(here, api_key)] == [True, True]
    assert [exchange.accepted for exchange in exchanges(there)] == [True, True]


def test_many_at_once_are_all_answered(here: IntakeServer, there: IntakeServer) -> None:
    statuses: list[int] = []

    def produce(number: int) -> None:
        for turn in range(10):
            body = json.dumps(run_event(note=f"{number}-{turn}")).encode()
            statuses.append(send(here, request_bytes(body))[0].status)

    threads = [threading.Thread(target=produce, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 200
    assert there.journal.position == here.journal.position == 200


# Round in circles


def test_an_intake_that_forwards_to_itself_says_so_and_stops(start_server: Start, api_key: str) -> None:
    first = start_server()
    first.stop()
    host, port = first.address
    here = start_server(port=port, forward=Target(f"http://{host}:{port}{PATH}", FORWARD_KEY))
    (answer,) = send(here, request_bytes(EVENT, key=api_key))
    assert (answer.status, answer.body) == (
        508,
        b"mock-intake was told to forward events to itself: this one came back.",
    )
    back, went = recorded(here.journal, 0, 3, patience=0.3)
    assert (back.org, went.org) == (org_of(FORWARD_KEY), org_of(api_key))
    assert (back.accepted, went.accepted) == (False, False)


def test_two_that_forward_to_each_other_stop_where_it_began(start_server: Start) -> None:
    first = start_server()
    first.stop()
    host, port = first.address
    second = start_server(forward=Target(f"http://{host}:{port}{PATH}", FORWARD_KEY))
    here = start_server(port=port, forward=Target(second.url + PATH, FORWARD_KEY))
    assert send(here, request_bytes(EVENT))[0].status == 508
    assert (len(recorded(here.journal, 0, 3, patience=0.3)), second.journal.position) == (2, 1)


def test_a_chain_is_no_circle(here: IntakeServer, there: IntakeServer, start_server: Start) -> None:
    before = start_server(forward=Target(here.url + PATH, FORWARD_KEY))
    assert send(before, request_bytes(EVENT))[0].status == 202
    assert (here.journal.position, there.journal.position) == (1, 1)


def test_an_event_that_is_answered_late_is_sent_on(here: IntakeServer, there: IntakeServer) -> None:
    here.faults.set(parse_plan({"sequence": [], "delay": 0.1}))
    assert send(here, request_bytes(EVENT))[0].status == 202
    assert there.journal.position == 1
    assert exchanges(here)[0].fault == "delay"


# The other side is not well


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers one request with these bytes, and what it was sent."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(65_536))
            with suppress(OSError):  # who has heard enough hangs up
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.2)
                connection.recv(65_536)  # what is left unread would reset the connection, and the answer with it

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}", heard
        thread.join()


def test_an_answer_that_cannot_be_passed_on_is_told_to_both_sides(
    start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(b"HTTP/1.1 202 Accepted\r\nX-Odd: a\x01b\r\nContent-Length: 2\r\n\r\n{}") as (url, _):
        here = start_server(forward=Target(url, FORWARD_KEY))
        (answer,) = send(here, request_bytes(EVENT))
    assert answer.status == 502
    assert answer.body.startswith(b"mock-intake could not ")
    (exchange,) = exchanges(here)
    assert (exchange.accepted, exchange.response.status_code) == (False, 502)
    if b"pass on" in answer.body:  # else the client's library has refused it
        assert "could not be passed on: the header X-Odd cannot have a value with control characters" in caplog.text


def test_an_answer_without_end_is_not_read_to_its_end(start_server: Start) -> None:
    with answering(b"HTTP/1.1 202 Accepted\r\n\r\n" + b"x" * 21 * 1024 * 1024) as (url, _):
        here = start_server(forward=Target(url, FORWARD_KEY))
        (answer,) = send(here, request_bytes(EVENT))
    assert answer.status == 502
    assert answer.body == b"mock-intake could not pass on the answer: it is larger than 20,971,520 bytes"
    (exchange,) = exchanges(here)
    assert (exchange.accepted, exchange.response.status_code) == (False, 502)


def test_a_target_that_is_not_there_is_a_502_that_says_so(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = taken.getsockname()[1]
    here = start_server(forward=Target(f"http://127.0.0.1:{gone}{PATH}", FORWARD_KEY))
    (answer,) = send(here, request_bytes(EVENT))
    assert answer.status == 502
    assert answer.body == b"mock-intake could not forward the event: ConnectError"
    (exchange,) = exchanges(here)
    assert (exchange.accepted, exchange.response.status_code) == (False, 502)
    assert exchange.event is not None, "it was judged all the same"


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\ncut"])
def test_an_answer_that_is_none_is_a_502(answer: bytes, start_server: Start) -> None:
    with answering(answer) as (url, _):
        here = start_server(forward=Target(url, FORWARD_KEY))
        assert send(here, request_bytes(EVENT))[0].status == 502
        assert not exchanges(here)[0].accepted


def test_an_encoded_answer_is_given_back_so_that_it_can_be_read(start_server: Start) -> None:
    text = b'{"status": "from there"}'
    packed = gzip.compress(text)
    head = b"HTTP/1.1 202 Accepted\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    with answering(head + packed) as (url, heard):
        here = start_server(forward=Target(url, FORWARD_KEY))
        # The producer understands br, and whatever is asked for must be given back as it came.
        headers = {"Authorization": "Bearer " + "0" * 32, "Accept-Encoding": "gzip, deflate, br, zstd"}
        answer = requests.post(here.url + PATH, EVENT, headers=headers, timeout=10)
        assert answer.json() == {"status": "from there"}
    asked = next(line for line in heard[0].split(b"\r\n") if line.lower().startswith(b"accept-encoding"))
    assert not {b"br", b"zstd"} & set(asked.partition(b":")[2].replace(b" ", b"").split(b",")), (
        "only what can be decoded here may be asked for"
    )


def test_a_target_that_never_answers_does_not_hold_up_the_end_and_the_exchange_is_on_record(
    start_server: Start, api_key: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}"
        here = start_server(forward=Target(url, FORWARD_KEY))
        with connect(here) as connection:
            connection.sendall(request_bytes(EVENT, key=api_key))
            forwarded, _ = silent.accept()
            with forwarded:
                with in_time():
                    here.stop()
                assert not here.is_running
            read_answers(connection, 1)
    (exchange,) = recorded(here.journal, 0, 1)
    assert not exchange.accepted
    assert exchange.org == org_of(api_key)


def test_an_answer_that_cannot_be_decoded_is_given_back_as_it_came(start_server: Start) -> None:
    for encoding, body in ((b"br", b"\x0b\x02\x80{}\x03"), (b"gzip", b"no gzip")):
        head = b"HTTP/1.1 202 Accepted\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (encoding, len(body))
        with answering(head + body) as (url, _):
            (answer,) = send(start_server(forward=Target(url, FORWARD_KEY)), request_bytes(EVENT))
        assert (answer.status, answer.body) == (202, body)
        assert answer.headers["content-encoding"].encode() == encoding


def test_an_answer_of_a_status_that_nobody_knows_is_a_502(start_server: Start) -> None:
    with answering(b"HTTP/1.1 777 Jackpot\r\ncontent-length: 0\r\n\r\n") as (url, _):
        (answer,) = send(start_server(forward=Target(url, FORWARD_KEY)), request_bytes(EVENT))
    assert (answer.status, answer.body) == (502, b"mock-intake could not forward the event: it was answered 777")


def test_what_the_other_side_says_of_its_key_or_in_cookies_goes_no_further(start_server: Start) -> None:
    body = f"the key {FORWARD_KEY} is not known".encode()
    headers = f"x-key: {FORWARD_KEY}\r\nset-cookie: a=b\r\nx-name: Größe\r\ncontent-length: {len(body)}\r\n\r\n"
    head = b"HTTP/1.1 403 Forbidden\r\n" + headers.encode("latin-1")
    with answering(head + body) as (url, _):
        here = start_server(forward=Target(url, FORWARD_KEY))
        (answer,) = send(here, request_bytes(EVENT))
    assert (answer.status, answer.body) == (403, b"the key ****a4d0 is not known")
    assert (answer.headers["x-key"], answer.headers["x-name"]) == ("****a4d0", "Größe")
    assert "set-cookie" not in answer.headers
    assert FORWARD_KEY not in repr(exchanges(here))
