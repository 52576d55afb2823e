"""Addresses that are opened and closed while the server runs, and the wait until all that came is on record."""

from __future__ import annotations

import gc
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.sites import AGENT_PATH
from mock_intake.faults.plans import parse_plan
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.http.tls import Certificates
from mock_intake.server.listen import Listener
from mock_intake.server.runner import ServerError
from tests.events import run_event
from tests.fuzz import KEY, answers_in, connect, read_answers, request_bytes
from tests.processes import open_descriptors
from tests.timing import SOON, in_time

EVENT = json.dumps(run_event()).encode()
TO_INTAKE = request_bytes(EVENT)
TO_AGENT = request_bytes(EVENT, target=AGENT_PATH, key=None)
# What an Agent is made of, and each of its connections; none of it may outlive them.
PARTS = ("Listener", "AgentEndpoint", "HttpProtocol", "Cycle", "Task", "socket", "Server", "TCPTransport")


def alive() -> Counter[str]:
    gc.collect()
    return Counter(name for each in gc.get_objects() if (name := type(each).__name__) in PARTS)


def dial(listener: Listener) -> socket.socket:
    return socket.create_connection(listener.address, timeout=5)


def statuses(connection: socket.socket, wanted: int | None = None) -> list[int]:
    """Of the answers on a connection: as many as wanted, or all until it ends."""
    return [answer.status for answer in read_answers(connection, wanted)]


def use_an_agent(server: IntakeServer) -> None:
    listener = server.open_agent(AgentSettings(KEY))
    with dial(listener) as connection:
        connection.sendall(TO_AGENT)
        assert statuses(connection, 1) == [202]
        listener.close()
        assert not listener.is_open


def soon(condition: Callable[[], bool]) -> bool:
    """Whether something that is on its way comes true."""
    until = time.monotonic() + 5
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def test_a_thousand_agents_leave_nothing_behind(server: IntakeServer) -> None:
    for _ in range(3):  # what is loaded once, and what is kept until the next one comes
        use_an_agent(server)
    before, descriptors, threads = alive(), open_descriptors(), threading.active_count()
    for _ in range(1_000):
        use_an_agent(server)
    assert soon(lambda: open_descriptors() <= descriptors)
    assert soon(lambda: alive() <= before)
    assert threading.active_count() == threads
    assert server.journal.position == 1_003


def test_the_port_of_a_closed_agent_can_be_had_at_once(server: IntakeServer) -> None:
    for _ in range(50):
        listener = server.open_agent(AgentSettings(KEY))
        listener.close()
        with socket.socket() as other:
            other.bind(listener.address)
        with pytest.raises(ConnectionRefusedError):
            dial(listener)


def test_an_agent_closed_twice_or_after_the_server_is_closed(server: IntakeServer) -> None:
    listener, other = server.open_agent(AgentSettings(KEY)), server.open_agent(AgentSettings(KEY))
    assert listener.is_open
    listener.close()
    listener.close()
    server.stop()
    with in_time():
        other.close()
    assert not listener.is_open
    assert not other.is_open


def test_a_request_whose_answer_is_slow_is_answered_after_the_agent_was_closed(server: IntakeServer) -> None:
    server.faults.set(parse_plan({"sequence": [], "delay": 0.3}, org_of(KEY)))
    listener = server.open_agent(AgentSettings(KEY))
    with dial(listener) as connection:
        connection.sendall(TO_AGENT)
        assert server.changes.wait_for(lambda: server.journal.position == 1, 5)
        listener.close()
        assert statuses(connection) == [202]  # and the connection ends


def test_a_request_whose_body_is_still_coming_when_the_agent_is_closed_is_on_record(server: IntakeServer) -> None:
    listener = server.open_agent(AgentSettings(KEY))
    with dial(listener) as finished, dial(listener) as cut:
        for connection in (finished, cut):
            connection.sendall(TO_AGENT[:-100])
        assert not server.wait_until_idle(0.05)
        listener.close()
        finished.sendall(TO_AGENT[-100:])
        assert statuses(finished) == [202]
        assert statuses(cut) == [400]
    assert soon(lambda: server.journal.position == 2)
    assert [exchange.request.complete for _, exchange in server.journal.read(0, 10)] == [True, False]


def test_connections_that_say_nothing_end_with_their_agent(server: IntakeServer) -> None:
    listener = server.open_agent(AgentSettings(KEY))
    with dial(listener) as silent, dial(listener) as kept_alive:
        kept_alive.sendall(TO_AGENT)
        assert statuses(kept_alive, 1) == [202]
        listener.close()
        assert silent.recv(1) == b""
        assert kept_alive.recv(1) == b""


def test_closing_one_agent_leaves_the_others_and_the_intake(server: IntakeServer) -> None:
    listener, other = server.open_agent(AgentSettings(KEY)), server.open_agent(AgentSettings(KEY))
    with dial(other) as beside, connect(server) as direct:
        listener.close()
        beside.sendall(TO_AGENT)
        direct.sendall(TO_INTAKE)
        assert statuses(beside, 1) == statuses(direct, 1) == [202]


def test_agents_are_opened_and_used_and_closed_by_many_threads_at_once(server: IntakeServer) -> None:
    use_an_agent(server)
    before, descriptors = alive(), open_descriptors()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: use_an_agent(server), range(200)))
    assert server.journal.position == 201
    use_an_agent(server)  # closed ones are forgotten when the next one is opened
    assert soon(lambda: open_descriptors() <= descriptors)
    assert soon(lambda: alive() <= before)


def test_stopping_the_server_ends_what_is_open(server: IntakeServer) -> None:
    listeners = [server.open_agent(AgentSettings(KEY)) for _ in range(5)]
    connections = [dial(listener) for listener in listeners]
    for connection in connections[:3]:
        connection.sendall(TO_AGENT[:50])
    server.stop()
    for listener, connection in zip(listeners, connections, strict=True):
        assert not listener.is_open
        with connection:
            assert set(statuses(connection)) <= {400}
        with pytest.raises(ConnectionRefusedError):
            dial(listener)


def test_without_a_server_that_runs_no_address_is_opened(server: IntakeServer) -> None:
    server.stop()
    with pytest.raises(ServerError, match="not running"):
        server.open_agent(AgentSettings(KEY))
    with pytest.raises(ServerError, match="not running"):
        server.open_tls(Certificates())
    assert server.certificates is None
    gc.collect()  # a socket left open would be told here, and warnings are errors


def over_tls(server: IntakeServer, ca_file: Path) -> int:
    context = ssl.create_default_context(cafile=str(ca_file))
    with (
        socket.create_connection(server.https_address, timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(TO_INTAKE)
        received = b""
        while not (answers := answers_in(received)):
            received += connection.recv(65_536)
        return answers[0].status


def test_https_is_served_from_when_it_is_asked_for(server: IntakeServer, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="does not serve https"):
        _ = server.https_url
    certificates = Certificates()
    server.open_tls(certificates)
    assert server.https_url.startswith("https://127.0.0.1:")
    assert server.certificates is certificates
    assert over_tls(server, certificates.write_ca(tmp_path / "ca.pem")) == 202
    with connect(server) as plain:
        plain.sendall(TO_INTAKE)
        assert statuses(plain, 1) == [202]


def test_https_asked_for_twice_is_refused_and_goes_on_as_it_is(server: IntakeServer, tmp_path: Path) -> None:
    certificates = Certificates()
    server.open_tls(certificates)
    address = server.https_address
    with pytest.raises(ServerError, match="serves https already"):
        server.open_tls(Certificates())
    assert server.https_address == address
    assert server.certificates is certificates
    assert over_tls(server, certificates.write_ca(tmp_path / "ca.pem")) == 202


def test_https_that_was_there_from_the_start_is_not_opened_again(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server(tls=Certificates())
    with pytest.raises(ServerError, match="serves https already"):
        server.open_tls(Certificates())


def test_handshakes_under_way_do_not_keep_the_server_from_stopping(start_server: Callable[..., IntakeServer]) -> None:
    """Wherever they are: accepted or not, begun or not."""
    for connections in (1, 1, 1, 1, 30):
        server = start_server(tls=Certificates())
        with ExitStack() as stack:
            undecided = [
                stack.enter_context(socket.create_connection(server.https_address, timeout=20))
                for _ in range(connections)
            ]
            undecided[0].sendall(b"\x16\x03\x01")
            with in_time():
                server.stop()
            assert not server.is_running
            for connection in undecided:
                with pytest.raises((ConnectionError, IndexError)):
                    _ = connection.recv(1)[0]
        gc.collect()  # A connection that nobody closed would be told here, and warnings are errors.


# Waiting.


def test_what_was_sent_before_the_wait_is_on_record_after_it(server: IntakeServer) -> None:
    """Every time on a connection of its own, which the server has not even accepted when the wait begins."""
    for count in range(200):
        with connect(server) as connection:
            connection.sendall(TO_INTAKE)
            assert server.wait_until_idle(5)
            assert server.journal.position == count + 1


def test_the_wait_costs_next_to_nothing_where_nothing_is_under_way(server: IntakeServer) -> None:
    with in_time(5):  # Some hundredths of a second, in all.
        for _ in range(100):
            assert server.wait_until_idle(1)


def test_a_request_half_sent_is_waited_for_and_no_longer_than_asked(server: IntakeServer) -> None:
    with connect(server) as connection:
        connection.sendall(TO_INTAKE[:-10])
        began = time.monotonic()
        assert not server.wait_until_idle(0.2)
        assert 0.2 <= time.monotonic() - began < SOON
        sending = threading.Timer(0.1, connection.sendall, [TO_INTAKE[-10:]])
        sending.start()
        assert server.wait_until_idle(5)
        assert server.journal.position == 1
        sending.join()


def test_a_head_half_sent_is_no_request_yet(server: IntakeServer) -> None:
    with connect(server) as connection:
        connection.sendall(TO_INTAKE[:20])
        assert server.wait_until_idle(1)
    assert soon(lambda: server.journal.position == 1)  # once it is clear that no more of it will come


@pytest.mark.parametrize("plan", ["hang", {"sequence": [], "delay": 30}, "drip"])
def test_an_answer_that_is_long_in_coming_is_not_waited_for(server: IntakeServer, plan: object) -> None:
    server.faults.set(parse_plan(plan))
    with connect(server) as connection:
        connection.sendall(TO_INTAKE)
        assert server.changes.wait_for(lambda: server.journal.position == 1, 5)
        assert server.wait_until_idle(1)


def test_after_the_end_there_is_nothing_to_wait_for(server: IntakeServer) -> None:
    with connect(server) as connection:
        connection.sendall(TO_INTAKE[:-10])
        server.stop()
    assert server.wait_until_idle(1)


def test_many_threads_wait_while_others_send(server: IntakeServer) -> None:
    sent = [0] * 4

    def send_many(sender: int) -> None:
        with connect(server) as connection:
            for _ in range(50):
                connection.sendall(TO_INTAKE)
                assert statuses(connection, 1) == [202]
                sent[sender] += 1

    def wait_many() -> None:
        for _ in range(50):
            before = sum(sent)
            assert server.wait_until_idle(5)
            assert server.journal.position >= before

    with ThreadPoolExecutor(8) as pool:
        for task in [
            *(pool.submit(send_many, sender) for sender in range(4)),
            *(pool.submit(wait_many) for _ in "1234"),
        ]:
            task.result(30)
    assert server.journal.position == 200


def test_the_wait_covers_many_connections_that_are_made_at_once(server: IntakeServer) -> None:
    """The server accepts one of them in each turn of its loop."""
    for _ in range(10):
        before = server.journal.position
        connections = [connect(server) for _ in range(40)]
        for connection in connections:
            connection.sendall(TO_INTAKE)
        assert server.wait_until_idle(5)
        assert server.journal.position == before + 40
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("plan", ["hang", {"sequence": [], "delay": 30}])
def test_an_answer_of_the_agent_that_is_long_in_coming_is_not_waited_for(server: IntakeServer, plan: object) -> None:
    server.faults.set(parse_plan(plan))
    listener = server.open_agent(AgentSettings(KEY))
    with dial(listener) as connection:
        connection.sendall(TO_AGENT)
        assert server.changes.wait_for(lambda: server.journal.position == 1, 5)
        assert server.wait_until_idle(1)


def test_https_asked_for_by_many_threads_at_once_is_opened_once(server: IntakeServer) -> None:
    certificates = [Certificates() for _ in range(8)]
    begin = threading.Barrier(8)

    def ask(own: Certificates) -> bool:
        begin.wait()
        try:
            server.open_tls(own)
        except ServerError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, certificates)).count(True) == 1


def test_agents_opened_by_many_threads_at_once_all_end_with_the_server(server: IntakeServer) -> None:
    """None is forgotten because another was opened in the same moment."""
    begin = threading.Barrier(16)

    def open_one(_: int) -> Listener:
        begin.wait()
        return server.open_agent(AgentSettings(KEY))

    with ThreadPoolExecutor(16) as pool:
        listeners = [listener for _ in range(10) for listener in pool.map(open_one, range(16))]
    server.stop()
    assert not any(listener.is_open for listener in listeners)


def test_a_server_that_was_given_https_while_it_ran_has_another_life(server: IntakeServer, tmp_path: Path) -> None:
    server.open_tls(Certificates())
    server.stop()
    server.start()
    with connect(server) as plain:
        plain.sendall(TO_INTAKE)
        assert statuses(plain, 1) == [202]
    certificates = Certificates()
    server.open_tls(certificates)
    assert over_tls(server, certificates.write_ca(tmp_path / "ca.pem")) == 202


def test_addresses_asked_for_while_the_server_stops_are_opened_or_refused(
    start_server: Callable[..., IntakeServer],
) -> None:
    for _ in range(5):
        server = start_server()
        begin = threading.Barrier(5)

        def ask(server: IntakeServer = server, begin: threading.Barrier = begin) -> list[Listener]:
            begin.wait()
            listeners = []
            try:
                while True:
                    listeners.append(server.open_agent(AgentSettings(KEY)))
            except ServerError:
                return listeners

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            begin.wait()
            server.stop()
            listeners = [listener for each in asking for listener in each.result(20)]
        assert not any(listener.is_open for listener in listeners)
    gc.collect()


def test_a_wait_ends_with_the_server(server: IntakeServer) -> None:
    with connect(server) as connection, ThreadPoolExecutor(4) as pool:
        connection.sendall(TO_INTAKE[:-10])
        waits = [pool.submit(server.wait_until_idle, 30) for _ in range(4)]
        with in_time(20):
            server.stop()
            assert all(wait.result(20) for wait in waits)
