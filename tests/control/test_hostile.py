"""Ids, paths and queries that nobody should send: answered in JSON, never with a 5xx, and not put on record."""

from __future__ import annotations

import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_intake import IntakeServer
from mock_intake.journal import ExchangeFilter
from mock_intake.model.exchange import UNATTRIBUTED
from tests.control.content import HTTP, PREFIX, api
from tests.fuzz import Answer, send

FEW = settings(max_examples=max(30, settings().max_examples // 2))

PATHS = [
    "/events/%00",
    "/events/%0a",
    "/events/%0d%0aSet-Cookie:%20a=b",
    "/events/%ff%fe",
    "/events/..",
    "/events/%2e%2e/%2e%2e/etc/passwd",
    "/events/" + "x" * 10_000,
    "/events/'%20OR%201=1--",
    "/events/%2f%2f",
    "/events/a/b/c",
    "/events/",
    "/events//",
    "//events",
    "/EVENTS",
    "/events.json",
    "/events;limit=1",
    "/exchanges/%00%00",
    "/exchanges/%22%3E%3Cscript%3E",
    "/runs/%00",
    "/runs/",
    "/runs//",
    "/runs/a/../b",
    "/runs/" + "%41" * 3_000,
    "/%0a",
    "/%0aevents",
    "/nothing%0a/at/all",
    "/",
    "/%",
    "/%zz",
    "/.%2e/.%2e/healthz",
]


def ask(server: IntakeServer, path: str, method: str = "GET") -> Answer:
    """Asks with a target that no client library has had its hands on."""
    (answer,) = send(server, f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1"))
    return answer


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
def test_a_strange_path_is_not_found(recorded: IntakeServer, path: str) -> None:
    before = recorded.journal.position
    answer = ask(recorded, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert len(answer.body) < 1_000
    assert "set-cookie" not in answer.headers
    assert recorded.journal.position == before


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=2",
        "limit=%31%00",
        "limit=" + "1" * 5_000,
        "limit=1;cursor=2",
        "=",
        "%00=1",
        "org",
        "&&&x",
        "cursor=999999999999999999999999",
        "cursor=-0",
        "status=ok%0a",
        "kind=RunEvent%20",
        "a=" * 2_000,
    ],
    ids=lambda query: query[:30],
)
def test_a_strange_query_is_refused_or_finds_nothing(recorded: IntakeServer, query: str) -> None:
    answer = ask(recorded, f"/events?{query}")
    assert answer.status in (200, 400)
    if answer.status == 400:
        assert len(answer.body) < 1_000
    else:
        assert query == "org"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_an_org_that_is_empty_is_refused(recorded: IntakeServer, method: str) -> None:
    """It is a variable that was not set: neither nobody nor everybody is meant."""
    asked = {
        "GET": ("/events?org=", None),
        "HEAD": ("/runs?org=", None),
        "POST": ("/wait", {"org": "", "timeout": 0}),
        "PUT": ("/faults", {"sequence": [503], "org": ""}),
        "DELETE": ("/exchanges?org=", None),
    }
    path, body = asked[method]
    before = recorded.journal.position
    response = HTTP.request(method, api(recorded, path), json=body)
    assert response.status_code == 400
    if method != "HEAD":
        assert "org is" in response.json()["error"]
    assert recorded.journal.position == before
    assert HTTP.get(api(recorded, "/statistics")).json()["exchanges"] > 0


# Generous, on a machine with other things to do.
_SECONDS = 20.0
_BYTES_OF_RECORD, _BYTES_OF_REFUSAL = 4 * 1024 * 1024, 64 * 1024
UNATTRIBUTED_ONES = ExchangeFilter(org=UNATTRIBUTED)
target = st.one_of(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30),
    st.text("./%?&=0aEe-;:@#\\", max_size=30),
    st.sampled_from(["events", "exchanges", "runs", "lineage", "export", "openapi.json"]).flatmap(
        lambda name: st.text("./%?&=limt0aEe-;:@#\\", max_size=20).map(lambda more: name + more)
    ),
)


@FEW
@given(target=target, method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "TRACE"]))
def test_no_target_is_a_server_error(recorded: IntakeServer, target: str, method: str) -> None:
    with socket.create_connection(recorded.address, timeout=5) as connection:
        head = f"{method} {PREFIX}/{target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        connection.sendall((head + "Connection: close\r\n\r\n").encode("latin-1"))
        received, began = b"", time.monotonic()
        while more := connection.recv(65_536):
            received += more
    assert time.monotonic() - began < _SECONDS
    status = int(received.split(b" ", 2)[1])
    assert 200 <= status < 500
    # Whatever is on record is given out; of what was asked for wrongly no more is said than fits on a page.
    assert len(received) < (_BYTES_OF_RECORD if status < 400 else _BYTES_OF_REFUSAL)
    # What is no HTTP is put on record by whoever reads it; what reaches the control API is not.
    strays = [exchange.request.path for exchange in recorded.journal.exchanges(UNATTRIBUTED_ONES, 1_000).items]
    assert not [path for path in strays if path.startswith(PREFIX + "/")]


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "BREW", "get", "POST"])
def test_another_method_is_refused_with_those_that_there_are(recorded: IntakeServer, method: str) -> None:
    answer = ask(recorded, "/exchanges", method)
    if answer.headers["content-type"] == "application/json" and answer.status == 405:
        assert answer.headers["allow"] == "DELETE, GET, HEAD"
        assert "DELETE, GET, HEAD" in answer.json()["error"]
    else:
        assert answer.status == 400


def test_what_only_looks_like_the_control_api_is_the_intakes(intake: IntakeServer) -> None:
    """It is on record as gone astray."""
    for number, path in enumerate(("/api/mock/v1", "/api/mock/v1x", "/api/mock/v2/events"), 1):
        assert HTTP.get(intake.url + path).status_code in (401, 404)
        assert intake.journal.position == number


def test_bodies_where_none_is_expected_do_no_harm(recorded: IntakeServer) -> None:
    for path in ("/events", "/lineage", "/openapi.json"):
        assert HTTP.request("GET", api(recorded, path), content=b"x" * 100_000).status_code == 200
