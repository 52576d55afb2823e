"""What is told of requests that are turned away before they are judged, word for word (HT107, HT304, HT305)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.journal import ExchangeFilter
from mock_intake.judging.catalogue import JUDGING, RULES
from mock_intake.model.exchange import Exchange
from mock_intake.server.http.tls import Certificates
from tests.rules.examples_judged import FindingText, told
from tests.rules.examples_requests import BODY, KEY, as_bytes

SWITCH_ON = (
    "Let ol_proxy_config.enabled be true (DD_OL_PROXY_CONFIG_ENABLED), and dd_url a site or a URL; the key is the "
    "Agent's own unless ol_proxy_config.api_key is another."
)

StartServer = Callable[..., IntakeServer]


def examples(code: str) -> tuple[Any, Any]:
    return JUDGING[code].trigger, JUDGING[code].neighbour


HEAD_TOO_LARGE = [as_bytes(example) for example in examples("HT107")]
# How the Agent is set up.
AGENT_OFF = [AgentSettings(api_key=KEY, enabled=example["agent:enabled"]) for example in examples("HT304")]
# What a client asks of its proxy.
PROXY_REFUSED = [f"{example['request line']}\r\n\r\n".encode() for example in examples("HT305")]


def exchanges(server: IntakeServer) -> list[Exchange]:
    return server.journal.exchanges(ExchangeFilter(), 10).items


def status_of(server: IntakeServer, request: bytes) -> int:
    """What the intake answers to these bytes."""
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(request)
        return int(connection.recv(65_536).split(b" ")[1])


def test_a_head_that_is_too_large_is_told_with_its_largest_part(server: IntakeServer) -> None:
    assert status_of(server, HEAD_TOO_LARGE[0]) == 431
    [exchange] = exchanges(server)
    [finding] = exchange.findings
    assert (finding.code, finding.severity) == ("HT107", RULES["HT107"].severity)
    assert told(finding) == FindingText(
        "request",
        "the request line and the headers are larger than 65,536 bytes; most of that is the header baggage",
        "at most 65,536 bytes",
        "65,722 bytes",
        "Find what makes it grow: cookies, a header that is added to with every attempt, an event in a header or the "
        "URL.",
    )


def test_a_head_that_is_just_not_too_large_is_taken(server: IntakeServer) -> None:
    assert status_of(server, HEAD_TOO_LARGE[1]) == 202
    [exchange] = exchanges(server)
    assert (exchange.findings, exchange.accepted) == ((), True)


def post_to_agent(server: IntakeServer) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return httpx.post(f"{server.agent_url}/openlineage/api/v1/lineage", content=BODY, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (AGENT_OFF[0], "it is disabled by configuration (ol_proxy_config.enabled)"),
        (AgentSettings(KEY, dd_url="http://[::1"), "the URL of the intake does not parse (ol_proxy_config.dd_url)"),
    ],
)
def test_an_agent_that_is_off_says_so(start_server: StartServer, settings: AgentSettings, reason: str) -> None:
    server = start_server(agent=settings)
    answer = post_to_agent(server)
    off = f"OpenLineage forwarder is OFF: {reason}"
    assert (answer.status_code, answer.text) == (500, off)
    [exchange] = exchanges(server)
    [finding] = exchange.findings
    assert (finding.code, finding.severity) == ("HT304", RULES["HT304"].severity)
    assert told(finding) == FindingText("request", off, "a forwarder that is on", off, SWITCH_ON)
    assert (exchange.accepted, exchange.event) == (False, None)


def test_an_agent_that_is_on_has_the_event_received(start_server: StartServer) -> None:
    server = start_server(agent=AGENT_OFF[1])
    assert post_to_agent(server).status_code == 202
    [exchange] = exchanges(server)
    assert (exchange.findings, exchange.accepted) == ((), True)


def asked_of_proxy(server: IntakeServer, request: bytes) -> bytes:
    """The head of the proxy's answer."""
    url = urlsplit(server.proxy_url)
    assert url.hostname is not None
    assert url.port is not None
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer and (chunk := connection.recv(4096)):
            answer += chunk
    return answer.partition(b"\r\n\r\n")[0]


@pytest.fixture
def proxy(start_server: StartServer) -> IntakeServer:
    return start_server(tls=Certificates(), proxy_port=0)


def test_the_proxy_refuses_other_hosts_than_the_intakes(proxy: IntakeServer) -> None:
    assert asked_of_proxy(proxy, PROXY_REFUSED[0]).startswith(b"HTTP/1.1 403 ")
    [exchange] = exchanges(proxy)
    [finding] = exchange.findings
    assert (finding.code, finding.severity) == ("HT305", RULES["HT305"].severity)
    assert told(finding) == FindingText(
        "request",
        "the proxy lets nobody through to api.datadoghq.com:443",
        "CONNECT to one of the intakes, such as data-obs-intake.ap1.datadoghq.com:443",
        "api.datadoghq.com:443",
        "Allow the host with --proxy-allow HOST if the producer rightly needs it, or name it in NO_PROXY.",
    )


@pytest.mark.parametrize(
    "request_line",
    [
        "POST http://etl:h4rdlyas3cret@data-obs-intake.datadoghq.com/api/v1/lineage HTTP/1.1",
        "CONNECT https://etl:h4rdlyas3cret@api.datadoghq.com:443 HTTP/1.1",
    ],
)
def test_the_proxy_quotes_no_secret(proxy: IntakeServer, request_line: str) -> None:
    assert asked_of_proxy(proxy, f"{request_line}\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 ")
    [exchange] = exchanges(proxy)
    [finding] = exchange.findings
    assert finding.code == "HT305"
    assert "h4rdlyas3cret" not in str(finding)


def test_the_proxy_lets_through_to_an_intake(proxy: IntakeServer) -> None:
    assert asked_of_proxy(proxy, PROXY_REFUSED[1]).startswith(b"HTTP/1.1 200 ")
    assert [
        finding.code for exchange in exchanges(proxy) for finding in exchange.findings if finding.code == "HT305"
    ] == []


def test_a_request_in_plain_http_is_told_that_the_intakes_speak_https(proxy: IntakeServer) -> None:
    request = (
        "POST http://data-obs-intake.datadoghq.com/api/v1/lineage HTTP/1.1\r\n"
        f"Authorization: Bearer {KEY}\r\nContent-Length: 0\r\n\r\n"
    )
    assert asked_of_proxy(proxy, request.encode()).startswith(b"HTTP/1.1 403 ")
    [exchange] = exchanges(proxy)
    [finding] = exchange.findings
    assert told(finding) == FindingText(
        "request",
        "the proxy was asked for http://data-obs-intake.datadoghq.com/api/v1/lineage in plain http; "
        "it lets through https only (CONNECT)",
        "CONNECT to one of the intakes, such as data-obs-intake.ap1.datadoghq.com:443",
        "POST http://data-obs-intake.datadoghq.com/api/v1/lineage",
        "Let the producer's URL begin with https://, and end after the host (/api/v1/lineage is added).",
    )
    assert KEY not in str(exchange)
