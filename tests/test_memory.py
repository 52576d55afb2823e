"""What a server takes of memory is bounded, whatever is sent: by what its journal is allowed, and by its budget."""

from __future__ import annotations

import gc
import gzip
import json
import os
import signal
import socket
import subprocess
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from mock_intake.judging.intake import Intake
from mock_intake.model.per_run import PerRunNames
from mock_intake.web.rendering import static_file
from tests.commands import MOCK_INTAKE, start_command
from tests.control.test_transfer import FIELDS
from tests.events import dataset, run_event
from tests.fuzz import request_bytes
from tests.test_intake import received
from tests.timing import in_time

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
MEBIBYTE = 1024 * 1024
# What the process takes that has judged an event, with all that it has loaded by then.
PROCESS = 60 * MEBIBYTE
JOURNAL = 16 * MEBIBYTE
SENDERS = 150
# In the short form events are smaller, and so is the room that they have.
DECODED, BUDGET, ROUNDS = (20 * MEBIBYTE, 256 * MEBIBYTE, 8) if SOAK else (MEBIBYTE // 2, 64 * MEBIBYTE, 1)
IMPORTED = (64 if SOAK else 2) * MEBIBYTE


def test_nothing_long_is_remembered() -> None:
    """What is looked up again and again is kept, and what is long is not: there could be any number of it."""
    intake, chance = Intake(), Random(7)
    intake.receive(received(json.dumps(run_event(inputs=[dataset()])).encode()))

    def judge() -> None:
        long = chance.randbytes(100_000).hex()
        facets = {long: {"_schemaURL": f"https://openlineage.io/{long}", "_producer": long}}
        event = run_event(
            long,
            schemaURL=f"https://openlineage.io/{long}",
            run={"runId": long, "facets": facets},
            job={"namespace": long, "name": long, "facets": facets},
            inputs=[{**dataset(long, f"postgres://{long}"), "facets": facets}],
        )
        intake.receive(received(json.dumps(event).encode(), ("x-long", long), key=long[:32]))
        intake.receive(received(b"{", ("content-encoding", long[:60_000]), ("content-type", long[:60_000]), key=long))

    judge()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(20):
            judge()
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4 * MEBIBYTE


def test_nothing_long_is_remembered_of_names_and_paths() -> None:
    names, chance = PerRunNames(), Random(7)
    tracemalloc.start()
    try:
        for number in range(40):
            long = chance.randbytes(100_000).hex()
            names.add("org", str(number), "job", "etl", long)
            names.add("org", long, "dataset", long, f"load.{long[:8]}-{long[:4]}-{long[:4]}-{long[:4]}-{long[:12]}")
            static_file(long)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MEBIBYTE


def _values(text: str) -> bytes:
    """An event that is as large as is taken, and has as many values, made of little but a unit."""
    head = json.dumps(run_event())[:-1]
    number = (DECODED - len(head) - 100) // len(text)
    signs = sum(map(text.count, ",[{"))
    return f'{head},"x":[{text * min(number, 990_000 // signs)}0]}}'.encode()


def _packed(body: bytes) -> bytes:
    return request_bytes(gzip.compress(body, 1), [("Content-Encoding", "gzip")])


def _datasets() -> bytes:
    one = len(json.dumps(dataset("x" * 10)))
    number = min((DECODED - 2_000) // (one + 2), 40_000)
    return json.dumps(run_event(inputs=[dataset(f"{i:010}") for i in range(number)])).encode()


def _long(text: str) -> bytes:
    return json.dumps(run_event(x=text * ((DECODED - 1_000) // len(text.encode()))), ensure_ascii=False).encode()


REQUESTS: dict[str, Callable[[], bytes]] = {
    "arrays": lambda: _packed(_values("[1],")),
    "objects": lambda: _packed(_values('{"a":{}},')),
    "numbers": lambda: _packed(_values("1,")),
    "strings": lambda: _packed(_values('"0123456789",')),
    "datasets": lambda: _packed(_datasets()),
    "a long string": lambda: _packed(_long("x")),
    "a long string of wide characters": lambda: _packed(_long("\U0001f680x")),
    "a long key": lambda: _packed(
        json.dumps(run_event(outputs=[{**dataset(), "facets": {"k" * 500_000: [1]}}])).encode()
    ),
    "a bomb": lambda: request_bytes(gzip.compress(b"\0" * 40 * MEBIBYTE, 1), [("Content-Encoding", "gzip")]),
    "a plain body": lambda: request_bytes(_long("x")[: 5 * MEBIBYTE]),
    "too many values": lambda: _packed(b"[" + b'{"a":{}},' * (DECODED // 10) + b"0]"),
    "what is no JSON": lambda: request_bytes(b"[" * min(DECODED, 4 * MEBIBYTE)),
    "a body that is too large": lambda: request_bytes(b"x" * 8 * MEBIBYTE),
    "a body that stops": lambda: request_bytes(b"x" * 4 * MEBIBYTE)[:-MEBIBYTE],
    "a head without end": lambda: b"POST /api/v1/lineage HTTP/1.1\r\nX: " + b"x" * MEBIBYTE,
    "trailers without end": lambda: request_bytes(
        b"0\r\n" + b"X: y\r\n" * 200_000, [("Transfer-Encoding", "chunked")], length=-1
    ),
}


def _import(size: int) -> bytes:
    """An import of so many bytes, in as many lines as can be."""
    lines, left, number = [], size, 0
    while left > 0:
        lines.append(json.dumps({**FIELDS, "id": f"{number:012x}", "event_id": f"e{number}"}, separators=(",", ":")))
        left -= len(lines[-1]) + 1
        number += 1
    return "\n".join(lines).encode()


def _control(target: str, body: bytes | None = None) -> bytes:
    method = "GET" if body is None else "POST"
    return request_bytes(body or b"", method=method, target=target, key=None)


# What asks for what is on record, that of one event too ({}), and what puts something there.
ASKED = (
    "/api/mock/v1/events/{}",
    "/mock/events/{}",
    "/mock/events/{}/body",
    "/mock/events/{}/body?as_received=1",
    "/api/mock/v1/exchanges?body=1&limit=1000",
    "/api/mock/v1/events?limit=1000",
    "/api/mock/v1/export",
    "/api/mock/v1/export?what=exchanges",
    "/mock/events?text=nowhere",
    "/mock/exchanges",
)
IMPORTS: dict[str, Callable[[], bytes]] = {
    "many lines": lambda: _import(IMPORTED),
    "many lines, packed": lambda: gzip.compress(_import(IMPORTED), 1),
    "one long line": lambda: b"[" * IMPORTED,
    "empty lines": lambda: b"\n" * IMPORTED,
    "a bomb": lambda: gzip.compress(b" " * 2 * IMPORTED, 1)[: IMPORTED // 2],
}


def _asked(port: int, events: list[bytes]) -> list[bytes]:
    """Requests for what was made of these events, and imports; a third of those that are sent besides."""
    ids = []
    for event in events:
        with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
            connection.sendall(event)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        ids.append(json.loads(answer.partition(b"\r\n\r\n")[2]).get("id"))
    asked = [_control(target.format(identity)) for target in ASKED for identity in ids if identity]
    return [*dict.fromkeys(asked), *(_control("/api/mock/v1/import", make()) for make in IMPORTS.values())]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_server_stays_within_its_memory_with_many_senders_at_once(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    limits = ["--keep-bytes", str(JOURNAL), "--budget", str(BUDGET), "--max-decoded", str(DECODED)]
    command = [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready), *limits]
    with start_command(command, forked=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            with in_time(30):
                while not ready.exists():
                    threading.Event().wait(0.05)
            port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
            made = [make() for make in REQUESTS.values()]
            asked = _asked(port, made[:7])
            answers = _sent_by_many(port, [*made, *asked])
            assert {answer[9:12] for answer in answers} >= {b"200", b"202", b"400"}
            peak = _peak(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    assert server.returncode == 0
    assert len(answers) > SENDERS * ROUNDS // 2
    assert peak <= PROCESS + JOURNAL + BUDGET, f"{peak / MEBIBYTE:.0f} MB"


def _sent_by_many(port: int, requests: list[bytes]) -> list[bytes]:
    """What was answered to these requests, sent by all at once."""
    answers: list[bytes] = []

    def send(number: int) -> None:
        for turn in range(ROUNDS):
            data = requests[(number + turn) % len(requests)]
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    if answer := connection.recv(1_000):
                        answers.append(answer)
            except OSError:
                continue  # it was told to stop, and did not hear it for what it had sent

    senders = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return answers


def _peak(pid: int) -> int:
    """The most memory (bytes) that a process has had in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) * 1024
