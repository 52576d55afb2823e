"""A bug of ours is told in the log, once and with its traceback; the client hears of it in JSON, the record has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import MemoryJournal
from mock_intake.model.exchange import Exchange
from tests.events import run_event
from tests.fuzz import KEY, recorded, request_bytes, send

EVENT = json.dumps(run_event()).encode()
Start = Callable[..., IntakeServer]


class BrokenError(Exception):
    """A mistake that nobody has thought of."""


class Flawed(MemoryJournal):
    """A journal that has a mistake in it: the first so many calls of a method raise."""

    def __init__(self, **flaws: int) -> None:
        super().__init__()
        self._flaws = flaws

    def _fail(self, name: str) -> None:
        if self._flaws.get(name, 0) > 0:
            self._flaws[name] -= 1
            raise BrokenError(f"{name} is broken")

    def append(self, exchanges: Sequence[Exchange]) -> None:
        self._fail("append")
        super().append(exchanges)

    def events(self, *arguments: Any, **more: Any) -> Any:
        self._fail("events")
        return super().events(*arguments, **more)


def told(caplog: pytest.LogCaptureFixture) -> None:
    """The log has one ERROR with the traceback of the mistake, and no key."""
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "mock_intake"
    assert record.exc_info is not None
    assert record.exc_info[0] is BrokenError
    assert KEY not in caplog.text


def test_a_request_that_ran_into_a_bug_is_on_record(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(journal=Flawed(append=1))
    (answer,) = send(server, request_bytes(EVENT, target=f"/api/v1/lineage?api_key={KEY}"))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
    detail = answer.json()["errors"][0]["detail"]
    assert detail.endswith("a bug of its own, which its log tells of; the request is on record")
    (exchange,) = recorded(server.journal, 0, 1)
    assert (exchange.response.status_code, exchange.accepted, exchange.request.body) == (500, False, EVENT)
    assert KEY not in str(exchange)
    told(caplog)
    assert send(server, request_bytes(EVENT))[0].status == 202


def test_where_it_cannot_be_put_on_record_either_the_answer_is_json(start_server: Start) -> None:
    server = start_server(journal=Flawed(append=2))
    (answer,) = send(server, request_bytes(EVENT))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
    assert "a bug of its own" in answer.json()["error"]


def test_a_bug_behind_the_control_api_is_answered_in_json(
    start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(journal=Flawed(events=1))
    request = request_bytes(method="GET", target="/api/mock/v1/events", key=None)
    (answer,) = send(server, request)
    assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
    assert "a bug of its own, which its log tells of" in answer.json()["error"]
    told(caplog)
    assert send(server, request)[0].status == 200
