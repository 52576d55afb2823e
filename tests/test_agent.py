"""The Datadog Agent's OpenLineage proxy: what it changes, what it refuses, what it gives back, what is on record."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import socket
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from openlineage.client import OpenLineageClient
from openlineage.client.transport.http import HttpConfig, HttpTransport

from mock_intake import IntakeServer, Settings
from mock_intake.datadog.agent import MAX_BODY, AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.model.exchange import Exchange, header, joined
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.runner import ServerError
from tests.clients import client_event, cut_off
from tests.events import run_event
from tests.fuzz import Answer, read_answers, request_bytes
from tests.interception.wire import agent_address

AGENT_PATH = "/openlineage/api/v1/lineage"
INTAKE_PATH = "/api/v1/lineage"
EVENT = json.dumps(run_event()).encode()
AGENT_KEY = "a9e27000" * 4
Start = Callable[..., IntakeServer]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


@pytest.fixture
def agent(start_server: Start) -> IntakeServer:
    """An intake with an Agent before it."""
    return start_server(agent=AgentSettings(AGENT_KEY))


def send(
    server: IntakeServer,
    body: bytes = EVENT,
    headers: tuple[tuple[str, str], ...] = (),
    *,
    key: str | None = None,
    target: str = AGENT_PATH,
    method: str = "POST",
) -> Answer:
    """Sends to the Agent; without a key unless one is given."""
    with socket.create_connection(agent_address(server), timeout=10) as connection:
        connection.sendall(request_bytes(body, headers, key=key, target=target, method=method))
        (answer,) = read_answers(connection, 1)
    return answer


def exchanges(server: IntakeServer) -> list[Exchange]:
    return [exchange for _, exchange in server.journal.read(0, 1_000)]


def only(server: IntakeServer) -> Exchange:
    (exchange,) = exchanges(server)
    return exchange


# What it makes of a request


def test_the_request_is_sent_on_as_the_agent_sends_it(agent: IntakeServer) -> None:
    headers = (
        ("User-Agent", "my-producer/1"),
        ("X-Custom", "kept"),
        ("Via", "1.1 another"),
        ("X-Datadog-Additional-Tags", "host:forged"),
        ("X-Datadog-Container-Tags", "forged"),
    )
    assert send(agent, headers=headers, target=AGENT_PATH + "?x=1").status == 202
    exchange = only(agent)
    request = exchange.request
    assert (request.method, request.path, request.query) == ("POST", INTAKE_PATH, "api-version=2")
    assert joined(request.headers) == {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "content-length": str(len(EVENT)),
        "user-agent": "my-producer/1",
        "x-custom": "kept",
        "authorization": f"Bearer ****{AGENT_KEY[-4:]}",
        "via": "trace-agent 7.79.0",
        "x-datadog-additional-tags": "host:localhost,default_env:none,agent_version:7.79.0",
        "x-forwarded-for": "127.0.0.1",
    }
    assert request.body == EVENT
    assert exchange.org == org_of(AGENT_KEY)
    assert exchange.findings == ()


def test_what_the_agent_says_of_itself_is_as_it_is_set(start_server: Start) -> None:
    settings = AgentSettings(AGENT_KEY, version="7.60.1", hostname="build-7", env="ci", container_tags="image:etl")
    server = start_server(agent=settings)
    assert send(server).status == 202
    headers = joined(only(server).request.headers)
    assert headers["via"] == "trace-agent 7.60.1"
    assert headers["x-datadog-additional-tags"] == "host:build-7,default_env:ci,agent_version:7.60.1"
    assert headers["x-datadog-container-tags"] == "image:etl"


@pytest.mark.parametrize(("version", "query"), [(2, "api-version=2"), (3, "api-version=3"), (1, ""), (0, "")])
def test_the_api_version_is_a_parameter_from_2_on(version: int, query: str, start_server: Start) -> None:
    server = start_server(agent=AgentSettings(AGENT_KEY, api_version=version))
    assert send(server).status == 202
    assert only(server).request.query == query


@pytest.mark.parametrize("headers", [(), (("User-Agent", ""),)])
def test_a_blank_user_agent_is_not_sent_at_all(headers: tuple[tuple[str, str], ...], agent: IntakeServer) -> None:
    send(agent, headers=headers)
    assert header(only(agent).request.headers, "user-agent") is None


def test_what_is_for_one_connection_only_is_not_sent_on_and_who_sent_it_is_told(agent: IntakeServer) -> None:
    headers = (
        ("Connection", "keep-alive, X-Mine"),
        ("X-Mine", "1"),
        ("Proxy-Authorization", "Basic YTpi"),
        ("TE", "gzip"),
        ("X-Forwarded-For", "10.0.0.7"),
    )
    assert send(agent, headers=headers).status == 202
    found = joined(only(agent).request.headers)
    assert not {"connection", "x-mine", "proxy-authorization", "te"} & set(found)
    assert found["x-forwarded-for"] == "10.0.0.7, 127.0.0.1"


def test_container_tags_are_told_only_where_there_are_any(start_server: Start) -> None:
    server = start_server(agent=AgentSettings(AGENT_KEY, container_tags=""))
    assert send(server).status == 202
    assert header(only(server).request.headers, "x-datadog-container-tags") is None


def test_without_a_key_of_the_proxys_it_sends_with_the_agents_own(start_server: Start) -> None:
    for without in (None, ""):
        server = start_server(agent=AgentSettings(without, own_key=AGENT_KEY))
        assert send(server).status == 202
        assert only(server).org == org_of(AGENT_KEY)
    with pytest.raises(ValueError, match="an Agent has a key: api_key"):
        AgentSettings(None)


def test_the_producers_own_key_is_replaced_and_kept_nowhere(agent: IntakeServer) -> None:
    own = secrets.token_hex(16)
    assert send(agent, key=own).status == 202
    exchange = only(agent)
    assert exchange.org == org_of(AGENT_KEY)
    assert exchange.hop is not None
    assert header(exchange.hop.headers, "authorization") == f"Bearer ****{own[-4:]}"
    assert own not in repr(exchange)
    assert AGENT_KEY not in repr(exchange)


@pytest.mark.parametrize("key", ["not-a-key", "<DD_API_KEY>"])
def test_a_wrong_key_of_the_producers_does_not_matter(key: str, agent: IntakeServer) -> None:
    assert send(agent, key=key).status == 202
    assert only(agent).findings == ()


@pytest.mark.parametrize("place", ["header", "body", "compressed body", "query"])
def test_the_producers_key_is_masked_wherever_else_it_stands(place: str, agent: IntakeServer) -> None:
    own = secrets.token_hex(16)
    body = json.dumps(run_event(note=own if "body" in place else "none")).encode()
    headers: tuple[tuple[str, str], ...] = (("X-Note", f"it is {own}"),) if place == "header" else ()
    if place == "compressed body":
        body, headers = gzip.compress(body), (("Content-Encoding", "gzip"),)
    target = AGENT_PATH + f"?api_key={own}" if place == "query" else AGENT_PATH
    assert send(agent, body, headers, key=own, target=target).status == 202
    exchange = only(agent)
    assert own not in repr(exchange)
    assert own.encode() not in exchange.request.body
    if place == "compressed body":
        assert own.encode() not in gzip.decompress(exchange.request.body)
    assert [finding.code for finding in exchange.findings] == (["HT007"] if "body" in place else [])


PACKINGS: tuple[tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]], ...] = (
    ("", bytes, bytes),
    ("gzip", gzip.compress, gzip.decompress),
    ("deflate", zlib.compress, zlib.decompress),
)


@pytest.mark.parametrize(("encoding", "pack", "unpack"), PACKINGS, ids=lambda value: value or None)
@pytest.mark.parametrize(
    "whose", ["the producer's", "a password", "the Agent's", "an endpoint's", "spelled in escapes"]
)
def test_whoever_has_the_key_it_is_masked_in_the_body(
    whose: str,
    encoding: str,
    pack: Callable[[bytes], bytes],
    unpack: Callable[[bytes], bytes],
    start_server: Start,
) -> None:
    own, others = secrets.token_hex(16), secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        elsewhere = {f"http://127.0.0.1:{taken.getsockname()[1]}/": (others,)}
    server = start_server(agent=AgentSettings(AGENT_KEY, additional_endpoints=elsewhere))
    secret = {"the Agent's": AGENT_KEY, "an endpoint's": others, "a password": "open-sesame-open"}.get(whose, own)
    spelled = "".join(f"\\u{ord(character):04x}" for character in own) if whose == "spelled in escapes" else secret
    body = pack(json.dumps(run_event(note="NOTE")).replace("NOTE", f"it is {spelled}.").encode())
    basic = "Basic " + base64.b64encode(b"someone:open-sesame-open").decode()
    headers = [("Authorization", basic if whose == "a password" else f"Bearer {own}")]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    assert send(server, body, tuple(headers)).status == 202
    exchange = only(server)
    kept = unpack(exchange.request.body)
    assert secret.encode() not in kept
    assert spelled.encode() not in kept
    assert b"it is ****" in kept
    assert secret not in repr(exchange)
    assert "HT007" in [finding.code for finding in exchange.findings]


@pytest.mark.parametrize(
    ("target", "settings"),
    [(INTAKE_PATH, AgentSettings(AGENT_KEY)), (AGENT_PATH, AgentSettings(AGENT_KEY, enabled=False))],
)
def test_what_the_agent_turns_away_is_masked_too(target: str, settings: AgentSettings, start_server: Start) -> None:
    server = start_server(agent=settings)
    own = secrets.token_hex(16)
    body = gzip.compress(json.dumps(run_event(note=own)).encode())
    headers = (("Content-Encoding", "gzip"), ("X-Note", f"it is {own}"))
    assert send(server, body, headers, key=own, target=target).status in (404, 500)
    exchange = only(server)
    assert own not in repr(exchange)
    assert own.encode() not in gzip.decompress(exchange.request.body)
    assert "HT007" in [finding.code for finding in exchange.findings]


def test_a_compressed_body_is_sent_on_as_it_came(agent: IntakeServer) -> None:
    body = gzip.compress(EVENT, mtime=7)
    assert send(agent, body, (("Content-Encoding", "gzip"),)).status == 202
    exchange = only(agent)
    assert exchange.request.body == body
    assert exchange.decoded_size == len(EVENT)


def test_the_intakes_answer_is_given_back(agent: IntakeServer) -> None:
    taken = send(agent).json()
    event = only(agent).event
    assert event is not None
    assert taken == {"id": event.id, "status": "ok", "findings": []}
    refused = send(agent, b'{"eventType": ')
    assert refused.status == 400
    assert refused.json()["findings"][0]["code"] == "HT201"
    assert refused.json()["errors"][0]["status"] == "400"


def test_both_hops_are_on_record(agent: IntakeServer) -> None:
    send(agent, headers=(("X-Custom", "kept"),), target=AGENT_PATH + "?a=b")
    shown = requests.get(f"{agent.url}/api/mock/v1/exchanges", timeout=10).json()["exchanges"][0]
    assert (shown["path"], shown["query"]) == (INTAKE_PATH, "api-version=2")
    assert "via" in shown["headers"]
    hop = shown["agent"]
    assert (hop["path"], hop["query"]) == (AGENT_PATH, "a=b")
    assert hop["headers"]["x-custom"] == "kept"
    assert "via" not in hop["headers"]
    assert "authorization" not in hop["headers"]
    requests.post(agent.url + INTAKE_PATH, EVENT, headers={"Authorization": f"Bearer {AGENT_KEY}"}, timeout=10)
    direct = requests.get(f"{agent.url}/api/mock/v1/exchanges?limit=1", timeout=10).json()["exchanges"][0]
    assert direct["agent"] is None


def test_the_same_event_by_both_ways_is_one_event_where_the_key_is_the_same(agent: IntakeServer) -> None:
    send(agent)
    headers = {"Authorization": f"Bearer {AGENT_KEY}", "Content-Type": "application/json"}
    requests.post(agent.url + INTAKE_PATH, EVENT, headers=headers, timeout=10)
    first, second = exchanges(agent)
    assert first.event is not None
    assert second.event is not None
    assert first.event.id == second.event.id


def test_the_intake_knows_the_agents_key_or_refuses_it(start_server: Start) -> None:
    server = start_server(Settings(keys=Keys(frozenset({"0" * 32}))), agent=AgentSettings(AGENT_KEY))
    answer = send(server, key="0" * 32)
    assert answer.status == 403
    assert answer.json()["findings"][0]["code"] == "HT004"


def test_a_body_is_bounded_by_the_intake_where_there_is_one_endpoint(start_server: Start) -> None:
    """The Agent streams it by; the limit is ours, of what an intake takes."""
    server = start_server(Settings(max_body=1_000), agent=AgentSettings(AGENT_KEY))
    for size in (1_001, 50_000):
        answer = send(server, b" " * size)
        assert (answer.status, answer.json()["findings"][0]["code"]) == (413, "HT104")
    assert [exchange.request.wire_size for exchange in exchanges(server)] == [1_001, 50_000]


def test_a_body_for_several_endpoints_is_bounded_by_the_agent(start_server: Start) -> None:
    there = start_server()
    others = {there.url + INTAKE_PATH: ("0" * 32,)}
    settings = Settings(max_body=2 * MAX_BODY)
    server = start_server(settings, agent=AgentSettings(AGENT_KEY, additional_endpoints=others))
    answer = send(server, b" " * (MAX_BODY + 1))
    assert (answer.status, answer.body) == (502, b"")
    exchange = only(server)
    assert [finding.code for finding in exchange.findings] == ["HT104"]
    assert "26,214,400 bytes on the wire, through the Agent" in exchange.findings[0].message
    assert there.journal.position == 0


# The trace agent's other endpoints


def test_a_tracer_is_answered_as_by_the_trace_agent_and_nothing_of_it_is_kept(agent: IntakeServer) -> None:
    info = requests.get(f"{agent.agent_url}/info", timeout=10).json()
    assert {"/v0.4/traces", "/v0.5/traces", "/telemetry/proxy/", AGENT_PATH} <= set(info["endpoints"])
    assert "/v0.7/config" not in info["endpoints"], "nothing here configures a tracer"
    rates = requests.put(f"{agent.agent_url}/v0.5/traces", b"\x92\x90\x90", timeout=10)
    assert rates.json() == {"rate_by_service": {"service:,env:": 1}}
    assert requests.put(f"{agent.agent_url}/v0.3/traces", b"\x90", timeout=10).text == "OK\n"
    telemetry = f"{agent.agent_url}/telemetry/proxy/api/v2/apmtelemetry"
    assert requests.post(telemetry, b"{}", timeout=10).status_code == 200
    assert requests.post(f"{agent.agent_url}/v0.6/stats", b"x" * 30_000_000, timeout=30).status_code == 200
    assert exchanges(agent) == []
    assert agent.agent_traffic == {
        "/info": 1, "/v0.5/traces": 1, "/v0.3/traces": 1, "/telemetry/proxy/": 1, "/v0.6/stats": 1,
    }  # fmt: skip
    assert send(agent).status == 202


# At a Unix socket


def by_socket(path: Path, target: str, body: bytes) -> Answer:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(request_bytes(body, target=target))
        (answer,) = read_answers(connection, 1)
    return answer


def test_the_agent_is_at_a_unix_socket_too(start_server: Start, tmp_path: Path) -> None:
    """As openlineage-java and the Java tracer reach it. Whoever sends has no address to tell."""
    path = tmp_path / "apm.socket"
    server = start_server(agent=AgentSettings(AGENT_KEY), agent_socket=path)
    assert server.agent_socket_url == f"unix://{path}"
    assert by_socket(path, AGENT_PATH, EVENT).status == 202
    assert by_socket(path, "/v0.5/traces", b"\x90").json() == {"rate_by_service": {"service:,env:": 1}}
    exchange = only(server)
    assert (exchange.org, exchange.request.peer) == (org_of(AGENT_KEY), None)
    assert header(exchange.request.headers, "x-forwarded-for") is None
    assert send(server).status == 202, "and at its port"
    server.stop()
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_taken_and_one_in_use_is_not(start_server: Start, tmp_path: Path) -> None:
    path = tmp_path / "apm.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    start_server(agent=AgentSettings(AGENT_KEY), agent_socket=path)
    assert by_socket(path, AGENT_PATH, EVENT).status == 202
    (tmp_path / "file").touch()
    for taken in (path, tmp_path / "file", tmp_path / ("long" * 40)):
        with pytest.raises(ServerError, match=r"Cannot listen at /"):
            IntakeServer(agent=AgentSettings(AGENT_KEY), agent_socket=taken).start()
    with pytest.raises(ServerError, match="needs an Agent"):
        IntakeServer(agent_socket=path)
    assert by_socket(path, AGENT_PATH, EVENT).status == 202


# Real clients


def test_the_client_needs_an_address_and_an_endpoint_and_no_key(agent: IntakeServer) -> None:
    config = HttpConfig(url=agent.agent_url, endpoint=AGENT_PATH.lstrip("/"))
    client = OpenLineageClient(transport=HttpTransport(config))
    client.emit(client_event())
    client.close()
    exchange = only(agent)
    assert exchange.accepted
    assert exchange.hop is not None
    assert header(exchange.hop.headers, "authorization") is None
    assert (header(exchange.request.headers, "user-agent") or "").startswith("python-requests/")


def test_curl_needs_no_key_either(agent: IntakeServer) -> None:
    command = ["curl", "-sS", "--fail", "--json", EVENT.decode(), agent.agent_url + AGENT_PATH]
    done = subprocess.run(command, capture_output=True, timeout=20, check=True)
    assert json.loads(done.stdout)["status"] == "ok"


# Gone astray


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (INTAKE_PATH, "this is the intake's endpoint, and the Agent was reached"),
        (INTAKE_PATH + "/", "this is the intake's endpoint, and the Agent was reached"),
        (AGENT_PATH + "/", "a slash too many at the end"),
        ("/v0.9/traces", "no path of the Agent's OpenLineage proxy"),
        ("/", "no path of the Agent's OpenLineage proxy"),
    ],
)
def test_another_path_of_the_agents_port_is_explained(target: str, words: str, agent: IntakeServer) -> None:
    own = secrets.token_hex(16)
    answer = send(agent, key=own, target=target)
    assert answer.status == 404
    finding = answer.json()["findings"][0]
    assert finding["code"] == "HT301"
    assert words in finding["message"]
    assert "OPENLINEAGE_ENDPOINT to openlineage/api/v1/lineage" in finding["advice"]
    assert own not in repr(only(agent))


def test_the_agents_path_on_the_intakes_port_is_explained(agent: IntakeServer) -> None:
    answer = requests.post(agent.url + AGENT_PATH, EVENT, timeout=10)
    assert answer.status_code == 404
    finding = answer.json()["findings"][0]
    assert finding["code"] == "HT301"
    assert "the Datadog Agent's endpoint, and the intake was reached directly" in finding["message"]


def test_the_control_api_is_not_on_the_agents_port(agent: IntakeServer) -> None:
    assert send(agent, target="/api/mock/v1/exchanges", method="GET").status == 404
    assert send(agent, target="/healthz", method="GET").status == 404


def test_another_method_is_refused(agent: IntakeServer) -> None:
    answer = send(agent, b"", method="GET")
    assert answer.status == 405
    assert only(agent).findings[0].code == "HT302"
