"""The host of a pytest process takes the keys that it issued, and no other, whatever was sent to it before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.judging.config import Config
from mock_intake.judging.intake import Intake, Settings
from mock_intake.model.exchange import ReceivedRequest
from mock_intake_pytest.host import Host, IssuedKeys
from tests.events import run_event

KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """Two hosts in one process, as where pytest runs pytest."""
    first, second = Host(Config(), tmp_path), Host(Config(), tmp_path)
    with ExitStack() as stack:
        for host in (first, second):
            host.start()
            stack.callback(host.stop)
        yield first, second


def status(host: Host, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{host.server.url}{INTAKE_PATH}", json=run_event(), headers=headers).status_code


def test_a_key_that_another_host_issued_is_refused(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    record, key = first.open("test_first")
    assert [status(first, key), status(second, key), status(first, key)] == [202, 403, 202]
    first.close(record)
    assert [len(record.journal.read(0, 10)), len(first.strays), len(second.strays)] == [2, 0, 0]
    second.catch_up()
    assert [stray.exchange.response.status_code for stray in second.strays] == [403]


def test_a_key_that_was_refused_is_taken_once_it_is_issued() -> None:
    keys = IssuedKeys()
    intake = Intake(Settings(keys))
    headers = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
    body = json.dumps(run_event()).encode()
    request = ReceivedRequest("x", "POST", INTAKE_PATH, "", headers, body, datetime(2026, 11, 1, tzinfo=UTC))
    assert intake.receive(request).response.status_code == 403
    keys.issued.add(KEY)
    assert intake.receive(request).response.status_code == 202


def test_keys_that_were_issued_tell_hosts_apart() -> None:
    first, second = IssuedKeys(), IssuedKeys()
    assert first == second
    first.issue()
    assert first != second
