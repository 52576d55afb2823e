"""The control API: what is on record, in the shapes that others rely on, filtered and paged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import MemoryJournal
from mock_intake.secrets.api_keys import org_of
from tests.events import RUN_ID, dataset, dataset_event, job_event, job_type, run_event, schema
from tests.fuzz import Answer, flawed_event, request_bytes, send

EVENT_FIELDS = {
    "id", "org", "received_at", "last_received_at", "status", "kind", "event_type", "event_time", "run_id", "job",
    "inputs",
    "outputs", "producer", "attempts", "findings",
}  # fmt: skip
EXCHANGE_FIELDS = {
    "id", "org", "received_at", "method", "path", "query", "headers", "wire_size", "decoded_size", "status_code",
    "fault",
    "event_id", "findings",
}  # fmt: skip
RUN_FIELDS = {
    "run_id", "job", "states", "state", "started_at", "ended_at", "duration", "parent", "events", "findings",
}  # fmt: skip
FINDING_FIELDS = {
    "code", "severity", "subject", "pointer", "message", "expected", "actual", "advice", "source", "sureness",
    "violates",
}  # fmt: skip


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def ask(intake: IntakeServer, path: str, method: str = "GET", **more: Any) -> Answer:
    return send(intake, request_bytes(method=method, target=f"/api/mock/v1{path}", key=None, **more))[0]


def get(intake: IntakeServer, path: str) -> Any:
    answer = ask(intake, path)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def post(intake: IntakeServer, key: str, event: Any, *headers: tuple[str, str]) -> str | None:
    """Sends an event; gives its id, if it has one."""
    (answer,) = send(intake, request_bytes(json.dumps(event).encode(), headers, key=key))
    identity: str | None = answer.json()["id"]
    return identity


def is_utc(moment: str) -> bool:
    """RFC 3339 with offset, as all times here."""
    return datetime.fromisoformat(moment).utcoffset() == timedelta(0)


# Shapes.


def test_an_event_has_the_promised_fields(intake: IntakeServer, api_key: str) -> None:
    orders = dataset(schema=schema())
    sent = run_event("COMPLETE", inputs=[dataset("shop.public.raw", schema=schema())], outputs=[orders])
    identity = post(intake, api_key, sent)
    listing = get(intake, f"/events?org={org_of(api_key)}")
    assert set(listing) == {"events", "next", "dropped"}
    (event,) = listing["events"]
    assert set(event) >= EVENT_FIELDS
    assert not {"body", "raw"} & set(event)
    assert (
        event
        | {
            "id": identity,
            "org": org_of(api_key),
            "status": "ok",
            "kind": "RunEvent",
            "event_type": "COMPLETE",
            "event_time": sent["eventTime"],
            "run_id": RUN_ID,
            "job": {"namespace": "prod", "name": "load_orders"},
            "inputs": [{"namespace": "postgres://db:5432", "name": "shop.public.raw"}],
            "outputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders"}],
            "producer": sent["producer"],
            "attempts": 1,
        }
        == event
    )
    assert is_utc(event["received_at"])
    assert is_utc(event["last_received_at"])
    assert all(set(finding) == FINDING_FIELDS for finding in event["findings"])
    one = get(intake, f"/events/{identity}")
    assert one == {**event, "body": sent, "raw": json.dumps(sent)}


def test_an_exchange_has_the_promised_fields(intake: IntakeServer, api_key: str) -> None:
    body = json.dumps(flawed_event()).encode()
    headers = [("X-Note", "a"), ("x-note", "b"), ("DD-API-KEY", api_key)]
    send(intake, request_bytes(body, headers, key=api_key, target="/api/v1/lineage?api-version=2&x=%20"))
    listing = get(intake, f"/exchanges?org={org_of(api_key)}")
    assert set(listing) == {"exchanges", "next", "dropped"}
    (exchange,) = listing["exchanges"]
    assert set(exchange) >= EXCHANGE_FIELDS
    assert "body" not in exchange
    assert exchange["headers"] == {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "authorization": f"Bearer ****{api_key[-4:]}",
        "content-length": str(len(body)),
        "x-note": "a, b",
        "dd-api-key": f"****{api_key[-4:]}",
    }
    expected = {
        "org": org_of(api_key),
        "method": "POST",
        "path": "/api/v1/lineage",
        "query": "api-version=2&x=%20",
        "wire_size": len(body),
        "decoded_size": len(body),
        "status_code": 202,
        "fault": None,
    }
    assert exchange | expected == exchange
    assert [finding["code"] for finding in exchange["findings"]] == ["DD101"]
    assert set(exchange["findings"][0]) == FINDING_FIELDS
    assert is_utc(exchange["received_at"])
    one = get(intake, f"/exchanges/{exchange['id']}")
    assert {**exchange, "body": flawed_event()} == {name: one[name] for name in (*exchange, "body")}
    (with_body,) = get(intake, f"/exchanges?org={org_of(api_key)}&body=1")["exchanges"]
    assert with_body == {**exchange, "body": flawed_event()}


def test_a_run_has_the_promised_fields(intake: IntakeServer, api_key: str) -> None:
    for event_type, time in (("START", "12:00:00"), ("RUNNING", "12:00:30"), ("COMPLETE", "12:01:30")):
        event = run_event(event_type, eventTime=f"2026-11-01T{time}Z", outputs=[dataset(schema=schema())])
        post(intake, api_key, event)
    listing = get(intake, f"/runs?org={org_of(api_key)}")
    assert set(listing) == {"runs", "next", "dropped"}
    (run,) = listing["runs"]
    assert set(run) >= RUN_FIELDS
    assert run["run_id"] == RUN_ID
    assert run["job"] == {"namespace": "prod", "name": "load_orders"}
    assert run["states"] == ["START", "RUNNING", "COMPLETE"]
    assert run["state"] == "COMPLETE"
    assert run["duration"] == 90
    assert datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"]) == timedelta(seconds=90)
    assert run["parent"] is None
    assert run["findings"] == []
    events = get(intake, f"/events?org={org_of(api_key)}")["events"]
    assert run["events"] == [event["id"] for event in reversed(events)]
    assert get(intake, f"/runs/{RUN_ID}?org={org_of(api_key)}") == {**run, "dropped": 0}
    assert get(intake, f"/runs/latest?org={org_of(api_key)}") == {**run, "dropped": 0}


def test_a_run_is_judged_for_what_is_missing_only_when_closed(intake: IntakeServer, api_key: str) -> None:
    post(intake, api_key, run_event("START"))
    listing = f"/runs?org={org_of(api_key)}"
    assert get(intake, listing)["runs"][0]["findings"] == []
    assert [finding["code"] for finding in get(intake, f"{listing}&closed=1")["runs"][0]["findings"]] == ["RC102"]


def test_findings_are_those_of_exchanges_runs_and_datasets(intake: IntakeServer, api_key: str) -> None:
    inputs = [dataset(name="Shop.public.orders"), dataset(name="shop.public.orders")]
    identity = post(intake, api_key, flawed_event(inputs=inputs))
    post(intake, api_key, run_event("COMPLETE"))
    post(intake, api_key, run_event("FAIL"))
    listing = get(intake, f"/findings?org={org_of(api_key)}")
    assert set(listing) >= {"findings", "next", "dropped"}
    by_code = {finding["code"]: finding for finding in listing["findings"]}
    assert set(by_code["DD101"]) >= FINDING_FIELDS | {"exchange_id", "event_id", "org", "received_at"}
    assert by_code["DD101"]["event_id"] == identity
    assert {finding["code"][:2] for finding in listing["run_findings"]} == {"RC"}
    assert {finding["code"][:2] for finding in listing["dataset_findings"]} == {"DS"}


def test_requests_that_are_refused_are_exchanges_and_no_events(intake: IntakeServer, api_key: str) -> None:
    send(intake, request_bytes(b"[]", key=api_key))
    send(intake, request_bytes(b"not JSON", key=api_key, target="/elsewhere"))
    assert get(intake, f"/events?org={org_of(api_key)}")["events"] == []
    exchanges = get(intake, f"/exchanges?org={org_of(api_key)}")["exchanges"]
    assert [(exchange["status_code"], exchange["event_id"]) for exchange in exchanges] == [(404, None), (400, None)]


# Filters.


@pytest.fixture(scope="module")
def filled(intake: IntakeServer) -> str:
    """An org with one event of every sort; gives its name."""
    key = "f1" * 16
    other = {"runId": "0b6a4c1e-1d1f-4b8e-9a51-5f0b5ce79a8c"}
    for event in (
        run_event("START"),
        run_event("COMPLETE"),
        run_event("START", run=other),
        run_event("START", job={"namespace": "PROD", "name": "load_orders", "facets": {"jobType": job_type()}}),
        run_event("FAIL", job={"namespace": "prod", "name": "other job/ä", "facets": {"jobType": job_type()}}),
        run_event("RUNNING", producer="no URI"),
        flawed_event(),
        job_event(),
        dataset_event(),
    ):
        post(intake, key, event)
    return org_of(key)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 9),
        ("event_type=START", 4),
        ("event_type=COMPLETE", 1),
        ("kind=RunEvent", 7),
        ("kind=JobEvent", 1),
        ("kind=DatasetEvent", 1),
        ("status=error", 1),
        ("status=ERROR", 1),
        ("job_namespace=prod", 7),
        ("job_namespace=PROD", 1),
        ("job_namespace=pro", 0),
        ("job_name=load_orders", 7),
        (f"job_name={quote('other job/ä')}", 1),
        (f"run_id={RUN_ID}", 6),
        ("run_id=0b6a4c1e-1d1f-4b8e-9a51-5f0b5ce79a8c", 1),
        ("run_id=unknown", 0),
        (f"run_id={RUN_ID}&event_type=START&job_namespace=prod", 2),
        (f"run_id={RUN_ID}&event_type=START&status=error&kind=RunEvent&job_name=load_orders&job_namespace=prod", 1),
        ("kind=JobEvent&event_type=START", 0),
    ],
)
def test_events_are_filtered(intake: IntakeServer, filled: str, query: str, count: int) -> None:
    found = get(intake, f"/events?org={filled}&{query}")["events"]
    assert len(found) == count
    every = {event["id"]: event for event in get(intake, f"/events?org={filled}")["events"]}
    wanted = [part.split("=") for part in query.split("&") if part]
    for event in found:
        assert event == every.pop(event["id"])
    for event in every.values():  # what was left out differs in something that was asked for
        flat = {**event, "job_namespace": event["job"]["namespace"], "job_name": event["job"]["name"]}
        assert any(quote(str(flat[name])).lower() != value.lower() or flat[name] != value for name, value in wanted)


def test_statuses_together_are_all_events(intake: IntakeServer, filled: str) -> None:
    listed = [
        event["id"]
        for status in ("ok", "warning", "error")
        for event in get(intake, f"/events?org={filled}&status={status}")["events"]
    ]
    assert sorted(listed) == sorted(event["id"] for event in get(intake, f"/events?org={filled}")["events"])


def test_orgs_see_nothing_of_each_other(intake: IntakeServer, api_key: str) -> None:
    post(intake, api_key, run_event())
    for listing in ("events", "exchanges", "runs"):
        (mine,) = get(intake, f"/{listing}?org={org_of(api_key)}")[listing]
        assert mine["org"] == org_of(api_key)
    for listing in ("events", "exchanges", "runs", "findings"):
        assert get(intake, f"/{listing}?org=000000000000")[listing] == []


# Paging.


@pytest.fixture(scope="module")
def many(intake: IntakeServer) -> str:
    """An org with 23 events, each of a run of its own, some sent twice."""
    key = "ab" * 16
    for number in range(23):
        event = flawed_event(run={"runId": f"5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b{number:02x}"})
        for _ in range(2 if number % 5 == 0 else 1):
            post(intake, key, event)
    return org_of(key)


@pytest.mark.parametrize("listing", ["events", "exchanges", "runs", "findings"])
@pytest.mark.parametrize("limit", [1, 4, 7, 22, 23, 28, 1000])
def test_pages_together_are_the_whole_listing(intake: IntakeServer, many: str, listing: str, limit: int) -> None:
    whole = get(intake, f"/{listing}?org={many}&limit=1000")
    assert whole["next"] is None
    pages = []
    cursor = ""
    while True:
        page = get(intake, f"/{listing}?org={many}&limit={limit}{cursor}")
        pages.append(page[listing])
        if page["next"] is None:
            break
        assert isinstance(page["next"], str)
        cursor = f"&cursor={page['next']}"
    assert [item for page in pages for item in page] == whole[listing]
    assert len(whole[listing]) == (28 if listing in ("exchanges", "findings") else 23)
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


@pytest.mark.parametrize("listing", ["events", "exchanges", "runs"])
def test_the_newest_is_listed_first(intake: IntakeServer, many: str, listing: str) -> None:
    found = get(intake, f"/{listing}?org={many}")[listing]
    if listing == "runs":
        assert [run["run_id"][-2:] for run in found] == [f"{number:02x}" for number in reversed(range(23))]
    else:
        moments = [item.get("last_received_at") or item["received_at"] for item in found]
        assert moments == sorted(moments, reverse=True)


def test_a_cursor_holds_while_more_comes_in(intake: IntakeServer, api_key: str) -> None:
    def listed(cursor: str = "") -> Any:
        return get(intake, f"/exchanges?org={org_of(api_key)}&limit=2{cursor}")

    for number in range(4):
        post(intake, api_key, run_event(note=number))
    first = listed()
    post(intake, api_key, run_event(note=4))
    second = listed(f"&cursor={first['next']}")
    ids = [exchange["id"] for page in (first, second) for exchange in page["exchanges"]]
    assert len(set(ids)) == 4
    assert second["next"] is None


def test_listings_say_how_much_retention_has_dropped() -> None:
    with IntakeServer(journal=MemoryJournal(max_exchanges=3)) as intake:
        ids = [post(intake, "0" * 32, run_event(note=number)) for number in range(5)]
        for listing in ("events", "exchanges", "runs", "findings"):
            assert get(intake, f"/{listing}")["dropped"] == 2
        assert [event["id"] for event in get(intake, "/events")["events"]] == ids[:1:-1]
        gone = ask(intake, f"/events/{ids[0]}")
        assert gone.status == 404
        assert "dropped 2" in gone.json()["error"]


# What is asked wrongly.


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/events?limit=0", ["limit", "1000", "0"]),
        ("/events?limit=1001", ["limit", "1000", "1001"]),
        ("/events?limit=-1", ["limit", "-1"]),
        ("/events?limit=ten", ["limit", "ten"]),
        ("/events?limit=", ["limit"]),
        ("/events?limit=1e2", ["limit", "1e2"]),
        ("/events?limit=%D9%A1", ["limit"]),
        ("/exchanges?cursor=abc", ["cursor", "abc"]),
        ("/exchanges?cursor=-1", ["cursor"]),
        ("/exchanges?cursor=" + "9" * 40, ["cursor"]),
        ("/runs?cursor=x", ["cursor"]),
        ("/events?status=fine", ["status", "fine", "ok", "warning", "error"]),
        ("/events?kind=runevent", ["kind", "runevent", "RunEvent", "JobEvent", "DatasetEvent"]),
        ("/events?jobname=x", ["jobname", "job_name"]),
        ("/events?body=1", ["body"]),
        ("/exchanges?status=ok", ["status"]),
        ("/exchanges?body=maybe", ["body", "maybe"]),
        ("/runs?status=ok", ["status"]),
        ("/runs?closed=perhaps", ["closed", "perhaps"]),
        ("/findings?code=DD101", ["code"]),
    ],
)
def test_a_bad_parameter_is_refused_with_what_would_be_right(intake: IntakeServer, path: str, words: list[str]) -> None:
    answer = ask(intake, path)
    assert answer.status == 400
    for word in words:
        assert word in answer.json()["error"]


@pytest.mark.parametrize(
    "path", ["/events/0123456789abcdef", "/exchanges/nothing", "/runs/nothing", "/runs/latest?org=0"]
)
def test_what_is_not_on_record_is_not_found(intake: IntakeServer, path: str) -> None:
    answer = ask(intake, path)
    assert answer.status == 404
    assert "on record" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/events/a/b", 404),
        ("DELETE", "/nothing", 404),
        ("PUT", "/exchanges", 405),
        ("POST", "/events", 405),
        ("DELETE", "/events", 405),
        ("POST", "/nothing", 404),
    ],
)
def test_unknown_paths_and_methods_are_refused_in_json(
    intake: IntakeServer, method: str, path: str, status: int
) -> None:
    answer = ask(intake, path, method)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert path.partition("?")[0].partition("%")[0] in answer.json()["error"]


# Forgetting.


def test_an_org_is_forgotten_and_no_other(start_server: Any, api_key: str) -> None:
    intake = start_server()
    other = "0" * 32
    for key in (api_key, other, api_key):
        post(intake, key, run_event())
    answer = ask(intake, f"/exchanges?org={org_of(api_key)}", "DELETE")
    assert (answer.status, answer.json()) == (200, {"forgotten": 2})
    for listing in ("events", "exchanges", "runs"):
        assert {item["org"] for item in get(intake, f"/{listing}")[listing]} == {org_of(other)}
    assert get(intake, "/exchanges")["dropped"] == 0
    assert ask(intake, "/exchanges?org=", "DELETE").status == 400
    assert ask(intake, "/exchanges?orgs=x", "DELETE").status == 400
    assert ask(intake, "/exchanges", "DELETE").json() == {"forgotten": 1}
    for listing in ("events", "exchanges", "runs", "findings"):
        assert get(intake, f"/{listing}")[listing] == []


def test_requests_to_the_control_api_are_not_on_record(intake: IntakeServer) -> None:
    before = intake.journal.position
    for path in ("/events", "/exchanges?body=1", "/nothing", "/events?limit=x"):
        ask(intake, path)
    send(intake, request_bytes(method="GET", target="/healthz"))
    assert intake.journal.position == before
