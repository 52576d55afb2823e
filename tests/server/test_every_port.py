"""What holds at the first port holds at every other: https, the Agent's, its Unix socket, and through the proxy."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.server.http.tls import Certificates
from mock_intake.server.ingest.forwarding import Target
from mock_intake.server.limits import MEBIBYTE, Limits
from tests.cost.measuring import Dimension, growth_of
from tests.events import run_event
from tests.fuzz import connect, read_answers, recorded, request_bytes
from tests.interception.wire import agent_address, trusting, tunnel
from tests.test_agent import AGENT_KEY, AGENT_PATH

EVENT = json.dumps(run_event()).encode()
Start = Callable[..., IntakeServer]


def _secured(server: IntakeServer, plain: socket.socket) -> socket.socket:
    return trusting(server).wrap_socket(plain, server_hostname="data-obs-intake.datadoghq.com")


def _https(server: IntakeServer) -> socket.socket:
    port = int((server.https_url or "").rpartition(":")[2])
    return _secured(server, socket.create_connection(("127.0.0.1", port), timeout=20))


def _proxy(server: IntakeServer) -> socket.socket:
    return _secured(server, tunnel(server, timeout=20))


def _agent(server: IntakeServer) -> socket.socket:
    return socket.create_connection(agent_address(server), timeout=20)


def _unix(server: IntakeServer) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect((server.agent_socket_url or "").removeprefix("unix://"))
    return connection


# How each is connected to, and where events are sent to there.
PORTS: dict[str, tuple[Callable[[IntakeServer], socket.socket], str]] = {
    "http": (partial(connect, timeout=20), INTAKE_PATH),
    "https": (_https, INTAKE_PATH),
    "proxy": (_proxy, INTAKE_PATH),
    "agent": (_agent, AGENT_PATH),
    "unix": (_unix, AGENT_PATH),
}
# Between what is cut off and where: in the target, in the head, in the body.
BEGINNINGS = {"target": 12, "head": 110, "body": -10}


@pytest.fixture
def start(start_server: Start, tmp_path: Path) -> Start:
    """A server that has all the ports."""
    return partial(
        start_server,
        tls=Certificates(),
        proxy_port=0,
        agent=AgentSettings(AGENT_KEY),
        agent_socket=tmp_path / "apm.socket",
    )


def test_requests_that_trickle_are_given_up_at_every_port_and_are_on_record(start: Start) -> None:
    server = start(limits=Limits(patience=2.0))
    with ExitStack() as stack:
        begun = {}
        for name, (to_port, target) in PORTS.items():
            for part, end in BEGINNINGS.items():
                begun[name, part] = connection = stack.enter_context(to_port(server))
                connection.sendall(request_bytes(EVENT, target=target)[:end])
        found = {}
        for at, connection in begun.items():
            (answer,) = read_answers(connection, 1)
            found[at] = answer.status
            with suppress(ConnectionError, ssl.SSLError):
                assert connection.recv(1) == b""
    assert found == dict.fromkeys(found, 400)
    codes = [one.findings[-1].code for one in recorded(server.journal, 0, len(found), patience=20)]
    assert sorted(codes) == sorted(["HT106"] * len(PORTS) + ["HT303"] * 2 * len(PORTS))


def test_connections_on_which_nothing_comes_are_closed_at_every_port(start: Start) -> None:
    server = start(limits=Limits(patience=2.0))
    with ExitStack() as stack:
        for connection in [stack.enter_context(to_port(server)) for to_port, _ in PORTS.values()]:
            with suppress(ConnectionError, ssl.SSLError):
                assert connection.recv(1) == b""
    assert server.journal.position == 0


def test_connections_are_counted_over_all_ports(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Whichever of them they came by: all are of one server."""
    server = start(limits=Limits(connections=len(PORTS)))
    health = request_bytes(method="GET", target="/healthz", key=None)
    with ExitStack() as stack:
        held = [stack.enter_context(to_port(server)) for to_port, _ in PORTS.values()]
        for connection, (_, target) in zip(held, PORTS.values(), strict=True):
            connection.sendall(request_bytes(EVENT, target=target))
            assert [answer.status for answer in read_answers(connection, 1)] == [202]
        for name, (to_port, _) in PORTS.items():
            with to_port(server) as late:
                (refused,) = read_answers(late, 1)
                assert (name, refused.status, refused.headers["retry-after"]) == (name, 503, "5")
        for connection in held[:2]:
            connection.sendall(health)
            assert [answer.status for answer in read_answers(connection, 1)] == [200]
    assert "A connection was refused, as 5 are open (--connections, ulimit -n)." in caplog.text


def test_a_body_waits_for_room_at_every_port_and_not_for_ever(start: Start) -> None:
    """One body of 2 MB is under way for long, as its event is sent on to somebody who does not answer."""
    body = json.dumps(run_event(padding="x" * 2 * MEBIBYTE)).encode()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target(f"http://127.0.0.1:{silent.getsockname()[1]}/", "f0" * 16)
        server = start(limits=Limits(patience=2.0, budget=8 * MEBIBYTE), forward=target)
        with connect(server, timeout=20) as first, ExitStack() as stack:
            first.sendall(request_bytes(body))
            silent.settimeout(20)
            held, _ = silent.accept()
            with held:
                waiting = {}
                for name, (to_port, path) in PORTS.items():
                    waiting[name] = connection = stack.enter_context(to_port(server))
                    # It is told to go once it has waited; what does not fit into the buffers of the wire is not sent.
                    connection.settimeout(0.2)
                    with suppress(TimeoutError, ssl.SSLError):
                        connection.sendall(request_bytes(body, target=path)[: MEBIBYTE // 2])
                    connection.settimeout(20)
                found = {name: read_answers(connection, 1) for name, connection in waiting.items()}
    assert {name: [one.status for one in answers] for name, answers in found.items()} == {name: [503] for name in PORTS}
    assert {answers[0].headers["retry-after"] for answers in found.values()} == {"5"}


def _head(target: str, size: int, chance: Random) -> bytes:
    headers = [(f"X-{chance.randbytes(4).hex()}", "1") for _ in range(size // 16)]
    return request_bytes(EVENT, headers, target=target)


def _chunks(target: str, size: int, _: Random) -> bytes:
    parts = b"".join(b"1\r\n%c\r\n" % byte for byte in EVENT)
    parts += b"1\r\n \r\n" * (max(0, size - len(parts)) // 6)
    return request_bytes(parts + b"0\r\n\r\n", [("Transfer-Encoding", "chunked")], target=target, length=-1)


def _body(target: str, size: int, _: Random) -> bytes:
    return request_bytes(EVENT + b" " * size, target=target)


KINDS = {"headers": (_head, 60_000), "chunks": (_chunks, 1 << 18), "length": (_body, 1 << 21)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeServer]:
    path = tmp_path_factory.mktemp("agent") / "apm.socket"
    agent = AgentSettings(AGENT_KEY)
    with IntakeServer(tls=Certificates(), proxy_port=0, agent=agent, agent_socket=path) as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("port", PORTS)
def test_what_a_request_costs_is_linear_at_every_port(server: IntakeServer, port: str, kind: str) -> None:
    make, largest = KINDS[kind]
    to_port, target = PORTS[port]

    def work(size: int, chance: Random) -> Callable[[], object]:
        data = make(target, size, chance)

        def carried_out() -> None:
            with to_port(server) as connection:
                connection.sendall(data)
                assert [answer.status for answer in read_answers(connection, 1)] == [202]

        return carried_out

    growth = growth_of(Dimension(f"{port}: {kind}", work, largest, 1 << 13))
    assert not growth.too_steep, str(growth)
