"""The client of the control API, blocking and awaiting, against real servers and what are none."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
import sys
import threading
import typing
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType
from typing import Any, cast

import pytest

from mock_intake import IntakeServer
from mock_intake.client import AsyncClient, Client, ControlError, EventQuery, WaitTimeoutError, types
from mock_intake.client.requests import verification
from mock_intake.client.types import Streamed
from mock_intake.journal import MemoryJournal
from mock_intake.server.access import Access
from tests.control.content import (
    HOSTILE_RUN_IDS,
    HTTP,
    ORG,
    OTHER_KEY,
    OTHER_ORG,
    api,
    fill,
    id_of,
    run_called,
    run_of,
    send,
)
from tests.events import job_event

MakeClient = Callable[..., Client]


class Awaited:
    """An ``AsyncClient`` seen as a blocking one, so that the same tests go for both."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            return self._runner.run(result) if inspect.iscoroutine(result) else self._iterate(result)

        return call

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items)

        try:
            while True:
                try:
                    yield self._runner.run(following())
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(cast("typing.AsyncGenerator[Any, None]", items).aclose())

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture(params=[Client, Awaited], ids=["blocking", "awaiting"])
def make_client(request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    made: list[Client] = []

    def make(*arguments: Any, **options: Any) -> Client:
        made.append(request.param(*arguments, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def recorded() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        fill(server)
        yield server


@pytest.fixture
def reader(make_client: MakeClient, recorded: IntakeServer) -> Client:
    return make_client(recorded.url)


@pytest.fixture
def client(make_client: MakeClient, server: IntakeServer) -> Client:
    return make_client(server.url)


def plain(server: IntakeServer, path: str, **query: str) -> Any:
    """What the control API says without the client."""
    return HTTP.get(api(server, path), params=query).json()


def test_certificates_of_authorities_are_read_for_https_alone(make_client: MakeClient, recorded: IntakeServer) -> None:
    """They take longer to read than most of what is asked; without them nothing would be trusted."""
    read = Counter[str]()

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ == "load_verify_locations":
            read[scheme] += 1

    for scheme in ("http", "https"):
        sys.setprofile(watch)
        try:
            client = make_client(recorded.url.replace("http", scheme))
            if scheme == "http":
                assert client.events().items
        finally:
            sys.setprofile(None)
    assert read == {"https": 1}
    context = verification("http://127.0.0.1:8580")
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname, context.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])


# What is read is what is there.


def test_listings_are_those_of_the_api(reader: Client, recorded: IntakeServer) -> None:
    listings: dict[str, Callable[..., types.Listing[Any]]] = {
        "events": reader.events,
        "exchanges": reader.exchanges,
        "runs": reader.runs,
        "jobs": reader.jobs,
        "datasets": reader.datasets,
        "coverage": reader.coverage,
    }
    for name, method in listings.items():
        whole = plain(recorded, f"/{name}", limit="1000")
        items = whole["jobs" if name == "coverage" else name]
        assert method(limit=1000) == (items, None, 0)
        first = method(limit=2)
        assert (first.items, first.dropped) == (items[:2], 0)
        assert first.next is not None
        assert method(limit=1, cursor=first.next).items == items[2:3]


def test_events_are_filtered(reader: Client, recorded: IntakeServer) -> None:
    queries: list[tuple[EventQuery, int]] = [
        ({"org": OTHER_ORG}, 1),
        ({"kind": "DatasetEvent"}, 2),
        ({"event_type": "FAIL"}, 1),
        ({"job_namespace": "ns|`"}, len(HOSTILE_RUN_IDS)),
        ({"job_name": "report_orders", "org": ORG}, 2),
        ({"run_id": id_of("first"), "org": ORG}, 2),
        ({"run_id": "x?closed=1"}, 1),
    ]
    for query, count in queries:
        found = reader.events(query)
        assert len(found.items) == count
        assert found.items == plain(recorded, "/events", **cast("dict[str, str]", query))["events"]
    statuses = {event["status"] for event in reader.events({"status": "error"}).items}
    assert statuses == {"error"}


def test_events_and_exchanges_by_id(reader: Client, recorded: IntakeServer) -> None:
    listed = reader.events().items[0]
    event = reader.event(listed["id"])
    assert event == plain(recorded, f"/events/{listed['id']}")
    assert event["body"]["job"]["name"] == listed["job"]["name"]
    exchange = reader.exchange(reader.exchanges(event_id=listed["id"]).items[0]["id"])
    assert exchange["body"] == event["body"]
    (same,) = reader.exchanges(event_id=listed["id"], body=True, org=listed["org"]).items
    assert {**same, "raw": exchange["raw"]} == exchange


def test_what_was_refused_or_met_a_fault_can_be_asked_for(reader: Client, recorded: IntakeServer) -> None:
    every = reader.exchanges(limit=1_000).items
    refused = [one["id"] for one in every if (one["status_code"] or 0) >= 400]
    assert 0 < len(refused) < len(every)
    assert [one["id"] for one in reader.exchanges(refused=True, limit=1_000).items] == refused
    assert [one["id"] for one in plain(recorded, "/exchanges", refused="true")["exchanges"]] == refused


@pytest.mark.parametrize("run_id", HOSTILE_RUN_IDS)
def test_runs_are_found_whatever_they_are_called(reader: Client, run_id: str) -> None:
    assert reader.run(run_id)["run_id"] == run_id


@pytest.mark.parametrize("run_id", ["..", ".", "...", "/", "a//b", "?", "%", "ä/ö", "latest/"])
def test_ids_are_no_paths(client: Client, server: IntakeServer, run_id: str) -> None:
    send(server, run_called(run_id))
    send(server, run_called("another"))
    assert client.run(run_id)["run_id"] == run_id


def test_the_latest_run_and_what_it_lacks(client: Client, server: IntakeServer) -> None:
    send(server, run_of("one", "START"))
    send(server, run_of("two", "START"), key=OTHER_KEY)
    assert client.run()["run_id"] == id_of("two")
    run = client.run("latest", org=ORG)
    assert (run["run_id"], run["states"], run["findings"]) == (id_of("one"), ["START"], [])
    closed = client.run("latest", org=ORG, closed=True)
    assert [finding["code"] for finding in closed["findings"]] == ["RC102"]
    assert [{**listed, "dropped": 0} for listed in client.runs(closed=True, org=ORG).items] == [closed]


def test_what_is_computed_is_that_of_the_api(reader: Client, recorded: IntakeServer) -> None:
    assert reader.lineage() == plain(recorded, "/lineage")
    assert reader.lineage(org=OTHER_ORG)["edges"] == []
    assert reader.findings(closed=True, limit=3) == plain(recorded, "/findings", closed="1", limit="3")
    assert reader.findings(org="nobody")["findings"] == []
    following = reader.findings(limit=3)["next"]
    assert reader.findings(limit=3, cursor=following) == plain(recorded, "/findings", limit="3", cursor=str(following))
    assert reader.orgs() == plain(recorded, "/orgs")["orgs"]
    assert reader.statistics() == plain(recorded, "/statistics")
    assert reader.statistics(org=OTHER_ORG)["events"] == 1
    assert reader.openapi() == plain(recorded, "/openapi.json")


def test_faults_are_set_shown_and_cleared(client: Client, server: IntakeServer) -> None:
    assert client.faults()["active"] is False
    begun = client.set_faults([503, {"step": 429, "headers": {"Retry-After": "1"}}, "reset"], delay=0.01, org=ORG)
    assert [step["step"] for step in begun["sequence"]] == [503, 429, "reset"]
    assert (begun["left"], begun["delay"], begun["org"]) == ([1, 1, 1], 0.01, ORG)
    assert [send(server, run_of("one")).status_code for _ in range(2)] == [503, 429]
    assert client.faults(org=ORG)["taken"] == 2
    assert [one["fault"] is not None for one in client.exchanges().items].count(True) == 2
    assert all(one["fault"] is not None for one in client.exchanges(faulted=True).items)
    assert len(client.exchanges(faulted=True).items) == 2
    assert client.faults()["active"] is False
    client.clear_faults(org=ORG)
    assert client.faults(org=ORG)["active"] is False
    assert client.set_faults([500], repeat_last=True)["left"] == [None]
    assert [step["step"] for step in client.set_faults("503, reset,202")["sequence"]] == [503, "reset", 202]
    client.clear_faults()
    assert send(server, run_of("one")).status_code == 202


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_name_of_before_says_what_it_is_called_now(kind: Any) -> None:
    client = kind("http://127.0.0.1:1")
    with pytest.raises(AttributeError, match=f"^{kind.__name__}.end_faults is called clear_faults now$"):
        client.end_faults()
    with pytest.raises(AttributeError, match="'evnts'"):
        client.evnts()


def test_waiting_ends_with_what_is_there(client: Client, server: IntakeServer) -> None:
    timer = threading.Timer(0.3, lambda: send(server, run_of("one", "COMPLETE")))
    timer.start()
    there = client.wait(job="load_orders", state="COMPLETE", run_id=id_of("one"), timeout=15)
    timer.join()
    assert (there["events"], there["runs"][0]["state"]) == (1, "COMPLETE")
    assert 0.2 < there["waited"] < 10
    assert client.wait(events=1, org=ORG, event_type="COMPLETE", status="ok", timeout=0)["dropped"] == 0


def test_waiting_in_vain_says_what_is_there_instead(client: Client, server: IntakeServer) -> None:
    send(server, run_of("one", "START"))
    with pytest.raises(WaitTimeoutError, match=r"did not come within 0\.1 s") as raised:
        client.wait(state="COMPLETE", timeout=0.1)
    assert raised.value.status_code == 409
    assert raised.value.there["events"] == 1
    assert raised.value.there["runs"][0]["run_id"] == id_of("one")


def test_forgetting_says_how_many_there_were(client: Client, server: IntakeServer) -> None:
    for key in (OTHER_KEY, OTHER_KEY, None):
        send(server, job_event(), key=key)
    assert client.forget(org=OTHER_ORG) == 2
    assert client.forget(org=OTHER_ORG) == 0
    assert client.forget() == 1


def test_exports_can_be_imported(reader: Client, client: Client, recorded: IntakeServer, server: IntakeServer) -> None:
    lines = list(reader.export("exchanges"))
    assert b"\n".join(lines) + b"\n" == HTTP.get(api(recorded, "/export?what=exchanges")).content
    assert client.import_(b"\n".join(lines)) == {"imported": len(lines), "known": 0, "dropped": 0}
    assert client.import_(lines[0]) == {"imported": 0, "known": 1, "dropped": 0}
    assert list(client.export()) == list(reader.export("events"))
    assert len(list(client.export("events", org=OTHER_ORG))) == 1


def test_only_line_feeds_end_a_line(client: Client, server: IntakeServer) -> None:
    body = '{"job":{"namespace":"a","name":"\u2028 \u2029 \x85 \x7f"},"x":"\u00e4"}'.encode()
    send(server, body)
    assert list(client.export()) == [body]
    (line,) = client.export("exchanges")
    assert client.forget() == 1
    assert client.import_(line)["imported"] == 1


def test_streams_bring_what_comes_in(client: Client, server: IntakeServer) -> None:
    for name in "abc":
        send(server, run_of(name))
    send(server, run_called("line\u2028break"), key=OTHER_KEY)
    stream = client.stream(after="1")
    told = [next(stream) for _ in range(3)]
    assert [one.id for one in told] == ["2", "3", "4"]
    assert [one.exchange for one in told[::-1]] == client.exchanges(limit=3).items
    stream.close()  # type: ignore[attr-defined]
    assert next(client.stream(org=OTHER_ORG, after="0")).id == "4"


def test_streams_say_what_they_missed(make_client: MakeClient) -> None:
    with IntakeServer(journal=MemoryJournal(max_exchanges=2)) as server:
        for name in "abcde":
            send(server, run_of(name))
        stream = make_client(server.url).stream(after="1")
        assert next(stream) == Streamed("", None, 3)
        assert [next(stream).id for _ in range(2)] == ["4", "5"]


# When it does not work.


@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        (lambda client: client.event("nothing"), 404, "No event nothing is on record"),
        (lambda client: client.exchange("a/b"), 404, "a/b"),
        (lambda client: client.run("nothing"), 404, "No event of a run nothing"),
        (lambda client: client.events(limit=0), 400, "limit is a number from 1 to 1000"),
        (lambda client: client.events({"status": "fine"}), 400, "ok, warning, error"),
        (lambda client: client.events({"nonsense": "1"}), 400, "'nonsense'"),
        (lambda client: client.exchanges(cursor="x"), 400, "cursor"),
        (lambda client: client.set_faults(["explode"]), 400, "explode"),
        (lambda client: client.wait(timeout=1000), 400, "300"),
        (lambda client: client.wait(timeout=-1), 400, "timeout"),
        (lambda client: client.import_(b"{}"), 400, "line 1"),
        (lambda client: list(client.export("nonsense")), 400, "events, exchanges"),
    ],
)
def test_refusals_are_told_in_the_servers_words(
    client: Client, call: Callable[[Client], object], status: int, words: str
) -> None:
    with pytest.raises(ControlError) as raised:
        call(client)
    assert raised.value.status_code == status
    assert words in str(raised.value)


CALLS: list[Callable[[Client], object]] = [
    lambda client: client.events(),
    lambda client: client.wait(timeout=0),
    lambda client: list(client.export()),
    lambda client: next(client.stream()),
    lambda client: client.forget(),
]


@pytest.mark.parametrize("call", CALLS)
def test_the_token_is_asked_for_and_taken(make_client: MakeClient, call: Callable[[Client], object]) -> None:
    with IntakeServer(access=Access("the-token")) as server:
        send(server, run_of("one"))
        for token in (None, "", "another"):
            with pytest.raises(ControlError, match="needs its token") as raised:
                call(make_client(server.url, token=token))
            assert raised.value.status_code == 401
        authorised = make_client(server.url, token="the-token")
        assert len(authorised.events().items) == 1
        assert next(authorised.stream(after="0")).id == "1"


@pytest.mark.parametrize("token", ["a-secret\nX-More: 1", "a-secr\u00e9t", "a-secret\x00"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(make_client: MakeClient, token: str) -> None:
    with pytest.raises(ControlError) as raised:
        make_client("http://127.0.0.1:9", token=token)
    assert "secr" not in str(raised.value)


def test_a_token_out_of_a_file_may_end_in_a_newline(make_client: MakeClient) -> None:
    with IntakeServer(access=Access("the-token")) as server:
        assert make_client(server.url, token="the-token\n").events().items == []


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_not_there_is_told(make_client: MakeClient, call: Callable[[Client], object]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ControlError, match=f"^{url} does not answer: ConnectError") as raised:
            call(make_client(url))
        assert raised.value.status_code == 0


def test_a_server_that_says_nothing_is_told(make_client: MakeClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ControlError, match="does not answer: ReadTimeout"):
            make_client(url, timeout=0.2).events()


@pytest.mark.parametrize("url", ["localhost:8580", "ftp://localhost", "http://[::", "http://a b", "", "http://\x00"])
def test_what_is_no_url_is_told(make_client: MakeClient, url: str) -> None:
    with pytest.raises(ControlError):
        make_client(url).events()


def test_a_server_that_ends_ends_a_stream_with_a_word(make_client: MakeClient, server: IntakeServer) -> None:
    send(server, run_of("one"))
    stream = make_client(server.url).stream(after="0")
    next(stream)
    server.stop()
    with pytest.raises((ControlError, StopIteration)):
        next(stream)


@pytest.mark.parametrize("path", ["/", "/api/v1/lineage", "/api/v1/lineage/", "/api/mock/v1", "/api/mock/v1/"])
def test_the_server_may_be_named_by_its_endpoints(make_client: MakeClient, server: IntakeServer, path: str) -> None:
    """The URL that one has at hand is that of the intake; nothing goes astray there."""
    send(server, run_of("one"))
    assert make_client(server.url + path).statistics()["exchanges"] == 1
    assert server.journal.position == 1


def test_proxies_of_the_environment_are_for_others(
    make_client: MakeClient, server: IntakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert make_client(server.url).events().items == []


@contextmanager
def answering(status: int, media: str, body: bytes) -> Iterator[str]:
    """A server that answers everything alike, and is no mock-intake."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("content-type", media)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "media", "body"),
    [
        (200, "text/html", b"<h1>Welcome</h1>"),
        (200, "application/json", b"[]"),
        (200, "application/json", b"{}"),
        (200, "application/json", b'{"events": 5}'),
        (200, "application/json", b"no JSON"),
        (204, "application/json", b""),
        (302, "text/html", b""),
        (404, "text/html", b"<h1>Not found</h1>"),
        (500, "application/json", b'{"error": {"code": 5}}'),
        (408, "application/json", b'"late"'),
    ],
)
def test_another_server_is_told_apart(make_client: MakeClient, status: int, media: str, body: bytes) -> None:
    with answering(status, media, body) as url:
        client = make_client(url)
        for call in CALLS:
            with pytest.raises(ControlError, match="control API of a mock-intake") as raised:
                call(client)
            assert (raised.value.status_code, url in str(raised.value)) == (status, True)
