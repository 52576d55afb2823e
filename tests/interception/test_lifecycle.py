"""All that ``serve`` can listen on at once: it comes up, says where, goes down in time, and comes up again."""

from __future__ import annotations

import gc
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.faults.plans import parse_plan
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.http.tls import Certificates
from tests.conftest import REPOSITORY
from tests.fuzz import read_answers, recorded, request_bytes
from tests.interception.wire import (
    EVENT,
    HOST,
    agent_address,
    connect_head,
    post,
    proxy_address,
    trusting,
    tunnel,
)
from tests.processes import linux_only, open_descriptors
from tests.programs import run_program
from tests.test_serve import KEY, Serving
from tests.timing import in_time

AGENT_PATH = "/openlineage/api/v1/lineage"


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


def whole(certificates: Certificates, **ports: int) -> IntakeServer:
    """A server with everything that it can serve."""
    return IntakeServer(tls=certificates, agent=AgentSettings("a" * 32), **{"proxy_port": 0, **ports})  # type: ignore[arg-type]


def ports_of(server: IntakeServer) -> dict[str, int]:
    return {
        "port": server.address[1],
        "tls_port": server.https_address[1],
        "agent_port": agent_address(server)[1],
        "proxy_port": proxy_address(server)[1],
    }


def use_all(server: IntakeServer, stack: ExitStack) -> list[socket.socket]:
    """A connection of every kind that has been used and stays open."""

    def connected(address: tuple[str, int]) -> socket.socket:
        return stack.enter_context(socket.create_connection(address, timeout=10))

    context = trusting(server)
    used: list[socket.socket] = [
        connected(server.address),
        stack.enter_context(context.wrap_socket(connected(server.https_address), server_hostname="localhost")),
        stack.enter_context(
            context.wrap_socket(stack.enter_context(tunnel(server)), server_hostname=HOST),
        ),
    ]
    for connection in used:
        assert post(connection, KEY).status == 202
    agent = connected(agent_address(server))
    agent.sendall(request_bytes(EVENT, key=None, target=AGENT_PATH))
    assert read_answers(agent, 1)[0].status == 202
    return [*used, agent]


def stop_in_time(server: IntakeServer) -> None:
    with in_time():
        server.stop()
    assert not server.is_running


# The embedded form


def test_connections_of_every_kind_do_not_hold_up_the_end(certificates: Certificates) -> None:
    server = whole(certificates)
    server.start()
    with ExitStack() as stack:
        open_ones = use_all(server, stack)
        for address in (server.address, agent_address(server), proxy_address(server)):
            silent = stack.enter_context(socket.create_connection(address, timeout=10))
            halfway = stack.enter_context(socket.create_connection(address, timeout=10))
            halfway.sendall(request_bytes(EVENT)[:30])
            open_ones += [silent, halfway]
        position = server.journal.position
        server.faults.set(parse_plan({"sequence": [{"step": "hang", "times": None}]}))
        hanging = use_and_hang(server, stack)
        assert len(recorded(server.journal, position, 4)) == 4
        stop_in_time(server)
        for connection in open_ones:
            connection.settimeout(2)
            assert connection.recv(1) in (b"", b"H"), "closed, or told that it ends"
        del hanging


def use_and_hang(server: IntakeServer, stack: ExitStack) -> list[socket.socket]:
    """A request on every way in that will get no answer."""
    context = trusting(server)
    plain = stack.enter_context(socket.create_connection(server.address, timeout=10))
    by_tls = stack.enter_context(socket.create_connection(server.https_address, timeout=10))
    secured = stack.enter_context(context.wrap_socket(by_tls, server_hostname="localhost"))
    through = stack.enter_context(context.wrap_socket(stack.enter_context(tunnel(server)), server_hostname=HOST))
    for connection in (plain, secured, through):
        connection.sendall(request_bytes(EVENT))
    agent = stack.enter_context(socket.create_connection(agent_address(server), timeout=10))
    agent.sendall(request_bytes(EVENT, target=AGENT_PATH))
    return [plain, secured, through, agent]


def test_a_request_that_was_left_hanging_gets_no_answer_at_the_end_either(certificates: Certificates) -> None:
    server = whole(certificates)
    server.start()
    with ExitStack() as stack:
        server.faults.set(parse_plan({"sequence": [{"step": "hang", "times": None}]}))
        hanging = use_and_hang(server, stack)
        assert len(recorded(server.journal, 0, 4)) == 4
        server.stop()
        assert [read_answers(connection, 1) for connection in hanging] == [[]] * 4


HANDSHAKES = r"""
import socket, time
from mock_intake import IntakeServer
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.http.tls import Certificates
from tests.interception.wire import tunnel

server = IntakeServer(tls=Certificates(), proxy_port=0)
server.start()
silent = socket.create_connection(server.https_address, timeout=2)
begun = socket.create_connection(server.https_address, timeout=2)
begun.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
through = tunnel(server)
time.sleep(0.2)
began = time.monotonic()
server.stop()
print("in time" if time.monotonic() - began < 10 else "late", server.is_running)
for connection in (silent, begun, through):
    with connection:
        try:
            print(connection.recv(100))
        except ConnectionResetError:
            print(b"")
"""


def test_handshakes_that_are_under_way_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """Where warnings are errors, as here, what is left open does. A program of its own, for that would harm others."""
    command = [sys.executable, "-W", "error", "-c", HANDSHAKES]
    done = run_program(command, tmp_path, {"PYTHONPATH": str(REPOSITORY)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["in time False", "b''", "b''", "b''"]


@pytest.mark.parametrize("answer", ["drip", "large"])
def test_answers_that_are_under_way_do_not_hold_up_the_end(answer: str, certificates: Certificates) -> None:
    """One that takes its time, and one that its client does not read."""
    server = whole(certificates)
    server.start()
    context = trusting(server)
    request = request_bytes(EVENT)
    with ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection(server.address, timeout=10))
        if answer == "large":
            large = {**json.loads(EVENT), "note": "x" * 4_000_000}
            assert post(plain, KEY, json.dumps(large).encode()).status == 202
            # Three of them are more than all buffers on the way can take.
            request = 3 * request_bytes(b"", method="GET", target="/api/mock/v1/exchanges?body=1")
        else:
            server.faults.set(parse_plan({"sequence": [{"step": "drip", "times": None}]}))
        by_tls = stack.enter_context(socket.create_connection(server.https_address, timeout=10))
        secured = stack.enter_context(context.wrap_socket(by_tls, server_hostname="localhost"))
        through = stack.enter_context(context.wrap_socket(stack.enter_context(tunnel(server)), server_hostname=HOST))
        for connection in (plain, secured, through):
            connection.sendall(request)
        for connection in (plain, secured, through):
            assert connection.recv(12) == b"HTTP/1.1 202" if answer == "drip" else b"HTTP/1.1 200"
        stop_in_time(server)


INTERRUPTED = r"""
import gc, os, pathlib, signal, sys, threading, time
from mock_intake import IntakeServer
from mock_intake.datadog.agent import AgentSettings
from mock_intake.server.http.tls import Certificates

certificates = Certificates()
# Threads take turns so often that the one which interrupts gets its own while the server starts.
sys.setswitchinterval(1e-6)

def interrupt(late):
    while not any(thread.name == "mock-intake" and thread.is_alive() for thread in threading.enumerate()):
        time.sleep(0)
    time.sleep(late)
    os.kill(os.getpid(), signal.SIGINT)

def life(late):
    server = IntakeServer(tls=certificates, agent=AgentSettings("a" * 32), proxy_port=0)
    interrupting = threading.Thread(target=interrupt, args=(late,))
    interrupting.start()
    try:
        server.start()
        interrupting.join()
    except KeyboardInterrupt:
        pass
    interrupting.join()
    interrupted = not server.is_running
    server.stop()
    return interrupted

def left():
    gc.collect()
    return threading.active_count(), len(os.listdir("/dev/fd"))

life(0.1)
before = left()
interrupted = sum(life(0.0001 * step) for step in range(20) for _ in range(3))
print(interrupted > 0, left() == before)
"""


def test_a_start_that_is_interrupted_leaves_no_threads_and_no_descriptors(tmp_path: Path) -> None:
    """By Ctrl-C, at various moments; a program of its own, for only its main thread hears of it."""
    done = run_program([sys.executable, "-c", INTERRUPTED], tmp_path, {"PYTHONPATH": str(REPOSITORY)})
    assert (done.stdout, done.stderr) == ("True True\n", "")


def waiting_out(port: int) -> bool:
    """Whether the kernel keeps a closed connection of this port, to wait for stray packets (TIME_WAIT)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(line[1].endswith(f":{port:04X}") and line[3] == "06" for line in lines)


@linux_only
def test_the_same_ports_can_be_had_again_at_once(certificates: Certificates) -> None:
    """With connections open that were so at the end, and with others that wait for stray packets."""
    with ExitStack() as stack:
        with whole(certificates) as server:
            ports = ports_of(server)
            use_all(server, stack)
            closing = ExitStack()
            read_out = use_all(server, closing)
        for connection in read_out:
            # With something unread it would be a reset, of which no trace stays.
            assert connection.recv(1) == b""
        closing.close()
        assert [name for name, port in ports.items() if not waiting_out(port)] == []
        for _ in range(3):
            with whole(certificates, **ports) as again, ExitStack() as inner:
                assert ports_of(again) == ports
                use_all(again, inner)


def test_ten_lives_leave_no_threads_and_no_descriptors(certificates: Certificates) -> None:
    with whole(certificates) as server, ExitStack() as stack:  # what is loaded once stays
        use_all(server, stack)
    gc.collect()
    before = open_descriptors(), threading.active_count()
    for _ in range(10):
        with whole(certificates) as server, ExitStack() as stack:
            use_all(server, stack)
    gc.collect()
    assert (open_descriptors(), threading.active_count()) == before


def test_one_server_can_have_several_lives_with_all_that_it_serves(certificates: Certificates) -> None:
    server = whole(certificates)
    for life in range(3):
        with server, ExitStack() as stack:
            use_all(server, stack)
        assert server.journal.position == 4 * (life + 1)


# The command


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    options = ("--tls", "--ca-file", str(tmp_path / "ca.pem"), "--proxy-port", "0", "--agent-port", "0")
    running = Serving(tmp_path, *options)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def curl(*arguments: str, **variables: str) -> tuple[int, Any]:
    """Posts an event; status and answer."""
    command = ["curl", "-sS", "-w", "\n%{http_code}", "--json", EVENT.decode(), *arguments]
    bare = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    answer, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(answer)


def test_the_ready_file_has_every_url_and_each_of_them_works(serving: Serving, tmp_path: Path) -> None:
    ready = serving.ready
    assert serving.ready_file.read_text().count("\n") == 1
    assert ready["ca_file"] == str(tmp_path / "ca.pem")
    assert ready["pid"] == serving.process.pid
    bearer = ("-H", f"Authorization: Bearer {KEY}")
    path = "/api/v1/lineage"
    assert curl(*bearer, ready["url"] + path)[0] == 202
    assert curl(*bearer, ready["https_url"] + path, CURL_CA_BUNDLE=ready["ca_file"])[0] == 202
    led = {"HTTPS_PROXY": ready["proxy_url"], "SSL_CERT_FILE": ready["ca_file"]}
    assert curl(*bearer, f"https://{HOST}{path}", **led)[0] == 202
    assert curl(ready["agent_url"] + AGENT_PATH)[0] == 202
    code, out, err = serving.end()
    assert (code, err) == (0, "")
    assert "4 events taken: 4 ok" in out
    greeting = out.splitlines()[:8]
    for words in (
        f"https       {ready['https_url']}, trusted by {ready['ca_file']}",
        f"proxy       HTTPS_PROXY={ready['proxy_url']}",
        f"agent       OPENLINEAGE_URL={ready['agent_url']} OPENLINEAGE_ENDPOINT=openlineage/api/v1/lineage",
    ):
        assert any(words in line for line in greeting), words


def test_what_the_proxy_and_the_agent_refuse_is_printed(serving: Serving) -> None:
    with socket.create_connection(_address(serving.ready["proxy_url"]), timeout=10) as connection:
        connection.sendall(connect_head("example.com:443", f"Authorization: Bearer {KEY}"))
        assert connection.recv(12) == b"HTTP/1.1 403"
    assert curl(serving.ready["agent_url"] + "/api/v1/lineage")[0] == 404
    out = serving.end()[1]
    assert "403     CONNECT example.com:443  HT305  the proxy lets nobody through to example.com:443" in out
    assert "404     POST /api/v1/lineage  HT301  the Agent takes no events at /api/v1/lineage" in out
    assert KEY not in out.replace("for instance " + KEY, "")


def test_the_command_ends_in_time_with_connections_open(serving: Serving) -> None:
    trusted = ssl.create_default_context(cafile=serving.ready["ca_file"])
    with ExitStack() as stack:
        for name in ("url", "https_url", "agent_url", "proxy_url"):
            stack.enter_context(socket.create_connection(_address(serving.ready[name]), timeout=10))
        through = stack.enter_context(socket.create_connection(_address(serving.ready["proxy_url"]), timeout=10))
        through.sendall(connect_head())
        assert through.recv(12) == b"HTTP/1.1 200"
        through.recv(1_000)
        secured = stack.enter_context(trusted.wrap_socket(through, server_hostname=HOST))
        assert post(secured, KEY).status == 202
        with in_time():
            code, out, err = serving.end()
    assert (code, err) == (0, "")
    assert "1 event taken" in out


def test_the_agent_can_be_off_and_its_intake_elsewhere(tmp_path: Path) -> None:
    serving = Serving(tmp_path, "--agent-port", "0", "--agent-off")
    try:
        status = subprocess.run(
            ["curl", "-sS", "--json", "{}", serving.ready["agent_url"] + AGENT_PATH],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        assert status.stdout.startswith("OpenLineage forwarder is OFF: ")
    finally:
        out = serving.end()[1]
    assert "500     POST /openlineage/api/v1/lineage  HT304" in out
    with IntakeServer() as there:
        elsewhere = ("--agent-url", f"{there.url}/api/v1/lineage", "--api-key", KEY, "--api-key", "f" * 32)
        serving = Serving(tmp_path, "--agent-port", "0", *elsewhere)
        try:
            assert curl(serving.ready["agent_url"] + AGENT_PATH)[0] == 202
        finally:
            serving.end()
        ((_, exchange),) = there.journal.read(0, 10)
        assert exchange.org == org_of(KEY), "the first key is the Agent's"


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition("//")[2].rpartition(":")
    return host, int(port)
