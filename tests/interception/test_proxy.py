"""The forward proxy: the intakes are reached through it, nothing else is, and whatever a client does it lives on."""

from __future__ import annotations

import gc
import http.client
import json
import secrets
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import requests

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import UNATTRIBUTED
from mock_intake.server.http.tls import Certificates
from mock_intake.server.runner import ServerError
from tests.clients import ASYNC_ROUTE, client_event, datadog_client
from tests.fuzz import read_answers
from tests.interception.bystander import GREETING, Bystander
from tests.interception.proxied import lives_on, other, server
from tests.interception.wire import (
    EVENT,
    HOST,
    TARGET,
    answer_to,
    connect_head,
    post,
    proxy_address,
    settled,
    to_proxy,
    trusting,
    tunnel,
)
from tests.programs import arrived

__all__ = ["lives_on", "other", "server"]


# Where it leads


def test_every_intake_is_reached_with_a_certificate_for_it(server: IntakeServer, api_key: str) -> None:
    context = trusting(server)
    for host in sorted(INTAKE_HOSTS):
        with (
            tunnel(server, f"{host}:443") as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            assert post(secured, api_key).status == 202
    assert len(arrived(server, api_key)) == 10


@pytest.mark.parametrize("target", [TARGET.upper(), f"{HOST}.:443"])
def test_a_name_is_understood_in_its_other_spellings(target: str, server: IntakeServer, api_key: str) -> None:
    with tunnel(server, target) as plain, trusting(server).wrap_socket(plain, server_hostname=HOST) as secured:
        assert post(secured, api_key).status == 202


def test_the_peer_on_record_is_the_real_one(server: IntakeServer, api_key: str) -> None:
    with tunnel(server) as plain:
        host, port = plain.getsockname()
        with trusting(server).wrap_socket(plain, server_hostname=HOST) as secured:
            post(secured, api_key)
            post(secured, api_key)
    assert [exchange.request.peer for exchange in arrived(server, api_key)] == [f"{host}:{port}"] * 2


def test_curl_and_requests_and_httpx_and_urllib_go_through_it(
    server: IntakeServer, api_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.certificates is not None
    trusted = str(server.certificates.write_ca(tmp_path / "ca.pem"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    url = f"https://{HOST}/api/v1/lineage"
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    monkeypatch.setenv("HTTPS_PROXY", server.proxy_url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
    monkeypatch.setenv("SSL_CERT_FILE", trusted)
    assert requests.post(url, EVENT, headers=headers, timeout=10).status_code == 202
    assert httpx.post(url, content=EVENT, headers=headers).status_code == 202
    opener = urllib.request.build_opener()  # the shared one would keep this proxy for the whole process
    with opener.open(urllib.request.Request(url, EVENT, headers), timeout=10) as answer:
        assert answer.status == 202
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["curl", "-sS", "--fail", "--cacert", trusted, *lines, "--data-binary", EVENT.decode(), url]
    assert subprocess.run(command, capture_output=True, timeout=20, check=True).stdout.startswith(b"{")
    assert [exchange.accepted for exchange in arrived(server, api_key)] == [True] * 4


def test_the_sync_engine_obeys_the_proxy_variables_and_the_async_engine_does_not(
    server: IntakeServer, api_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown with the TLS intake's own address as the site: through the proxy it is refused, directly it is reached."""
    assert server.certificates is not None
    trusted = str(server.certificates.write_ca(tmp_path / "ca.pem"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, server.proxy_url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
    monkeypatch.setenv("SSL_CERT_FILE", trusted)
    retry = {"total": 0, "connect": 0, "backoff_factor": 0, "status_forcelist": [], "allowed_methods": None}
    before = server.journal.position
    with (
        datadog_client(server.https_url, api_key, retry=retry) as client,
        pytest.raises(requests.exceptions.ProxyError, match="403 Forbidden"),
    ):
        client.emit(client_event())
    ((_, refused),) = server.journal.read(before, 10)
    assert (refused.request.method, [finding.code for finding in refused.findings]) == ("CONNECT", ["HT305"])
    with datadog_client(server.https_url, api_key, retry=retry, async_transport_rules=ASYNC_ROUTE) as client:
        client.emit(client_event())
    (direct,) = arrived(server, api_key)
    assert direct.accepted
    assert server.journal.position == before + 2
    # Nor does what is beneath them all.
    connection = http.client.HTTPSConnection(*server.https_address, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()


def test_a_reset_of_the_intake_arrives_as_a_reset(server: IntakeServer, api_key: str) -> None:
    server.faults.set(parse_plan("reset"))
    context = trusting(server)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with tunnel(server) as plain:

        def carry(step: Callable[[], object]) -> None:
            while True:
                try:
                    step()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65_536))
                else:
                    plain.sendall(outgoing.read())
                    return

        carry(secured.do_handshake)
        secured.write(b"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            carry(lambda: secured.read(65_536))


def test_the_end_of_the_intake_ends_the_tunnel(server: IntakeServer, api_key: str) -> None:
    server.faults.set(parse_plan("close"))
    with tunnel(server) as plain:
        secured = trusting(server).wrap_socket(plain, server_hostname=HOST)
        with secured:
            secured.sendall(b"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert secured.recv(100) == b""


# Where it does not lead


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("example.com:443", "lets nobody through to example.com:443"),
        (f"{HOST}:8443", "an intake listens on port 443 only"),
        (f"{HOST}:80", "an intake listens on port 443 only"),
        (f"{HOST}:²", "port 443 only"),
        (f"{HOST}:{'9' * 5_000}", "lets nobody through"),
        (HOST, "lets nobody through"),
        ("127.0.0.1:22", "lets nobody through to 127.0.0.1:22"),
        ("[::1]:443", "lets nobody through to [::1]:443"),
        ("data-obs-intake.datadoghq.com.example.com:443", "lets nobody through"),
        ("api.datadoghq.com:443", "lets nobody through to api.datadoghq.com:443"),
        (":443", "lets nobody through"),
    ],
)
def test_other_destinations_are_refused_with_a_403_on_record(target: str, words: str, server: IntakeServer) -> None:
    status, finding, exchange = answer_to(server, connect_head(target))
    assert (status, finding["code"]) == (403, "HT305")
    assert words in finding["message"]
    assert TARGET.partition(".")[0] in finding["expected"]
    assert "--proxy-allow" in finding["advice"]
    assert (exchange.request.method, exchange.request.path) == ("CONNECT", target)
    assert exchange.org == UNATTRIBUTED
    assert not exchange.accepted


def test_the_control_api_shows_what_was_refused(server: IntakeServer) -> None:
    answer_to(server, connect_head("pypi.invalid:443"))
    latest = requests.get(f"{server.url}/api/mock/v1/exchanges?limit=1", timeout=10).json()["exchanges"][0]
    assert (latest["method"], latest["path"], latest["status_code"]) == ("CONNECT", "pypi.invalid:443", 403)
    assert latest["findings"][0]["code"] == "HT305"


@pytest.mark.parametrize(
    ("url", "advice"),
    [("http://example.com/x", "--proxy-allow"), (f"http://{HOST}/api/v1/lineage", "begin with https://")],
)
def test_plain_http_is_refused(url: str, advice: str, server: IntakeServer) -> None:
    head = f"POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n".encode()
    status, finding, exchange = answer_to(server, head, b"{}")
    assert (status, finding["code"], exchange.request.path) == (403, "HT305", url)
    assert "plain http" in finding["message"]
    assert advice in finding["advice"]


def test_the_refusal_can_be_read_by_a_client_that_sends_a_large_body(server: IntakeServer) -> None:
    for _ in range(3):
        answer = requests.post(
            "http://example.com/api/v1/lineage",
            b"x" * 3_000_000,
            proxies={"http": server.proxy_url},
            timeout=10,
        )
        assert answer.status_code == 403
        assert "plain http" in answer.json()["errors"][0]["detail"]


def test_curl_and_requests_say_that_the_proxy_refused(server: IntakeServer) -> None:
    command = ["curl", "-sS", "--proxy", server.proxy_url, "https://example.com/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 56
    assert "403" in done.stderr
    with pytest.raises(requests.exceptions.ProxyError, match="403 Forbidden"):
        requests.get("https://example.com/", proxies={"https": server.proxy_url}, timeout=10)


def test_keys_of_a_refused_request_are_not_stored(server: IntakeServer) -> None:
    key, word = secrets.token_hex(16), "open-sesame-2026"
    lines = [
        f"Authorization: Bearer {key}",
        f"Proxy-Authorization: Basic {word}",
        f"DD-API-KEY: {key}",
        f"X-Note: it is {key}",
        f"Cookie: {word}",
    ]
    heads = [
        connect_head("example.com:443", *lines),
        f"CONNECT user:{word}@example.com:443 HTTP/1.1\r\n\r\n".encode(),
        "\r\n".join([f"GET http://user:{word}@example.com/{key}?api_key={key} HTTP/1.1", *lines, "", ""]).encode(),
    ]
    for head in heads:
        _, _, exchange = answer_to(server, head)
        assert key not in repr(exchange)
        assert word not in repr(exchange)
        assert "****" in repr(exchange), "it is shown that there was one"


def test_an_allowed_host_is_let_through(other: Bystander) -> None:
    allowed = frozenset({other.host})
    with IntakeServer(tls=Certificates(), proxy_port=0, proxy_allow=allowed) as server:
        before = server.journal.position
        context = ssl.create_default_context(cadata=other.ca_pem)
        with httpx.Client(proxy=server.proxy_url, verify=context, trust_env=False) as client:
            assert client.get(other.url).content == GREETING
            assert client.get(other.url).content == GREETING
            with pytest.raises(httpx.ProxyError, match="403"):
                client.get(f"https://127.0.0.1:{other.port}/")
        # What is let through is none of the intake's business; what is refused is.
        assert [exchange.request.path for _, exchange in server.journal.read(before, 10)] == [f"127.0.0.1:{other.port}"]


def test_an_allowed_host_that_is_not_there_is_a_502() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    allowed = frozenset({"127.0.0.1"})
    with IntakeServer(tls=Certificates(), proxy_port=0, proxy_allow=allowed) as server:
        for port in (free, 99_999, 0):
            with to_proxy(server) as connection:
                connection.sendall(connect_head(f"127.0.0.1:{port}"))
                (answer,) = read_answers(connection, None)
                assert answer.status == (502 if port == free else 403)


def test_the_proxy_needs_the_tls_intake() -> None:
    with pytest.raises(ServerError, match="give tls="):
        IntakeServer(proxy_port=0)


def test_a_port_of_the_proxy_that_is_in_use_is_told(server: IntakeServer) -> None:
    port = proxy_address(server)[1]
    before = settled()
    second = IntakeServer(tls=Certificates(), proxy_port=port)
    with pytest.raises(ServerError, match=f"{port}.*in use"):
        second.start()
    assert not second.is_running
    gc.collect()
    assert settled() == before


def test_the_refusal_is_json_as_all_refusals_are(server: IntakeServer) -> None:
    _, _, exchange = answer_to(server, connect_head("example.com:443"))
    answer = json.loads(exchange.response.body)
    assert answer["errors"][0]["status"] == "403"
    assert answer["status"] == "error"
    assert answer["id"] is None
