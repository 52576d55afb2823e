"""Faults by the command line: ``serve --fault`` and ``--delay``, what is printed of them, and the end of a plan."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, start_command
from tests.events import run_event

KEY = "0123456789abcdef0123456789abcdef"
ENDED = "the fault plan has ended: requests are handled as usual again"

JOB = """
import uuid
from datetime import UTC, datetime
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

client = OpenLineageClient()
client.emit(
    RunEvent(
        eventType=RunState.START,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(str(uuid.uuid4())),
        job=Job("prod", "load_orders"),
        producer="https://github.com/acme/etl",
    )
)
client.close()
"""


class Serving:
    """A running ``mock-intake serve``, with curl as its client."""

    def __init__(self, directory: Path, *options: str) -> None:
        ready = directory / "ready.json"
        self.process = start_command(
            [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environment(),
            text=True,
        )
        until = time.monotonic() + 20
        while not ready.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        self.url: str = json.loads(ready.read_text())["url"]

    def curl(self, path: str, *arguments: str) -> tuple[str, int]:
        """What curl prints as status, and its exit code."""
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5", *arguments]
        done = subprocess.run([*command, self.url + path], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout, done.returncode

    def send(self) -> tuple[str, int]:
        headers = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
        return self.curl("/api/v1/lineage", *headers, "-d", json.dumps(run_event()))

    def end(self) -> list[str]:
        """Ends it; the lines that it printed of requests and faults, without the time of day."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, out
        lines = [re.sub(r"^\d\d:\d\d:\d\d +", "> ", line) for line in out.splitlines()]
        return [line for line in lines if line.startswith(">") or line == ENDED]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    running: list[Serving] = []

    def start(*options: str) -> Serving:
        running.append(Serving(tmp_path, *options))
        return running[-1]

    yield start
    for serving in running:
        if serving.process.poll() is None:
            serving.process.kill()
            serving.process.communicate()


def test_a_plan_is_carried_out_printed_and_said_to_have_ended(serve: Callable[..., Serving]) -> None:
    serving = serve("--fault", "503,close,reset,202")
    # 52: empty reply; 56: failure in receiving network data.
    assert [serving.send() for _ in range(5)] == [("503", 0), ("000", 52), ("000", 56), ("202", 0), ("202", 0)]
    lines = serving.end()
    assert lines.count(ENDED) == 1
    assert lines.index(ENDED) == 4
    for line, fault in zip(lines, ("503", "close", "reset", "202"), strict=False):
        assert f"fault {fault}" in line
    assert "fault" not in lines[5]


def test_a_plan_can_be_given_as_json(serve: Callable[..., Serving]) -> None:
    plan = {"sequence": [{"step": 503, "times": 2, "match": {"event_type": "START"}}]}
    serving = serve("--fault", json.dumps(plan))
    assert [serving.send()[0] for _ in range(3)] == ["503", "503", "202"]


def test_a_delay_comes_before_every_answer_and_never_ends(serve: Callable[..., Serving]) -> None:
    serving = serve("--delay", "0.5")
    for _ in range(2):
        began = time.monotonic()
        assert serving.send() == ("202", 0)
        assert time.monotonic() - began >= 0.5
    assert ENDED not in serving.end()


def test_a_delay_is_for_the_intake_alone(serve: Callable[..., Serving]) -> None:
    serving = serve("--delay", "20")
    assert serving.curl("/healthz") == ("200", 0), "curl waits for less than that"


def test_a_delay_and_a_plan_go_together(serve: Callable[..., Serving]) -> None:
    serving = serve("--delay", "0.3", "--fault", "503")
    began = time.monotonic()
    assert serving.send()[0] == "503"
    assert time.monotonic() - began >= 0.3
    assert serving.send()[0] == "202"
    assert ENDED in serving.end()


@pytest.mark.parametrize("last", [{"step": 503, "probability": 0, "times": 1}, {"step": 202}], ids=["spared", "well"])
def test_the_end_is_said_also_if_the_last_request_was_spared(last: Any, serve: Callable[..., Serving]) -> None:
    serving = serve("--fault", json.dumps([500, last]))
    assert [serving.send()[0] for _ in range(3)] == ["500", "202", "202"]
    lines = serving.end()
    assert lines.count(ENDED) == 1
    assert lines.index(ENDED) == 2


def test_the_end_is_said_of_every_plan_also_of_those_that_came_over_the_control_api(
    serve: Callable[..., Serving],
) -> None:
    serving = serve("--fault", "500")
    assert serving.send()[0] == "500"
    for _ in range(2):
        assert serving.curl("/api/mock/v1/faults", "-X", "PUT", "-d", "[503]") == ("200", 0)
        assert [serving.send()[0] for _ in range(2)] == ["503", "202"]
    assert serving.end().count(ENDED) == 3


def test_a_plan_over_the_control_api_is_said_to_have_ended_without_any_option(serve: Callable[..., Serving]) -> None:
    serving = serve()
    serving.curl("/api/mock/v1/faults", "-X", "PUT", "-d", '{"sequence": ["reset"]}')
    assert serving.send() == ("000", 56)
    assert ENDED in serving.end()


def test_what_was_hit_counts_as_refused_or_taken_in_the_summary(serve: Callable[..., Serving]) -> None:
    serving = serve("--fault", "503,lost,202")
    for _ in range(3):
        serving.send()
    serving.process.send_signal(signal.SIGTERM)
    out, _ = serving.process.communicate(timeout=10)
    assert "2 events taken: 2 ok, 0 warning, 0 error; 1 request refused" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fault", "slow"], "--fault: a step is a status from 200 to 599 or one of close, reset, lost"),
        (["--fault", "redirect"], '--fault: a redirect needs a location: {"step": "redirect", "location"'),
        (["--fault", "[503"], "--fault: the plan looks like JSON, and is none"),
        (["--delay", "3601"], "--delay"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_plan_that_cannot_be_understood_ends_the_command_with_2(options: list[str], told: str) -> None:
    done = mock_intake("serve", "--port", "0", *options)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_run_takes_a_plan_too(tmp_path: Path) -> None:
    """The client sends again after 503, and the command that is run hears nothing of it."""
    (tmp_path / "job.py").write_text(JOB)
    done = mock_intake("run", "--fault", "503,202", "--", sys.executable, "job.py", cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "fault 503" in done.stderr
    assert ENDED in done.stderr


def test_run_refuses_a_plan_that_cannot_be_understood_and_runs_nothing(tmp_path: Path) -> None:
    done = mock_intake("run", "--fault", "slow", "--", "touch", "ran", cwd=tmp_path)
    assert done.returncode == 2
    assert "--fault: a step is a status from 200 to 599" in " ".join(done.stderr.split())
    assert not (tmp_path / "ran").exists()
