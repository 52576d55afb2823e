"""Fault plans over the control API: shapes, refusals, and which requests take a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.access import Access
from tests.faults.wire import ask, connected, control, event_bytes, misbehave, post
from tests.fuzz import KEY, request_bytes

LONG = {
    "times": 1, "headers": {}, "body": None, "delay": 0.0, "match": None, "probability": None, "seed": 0,
    "location": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


@pytest.fixture
def intake(shared: IntakeServer) -> IntakeServer:
    """An intake that is well."""
    shared.faults.clear(everything=True)
    return shared


# Setting, looking, ending.


def test_a_plan_is_put_and_told_in_its_long_form_with_its_position(intake: IntakeServer, api_key: str) -> None:
    retry = {"step": 429, "headers": {"Retry-After": "1"}}
    plan = {"sequence": [503, "reset", retry, 202], "delay": 0.05, "repeat_last": False, "org": None}
    told = {
        "sequence": [
            {"step": 503, **LONG},
            {"step": "reset", **LONG},
            {**LONG, **retry},
            {"step": 202, **LONG},
        ],
        "delay": 0.05,
        "repeat_last": False,
        "org": None,
    }
    begun = {**told, "taken": 0, "left": [1, 1, 1, 1], "active": True}
    assert control(intake, "PUT", "/faults", plan) == begun
    assert control(intake, "GET", "/faults") == begun
    assert post(intake, api_key).status == 503
    assert control(intake, "GET", "/faults") == {**begun, "taken": 1, "left": [0, 1, 1, 1]}


def test_a_plan_that_has_ended_is_told_to_be_over(intake: IntakeServer, api_key: str) -> None:
    control(intake, "PUT", "/faults", [503])
    assert [post(intake, api_key).status for _ in range(2)] == [503, 202]
    told = control(intake, "GET", "/faults")
    assert (told["taken"], told["left"], told["active"]) == (1, [0], False)


def test_an_intake_without_a_plan_says_so(intake: IntakeServer) -> None:
    well = {"sequence": [], "delay": 0.0, "repeat_last": False, "taken": 0, "left": [], "active": False}
    assert control(intake, "GET", "/faults") == {**well, "org": None}
    assert control(intake, "GET", "/faults?org=0123456789ab") == {**well, "org": "0123456789ab"}


@pytest.mark.parametrize("plan", ["503,reset", [503, "reset"], {"sequence": ["503", "reset"]}], ids=str)
def test_every_form_of_a_plan_can_be_put(plan: Any, intake: IntakeServer) -> None:
    told = control(intake, "PUT", "/faults", plan)
    assert [step["step"] for step in told["sequence"]] == [503, "reset"]


def test_delete_makes_the_intake_well(intake: IntakeServer, api_key: str) -> None:
    control(intake, "PUT", "/faults", {"sequence": [503], "repeat_last": True})
    assert post(intake, api_key).status == 503
    assert control(intake, "DELETE", "/faults") == {"active": False}
    assert post(intake, api_key).status == 202
    assert control(intake, "GET", "/faults")["sequence"] == []


def test_delete_makes_one_org_well_or_all(intake: IntakeServer, api_key: str) -> None:
    org = org_of(api_key)
    control(intake, "PUT", "/faults", {"sequence": [503], "repeat_last": True})
    for _ in range(2):
        control(intake, "PUT", "/faults", {"sequence": [429], "repeat_last": True, "org": org})
    assert post(intake, api_key).status == 429
    control(intake, "DELETE", f"/faults?org={org}")
    assert post(intake, api_key).status == 503
    control(intake, "PUT", "/faults", {"sequence": [429], "org": org})
    control(intake, "DELETE", "/faults")
    assert post(intake, api_key).status == 202
    assert control(intake, "GET", f"/faults?org={org}")["sequence"] == []


def test_a_plan_of_an_org_is_told_for_that_org(intake: IntakeServer, api_key: str) -> None:
    org = org_of(api_key)
    control(intake, "PUT", "/faults", [500])
    assert control(intake, "PUT", "/faults", {"sequence": [429], "org": org})["org"] == org
    assert [control(intake, "GET", f"/faults{query}")["sequence"][0]["step"] for query in ("", f"?org={org}")] == [
        500,
        429,
    ]
    assert [post(intake, key).status for key in (api_key, KEY, api_key)] == [429, 500, 202]


def test_what_is_told_can_be_put_again(intake: IntakeServer) -> None:
    step = {"step": 503, "times": None, "body": {"a": 1}, "match": {"job": "a"}, "probability": 0.5, "seed": 3}
    told = control(intake, "PUT", "/faults", {"sequence": [step], "delay": 1, "repeat_last": True})
    plan = {name: told[name] for name in ("sequence", "delay", "repeat_last", "org")}
    assert control(intake, "PUT", "/faults", plan) == told


# Refusals.


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (["slow"], "a step is a status from 200 to 599 or one of close, reset, lost, truncate, drip, garbage, hang"),
        ([700], "not '700'"),
        ("", "a step is a status"),
        (None, 'a plan is a text such as "503,reset,202", a list of steps, or an object with a sequence'),
        (["redirect"], 'a redirect needs a location: {"step": "redirect", "location": "http://..."}'),
        ({"steps": [503]}, "a plan has no field 'steps'; there are sequence, delay, repeat_last, org"),
        ([{"step": 503, "time": 2}], "a step has no field 'time'; there are step, times, headers"),
        ([{"step": 503, "times": 0}], "times is a number of requests, 1 or more, or null for ever"),
        ({"delay": "500ms"}, "delay is a number of seconds from 0 to 3600"),
        ([{"step": 503, "match": {"eventType": "START"}}], "there are event_type, job, attempt"),
        ([{"step": 503, "headers": {"A": "b\r\nC: d"}}], "the header 'A' has characters that no header can have"),
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_understood_is_refused_and_explained(
    plan: Any, told: str, intake: IntakeServer, api_key: str
) -> None:
    control(intake, "PUT", "/faults", [418])
    answer = control(intake, "PUT", "/faults", plan, status=400)
    assert list(answer) == ["error"]
    assert told in answer["error"]
    assert control(intake, "GET", "/faults")["sequence"][0]["step"] == 418, "the plan that there was stays"
    assert post(intake, api_key).status == 418


@pytest.mark.parametrize("body", [b"", b"{", b"503,reset", b"\xff", b"[NaN]", b"[" * 5_000])
def test_a_body_that_is_no_json_is_refused(body: bytes, intake: IntakeServer) -> None:
    with connected(intake) as connection:
        answer = ask(connection, request_bytes(body, method="PUT", target="/api/mock/v1/faults", key=None))
    assert answer.status == 400
    assert answer.json()["error"]
    assert not control(intake, "GET", "/faults")["active"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_parameter_that_is_none_is_refused(method: str, intake: IntakeServer) -> None:
    assert "there are org" in control(intake, method, "/faults?organisation=a", status=400)["error"]


def test_an_org_in_the_query_of_a_put_never_makes_a_plan_for_all(intake: IntakeServer, api_key: str) -> None:
    """GET and DELETE take it there, so that is where it will be put."""
    with connected(intake) as connection:
        target = f"/api/mock/v1/faults?org={org_of(api_key)}"
        ask(connection, request_bytes(b"[503]", method="PUT", target=target, key=None))
    assert control(intake, "GET", "/faults")["sequence"] == []


def test_other_methods_are_refused_and_change_nothing(intake: IntakeServer) -> None:
    control(intake, "PUT", "/faults", [503])
    with connected(intake) as connection:
        answer = ask(connection, request_bytes(b"[500]", target="/api/mock/v1/faults", key=None))
    assert answer.status in (404, 405)
    assert control(intake, "GET", "/faults")["sequence"][0]["step"] == 503


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("PUT", b"[503]"), ("DELETE", b"")])
def test_faults_are_guarded_as_the_rest_of_the_control_api(
    method: str, body: bytes, start_server: Callable[..., IntakeServer], api_key: str
) -> None:
    server = start_server(access=Access(token="t0ken"))
    misbehave(server, [429, 429])
    request = request_bytes(body, method=method, target="/api/mock/v1/faults", key=None)
    elsewhere = request.replace(b"Host: 127.0.0.1", b"Host: evil.example")
    with connected(server) as connection:
        assert ask(connection, request).status == 401
        assert ask(connection, elsewhere).status == 403
        assert post(server, api_key).status == 429
        allowed = request.replace(b"Host:", b"Authorization: Bearer t0ken\r\nHost:")
        assert ask(connection, allowed).status == 200


# Which requests take a step.


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/healthz"),
        ("POST", "/healthz"),
        ("GET", "/api/mock/v1/faults"),
        ("GET", "/api/mock/v1/events"),
        ("GET", "/api/mock/v1/nothing"),
        ("GET", "/api/v1/lineage"),
        ("PUT", "/api/v1/lineage"),
        ("HEAD", "/api/v1/lineage"),
        ("POST", "/api/v1/lineage/"),
        ("POST", "/api/v1/lineage/batch"),
        ("POST", "/openlineage/api/v1/lineage"),
        ("POST", "/"),
    ],
)
def test_what_is_no_post_to_the_endpoint_takes_no_step(
    method: str, target: str, intake: IntakeServer, api_key: str
) -> None:
    before = intake.journal.position
    misbehave(intake, [503])
    with connected(intake) as connection:
        connection.sendall(request_bytes(event_bytes(), method=method, target=target, key=api_key))
        status = int(connection.recv(65_536).split()[1])
    assert status != 503
    assert control(intake, "GET", "/faults")["taken"] == 0
    assert [exchange.fault for _, exchange in intake.journal.read(before, 10)] in ([], [None])
    assert post(intake, api_key).status == 503


@pytest.mark.parametrize(
    "request_",
    [
        request_bytes(event_bytes()),
        request_bytes(event_bytes(), key=None),
        request_bytes(event_bytes(), key="not-a-key"),
        request_bytes(event_bytes(), [("DD-API-KEY", KEY)], key=None),
        request_bytes(event_bytes(), [("Content-Encoding", "br")]),
        request_bytes(event_bytes(), target="/api/v1/lineage?api-version=2"),
        request_bytes(b"no JSON at all"),
        request_bytes(b""),
    ],
    ids=["key", "no key", "bad key", "misplaced key", "bad encoding", "api-version", "no JSON", "empty"],
)
def test_any_post_to_the_endpoint_takes_a_step_whatever_its_key_and_body(request_: bytes, intake: IntakeServer) -> None:
    misbehave(intake, [418])
    with connected(intake) as connection:
        assert ask(connection, request_).status == 418
        assert ask(connection, request_).status != 418


def test_requests_that_are_refused_for_their_key_can_have_a_plan_of_their_own(intake: IntakeServer) -> None:
    control(intake, "PUT", "/faults", {"sequence": [418], "org": "unattributed"})
    assert post(intake, KEY).status == 202
    with connected(intake) as connection:
        assert ask(connection, request_bytes(event_bytes(), key=None)).status == 418


def test_the_control_api_can_be_used_while_requests_hang(intake: IntakeServer, api_key: str) -> None:
    control(intake, "PUT", "/faults", {"sequence": ["hang"], "repeat_last": True})
    with connected(intake) as one, connected(intake) as two:
        for connection in (one, two):
            connection.sendall(request_bytes(event_bytes(), key=api_key))
        while control(intake, "GET", "/faults")["taken"] < 2:
            pass
        control(intake, "DELETE", "/faults")
        assert post(intake, api_key).status == 202
