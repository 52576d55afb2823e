"""``mock-intake serve``, run as a user runs it, with curl as the producer."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, start_command
from tests.events import dataset, run_event

KEY = "0123456789abcdef0123456789abcdef"


class Serving:
    """A running ``mock-intake serve``."""

    def __init__(self, directory: Path, *options: str, **environment: str) -> None:
        self.ready_file = directory / "ready.json"
        self.process = start_command(
            [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(self.ready_file), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(**environment),
            text=True,
        )
        until = time.monotonic() + 20
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        self.ready: dict[str, Any] = json.loads(self.ready_file.read_text())
        self.url: str = self.ready["url"]

    def curl(self, path: str, *arguments: str, body: Any = None) -> tuple[int, str]:
        command = ["curl", "-sS", "-w", "\n%{http_code}", *arguments, self.url + path]
        data = None if body is None else orjson.dumps(body).decode()
        if data is not None:
            command += ["--data-binary", "@-"]
        done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=20, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), answer

    def send(self, body: Any, *, key: str | None = KEY) -> tuple[int, str]:
        headers = ["-H", "Content-Type: application/json"]
        if key is not None:
            headers += ["-H", f"Authorization: Bearer {key}"]
        return self.curl("/api/v1/lineage", *headers, body=body)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Ends the server; its exit code and all that it printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Serving]]:
    served: list[Serving] = []
    yield served
    for serving in served:
        if serving.process.poll() is None:
            serving.process.kill()
            serving.process.communicate()


@pytest.fixture
def serve(tmp_path: Path, running: list[Serving]) -> Any:
    def start(*options: str, **environment: str) -> Serving:
        running.append(Serving(tmp_path, *options, **environment))
        return running[-1]

    return start


def test_a_line_for_each_event_and_a_summary_at_the_end(serve: Any) -> None:
    serving: Serving = serve()
    assert serving.send(run_event("START"))[0] == 202
    assert serving.send({**run_event("COMPLETE"), "job": {"namespace": "prod", "name": "x"}})[0] == 202
    assert serving.send(run_event("START"), key=None)[0] == 401
    code, out, err = serving.end(signal.SIGINT)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"mock-intake listens on {serving.url}"
    events = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines if re.match(r"\d\d:\d\d:\d\d", line)]
    run = "run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
    assert events == [
        f"OK      START     prod/load_orders {run}",
        f"ERROR   COMPLETE  prod/x {run} DD101",
        "401     POST /api/v1/lineage  HT001  the request has no API key",
    ]
    summary = lines[lines.index("") + 1 :]
    assert summary[0] == "2 events taken: 1 ok, 0 warning, 1 error; 1 request refused"
    codes = [line.split()[0] for line in summary[1:-1]]
    assert codes == ["DD101", "HT001", "RC201"]
    assert summary[-1] == "mock-intake rules CODE explains a code."
    assert "\x1b" not in out


def test_the_ready_file_is_one_line_and_goes_with_the_server(serve: Any) -> None:
    serving: Serving = serve()
    assert serving.ready_file.read_text().count("\n") == 1
    assert serving.ready == {
        "url": serving.url,
        "pid": serving.process.pid,
        "agent_url": None,
        "https_url": None,
        "ca_file": None,
        "proxy_url": None,
    }
    assert serving.curl("/healthz") == (200, '{"status":"ok"}')
    assert serving.end()[0] == 0
    assert not serving.ready_file.exists()


def test_a_pipe_or_a_device_is_not_replaced_by_the_ready_file(tmp_path: Path) -> None:
    """``--ready-file /dev/null``, as root, would take that from all who run on the machine."""
    pipe = tmp_path / "ready"
    os.mkfifo(pipe)
    done = mock_intake("serve", "--port", "0", "--ready-file", str(pipe))
    assert done.returncode == 2
    assert "this is no file, but a device or a pipe" in " ".join(done.stderr.split())
    assert pipe.is_fifo()


def test_port_0_prints_the_port(serve: Any) -> None:
    serving: Serving = serve()
    port = int(serving.url.rpartition(":")[2])
    assert port > 0
    assert f"127.0.0.1:{port}" in serving.end()[1]


def test_only_keys_that_were_named_are_taken(serve: Any) -> None:
    serving: Serving = serve("--api-key", KEY, "--api-key", "f" * 32)
    assert serving.send(run_event())[0] == 202
    assert serving.send(run_event(), key="f" * 32)[0] == 202
    status, answer = serving.send(run_event(), key="a" * 32)
    assert (status, json.loads(answer)["errors"][0]["detail"]) == (403, "API key is invalid")
    out = serving.end()[1]
    assert KEY not in out
    assert "a" * 32 not in out


def test_any_well_formed_key_is_taken_by_default(serve: Any) -> None:
    serving: Serving = serve()
    assert serving.send(run_event(), key="a" * 32)[0] == 202
    assert serving.send(run_event(), key="not-a-key")[0] == 403


def test_anonymous_requests_are_taken_on_demand(serve: Any) -> None:
    serving: Serving = serve("--allow-anonymous")
    assert serving.send(run_event(), key=None)[0] == 202
    _, events = serving.curl("/api/mock/v1/events?org=anonymous")
    assert len(json.loads(events)["events"]) == 1


def test_strict_answers_400_and_terse_answers_nothing(serve: Any) -> None:
    serving: Serving = serve("--strict", "--terse")
    assert serving.send(run_event()) == (202, "")
    status, answer = serving.send({**run_event(), "job": {"namespace": "a", "name": "b"}})
    assert status == 400
    assert list(json.loads(answer)) == ["errors"]


def test_sizes_are_limited(serve: Any) -> None:
    serving: Serving = serve("--max-body", "1K")
    status, answer = serving.send({**run_event(), "x": "a" * 1024})
    assert (status, json.loads(answer)["findings"][-1]["code"]) == (413, "HT104")


@pytest.mark.parametrize("size", ["5X", "0", "-1", "M"])
def test_a_size_that_is_none_is_explained(size: str) -> None:
    done = mock_intake("serve", "--max-body", size)
    assert (done.returncode, "is no size: write 5M" in done.stderr) == (2, True)


def test_a_port_in_use_is_told(serve: Any) -> None:
    serving: Serving = serve()
    done = mock_intake("serve", "--port", serving.url.rpartition(":")[2])
    assert done.returncode == 2
    assert "Cannot listen on 127.0.0.1 port" in done.stderr


def test_other_machines_need_a_control_token(serve: Any) -> None:
    done = mock_intake("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "the control API needs a token" in done.stderr
    serving: Serving = serve("--host", "0.0.0.0", MOCK_INTAKE_CONTROL_TOKEN="t0ken")
    assert serving.curl("/api/mock/v1/events")[0] == 401
    assert serving.curl("/api/mock/v1/events", "-H", "Authorization: Bearer t0ken")[0] == 200
    assert serving.send(run_event())[0] == 202
    said = serving.end()[1]
    assert "t0ken" not in said
    assert 'look with   curl -H "Authorization: Bearer <control token>" http://' in said


def test_other_host_names_are_refused_by_the_control_api_only(serve: Any) -> None:
    serving: Serving = serve("--allow-host", "intake.test")
    evil = ("-H", "Host: data-obs-intake.datadoghq.com")
    assert serving.curl("/api/mock/v1/events", *evil)[0] == 403
    assert serving.curl("/api/mock/v1/events", "-H", "Host: intake.test")[0] == 200
    headers = (*evil, "-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json")
    assert serving.curl("/api/v1/lineage", *headers, body=run_event())[0] == 202


def test_names_from_events_cannot_steer_the_terminal(serve: Any) -> None:
    serving: Serving = serve()
    event = run_event("START", outputs=[dataset("a.b.c")])
    event["job"]["name"] = "x\x1b]0;owned\x07\ny"
    assert serving.send(event)[0] == 202
    out = serving.end()[1]
    assert "\x1b" not in out
    assert "x\\x1b]0;owned\\x07\\ny" in out


def test_settings_of_the_project_apply(serve: Any, tmp_path: Path) -> None:
    config = tmp_path / "pyproject.toml"
    config.write_text("[tool.mock-intake]\nignore = ['DD101']\n")
    serving: Serving = serve("--config", str(config))
    _, answer = serving.send({**run_event(), "job": {"namespace": "a", "name": "b"}})
    assert json.loads(answer)["status"] == "ok"


def test_output_that_nobody_reads_stops_nothing(serve: Any) -> None:
    serving: Serving = serve()
    assert serving.process.stdout is not None
    serving.process.stdout.close()
    for _ in range(5):
        assert serving.send(run_event())[0] == 202
    serving.process.kill()
    serving.process.wait(10)
    assert serving.process.stderr is not None
    serving.process.stderr.close()


def test_output_that_is_read_late_holds_nothing_up_and_is_whole(serve: Any) -> None:
    """As of a terminal that was stopped with Ctrl-S: more lines than a pipe takes."""
    serving: Serving = serve()
    event = run_event("START")
    with httpx.Client(base_url=serving.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=5) as client:
        for number in range(400):
            event["job"]["name"] = f"{number:03} {'x' * 300}"
            assert client.post("/api/v1/lineage", json=event).status_code == 202
    lines = serving.end()[1].splitlines()
    assert [line.split()[3] for line in lines if "START" in line] == [f"prod/{number:03}" for number in range(400)]
    assert any(line.startswith("400 events taken") for line in lines)


def test_lines_come_while_the_server_runs(serve: Any) -> None:
    serving: Serving = serve()
    assert serving.process.stdout is not None
    while "end with" not in serving.process.stdout.readline():
        pass
    assert serving.send(run_event("START"))[0] == 202
    assert "START     prod/load_orders" in serving.process.stdout.readline()


def test_an_address_that_there_is_not_is_said_to_be_so() -> None:
    done = mock_intake("serve", "--host", "no-such-host.invalid", "--port", "0")
    assert done.returncode == 2
    assert "--host no-such-host.invalid" in done.stderr
    assert "token" not in done.stderr


def test_a_key_that_can_be_none_of_datadogs_is_remarked_at_the_start(serve: Any) -> None:
    running = serve("--api-key", "nothex", "--api-key", KEY)
    _, out, err = running.end()
    assert "note: --api-key number 1 is not 32 hexadecimal digits" in err
    assert "number 2" not in err
    assert "nothex" not in out + err
