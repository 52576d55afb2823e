"""What a fault is on the wire: every step with raw sockets, plain and TLS, on fresh connections and used ones."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.faults import WORDS
from mock_intake.secrets.api_keys import org_of
from mock_intake.server.http.tls import Certificates
from tests.faults.expected import LOCATION, expected_of
from tests.faults.wire import (
    Connection,
    Heard,
    Scheme,
    answers,
    ask,
    connected,
    control,
    event_bytes,
    hear,
    misbehave,
    post,
    undated,
)
from tests.fuzz import Answer, request_bytes
from tests.timing import SOON, in_time


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    """Shared: every test has a key, and so a plan, of its own."""
    with IntakeServer(tls=Certificates()) as server:
        yield server


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    chosen: Scheme = request.param
    return chosen


@pytest.fixture(params=["fresh", "used"])
def used(request: pytest.FixtureRequest) -> bool:
    """Whether the connection has carried a request before the one that is hit."""
    return bool(request.param == "used")


class Hit:
    """A request that takes the one step of a plan: what was heard, on a connection that is still there."""

    def __init__(self, intake: IntakeServer, key: str, scheme: Scheme, plan: Any) -> None:
        self.body = event_bytes()
        self.request = request_bytes(self.body, key=key)
        self._intake, self._key, self._scheme, self._plan = intake, key, scheme, plan

    def on(self, connection: Connection, *, used: bool, patience: float = 5.0, wanted: int | None = None) -> Heard:
        if used:
            assert ask(connection, request_bytes(event_bytes(), key=self._key)).status == 202
        misbehave(self._intake, self._plan, org_of(self._key))
        connection.sendall(self.request)
        return hear(connection, patience, wanted)

    def alone(self, *, used: bool, patience: float = 5.0, wanted: int | None = None) -> Heard:
        with connected(self._intake, self._scheme) as connection:
            return self.on(connection, used=used, patience=patience, wanted=wanted)

    @property
    def ordinary(self) -> Answer:
        """The answer to the same request when the intake is well."""
        answer = post(self._intake, self._key, self.body)
        assert answer.status == 202
        return answer


# Every step.


@pytest.mark.parametrize("word", WORDS)
def test_a_step_is_heard_as_expected_and_the_intake_goes_on(
    word: str, intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    expected = expected_of(word)
    hit = Hit(intake, api_key, scheme, [{"step": word, "location": LOCATION}])
    with connected(intake, scheme) as connection:
        # What stays open is heard until its answer is there; where none is to come, for long enough to see that.
        answer_comes = expected.ending == "open" and expected.status_code is not None
        patience = 0.7 if expected.ending == "open" and not answer_comes else 5
        heard = hit.on(connection, used=used, patience=patience, wanted=1 if answer_comes else None)
        assert (undated(heard.data), heard.ending) == (expected.heard(hit.ordinary.body), expected.ending)
        if answer_comes:
            assert ask(connection, request_bytes(event_bytes(), key=api_key)).status == 202
    assert post(intake, api_key).status == 202


# Steps that give no answer.


@pytest.mark.parametrize("scheme", ["http"])
@pytest.mark.parametrize("step", ["reset", "lost", "close", "garbage"])
def test_the_connection_stays_until_the_request_was_read(
    step: str, scheme: Scheme, intake: IntakeServer, api_key: str
) -> None:
    body = json.dumps({"note": "x" * 1_000_000}).encode()
    request = request_bytes(body, key=api_key)
    misbehave(intake, step, org_of(api_key))
    with connected(intake, scheme) as connection:
        connection.sendall(request[:-1])
        early = hear(connection, 0.2)
        assert (early.data, early.ending) == (b"", "open")
        connection.sendall(request[-1:])
        assert hear(connection).ending != "open"
    (exchange,) = control(intake, "GET", f"/exchanges?org={org_of(api_key)}&body=1")["exchanges"]
    assert exchange["wire_size"] == len(body)
    assert exchange["body"] == json.loads(body)


@pytest.mark.parametrize("step", ["hang", {"step": 202, "delay": 60}], ids=["hang", "delay"])
def test_the_server_stops_in_time_with_unanswered_requests_and_answers_none(
    step: Any, scheme: Scheme, api_key: str
) -> None:
    server = IntakeServer(tls=Certificates())
    server.start()
    misbehave(server, {"sequence": [step], "repeat_last": True})
    heard: list[Heard] = []

    def wait() -> None:
        with connected(server, scheme) as connection:
            connection.sendall(request_bytes(event_bytes(), key=api_key))
            heard.append(hear(connection, 10))

    waiting = [threading.Thread(target=wait) for _ in range(20)]
    for client in waiting:
        client.start()
    while server.journal.position < len(waiting):
        time.sleep(0.01)
    with in_time():
        server.stop()
    for client in waiting:
        client.join()
    assert not server.is_running
    assert {one.data for one in heard} == {b""}
    assert "open" not in {one.ending for one in heard}
    gc.collect()  # a connection left open would be told here, and warnings are errors


def test_a_client_that_left_a_hanging_request_is_not_waited_for(api_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_intake.server.runner._GRACE", 4.5)
    server = IntakeServer()
    server.start()
    misbehave(server, {"sequence": ["hang"], "repeat_last": True})
    for _ in range(5):
        with connected(server) as connection:
            connection.sendall(request_bytes(event_bytes(), key=api_key))
            assert hear(connection, 0.05).data == b""
    with in_time(4):  # Not as long as requests that are under way get.
        server.stop()


# Answers that go wrong.


def test_truncate_of_an_empty_answer_is_cut_short_too(start_server: Callable[..., IntakeServer], api_key: str) -> None:
    from mock_intake import Settings

    server = start_server(Settings(terse=True))
    heard = Hit(server, api_key, "http", "truncate").alone(used=False)
    head, _, body = heard.data.partition(b"\r\n\r\n")
    assert b"content-length: 1" in head.lower().split(b"\r\n")
    assert (body, heard.ending) == (b"", "eof")


def test_truncate_keeps_the_status_of_a_refusal(intake: IntakeServer) -> None:
    """The head is the one that there would have been, its reason phrase included."""
    misbehave(intake, "truncate")
    with connected(intake) as connection:
        connection.sendall(request_bytes(event_bytes(), key=None))
        heard = hear(connection)
    assert heard.data.partition(b"\r\n")[0] == b"HTTP/1.1 401 Unauthorized"


def test_drip_is_the_ordinary_answer_in_many_pieces(
    intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    hit = Hit(intake, api_key, scheme, "drip")
    with connected(intake, scheme) as connection:
        heard = hit.on(connection, used=used, wanted=1)
        (answer,) = answers(heard.data)
        # The connection is as good as before.
        assert ask(connection, request_bytes(event_bytes(), key=api_key)).status == 202
    ordinary = hit.ordinary
    assert (answer.status, answer.body) == (202, ordinary.body)
    assert answer.headers["content-length"] == str(len(ordinary.body))
    moments = [moment for moment, _ in heard.pieces]
    # The network may join some pieces, not many: they are 50 ms apart.
    assert len(heard.pieces) >= 10
    assert moments[-1] - moments[0] > 1


def test_the_server_stops_in_the_middle_of_a_drip(scheme: Scheme, api_key: str) -> None:
    server = IntakeServer(tls=Certificates())
    server.start()
    try:
        # Two seconds of dripping, of which the server waits for one.
        misbehave(server, [{"step": "drip", "body": "x" * 400}])
        with connected(server, scheme) as connection:
            connection.sendall(request_bytes(event_bytes(), key=api_key))
            begun = connection.recv(65_536)
            server.stop()
            rest = hear(connection)
    finally:
        server.stop()
    assert begun.startswith(b"HTTP/1.1 202 ")
    assert answers(begun + rest.data) == []
    assert rest.ending != "open"
    gc.collect()  # what was left undone would be told here, and warnings are errors


def test_a_client_that_leaves_a_drip_does_no_harm(intake: IntakeServer, api_key: str) -> None:
    heard = Hit(intake, api_key, "http", "drip").alone(used=False, patience=0.3)
    assert heard.data
    assert answers(heard.data) == []
    assert post(intake, api_key).status == 202


# Statuses.


def test_every_status_can_be_answered_and_the_connection_goes_on(intake: IntakeServer, api_key: str) -> None:
    wanted = list(range(200, 600))
    misbehave(intake, wanted, org_of(api_key))
    request = request_bytes(event_bytes(), key=api_key)
    got = []
    with connected(intake) as connection:
        for status in wanted:
            if status == 205:  # its empty body comes in chunks, which answers_in does not read
                connection.sendall(request)
                data = b""
                while not data.endswith(b"0\r\n\r\n"):
                    data += connection.recv(1_000)
                assert data.startswith(b"HTTP/1.1 205 ")
                got.append(205)
            else:
                got.append(ask(connection, request).status)
    assert got == wanted


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 502, 503, 504])
def test_the_vendors_error_body_is_the_default(
    status: int, intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    with connected(intake, scheme) as connection:
        heard = Hit(intake, api_key, scheme, [status]).on(connection, used=used, wanted=1)
        assert ask(connection, request_bytes(event_bytes(), key=api_key)).status == 202
    (answer,) = answers(heard.data)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    (error,) = answer.json()["errors"]
    assert error["status"] == str(status)
    assert error["title"]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(
    status: int, intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    with connected(intake, scheme) as connection:
        heard = Hit(intake, api_key, scheme, [status]).on(connection, used=used, wanted=1)
        head, _, rest = heard.data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert rest == b""
        assert b"content-length" not in head.lower()
        assert b"transfer-encoding" not in head.lower()
        # Nothing of a body comes in front of the next answer.
        assert ask(connection, request_bytes(event_bytes(), key=api_key)).status == 202


def test_a_status_comes_with_headers_and_a_body_of_its_own(
    intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    step = {"step": 429, "headers": {"Retry-After": "1", "X-Limit": "a b"}, "body": "slow down, \u20ac"}
    heard = Hit(intake, api_key, scheme, [step]).alone(used=used, wanted=1)
    (answer,) = answers(heard.data)
    assert answer.status == 429
    assert (answer.headers["retry-after"], answer.headers["x-limit"]) == ("1", "a b")
    assert answer.body.decode() == "slow down, \u20ac"


def test_a_body_that_is_json_goes_out_as_json(intake: IntakeServer, api_key: str) -> None:
    heard = Hit(intake, api_key, "http", [{"step": 500, "body": {"errors": []}}]).alone(used=False, wanted=1)
    assert answers(heard.data)[0].json() == {"errors": []}


@pytest.mark.parametrize(("name", "value"), [("Content-Type", "text/html"), ("content-length", "17")])
def test_a_header_of_the_step_takes_the_place_of_the_intakes_own(
    name: str, value: str, intake: IntakeServer, api_key: str
) -> None:
    """A proxy's error page is no JSON; and a header that stands twice is another fault than the one asked for."""
    step = {"step": 502, "headers": {name: value}, "body": "<h1>gateway</h1>\n"}
    heard = Hit(intake, api_key, "http", [step]).alone(used=False, wanted=1)
    head = heard.data.partition(b"\r\n\r\n")[0].decode()
    values = [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith(name.lower())]
    assert values == [value]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_accepted_as_usual_under_that_status(status: int, intake: IntakeServer, api_key: str) -> None:
    hit = Hit(intake, api_key, "http", [status])
    (answer,) = answers(hit.alone(used=False, wanted=1).data)
    assert answer.status == status
    assert answer.body == (b"" if status == 204 else hit.ordinary.body)
    (event,) = control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]
    assert event["status"] == "ok"


def test_a_success_can_have_a_body_of_its_own(intake: IntakeServer, api_key: str) -> None:
    """As from a captive portal or a wrong host: 200, and a page."""
    step = {"step": 200, "headers": {"X-Portal": "yes"}, "body": "<h1>Welcome</h1>"}
    (answer,) = answers(Hit(intake, api_key, "http", [step]).alone(used=False, wanted=1).data)
    assert (answer.status, answer.headers["x-portal"]) == (200, "yes")
    assert answer.body == b"<h1>Welcome</h1>"


def test_a_success_makes_no_good_request_of_a_bad_one(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, [200], org_of(api_key))
    answer = post(intake, api_key, b"[]")
    assert answer.status == 400
    assert control(intake, "GET", f"/events?org={org_of(api_key)}")["events"] == []


# Redirects.


def test_a_redirect_names_its_location_and_keeps_the_method(
    intake: IntakeServer, api_key: str, scheme: Scheme, used: bool
) -> None:
    location = "https://data-obs-intake.datadoghq.eu/api/v1/lineage?api-version=2"
    step = {"step": "redirect", "location": location}
    with connected(intake, scheme) as connection:
        heard = Hit(intake, api_key, scheme, [step]).on(connection, used=used, wanted=1)
        assert ask(connection, request_bytes(event_bytes(), key=api_key)).status == 202
    (answer,) = answers(heard.data)
    assert (answer.status, answer.headers["location"]) == (307, location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_can_have_another_status(status: int, intake: IntakeServer, api_key: str) -> None:
    step = {"step": status, "location": "/api/v1/lineage"}
    (answer,) = answers(Hit(intake, api_key, "http", [step]).alone(used=False, wanted=1).data)
    assert (answer.status, answer.headers["location"]) == (status, "/api/v1/lineage")


def test_a_request_that_was_redirected_here_takes_the_next_step(intake: IntakeServer, api_key: str) -> None:
    here = {"step": "redirect", "location": intake.url + "/api/v1/lineage"}
    misbehave(intake, [here, 503, here, 202], org_of(api_key))
    assert [post(intake, api_key).status for _ in range(5)] == [307, 503, 307, 202, 202]


# Delays.


@pytest.mark.parametrize("step", [202, 503, "close", "reset", "lost", "truncate", "garbage"])
def test_a_delay_comes_before_whatever_is_done(step: Any, intake: IntakeServer, api_key: str, scheme: Scheme) -> None:
    began = time.monotonic()
    wanted = 1 if isinstance(step, int) else None
    heard = Hit(intake, api_key, scheme, [{"step": step, "delay": 0.4}]).alone(used=False, wanted=wanted)
    took = time.monotonic() - began
    assert 0.4 <= took < SOON
    assert all(moment - began >= 0.4 for moment, _ in heard.pieces)
    assert heard.ending == ("open" if wanted else "reset" if step in ("reset", "lost") else "eof")


def test_the_delays_of_plan_and_step_add_up(intake: IntakeServer, api_key: str) -> None:
    plan = {"sequence": [{"step": 503, "delay": 1.5}, 202], "delay": 1}
    misbehave(intake, plan, org_of(api_key))
    times = []
    for _ in range(3):
        began = time.monotonic()
        post(intake, api_key)
        times.append(time.monotonic() - began)
    assert times[0] >= 2.5
    assert 1 <= times[1] < 2.5
    assert times[2] < 1, "the plan has ended, and its delay with it"


def test_a_plan_of_a_delay_alone_lasts(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, {"delay": 0.2}, org_of(api_key))
    for _ in range(3):
        began = time.monotonic()
        assert post(intake, api_key).status == 202
        assert time.monotonic() - began >= 0.2


def test_delays_of_parallel_requests_do_not_add_up(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, {"delay": 0.5}, org_of(api_key))
    senders = [threading.Thread(target=post, args=(intake, api_key)) for _ in range(20)]
    began = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert 0.5 <= time.monotonic() - began < 8


def test_what_is_delayed_is_on_record_at_once(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, {"delay": 20}, org_of(api_key))
    with connected(intake) as connection:
        connection.sendall(request_bytes(event_bytes(), key=api_key))
        until = time.monotonic() + 15
        while not control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]:
            assert time.monotonic() < until


def test_a_client_that_leaves_during_a_delay_does_no_harm(intake: IntakeServer, api_key: str) -> None:
    heard = Hit(intake, api_key, "http", [{"step": 202, "delay": 0.3}]).alone(used=False, patience=0.1)
    assert (heard.data, heard.ending) == (b"", "open")
    time.sleep(0.3)
    assert post(intake, api_key).status == 202
    assert len(control(intake, "GET", f"/events?org={org_of(api_key)}")["events"]) == 2


# Several requests on one connection.


def test_pipelined_requests_take_steps_in_their_order(intake: IntakeServer, api_key: str, scheme: Scheme) -> None:
    misbehave(intake, [503, 202, 429, {"step": 500, "delay": 0.1}, 200], org_of(api_key))
    with connected(intake, scheme) as connection:
        connection.sendall(b"".join(request_bytes(event_bytes(), key=api_key) for _ in range(6)))
        heard = hear(connection, wanted=6)
    assert [answer.status for answer in answers(heard.data)] == [503, 202, 429, 500, 200, 202]


def test_a_plan_holds_over_http_and_https_alike(intake: IntakeServer, api_key: str) -> None:
    misbehave(intake, [500, 501, 502, 503], org_of(api_key))
    got = []
    for scheme in ("http", "https", "https", "http"):
        with connected(intake, scheme) as connection:
            got.append(ask(connection, request_bytes(event_bytes(), key=api_key)).status)
    assert got == [500, 501, 502, 503]


def test_no_fault_leaves_a_word_in_the_log(
    start_server: Callable[..., IntakeServer], api_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What was asked for is no error of the server's."""
    server = start_server(tls=Certificates())
    words = [{"step": word, "location": LOCATION} for word in WORDS if word != "drip"]  # which takes seconds
    steps = [*words, 204, {"step": 503, "delay": 0.01}]
    for scheme in ("http", "https"):
        for step in steps:
            Hit(server, api_key, scheme, [step]).alone(used=True, patience=0.2, wanted=1)
    server.stop()
    assert [(record.name, record.getMessage()) for record in caplog.records if record.levelno >= logging.WARNING] == []
