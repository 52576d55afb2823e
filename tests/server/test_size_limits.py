"""Bodies that are too large, on the wire or decoded: refused with an answer that real clients can read, cheaply."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from mock_intake import IntakeServer, Settings
from mock_intake.model.exchange import Exchange
from tests.commands import MOCK_INTAKE, clean_environment, start_command
from tests.events import run_event
from tests.fuzz import KEY, chunked, connect, gzip_bomb, read_answers, recorded, request_bytes, send
from tests.processes import linux_only

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024
MAX_BODY = 64 * KIBIBYTE
MAX_DECODED = 256 * KIBIBYTE
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
GZIP = ("Content-Encoding", "gzip")
CHUNKED = ("Transfer-Encoding", "chunked")


def padded(size: int) -> bytes:
    """An event of so many bytes."""
    event = json.dumps(run_event()).encode()
    return event + b" " * (size - len(event))


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(Settings(max_body=MAX_BODY, max_decoded=MAX_DECODED)) as server:
        yield server


def latest(intake: IntakeServer) -> Exchange:
    (found,) = recorded(intake.journal, intake.journal.position - 1, 1)
    return found


# To the byte.


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(("more", "status"), [(-1, 202), (0, 202), (1, 413)])
def test_the_limit_on_the_wire_holds_to_the_byte(intake: IntakeServer, framing: str, more: int, status: int) -> None:
    body = padded(MAX_BODY + more)
    if framing == "length":
        request = request_bytes(body)
    else:
        parts = [body[start : start + 10_000] for start in range(0, len(body), 10_000)]
        request = request_bytes(chunked(*parts) + b"0\r\n\r\n", [CHUNKED], length=-1)
    (answer,) = send(intake, request)
    exchange = latest(intake)
    assert answer.status == exchange.response.status_code == status
    assert [finding.code for finding in exchange.findings] == (["HT104"] if status == 413 else [])
    # Kept up to the limit (but for a piece in which half a key could stand), counted to the end.
    assert body.startswith(exchange.request.body)
    assert MAX_BODY - 1_000 < len(exchange.request.body) <= MAX_BODY
    assert (exchange.request.wire_size, exchange.request.too_large) == (len(body), status == 413)


@pytest.mark.parametrize(("more", "status"), [(-1, 202), (0, 202), (1, 413)])
def test_the_limit_when_decoded_holds_to_the_byte(intake: IntakeServer, more: int, status: int) -> None:
    body = gzip.compress(padded(MAX_DECODED + more))
    (answer,) = send(intake, request_bytes(body, [GZIP]))
    exchange = latest(intake)
    assert answer.status == exchange.response.status_code == status
    assert exchange.decoded_size == (MAX_DECODED + more if status == 202 else None)
    # Nothing is kept that was not looked through for keys, so of what is too large it may be less.
    assert exchange.request.body == body if status == 202 else body.startswith(exchange.request.body)
    assert exchange.request.wire_size == len(body)


def test_the_finding_says_which_limit_and_how_large_the_body_was(intake: IntakeServer) -> None:
    (answer,) = send(intake, request_bytes(padded(100_000)))
    (finding,) = answer.json()["findings"]
    assert (finding["expected"], finding["actual"]) == ("at most 65,536 bytes on the wire", "100,000 bytes")
    (answer,) = send(intake, request_bytes(gzip.compress(padded(300_000)), [GZIP]))
    (finding,) = answer.json()["findings"]
    assert finding["expected"] == "at most 262,144 bytes decoded"


# Far beyond: more than the server keeps, more than the kernel's buffers, more than it reads on for.


@pytest.fixture(scope="module")
def large_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    folder = tmp_path_factory.mktemp("large")

    def file(mebibytes: int) -> Path:
        path = folder / f"{mebibytes}.json"
        if not path.exists():
            with path.open("wb") as out:
                out.truncate(mebibytes * MEBIBYTE)
        return path

    return file


@pytest.mark.parametrize("mebibytes", [1, 20, 100])
@pytest.mark.parametrize("options", [[], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]])
def test_curl_can_read_why_its_body_was_refused(
    intake: IntakeServer, large_files: Callable[[int], Path], tmp_path: Path, mebibytes: int, options: list[str]
) -> None:
    file = large_files(mebibytes)
    command = ["curl", "-sS", "--max-time", "30", "-o", str(tmp_path / "answer"), "-w", "%{http_code}"]
    command += ["-H", f"Authorization: Bearer {KEY}", "--data-binary", f"@{file}", *options]
    done = subprocess.run(
        [*command, f"{intake.url}/api/v1/lineage"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "413", "")
    assert json.loads((tmp_path / "answer").read_text())["findings"][0]["code"] == "HT104"
    exchange = latest(intake)
    assert exchange.response.status_code == 413
    assert MAX_BODY - 1_000 < len(exchange.request.body) <= MAX_BODY
    assert MAX_BODY < exchange.request.wire_size <= mebibytes * MEBIBYTE


@pytest.mark.parametrize("mebibytes", [1, 20, 100])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_requests_can_read_why_its_body_was_refused(
    intake: IntakeServer, large_files: Callable[[int], Path], mebibytes: int, framing: str
) -> None:
    with large_files(mebibytes).open("rb") as file:
        # requests sends a file with its length, and what it can only iterate over in chunks.
        data = file if framing == "length" else iter(lambda: file.read(MEBIBYTE), b"")
        answer = requests.post(f"{intake.url}/api/v1/lineage", data=data, headers=HEADERS, timeout=30)
    assert answer.status_code == 413
    assert answer.json()["findings"][0]["code"] == "HT104"


def test_a_connection_can_be_used_again_after_a_body_that_was_read_to_its_end(intake: IntakeServer) -> None:
    answers = send(intake, request_bytes(padded(2 * MAX_BODY)) + request_bytes(padded(1_000)), wanted=2)
    assert [answer.status for answer in answers] == [413, 202]


def test_a_slow_client_is_waited_for(intake: IntakeServer) -> None:
    body = padded(2_000)
    pieces = [body[start : start + 250] for start in range(0, len(body), 250)]
    (answer,) = send(intake, request_bytes(b"", length=len(body)), *pieces, pause=0.05)
    assert answer.status == 202
    assert latest(intake).request.body == body


def test_others_are_served_while_a_slow_client_sends(intake: IntakeServer) -> None:
    with connect(intake) as slow:
        slow.sendall(request_bytes(b'{"', length=1_000))
        assert send(intake, request_bytes(padded(1_000)))[0].status == 202
        slow.sendall(b" " * 998)
        assert read_answers(slow, 1)[0].status == 400


# A bomb, against the command in a process of its own.


class Running(NamedTuple):
    """``mock-intake serve`` with its default limits."""

    url: str
    process: subprocess.Popen[bytes]

    def peak(self) -> int:
        """The most memory that the process ever had, in bytes."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * KIBIBYTE


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    ready = tmp_path / "ready.json"
    process = start_command(
        [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready)],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        yield Running(json.loads(ready.read_text())["url"], process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@linux_only
def test_a_bomb_of_a_gibibyte_stays_under_a_hundred_megabytes(running: Running) -> None:
    """Also when it is looked at afterwards: what is kept of it is the bomb."""
    url = f"{running.url}/api/v1/lineage"
    packed = {**HEADERS, "Content-Encoding": "gzip"}
    small = requests.post(url, data=gzip.compress(padded(1_000)), headers=packed, timeout=10)
    assert small.status_code == 202
    bomb = gzip_bomb(1024)
    assert len(bomb) < 2 * MEBIBYTE
    before = running.peak()
    answer = requests.post(url, data=bomb, headers=packed, timeout=30)
    assert answer.status_code == 413
    assert answer.json()["findings"][0]["code"] == "HT104"
    assert running.peak() - before < 100_000_000

    listing = requests.get(f"{running.url}/api/mock/v1/exchanges?body=1", timeout=30)
    newest = listing.json()["exchanges"][0]
    assert (newest["status_code"], newest["wire_size"], newest["body"]) == (413, len(bomb), None)
    assert requests.get(f"{running.url}/api/mock/v1/exchanges/{newest['id']}", timeout=30).status_code == 200
    assert running.peak() - before < 100_000_000
    assert requests.post(url, data=gzip.compress(padded(2_000)), headers=packed, timeout=10).status_code == 202
