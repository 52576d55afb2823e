"""Export and import over the control API: what goes in comes out, in both back ends; a broken line imports nothing."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_intake import IntakeServer
from mock_intake.files import imports
from mock_intake.files.exports import TransferError, exchange_from_line, exchange_to_line
from mock_intake.journal import MemoryJournal
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from tests.control.content import HTTP, JOURNALS, KEY, ORG, OTHER_KEY, OTHER_ORG, PREFIX, api, fill, run_of, send
from tests.control.openapi import conforms
from tests.events import job_event

FEW = settings(max_examples=max(20, settings().max_examples // 4))


@pytest.fixture
def elsewhere(intake: IntakeServer, tmp_path: Path) -> Iterator[IntakeServer]:
    """An empty server with the other back end."""
    (make,) = (make for name, make in JOURNALS.items() if not isinstance(intake.journal, _kind(name)))
    (tmp_path / "other").mkdir()
    journal = make(tmp_path / "other")
    with IntakeServer(journal=journal) as server:
        yield server
    journal.close()


def _kind(name: str) -> type[MemoryJournal | SqliteJournal]:
    return MemoryJournal if name == "memory" else SqliteJournal


def export(server: IntakeServer, what: str = "exchanges", **query: str) -> list[bytes]:
    response = HTTP.get(api(server, "/export"), params={"what": what, **query})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    content = response.content
    assert not content or content.endswith(b"\n")
    return content.split(b"\n")[:-1]


def put(server: IntakeServer, content: bytes) -> httpx.Response:
    response = HTTP.post(api(server, "/import"), content=content, timeout=60)
    conforms(response, "/import")
    return response


def everything(server: IntakeServer) -> list[Exchange]:
    return [exchange for _, exchange in server.journal.read(0, 10_000)]


def whole_record(server: IntakeServer) -> dict[str, Any]:
    """All that the control API tells of the record."""
    paths = ("events", "exchanges?body=1&", "runs?closed=1&", "jobs", "datasets", "coverage", "findings?closed=1&")
    listings = {path: HTTP.get(api(server, f"/{path}{'' if '?' in path else '?'}limit=1000")).json() for path in paths}
    return {
        **listings,
        **{path: HTTP.get(api(server, f"/{path}")).json() for path in ("lineage", "orgs", "statistics")},
    }


# Export.


def test_events_come_out_as_they_went_in_and_in_order(intake: IntakeServer) -> None:
    bodies = [
        b'{"job": {"namespace":"a" ,"name":"b\\u0000"},   "x": 1.50, "y": "\xc3\xa4\xe2\x80\xa8\xc2\x85", "x": 2}',
        b' {"run": {"runId": "\\ud800"}, "job": {"namespace": "a", "name": "b"}}\n',
        json.dumps(job_event()).encode(),
    ]
    for body in bodies:
        assert send(intake, body).status_code == 202
    send(intake, b"no JSON")
    send(intake, gzip.compress(json.dumps(run_of("zipped")).encode()), **{"content-encoding": "gzip"})
    assert export(intake, "events") == [*(body.strip() for body in bodies), json.dumps(run_of("zipped")).encode()]


def test_an_event_over_many_lines_is_exported_as_one(intake: IntakeServer) -> None:
    event = run_of("one", outputs=[])
    send(intake, json.dumps(event, indent=2).replace("\n", "\r\n").encode())
    (line,) = export(intake, "events")
    assert json.loads(line) == event


def test_an_export_of_an_org_holds_nothing_else(intake: IntakeServer) -> None:
    send(intake, run_of("one"))
    send(intake, run_of("two"), key=OTHER_KEY)
    send(intake, b"no JSON", key=OTHER_KEY)
    assert [len(export(intake, "events", org=org)) for org in (ORG, OTHER_ORG, "nobody")] == [1, 1, 0]
    assert [json.loads(line)["org"] for line in export(intake, org=OTHER_ORG)] == [OTHER_ORG] * 2


def test_no_key_is_in_an_export(intake: IntakeServer) -> None:
    send(intake, {**run_of("one"), "note": KEY})
    send(intake, run_of("one"), **{"dd-api-key": KEY})
    for what in ("events", "exchanges"):
        for line in export(intake, what):
            assert KEY.encode() not in line
            if what == "exchanges":
                assert KEY.encode() not in exchange_from_line(line).request.body


def test_an_export_tells_what_retention_dropped(tmp_path: Path) -> None:
    journals = (MemoryJournal(max_exchanges=2), SqliteJournal(tmp_path / "j.db", retention=Retention(exchanges=2)))
    for journal in journals:
        with IntakeServer(journal=journal) as server:
            for name in "abcde":
                send(server, run_of(name))
            response = HTTP.get(api(server, "/export"))
            assert (response.headers["mock-intake-dropped"], response.content.count(b"\n")) == ("3", 2)
            with IntakeServer() as other:
                for name in "fgh":
                    send(other, run_of(name))
                arrived = put(server, b"\n".join(export(other))).json()
                assert arrived == {"imported": 3, "known": 0, "dropped": 6}
        journal.close()


# Import.


def test_an_import_is_the_whole_record_again(intake: IntakeServer, elsewhere: IntakeServer) -> None:
    fill(intake)
    lines = export(intake)
    arrived = put(elsewhere, b"\n".join(lines)).json()
    assert arrived == {"imported": len(lines), "known": 0, "dropped": 0}
    assert everything(elsewhere) == everything(intake)
    assert whole_record(elsewhere) == whole_record(intake)
    assert export(elsewhere) == lines
    assert export(elsewhere, "events") == export(intake, "events")


def test_an_import_may_be_gzipped(intake: IntakeServer, elsewhere: IntakeServer) -> None:
    for name in "abc":
        send(intake, run_of(name))
    exported = gzip.compress(HTTP.get(api(intake, "/export?what=exchanges")).content)
    assert HTTP.post(api(elsewhere, "/import"), content=exported).json() == {"imported": 3, "known": 0, "dropped": 0}
    for damaged in (exported[:-9], exported[:2], b"\x1f\x8bnothing of the kind"):
        response = HTTP.post(api(elsewhere, "/import"), content=damaged)
        assert response.status_code == 400
        assert "gzip" in response.json()["error"]


def test_a_second_import_changes_nothing(intake: IntakeServer, elsewhere: IntakeServer) -> None:
    fill(intake)
    lines = export(intake)
    put(elsewhere, b"\n".join(lines))
    before = whole_record(elsewhere)
    for server in (elsewhere, intake):
        assert put(server, b"\n".join(lines)).json() == {"imported": 0, "known": len(lines), "dropped": 0}
    assert whole_record(elsewhere) == before


def test_lines_that_are_there_twice_and_empty_ones_count_once(intake: IntakeServer, elsewhere: IntakeServer) -> None:
    send(intake, run_of("one"))
    (line,) = export(intake)
    content = b"\r\n\n".join((line, b"  ", line, line)) + b"\r\n"
    assert put(elsewhere, content).json() == {"imported": 1, "known": 2, "dropped": 0}
    assert put(elsewhere, b"").json() == {"imported": 0, "known": 0, "dropped": 0}


def test_imports_at_the_same_time_put_each_exchange_there_once(intake: IntakeServer, elsewhere: IntakeServer) -> None:
    for name in "abcdefghij":
        send(intake, run_of(name))
    content = b"\n".join(export(intake))
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.json() for answer in pool.map(lambda _: put(elsewhere, content), range(8))]
    assert sum(answer["imported"] for answer in answers) == 10
    assert sum(answer["known"] for answer in answers) == 70
    assert everything(elsewhere) == everything(intake)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no exported exchange"),
        (b'{"format": "mock-intake/exchange/2"}', "mock-intake/exchange/1"),
        (json.dumps(run_of("one")).encode(), "mock-intake replay"),
        (b'{"format": "mock-intake/exchange/1"}', "required"),
    ],
)
def test_a_broken_line_imports_nothing(
    intake: IntakeServer, elsewhere: IntakeServer, broken: bytes, words: str
) -> None:
    for name in "abc":
        send(intake, run_of(name))
    first, *rest = export(intake)
    response = put(elsewhere, b"\n".join((first, b"", broken, *rest)))
    assert response.status_code == 400
    error = response.json()["error"]
    assert "line 3: " in error
    assert "nothing was imported" in error
    assert words in error
    assert elsewhere.journal.position == 0


def test_a_journal_that_fails_is_told_with_503_and_when_to_come_again(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    with IntakeServer() as source:
        send(source, run_of("one"))
        content = HTTP.get(api(source, "/export?what=exchanges")).content
    with IntakeServer(journal=journal) as server:
        with contextlib.closing(sqlite3.connect(file)) as vandal:
            vandal.execute("DROP TABLE exchanges")
        for response in (
            HTTP.get(api(server, "/exchanges")),
            HTTP.post(api(server, "/import"), content=content),
            HTTP.get(api(server, "/runs")),
            HTTP.delete(api(server, "/exchanges")),
        ):
            conforms(response, response.request.url.path.removeprefix(PREFIX))
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert "journal.db" in response.json()["error"]
    journal.close()


# Any bytes.

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
header_value = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)
body = st.one_of(
    st.binary(max_size=80),
    st.binary(max_size=80).map(gzip.compress),
    st.fixed_dictionaries({"job": st.fixed_dictionaries({"namespace": text, "name": text}), "x": text}).map(
        lambda event: json.dumps(event, ensure_ascii=False).encode()
    ),
    # Lone surrogates and NUL too, as escapes.
    st.text(st.characters(), max_size=8).map(
        lambda name: json.dumps({"run": {"runId": name}, "job": {"name": name}}).encode()
    ),
)
request = st.tuples(body, st.sampled_from(["", "gzip", "identity", "br"]), header_value, st.booleans())


@pytest.fixture(scope="module", params=[("memory", "sqlite"), ("sqlite", "memory")], ids="-to-".join)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[IntakeServer, IntakeServer]]:
    with contextlib.ExitStack() as stack:
        servers = []
        for name in request.param:
            journal = JOURNALS[name](tmp_path_factory.mktemp("pair"))
            stack.callback(journal.close)
            servers.append(stack.enter_context(IntakeServer(journal=journal)))
        yield servers[0], servers[1]


@FEW
@given(requests=st.lists(request, min_size=1, max_size=4))
def test_whatever_bytes_were_received_come_through_export_and_import(
    pair: tuple[IntakeServer, IntakeServer], requests: list[tuple[bytes, str, str, bool]]
) -> None:
    source, target = pair
    for server in pair:
        server.journal.forget()
    for content, encoding, note, with_key in requests:
        headers = {"x-note": note.strip().encode("latin-1").decode("latin-1")}
        if encoding:
            headers["content-encoding"] = encoding
        _post(source, content, headers, with_key=with_key)
    received = everything(source)
    assert len(received) == len(requests)
    for exchange, (content, encoding, *_) in zip(received, requests, strict=True):
        # What is said to be compressed, and is not, is not kept whole: nobody could look for keys in it.
        assert exchange.request.body == content or encoding in ("gzip", "br")
    lines = export(source)
    assert put(target, b"\n".join(lines)).json()["imported"] == len(requests)
    assert everything(target) == received
    assert export(target) == lines
    assert export(target, "events") == export(source, "events")


def _post(server: IntakeServer, content: bytes, headers: dict[str, str], *, with_key: bool) -> None:
    authorization = [("authorization", f"Bearer {KEY}")] if with_key else []
    raw = [(name.encode(), value.encode("latin-1")) for name, value in (*headers.items(), *authorization)]
    HTTP.post(f"{server.url}/api/v1/lineage", content=content, headers=raw)


# Damaged and hostile lines.

LINE = b"""{"format":"mock-intake/exchange/1","id":"0123456789ab","org":"c0ffee","received_at":1790000000000000,
"method":"POST","path":"/api/v1/lineage","query":"","headers":[["a","b"]],"body":"e30=","peer":null,"wire_size":2,
"decoded_size":2,"too_large":false,"complete":true,"status_code":202,"response_headers":[],"response_body":"",
"accepted":true,"fault":null,"hop":["/","",[],null],"findings":[{"code":"DD101","severity":"error","subject":"event",
"pointer":"","message":"m","expected":null,"actual":null,"advice":"a","source":"s","sureness":"documented",
"violates":null}],"event_id":"abc","status":"error","kind":"RunEvent","event_type":"START","event_time":"t",
"run_id":"r","job_namespace":"n","job_name":"j","inputs":[["n","d"]],"outputs":[],"dataset":null,"producer":null,
"processing_type":null,"parent_run_id":null,"parent_job":["a","b"]}""".replace(b"\n", b"")
FIELDS = json.loads(LINE)
json_value = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=2**62),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["\ud800", "\x00", "error", "e30=", "2026-11-01T00:00:00Z"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def test_the_line_to_be_damaged_is_a_good_one() -> None:
    again = exchange_to_line(exchange_from_line(LINE))
    assert json.loads(again) == FIELDS
    assert exchange_from_line(again) == exchange_from_line(LINE)


@pytest.mark.parametrize("name", FIELDS)
def test_a_line_that_lacks_a_field_or_has_a_strange_one_is_refused(name: str) -> None:
    for damaged in (
        {key: value for key, value in FIELDS.items() if key != name},
        {**FIELDS, name: {"strange": True}},
        {**FIELDS, name + "_": FIELDS[name]},
    ):
        with pytest.raises(TransferError):
            exchange_from_line(json.dumps(damaged).encode())


@pytest.mark.parametrize(
    "damage",
    [
        {"id": ""},
        {"id": "a/b"},
        {"id": "x" * 65},
        {"org": "\ud800"},
        {"received_at": 10**30},
        {"received_at": 2**60},
        {"received_at": -1},
        {"wire_size": 2**63},
        {"status_code": 10**9},
        {"body": "e30"},
        {"body": "\u00e4"},
        {"headers": [["a", 1]]},
        {"headers": [["a"]]},
        {"headers": {"a": "b"}},
        {"hop": ["/", "", [], 1]},
        {"inputs": [["n", 5]]},
        {"inputs": None},
        {"dataset": ["n"]},
        {"status": "fine"},
        {"status": None},
        {"kind": "Run"},
        {"event_id": None},
        {"findings": [{**FIELDS["findings"][0], "severity": "fatal"}]},
        {"findings": [{**FIELDS["findings"][0], "more": 1}]},
        {"findings": [5]},
        dict.fromkeys(("event_id", "status", "kind", "inputs", "outputs"), None),
    ],
    ids=str,
)
def test_a_damaged_exchange_is_refused_before_it_can_do_harm(intake: IntakeServer, damage: dict[str, Any]) -> None:
    response = put(intake, json.dumps({**FIELDS, **damage}).encode())
    assert (response.status_code, "damaged exchange" in response.json()["error"]) == (400, True)
    assert intake.journal.position == 0


@FEW
@given(damage=st.dictionaries(st.sampled_from(sorted(FIELDS)), json_value, min_size=1, max_size=3))
def test_whatever_was_imported_can_be_shown(pair: tuple[IntakeServer, IntakeServer], damage: dict[str, Any]) -> None:
    server = pair[0]
    server.journal.forget()
    response = put(server, json.dumps({**FIELDS, **damage}).encode())
    assert response.status_code in (200, 400)
    for path in ("/events", "/exchanges", "/runs", "/jobs", "/datasets", "/lineage", "/coverage", "/findings", "/orgs"):
        answer = conforms(HTTP.get(api(server, path)), path)
        assert path != "/exchanges" or len(answer["exchanges"]) == (response.status_code == 200)


def test_a_body_that_is_said_to_be_larger_than_is_taken_is_not_imported(intake: IntakeServer) -> None:
    """What a line says of its body's size is how far the body would be decoded."""
    before = intake.journal.position
    refused = put(intake, json.dumps({**FIELDS, "decoded_size": 10_000_000_000}).encode())
    assert refused.status_code == 400
    assert (
        "10,000,000,000 bytes when decoded, and this server takes 20,971,520 (--max-decoded)" in refused.json()["error"]
    )
    assert intake.journal.position == before


# Generous, on a machine with other things to do; what runs away takes minutes, or megabytes.
_SECONDS, _BYTES = 20.0, 64 * 1024
_place = st.integers(0, 2**31)
damages = st.lists(
    st.tuples(_place, st.sampled_from(["put", "cut", "again"]), st.binary(max_size=12), st.integers(0, 4_000)),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def lines() -> bytes:
    """An export of a day's record, with all kinds of requests in it."""
    with IntakeServer() as server:
        fill(server)
        return b"\n".join(export(server))


@FEW
@given(damage=damages, packed=st.booleans())
def test_no_damage_to_an_import_costs_much_or_stays(
    pair: tuple[IntakeServer, IntakeServer], lines: bytes, damage: list[tuple[int, str, bytes, int]], packed: bool
) -> None:
    """Bytes put over others, taken out, or there twice, also where they were compressed."""
    server = pair[0]
    server.journal.forget()
    data = gzip.compress(lines, mtime=0) if packed else lines
    for place, what, piece, size in damage:
        at = place % len(data)
        if what == "put":
            data = data[:at] + piece + data[at + len(piece) :]
        elif what == "cut":
            data = (data[:at] + data[at + size :]) or b"x"
        else:
            data = data[: at + size] + data[at:]
    before = server.journal.position
    began = time.monotonic()
    response = put(server, data)
    assert time.monotonic() - began < _SECONDS
    assert response.status_code in (200, 400)
    assert len(response.content) < _BYTES
    if response.status_code == 400:
        assert server.journal.position == before
    for path in ("/runs", "/jobs", "/lineage", "/findings"):
        conforms(HTTP.get(api(server, path)), path)


def _many_lines(number: int) -> bytes:
    lines = ({**FIELDS, "id": f"{count:012x}", "event_id": f"e{count}"} for count in range(number))
    return b"\n".join(json.dumps(line).encode() for line in lines)


def test_an_import_in_several_parts_is_that_of_one(intake: IntakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LARGEST_PART", 10_000)
    content = _many_lines(100)
    twice = content + b"\n" + content[: content.index(b"\n")]
    assert put(intake, twice).json() == {"imported": 100, "known": 1, "dropped": 0}
    assert [exchange.id for exchange in everything(intake)] == [f"{count:012x}" for count in range(100)]
    other = _many_lines(101).replace(b'"j"', b'"k"')
    refused = put(intake, other.replace(b'"id": "', b'"id": "a')).json()["error"]
    assert "line 1 contradicts what is on record: both have the event e0" in refused
    assert len(everything(intake)) == 100


def test_an_import_under_way_holds_up_no_end() -> None:
    with IntakeServer() as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(put, server, _many_lines(40_000))
        while server._control is None or not server._control.importing.locked():
            time.sleep(0.01)
        server.stop()
        assert not server.is_running
        assert server.journal.position == 0
        with contextlib.suppress(httpx.HTTPError):
            assert answer.result().status_code == 503
