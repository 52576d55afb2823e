"""serve --log-format and --log-level: lines for people or for what collects logs, from a level on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest

from mock_intake.datadog.sites import INTAKE_PATH
from tests.commands import MOCK_INTAKE, clean_environment, run_command, start_command
from tests.events import run_event


def served(folder: Path, *options: str) -> tuple[str, str]:
    """What a server prints and logs that takes a good event, one with an error, and refuses a request."""
    ready, out, log = (folder / name for name in ("ready.json", "out.txt", "log.txt"))
    command = [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready), *options]
    with log.open("wb") as errors, out.open("wb") as lines:
        process = start_command(command, stdout=lines, stderr=errors, env=clean_environment())
        waited = run_command([MOCK_INTAKE, "wait", str(ready), "--ready", "--timeout", "30"], env=clean_environment())
        assert waited.returncode == 0, waited.stderr
        url = json.loads(ready.read_text())["url"] + INTAKE_PATH
        headers = {"authorization": f"Bearer {'a' * 32}"}
        assert httpx.post(url, json=run_event(), headers=headers).status_code == 202
        assert httpx.post(url, json={}, headers=headers).status_code == 202
        assert httpx.post(url, json=run_event()).status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    return out.read_text(), log.read_text()


def test_a_line_of_json_for_everything(tmp_path: Path) -> None:
    out, _ = served(tmp_path, "--log-format", "json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    assert lines[0]["message"].startswith("mock-intake listens on http://")
    exchanges = [line for line in lines if "exchange" in line]
    assert [line["level"] for line in exchanges] == ["info", "error", "error"]
    assert [line["exchange"]["status_code"] for line in exchanges] == [202, 202, 401]
    assert "prod/load_orders" in exchanges[0]["message"]
    assert not any("\x1b" in line["message"] for line in lines)
    assert any("2 events taken" in line["message"] for line in lines)


@pytest.mark.parametrize(("level", "number"), [("warning", 2), ("error", 2)])
def test_from_a_level_on(level: str, number: int, tmp_path: Path) -> None:
    out, errors = served(tmp_path, "--log-level", level)
    assert len(out.splitlines()) == number, out
    assert "ERROR" in out
    assert "401" in out
    assert "load_orders" not in out
    assert errors == ""
