"""The loop, in which events come in, never waits for a journal: a disk or a database takes its own time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from mock_intake import Access, IntakeServer, JournalError, MemoryJournal
from mock_intake.server.control.endpoints import PREFIX
from mock_intake.server.control.router import ENDPOINTS
from mock_intake.web.site import PAGES
from tests.events import run_event

KEY = "0123456789abcdef0123456789abcdef"
_LOOP = "mock-intake"
_CALLS = (
    "append", "read", "exchanges", "events", "count_events", "attempts", "exchange", "event", "orgs", "statistics",
    "forget", "position", "first", "generation", "dropped",
)  # fmt: skip


class Watched(MemoryJournal):
    """Says which of its calls came from a server's loop. As a journal on a disk, it asks to be called elsewhere."""

    blocking = True

    def __init__(self) -> None:
        self.on_loop: list[str] = []
        self.elsewhere: set[str] = set()
        super().__init__()

    def __getattribute__(self, name: str) -> Any:
        if name in _CALLS:
            if threading.current_thread().name == _LOOP:
                self.on_loop.append(name)
            else:
                self.elsewhere.add(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("token", [None, "token-of-this-test"])
def test_no_call_of_a_journal_is_on_the_loop(start_server: Callable[..., IntakeServer], token: str | None) -> None:
    journal = Watched()
    server = start_server(journal=journal, access=Access(token))
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        plan = {"sequence": [{"step": 503, "match": {"attempt": 2}}]}
        assert client.put(f"{PREFIX}/faults", json=plan).status_code == 200
        statuses = [
            client.post("/api/v1/lineage", json=run_event(), headers={"authorization": f"Bearer {KEY}"}).status_code
            for _ in range(3)
        ]
        assert statuses == [202, 503, 202]
        (event,) = client.get(f"{PREFIX}/events").json()["events"]
        exported = client.get(f"{PREFIX}/export", params={"what": "exchanges"}).content
        assert client.post(f"{PREFIX}/import", content=exported).status_code == 200
        assert client.post(f"{PREFIX}/wait", json={"events": 2, "timeout": 0.2}).status_code == 409
        with client.stream("GET", f"{PREFIX}/stream", headers={"last-event-id": "0"}) as stream:
            assert any(line.startswith("id:") for line in stream.iter_lines())
        for endpoint in ENDPOINTS:
            if endpoint.method != "GET" or endpoint.path == "/stream":
                continue
            for identity in (event["id"], event["run_id"], "none"):
                answer = client.get(PREFIX + endpoint.path.replace("{id}", identity), params={"org": event["org"]})
                assert answer.status_code in (200, 400, 404), answer.text
        seen = {"accept": "text/html"}
        for page in PAGES:
            for identity in (event["id"], "none"):
                path = page.path.replace("{id}", identity)
                assert client.request("GET", path, headers=seen).status_code in (200, 303, 400, 404)
        for path in ("/mock/nowhere", "/mock/login", "/mock/static/none", "/mock/events?cursor=x"):
            assert client.get(path, headers=seen).status_code in (200, 400, 404)
        wrong = client.post("/mock/login", data={"token": "wrong"}, headers={**seen, "origin": server.url})
        assert wrong.status_code in (303, 400, 401, 403, 404), orjson.dumps(wrong.text)
        assert client.post("/mock/faults", data={"plan": "nonsense"}, headers=seen).status_code in (400, 403)
        for path in ("/healthz", "/readyz"):
            assert client.get(path).json() == {"status": "ok"}
        assert client.delete(f"{PREFIX}/exchanges").status_code == 200
    assert journal.on_loop == []
    assert journal.elsewhere >= {*_CALLS} - {"first", "generation"}


def test_a_server_that_cannot_reach_its_journal_is_alive_and_not_ready(
    start_server: Callable[..., IntakeServer],
) -> None:
    class Gone(MemoryJournal):
        @property
        def position(self) -> int:
            raise JournalError("the disk is gone.")

    server = start_server(journal=Gone())
    ready = httpx.get(f"{server.url}/readyz")
    assert (ready.status_code, ready.headers["retry-after"], ready.json()) == (
        503,
        "1",
        {"status": "the disk is gone."},
    )
    assert httpx.get(f"{server.url}/healthz").status_code == 200
