"""What the integration suite of a client library needs of its server, asked over HTTP alone.

Such a suite wants to know what arrived, in full and in which order; counts by type, run and outcome; sequences of
statuses with delays; ordering within a run; and a clean state for each test, whatever else runs beside it.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openlineage.client.event_v2 import RunState

from mock_intake import IntakeServer
from tests.clients import ASYNC_ROUTE, client_event, cut_off, datadog_client
from tests.events import dataset_event, job_event, run_event


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with IntakeServer() as server:
        yield server.url


class Suite:
    """A test of such a suite: a key of its own, and so an org; everything else by HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = secrets.token_hex(16)
        self._http = httpx.Client(base_url=url, trust_env=False)
        # The org of the key is learnt from the server, by an event that is then forgotten.
        probe = str(uuid.uuid4())
        self.send(run_event(run={"runId": probe}))
        events = self._http.get("/api/mock/v1/events", params={"run_id": probe}).json()["events"]
        self.org: str = events[0]["org"]
        self.reset()

    def send(self, event: dict[str, Any], timeout: float = 10) -> int:
        headers = {"Authorization": f"Bearer {self.key}"}
        return self._http.post("/api/v1/lineage", json=event, headers=headers, timeout=timeout).status_code

    def get(self, what: str, **query: Any) -> dict[str, Any]:
        answer = self._http.get(f"/api/mock/v1/{what}", params={"org": self.org, **query})
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    def all(self, what: str, **query: Any) -> list[dict[str, Any]]:
        """The whole listing, page by page, oldest first."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self.get(what, **query, **cursor)
            items += page[what]
            if page["next"] is None:
                return items[::-1]
            cursor = {"cursor": page["next"]}

    def simulate(self, sequence: list[Any], **more: Any) -> None:
        plan = {"sequence": sequence, "org": self.org, **more}
        self._http.put("/api/mock/v1/faults", json=plan).raise_for_status()

    def reset(self) -> None:
        for what in ("exchanges", "faults"):
            self._http.delete(f"/api/mock/v1/{what}", params={"org": self.org}).raise_for_status()

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def suite(url: str) -> Iterator[Suite]:
    made = Suite(url)
    yield made
    made.close()


def test_health_can_be_waited_for(url: str) -> None:
    assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200


def test_what_arrived_can_be_read_in_full(suite: Suite) -> None:
    run_id = str(uuid.uuid4())
    event = run_event(run={"runId": run_id, "facets": {}})
    suite.send(event)
    (listed,) = suite.all("events", run_id=run_id)
    whole = httpx.get(f"{suite.url}/api/mock/v1/events/{listed['id']}", trust_env=False).json()
    assert whole["body"] == event
    (exchange,) = suite.all("exchanges", event_id=listed["id"], body=1)
    assert exchange["body"] == event
    assert exchange["headers"]["content-type"] == "application/json"
    assert exchange["received_at"] == listed["received_at"]


def test_events_can_be_filtered(suite: Suite) -> None:
    runs = [str(uuid.uuid4()) for _ in range(2)]
    for run_id in runs:
        for state in ("START", "COMPLETE"):
            suite.send(run_event(state, run={"runId": run_id}))
    suite.send(job_event())
    suite.send(dataset_event())
    suite.send({**run_event(), "job": {"namespace": "prod", "name": "without_type"}})
    assert len(suite.all("events")) == 7
    assert len(suite.all("events", run_id=runs[0])) == 2
    assert len(suite.all("events", event_type="START")) == 3
    assert len(suite.all("events", job_name="without_type")) == 1
    assert Counter(event["kind"] for event in suite.all("events")) == {
        "RunEvent": 5, "JobEvent": 1, "DatasetEvent": 1
    }  # fmt: skip
    (invalid,) = suite.all("events", status="error")
    assert [finding["code"] for finding in invalid["findings"] if finding["severity"] == "error"] == ["DD101"]


def test_counts_by_run_type_and_outcome(suite: Suite) -> None:
    runs = {str(uuid.uuid4()): states for states in (["START"], ["START", "COMPLETE"], ["START", "RUNNING", "FAIL"])}
    suite.simulate([{"step": 202, "times": 4}, 503, 400])
    for run_id, states in runs.items():
        for state in states:
            suite.send(run_event(state, run={"runId": run_id}))
    by_run = {run["run_id"]: len(run["events"]) for run in suite.all("runs")}
    assert by_run == dict(zip(runs, [1, 2, 1], strict=True))
    events = suite.all("events")
    assert Counter(event["event_type"] for event in events) == {"START": 3, "COMPLETE": 1}
    outcomes = Counter(exchange["status_code"] for exchange in suite.all("exchanges"))
    assert outcomes == {202: 4, 503: 1, 400: 1}


def test_counts_are_right_beyond_one_page(suite: Suite) -> None:
    run_id = str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: suite.send(run_event("RUNNING", run={"runId": run_id}, note=n)), range(130)))
    assert len(suite.all("events", limit=50)) == 130
    (run,) = suite.all("runs")
    assert len(run["events"]) == 130


def test_the_order_within_a_run_and_what_is_wrong_with_it(suite: Suite) -> None:
    right, wrong = str(uuid.uuid4()), str(uuid.uuid4())
    for run_id, states in ((right, ("START", "RUNNING", "COMPLETE")), (wrong, ("COMPLETE", "START"))):
        for state in states:
            suite.send(run_event(state, run={"runId": run_id}))
    by_id = {run["run_id"]: run for run in suite.all("runs", closed=1)}
    assert by_id[right]["states"] == ["START", "RUNNING", "COMPLETE"]
    assert by_id[right]["findings"] == []
    assert by_id[wrong]["states"] == ["COMPLETE", "START"]
    assert by_id[wrong]["findings"]
    arrivals = [exchange["received_at"] for exchange in suite.all("exchanges")]
    assert all(earlier <= later for earlier, later in pairwise(arrivals))


@pytest.mark.parametrize(
    ("sequence", "more", "answers"),
    [
        ([503, 503, 200], {}, [503, 503, 200, 202]),
        ([500, 200, 429], {"repeat_last": True}, [500, 200, 429, 429, 429]),
        ([200], {"repeat_last": True}, [200, 200, 200]),
        ([], {}, [202, 202]),
    ],
    ids=str,
)
def test_sequences_of_statuses(sequence: list[Any], more: dict[str, Any], answers: list[int], suite: Suite) -> None:
    suite.simulate(sequence, **more)
    assert [suite.send(run_event()) for _ in answers] == answers


def test_sequences_with_a_delay_before_every_answer(suite: Suite) -> None:
    suite.simulate([503, 200], repeat_last=True, delay=0.2)
    for wanted in (503, 200, 200):
        began = time.monotonic()
        assert suite.send(run_event()) == wanted
        assert 0.2 <= time.monotonic() - began < 5


def test_sequences_with_a_delay_of_each_answer_and_a_time_out(suite: Suite) -> None:
    suite.simulate([{"step": 200, "delay": 0.3}, "hang", 200])
    began = time.monotonic()
    assert suite.send(run_event()) == 200
    assert time.monotonic() - began >= 0.3
    with pytest.raises(httpx.ReadTimeout):
        suite.send(run_event(), timeout=0.2)
    assert suite.send(run_event()) == 200


def test_the_position_in_a_sequence_can_be_asked_for(suite: Suite) -> None:
    suite.simulate([503, 503, 200])
    suite.send(run_event())
    state = suite.get("faults")
    assert (state["taken"], state["left"], state["active"]) == (1, [0, 1, 1], True)


def test_reset_is_for_one_org_and_leaves_the_others_alone(url: str, suite: Suite) -> None:
    other = Suite(url)
    try:
        for one in (suite, other):
            one.simulate([503], repeat_last=True)
            assert one.send(run_event()) == 503
        suite.reset()
        assert suite.send(run_event()) == 202
        assert other.send(run_event()) == 503
        assert len(suite.all("exchanges")) == 1
        assert [exchange["status_code"] for exchange in other.all("exchanges")] == [503, 503]
        suite.reset()
        assert (suite.all("exchanges"), suite.all("events"), suite.all("runs")) == ([], [], [])
    finally:
        other.close()


def test_an_event_that_arrives_after_the_reset_is_new(suite: Suite) -> None:
    event = run_event()
    suite.send(event)
    suite.reset()
    suite.send(event)
    (listed,) = suite.all("events")
    assert listed["attempts"] == 1


def test_a_real_client_can_be_taken_through_such_a_test(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The asynchronous route under load: three failures for everyone, and nothing is lost or out of order."""
    cut_off(monkeypatch, tmp_path)
    runs = [str(uuid.uuid4()) for _ in range(20)]
    suite.simulate([503, 500, 502, {"step": 504, "times": 7}], delay=0.01)
    with datadog_client(suite.url, suite.key, async_transport_rules=ASYNC_ROUTE) as client:
        for state in (RunState.START, RunState.COMPLETE):
            for run_id in runs:
                client.emit(client_event(state, run_id=run_id))
    seen = {run["run_id"]: run for run in suite.all("runs", closed=1)}
    assert {run_id: run["states"] for run_id, run in seen.items()} == {run: ["START", "COMPLETE"] for run in runs}
    assert [finding for run in seen.values() for finding in run["findings"]] == []
    assert Counter(exchange["status_code"] for exchange in suite.all("exchanges")) == {
        202: 40, 503: 1, 500: 1, 502: 1, 504: 7
    }  # fmt: skip
    assert suite.get("faults")["active"] is False
