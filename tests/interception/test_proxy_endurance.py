"""The forward proxy lives through whatever its clients do: slow, broken, silent, gone, or very many."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_intake import IntakeServer
from mock_intake.faults.plans import parse_plan
from mock_intake.server.http.tls import Certificates
from tests.fuzz import recorded
from tests.interception.bystander import Bystander
from tests.interception.proxied import lives_on, other, server
from tests.interception.wire import (
    ESTABLISHED,
    HOST,
    TARGET,
    answer_to,
    connect_head,
    post,
    proxy_address,
    read_exactly,
    settled,
    to_proxy,
    trusting,
    tunnel,
)
from tests.processes import open_descriptors
from tests.programs import arrived
from tests.timing import in_time

__all__ = ["lives_on", "other", "server"]


def test_a_connect_that_comes_byte_by_byte_is_taken(server: IntakeServer, api_key: str) -> None:
    with to_proxy(server) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in connect_head():
            plain.sendall(bytes([byte]))
            time.sleep(0.002)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        with trusting(server).wrap_socket(plain, server_hostname=HOST) as secured:
            assert post(secured, api_key).status == 202


def test_what_comes_in_one_piece_with_the_connect_is_not_lost(server: IntakeServer, api_key: str) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = trusting(server).wrap_bio(incoming, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        secured.do_handshake()
    with to_proxy(server) as plain:
        plain.sendall(connect_head() + outgoing.read())
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        incoming.write(plain.recv(65_536))
        secured.do_handshake()
        assert secured.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "beginning of a TLS connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP request"),
        (b"\r\n\r\n", "no HTTP request"),
        (b"CONNECT\r\n\r\n", "no HTTP request"),
        (b"CONNECT  HTTP/1.1\r\n\r\n", "no HTTP request"),
        (b"CONNECT a b c HTTP/1.1\r\n\r\n", "no HTTP request"),
        (b"CONNECT x:443 HTTP/2.0\r\n\r\n", "no HTTP request"),
        (bytes(range(256)) * 4, "no HTTP request"),
        (b"\x00\n", "no HTTP request"),
        (b"x" * 200_000, "larger than 65,536 bytes"),
        (b"CONNECT x:443 HTTP/1.1\r\n" + b"X-Filler: y\r\n" * 10_000, "larger than 65,536 bytes"),
    ],
)
def test_what_is_no_request_is_a_400_on_record(garbage: bytes, words: str, server: IntakeServer) -> None:
    status, finding, exchange = answer_to(server, garbage)
    assert (status, finding["code"], exchange.request.method) == (400, "HT303", "")
    assert words in finding["message"]
    assert len(exchange.response.body) < 2_000
    assert exchange.request.body == b""


def test_https_to_the_proxy_itself_is_explained(server: IntakeServer) -> None:
    _, finding, _ = answer_to(server, b"\x16\x03\x01")
    assert "let HTTPS_PROXY begin with http://" in finding["advice"]


def test_many_headers_up_to_the_limit_are_taken(server: IntakeServer) -> None:
    with to_proxy(server) as connection:
        connection.sendall(connect_head(TARGET, *["X-Filler: " + "y" * 1_000] * 60))
        assert read_exactly(connection, len(ESTABLISHED)) == ESTABLISHED


def test_clients_that_go_away_leave_nothing_behind(server: IntakeServer) -> None:
    """At every stage: before a word, within the head, before and within the handshake, within a request."""
    context = trusting(server)
    gc.collect()
    descriptors = settled()
    for reset in (True, False):
        settled()
        position = server.journal.position
        for stage in ("silent", "head", "refused", "tunnel", "hello", "handshaken", "request"):
            connection = to_proxy(server)
            if stage == "head":
                connection.sendall(connect_head()[:20])
            elif stage == "refused":
                connection.sendall(connect_head("example.com:443"))
            elif stage != "silent":
                connection.sendall(connect_head())
                read_exactly(connection, len(ESTABLISHED))
            if stage == "hello":
                connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            elif stage in ("handshaken", "request"):
                connection = context.wrap_socket(connection, server_hostname=HOST)
                if stage == "request":
                    connection.sendall(b"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf")
            if reset:  # with what was sent, as it may be lost on the way
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    assert settled() == descriptors
    # Those that ended in good order: one that was refused, one that was cut off (and has no key, which is seen first).
    exchanges = recorded(server.journal, position, 2)
    assert sorted(finding.code for exchange in exchanges for finding in exchange.findings) == ["HT001", "HT305"]


def test_a_half_closed_client_still_hears_the_answer(other: Bystander) -> None:
    """TLS ends with either side, so this takes a destination that speaks plainly."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def echo_at_the_end() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"heard " + read_exactly(connection, 1_000))

        thread = threading.Thread(target=echo_at_the_end)
        thread.start()
        with (
            IntakeServer(tls=Certificates(), proxy_port=0, proxy_allow=frozenset({"127.0.0.1"})) as server,
            tunnel(server, f"127.0.0.1:{port}") as connection,
        ):
            connection.sendall(b"all of it")
            connection.shutdown(socket.SHUT_WR)
            assert read_exactly(connection, 1_000) == b"heard all of it"
            thread.join()


def test_a_client_that_does_not_read_holds_up_nobody(server: IntakeServer, api_key: str) -> None:
    with tunnel(server) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        secured = trusting(server).wrap_socket(plain, server_hostname=HOST)
        with secured:
            request = b"GET /api/mock/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
            secured.sendall(request * 200)
            with tunnel(server) as second, trusting(server).wrap_socket(second, server_hostname=HOST) as quick:
                assert post(quick, api_key).status == 202


def test_two_hundred_tunnels_at_once(server: IntakeServer, api_key: str) -> None:
    context = trusting(server)
    tunnels: list[ssl.SSLSocket] = []
    lock = threading.Lock()

    def open_one(number: int) -> None:
        secured = context.wrap_socket(tunnel(server, timeout=30), server_hostname=HOST)
        with lock:
            tunnels.append(secured)

    def send_one(secured: ssl.SSLSocket) -> int:
        return post(secured, api_key).status

    before = settled()
    try:
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(open_one, range(200)))
            assert len(tunnels) == 200
            assert open_descriptors() >= before + 200 * 4, "client, proxy (two) and intake have a socket each"
            statuses = list(pool.map(send_one, tunnels))
            statuses += list(pool.map(send_one, tunnels))
    finally:
        for secured in tunnels:
            secured.close()
    assert statuses == [202] * 400
    peers = {exchange.request.peer for exchange in arrived(server, api_key)}
    assert len(peers) == 200, "each on record with its own peer"
    assert settled() == before


def test_no_descriptors_leak_over_a_thousand_tunnels(server: IntakeServer, api_key: str) -> None:
    """A thousand that are used, abandoned, reset and refused."""
    context = trusting(server)
    before = settled()

    def one(number: int) -> None:
        kind = number % 4
        if kind == 3:
            with to_proxy(server) as refused:
                refused.sendall(connect_head("example.com:443"))
                assert refused.recv(12) == b"HTTP/1.1 403"
            return
        with tunnel(server) as plain:
            if kind == 2:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            with context.wrap_socket(plain, server_hostname=HOST) as secured:
                if kind == 0:
                    assert post(secured, api_key).status == 202

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(1_000)))
    assert len(arrived(server, api_key)) == 250
    assert settled() == before


def test_tunnels_that_are_open_do_not_hold_up_the_end(api_key: str) -> None:
    server = IntakeServer(tls=Certificates(), proxy_port=0)
    server.start()
    context = trusting(server)
    silent = [to_proxy(server) for _ in range(3)]
    halfway = to_proxy(server)
    halfway.sendall(connect_head()[:10])
    plain = [tunnel(server) for _ in range(3)]
    used = context.wrap_socket(tunnel(server), server_hostname=HOST)
    assert post(used, api_key).status == 202
    server.faults.set(parse_plan("hang"))
    hanging = context.wrap_socket(tunnel(server), server_hostname=HOST)
    hanging.sendall(b"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert recorded(server.journal, 1, 1)[0].fault == "hang"
    with in_time():
        server.stop()
    assert not server.is_running
    hanging.close()
    for connection in (*silent, halfway, *plain, used):
        with connection:
            connection.settimeout(2)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1_000) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(proxy_address(server), timeout=1)
