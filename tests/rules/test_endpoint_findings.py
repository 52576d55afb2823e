"""What is told of requests that go astray, word for word, with the likely cause (HT3)."""

from __future__ import annotations

import json
import socket

import orjson
import pytest
from msgspec.structs import replace

from mock_intake import IntakeServer
from mock_intake.journal import ExchangeFilter
from mock_intake.judging.catalogue import JUDGING, RULES
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import UNATTRIBUTED, Exchange, ReceivedRequest
from mock_intake.model.findings import Severity
from tests.events import run_event
from tests.rules.examples_judged import FindingText, only, told
from tests.rules.examples_requests import BODY, GOOD, KEY, as_bytes, at, headers

INTAKE = "/api/v1/lineage"
# Bytes for a real connection, since only a server can tell that something is no HTTP.
NOT_HTTP = [as_bytes(example) for example in (JUDGING["HT303"].trigger, JUDGING["HT303"].neighbour)]
LET_IT_END = "Let the URL end after the host name"
WRITE = f"Write {INTAKE}"

ASTRAY: list[tuple[str, str, str]] = [
    (
        "/",
        "the endpoint is missing from the URL",
        f"Let the URL end in {INTAKE}; clients add it by themselves unless endpoint was set to nothing.",
    ),
    ("/api/v1/lineage/", "a slash too many at the end", f"{WRITE}, without the extra slash."),
    ("//api/v1/lineage", "a slash too many", f"{WRITE}, without the extra slash."),
    ("/api//v1/lineage", "a slash too many", f"{WRITE}, without the extra slash."),
    (
        "/openlineage/api/v1/lineage",
        "this is the Datadog Agent's endpoint, and the intake was reached directly",
        "Set OPENLINEAGE_ENDPOINT to api/v1/lineage (or unset it), or send to the Agent's port.",
    ),
    (
        "/api/v1/lineage/api/v1/lineage",
        "the endpoint is doubled: it stands in the URL and is added by the client once more",
        f"{LET_IT_END}.",
    ),
    (
        "/openlineage/api/v1/lineage/api/v1/lineage",
        "the endpoint is doubled: it stands in the URL and is added by the client once more",
        f"{LET_IT_END}.",
    ),
    (
        "/api/v1/lineage/batch",
        "this is the batch endpoint of the standard's API, which Datadog does not document",
        f"Send the events one by one to {INTAKE}.",
    ),
    ("/API/v1/Lineage", "paths are case-sensitive", f"{WRITE}."),
    (
        "/s/api/v1/lineage",
        "the URL has a path of its own before the endpoint",
        f"{LET_IT_END}; a client joins the rest of it with the endpoint.",
    ),
    ("/api/v1/lineage/abc", "something follows the endpoint", f"Let the URL end in {INTAKE}."),
    ("/api/v2/lineage", "the path is close to the endpoint, and not the endpoint", f"{WRITE}."),
    ("/api/v1", "the path is close to the endpoint, and not the endpoint", f"{WRITE}."),
    ("/api/v1/series", "it is no path of the intake", f"Events go to {INTAKE}."),
]


@pytest.mark.parametrize(("path", "cause", "advice"), ASTRAY)
def test_a_misdirected_request_is_told_the_likely_cause(path: str, cause: str, advice: str) -> None:
    exchange = Intake().receive(at(path).request)
    expected = FindingText("path", f"nothing takes events at {path}: {cause}", INTAKE, path, advice)
    assert [told(finding) for finding in exchange.findings] == [expected]
    assert (exchange.response.status_code, exchange.accepted) == (404, False)


def test_a_key_in_the_path_is_masked() -> None:
    exchange = Intake().receive(at(f"/api/v1/lineage/{KEY}").request)
    assert exchange.request.path == "/api/v1/lineage/****ab1e"
    assert only(exchange.findings, "HT301").actual == "/api/v1/lineage/****ab1e"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_than_post_is_refused(method: str) -> None:
    exchange = Intake().receive(replace(GOOD, method=method))
    expected = FindingText(
        "method",
        f"the intake takes POST, and this was {method}",
        "POST",
        method,
        "Use POST. After a redirect clients turn POST into GET: check the URL for a missing https or a slash too many.",
    )
    assert [told(finding) for finding in exchange.findings] == [expected]
    assert exchange.response.status_code == 405
    assert ("allow", "POST") in exchange.response.headers


def test_a_misdirected_request_is_told_of_its_path_before_its_key() -> None:
    request = replace(GOOD, path="/", method="GET", headers=headers(("authorization", None)))
    assert [finding.code for finding in Intake().receive(request).findings] == ["HT301"]


def exchanges(server: IntakeServer) -> list[Exchange]:
    return server.journal.exchanges(ExchangeFilter(), 10).items


def sent_to(server: IntakeServer, data: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


def test_what_is_no_http_is_on_record_and_answered(server: IntakeServer) -> None:
    answer = sent_to(server, NOT_HTTP[0])
    [exchange] = exchanges(server)
    expected = FindingText(
        "request",
        "what was received is no HTTP request",
        "an HTTP/1.1 request",
        f"{len(NOT_HTTP[0])} bytes that begin b'POST /api/v1'",
        "Look at the URL's scheme and port, and at header values with line breaks in them.",
    )
    [finding] = exchange.findings
    assert (finding.code, finding.severity) == ("HT303", RULES["HT303"].severity)
    assert told(finding) == expected
    assert (exchange.response.status_code, exchange.accepted, exchange.org) == (400, False, UNATTRIBUTED)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert orjson.loads(body)["findings"] == [finding.to_dict()]


def test_the_neighbour_of_what_is_no_http_is_taken(server: IntakeServer) -> None:
    answer = sent_to(server, NOT_HTTP[1])
    assert answer.startswith(b"HTTP/1.1 202 ")
    [exchange] = exchanges(server)
    assert (exchange.findings, exchange.accepted, exchange.decoded_size) == ((), True, len(BODY))


def test_the_key_in_what_is_no_http_is_masked(server: IntakeServer) -> None:
    answer = sent_to(server, NOT_HTTP[0])
    [exchange] = exchanges(server)
    assert KEY.encode() not in exchange.request.body
    assert b"Bearer ****ab1e" in exchange.request.body
    assert KEY.encode() not in answer


def test_tls_to_a_port_that_speaks_http_is_told_as_that(server: IntakeServer) -> None:
    sent_to(server, bytes.fromhex("160301 0200 0100 01fc 0303") + bytes(32))
    [exchange] = exchanges(server)
    assert told(only(exchange.findings, "HT303")) == FindingText(
        "request",
        "what was received is no HTTP request, but the beginning of a TLS connection",
        "an HTTP/1.1 request",
        "43 bytes that begin b'\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03\\x00'",
        "This is TLS: the producer speaks https to a port that speaks http. Let the URL begin with http://.",
    )


def test_the_preface_of_http_2_is_told_as_that(server: IntakeServer) -> None:
    sent_to(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    finding = only(exchanges(server)[0].findings, "HT303")
    assert finding.message == "what was received is no HTTP request, but the preface of HTTP/2"
    assert "curl --http1.1" in finding.advice


def bare(path: str, method: str = "GET") -> ReceivedRequest:
    """A request that carries nothing, as health checks and scrapers send it."""
    return replace(GOOD, path=path, method=method, headers=(("host", "localhost"),), body=b"", wire_size=0)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/health/ready", "/favicon.ico"])
def test_a_probe_is_no_more_than_an_info(path: str, method: str) -> None:
    [finding] = Intake().receive(bare(path, method)).findings
    assert (finding.code, finding.severity, finding.actual) == ("HT301", Severity.INFO, path)
    assert finding.message.endswith("it looks like a probe, for it has neither key nor body")


@pytest.mark.parametrize(
    "request_",
    [
        replace(bare("/metrics"), headers=GOOD.headers),
        replace(bare("/metrics"), query="api_key=" + KEY),
        replace(bare("/metrics"), body=b"{}", wire_size=2),
        bare("/metrics", "POST"),
        bare("/api/v1/lineage/"),
        bare("/openlineage/api/v1/lineage"),
        bare("/api/v1/lineage/batch"),
    ],
    ids=["key", "key in the URL", "body", "POST", "a slash too many", "the Agent's", "batch"],
)
def test_what_carries_something_or_is_near_an_endpoint_is_no_probe(request_: ReceivedRequest) -> None:
    """The endpoint itself with GET is what a redirect leaves of a POST."""
    exchange = Intake().receive(request_)
    assert only(exchange.findings, "HT301").severity is Severity.ERROR
    assert only(Intake().receive(bare(INTAKE)).findings, "HT302").severity is Severity.ERROR


HEAD = (
    b"POST /api/v1/lineage HTTP/1.1\r\nHost: localhost\r\nUser-Agent: python-requests/2.32.3\r\n"
    b"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
)
FORKED = (
    "Two processes write to one connection, as after a fork: make a client per process, after fork, and do not use one "
    "that has sent before."
)


@pytest.mark.parametrize(("encoding", "code"), [(b"", "HT201"), (b"Content-Encoding: gzip\r\n", "HT103")])
def test_two_processes_on_one_connection_are_recognised(server: IntakeServer, encoding: bytes, code: str) -> None:
    """Heads and bodies of both stand one in another, as after a fork; the key is where it belongs."""
    body = json.dumps(run_event()).encode()[:200]
    head = HEAD % (KEY.encode(), len(body)) + encoding + b"\r\n"
    sent_to(server, head + head + body + body)
    first, rest = reversed(exchanges(server))
    assert [finding.code for finding in first.findings] == [code]
    assert first.findings[0].advice == FORKED
    assert str(first.findings[0].actual).startswith(
        "the head of another request" if encoding else "POST /api/v1/lineage"
    )
    assert KEY.encode() not in first.request.body
    [finding] = rest.findings
    assert (finding.code, finding.advice) == ("HT303", f"{FORKED} Or the Content-Length before it was too small.")
    assert finding.message == "what was received is no HTTP request, but a part of one"


def test_a_request_line_that_is_merely_wrong_is_not_taken_for_a_fork(server: IntakeServer) -> None:
    sent_to(server, (HEAD % (KEY.encode(), 2)).replace(b"HTTP/1.1", b"HTTQ/1.1") + b"\r\n{}")
    assert FORKED not in only(exchanges(server)[0].findings, "HT303").advice
