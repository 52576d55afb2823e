"""From a request to an exchange: who sent it, which event it is, what it is answered, by which settings."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mock_intake.body.decoding import decode
from mock_intake.datadog.authentication import Keys
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.judging.intake import Intake, Settings
from mock_intake.model.exchange import ANONYMOUS, UNATTRIBUTED, Exchange, Headers, ReceivedRequest, header
from mock_intake.model.findings import Selection, Severity, Status
from mock_intake.openlineage.facet_schema import Validator
from mock_intake.openlineage.facts import Kind
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.secrets.api_keys import org_of
from tests.events import RUN_ID, run_event
from tests.fuzz import FLAWED, bodies, flawed_event, gzip_bomb

KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
OTHER = "5e4d3c2b1a09f8e7d6c5b4a39281706f"
WRONG = "not-a-key-at-all"
JSON = ("content-type", "application/json")
EVENT = json.dumps(run_event()).encode()
WARNED = json.dumps(run_event(producer="no URI")).encode()
KNOWN = Settings(Keys(frozenset((KEY, OTHER))))
LENIENT = Settings(Keys(anonymous=True))


def received(body: bytes = EVENT, *headers: tuple[str, str], key: str | None = KEY, **more: Any) -> ReceivedRequest:
    """A POST to the intake, as the server hands it over."""
    sent: Headers = (JSON, *((("authorization", f"Bearer {key}"),) if key is not None else ()), *headers)
    fields: dict[str, Any] = {"method": "POST", "path": INTAKE_PATH, "query": "", "wire_size": len(body)}
    return ReceivedRequest(
        id="x1", headers=sent, body=body, received_at=datetime(2026, 11, 1, tzinfo=UTC), **(fields | more)
    )


def exchange(body: bytes = EVENT, *headers: tuple[str, str], settings: Settings | None = None, **more: Any) -> Exchange:
    return Intake(settings).receive(received(body, *headers, **more))


def status_code(*arguments: Any, **more: Any) -> int:
    return exchange(*arguments, **more).response.status_code


def codes(of: Exchange) -> list[str]:
    return [finding.code for finding in of.findings]


def event_id(of: Exchange) -> str:
    assert of.event is not None
    return of.event.id


# Whose request it is.


@pytest.mark.parametrize(
    ("headers", "query", "settings", "org", "status"),
    [
        ([("authorization", f"Bearer {KEY}")], "", None, org_of(KEY), 202),
        ([("authorization", f"Bearer {KEY}")], "", KNOWN, org_of(KEY), 202),
        ([("authorization", f"Bearer {KEY.upper()}")], "", None, org_of(KEY.upper()), 202),
        ([("authorization", f"Bearer {WRONG}")], "", None, UNATTRIBUTED, 403),
        ([("authorization", "Bearer " + "0" * 32)], "", KNOWN, UNATTRIBUTED, 403),
        ([("authorization", "Bearer " + "0" * 40)], "", None, UNATTRIBUTED, 403),
        ([], "", None, UNATTRIBUTED, 401),
        ([], "", LENIENT, ANONYMOUS, 202),
        ([("authorization", "")], "", LENIENT, ANONYMOUS, 202),
        ([("authorization", f"Bearer {KEY}")], "", LENIENT, org_of(KEY), 202),
        ([("authorization", f"Bearer {WRONG}")], "", LENIENT, UNATTRIBUTED, 403),
        ([("authorization", f"Basic {KEY}")], "", None, UNATTRIBUTED, 401),
        # A key in the wrong place still names its org, and is still refused.
        ([("dd-api-key", KEY)], "", None, org_of(KEY), 401),
        ([("x-api-key", KEY)], "", KNOWN, org_of(KEY), 401),
        ([], f"api_key={KEY}", None, org_of(KEY), 401),
        ([], f"api_key={KEY}", KNOWN, org_of(KEY), 401),
        ([("dd-api-key", WRONG)], "", None, UNATTRIBUTED, 401),
        ([("dd-api-key", "0" * 32)], "", KNOWN, UNATTRIBUTED, 401),
        ([], f"api_key={WRONG}", None, UNATTRIBUTED, 401),
        ([("authorization", "Basic dXNlcjpwYXNz"), ("dd-api-key", KEY)], "", None, org_of(KEY), 401),
        # Beside the right one it does not matter.
        ([("dd-api-key", OTHER), ("authorization", f"Bearer {KEY}")], f"api_key={OTHER}", None, org_of(KEY), 202),
    ],
)
def test_a_request_belongs_to_the_org_of_its_key(
    headers: list[tuple[str, str]], query: str, settings: Settings | None, org: str, status: int
) -> None:
    found = exchange(EVENT, *headers, key=None, query=query, settings=settings)
    assert (found.org, found.response.status_code) == (org, status)


def test_an_org_is_twelve_digits_of_the_keys_digest() -> None:
    assert exchange().org == hashlib.sha256(KEY.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (EVENT, {"path": "/"}),
        (EVENT, {"method": "GET"}),
        (b"", {}),
        (EVENT, {"complete": False}),
        (EVENT, {"too_large": True, "wire_size": 10**9}),
    ],
)
def test_a_refused_request_with_a_good_key_belongs_to_its_org(body: bytes, more: dict[str, Any]) -> None:
    found = exchange(body, **more)
    assert not found.accepted
    assert found.org == org_of(KEY)


def test_a_known_key_that_is_not_ascii_is_taken() -> None:
    """Headers are read as Latin-1, whatever the client wrote them in."""
    key = "clé-de-test-0123456789"
    settings = Settings(Keys(frozenset((key,))))
    found = exchange(EVENT, ("authorization", "Bearer " + key.encode().decode("latin-1")), key=None, settings=settings)
    assert (found.response.status_code, found.org) == (202, org_of(key))


@pytest.mark.parametrize("name", ["cookie", "proxy-authorization"])
def test_what_browsers_and_proxies_add_is_no_key_in_the_wrong_place(name: str) -> None:
    assert status_code(EVENT, (name, "session=0123456789abcdef"), key=None, settings=LENIENT) == 202


# Which event it is.


def test_an_event_id_is_the_truncated_digest_of_org_and_body() -> None:
    digest = hashlib.sha256(org_of(KEY).encode() + b"\0" + EVENT).hexdigest()
    assert event_id(exchange()) == digest[:16]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(EVENT)),
        ("gzip", gzip.compress(EVENT, compresslevel=1, mtime=1)),
        ("gzip", gzip.compress(EVENT[:100]) + gzip.compress(EVENT[100:])),
        ("deflate", zlib.compress(EVENT)),
        ("identity", EVENT),
    ],
)
def test_the_same_body_is_the_same_event_however_it_was_compressed(encoding: str, body: bytes) -> None:
    assert event_id(exchange(body, ("content-encoding", encoding))) == event_id(exchange())


def test_another_body_or_org_makes_another_event() -> None:
    ids = [
        event_id(exchange()),
        event_id(exchange(EVENT + b" ")),
        event_id(exchange(json.dumps(run_event("COMPLETE")).encode())),
        event_id(exchange(key=OTHER)),
        event_id(exchange(key=None, settings=LENIENT)),
    ]
    assert len(set(ids)) == len(ids)


def test_settings_do_not_change_the_event() -> None:
    settings = Settings(strict=True, terse=True, selection=Selection(ignore=frozenset({"DD"})))
    assert event_id(exchange(FLAWED, settings=settings)) == event_id(exchange(FLAWED))


@pytest.mark.parametrize("place", ["dd-api-key", "query"])
def test_a_refused_request_with_a_readable_event_names_the_event(place: str) -> None:
    """So that what is sent again with the key in its right place counts as another attempt."""
    if place == "query":
        refused = exchange(key=None, query=f"api_key={KEY}")
    else:
        refused = exchange(EVENT, (place, KEY), key=None)
    assert not refused.accepted
    assert refused.event is not None
    taken = exchange().event
    assert taken is not None
    assert refused.event == replace(taken, status=refused.event.status)


def test_a_request_is_judged_the_same_every_time() -> None:
    intake = Intake()
    assert intake.receive(received(FLAWED)) == intake.receive(received(FLAWED))


# What is kept of it.


@given(st.binary(max_size=200))
def test_a_body_is_kept_to_the_byte(body: bytes) -> None:
    assert exchange(body).request.body == body


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_body_with_its_key_masked_can_still_be_decoded(encoding: str, pack: Any) -> None:
    sent = json.dumps(run_event(note=f"key {KEY}")).encode()
    found = exchange(pack(sent), ("content-encoding", encoding))
    assert "HT007" in codes(found)
    kept = decode(found.request.body, header(found.request.headers, "content-encoding"), 10_000)
    assert kept == sent.replace(KEY.encode(), b"****e7f8")
    assert (found.decoded_size, found.request.wire_size) == (len(kept), len(pack(sent)))


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_body_that_cannot_be_decoded_is_kept_with_its_key_masked(encoding: str) -> None:
    found = exchange(f"plain text with {KEY} in it".encode(), ("content-encoding", encoding))
    assert found.request.body == b"plain text with ****e7f8 in it"


def test_the_request_is_kept_as_it_was_but_for_keys() -> None:
    sent = received(EVENT, ("x-note", "b\xe9"), ("X-Note", ""), query="api-version=2", path="/a b", peer="127.0.0.1:9")
    kept = Intake().receive(sent).request
    masked = (JSON, ("authorization", "Bearer ****e7f8"), ("x-note", "b\xe9"), ("X-Note", ""))
    assert kept == replace(sent, headers=masked)


@pytest.mark.parametrize("place", range(0, 70, 5))
def test_the_excerpt_of_a_broken_body_quotes_no_part_of_a_secret(place: int) -> None:
    """Wherever the window on the broken place cuts the secret."""
    secret = "postgres://etl:hunter2-hunter2-hunter2@db/shop"
    for body in (f'{{"url": "{secret}",{" " * place}oops}}', f'{{"a": oops{" " * place}, "url": "{secret}"}}'):
        told = json.dumps([finding.to_dict() for finding in exchange(body.encode()).findings])
        assert "HT201" in told
        assert "nter2" not in told


# What it is answered.


def test_an_accepted_event_is_answered_with_id_status_and_findings() -> None:
    found = exchange(FLAWED)
    assert found.accepted
    assert found.response.status_code == 202
    assert dict(found.response.headers)["content-type"] == "application/json"
    answer = json.loads(found.response.body)
    assert list(answer) == ["id", "status", "findings"]
    assert (answer["id"], answer["status"]) == (event_id(found), "error")
    assert answer["findings"] == [finding.to_dict() for finding in found.findings]
    assert list(answer["findings"][0]) == [
        "code", "severity", "subject", "pointer", "message", "expected", "actual", "advice", "source", "sureness",
        "violates",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "title", "more"),
    [
        (400, "Bad Request", {"body": b"[]"}),
        (401, "Unauthorized", {"key": None}),
        (403, "Forbidden", {"key": WRONG}),
        (404, "Not Found", {"path": "/"}),
        (405, "Method Not Allowed", {"method": "GET"}),
        (413, "Payload Too Large", {"too_large": True}),
    ],
)
def test_a_refused_request_is_answered_with_the_vendors_errors_too(
    status: int, title: str, more: dict[str, Any]
) -> None:
    found = exchange(**more)
    answer = json.loads(found.response.body)
    assert found.response.status_code == status
    (error,) = answer["errors"]
    assert (error["status"], error["title"]) == (str(status), title)
    assert error["detail"]
    assert (answer["id"], answer["status"]) == (None, "error")
    assert answer["findings"] == [finding.to_dict() for finding in found.findings] != []
    assert (dict(found.response.headers).get("allow") == "POST") == (status == 405)


def test_the_first_reason_in_the_order_of_a_real_intake_is_answered() -> None:
    everything: dict[str, Any] = {
        "path": "/x", "method": "GET", "key": WRONG, "complete": False, "too_large": True, "body": b"no JSON",
    }  # fmt: skip
    found = []
    for name in list(everything):
        found.append(status_code(**everything))
        del everything[name]
    assert found == [404, 405, 403, 400, 413, 400]


def test_the_wrong_key_of_other_datadog_intakes_is_told_in_their_words() -> None:
    assert json.loads(exchange(key=None).response.body)["errors"][0]["detail"] == "API key is missing"
    assert json.loads(exchange(key=WRONG).response.body)["errors"][0]["detail"] == "API key is invalid"


# Settings.


def test_strict_refuses_events_with_errors_and_no_others() -> None:
    strict = Settings(strict=True)
    refused = exchange(FLAWED, settings=strict)
    assert (refused.response.status_code, refused.accepted) == (400, False)
    assert refused.event is not None
    answer = json.loads(refused.response.body)
    assert (answer["id"], answer["status"]) == (refused.event.id, "error")
    assert refused.findings == exchange(FLAWED).findings
    assert status_code(settings=strict) == 202
    warned = exchange(WARNED, settings=strict)
    assert warned.event is not None
    assert (warned.response.status_code, warned.event.status) == (202, Status.WARNING)


def test_terse_leaves_the_answer_empty_and_keeps_the_vendors_errors() -> None:
    terse = Settings(terse=True)
    accepted = exchange(FLAWED, settings=terse)
    assert (accepted.response.status_code, accepted.response.body) == (202, b"")
    assert accepted.findings == exchange(FLAWED).findings
    refused = exchange(b"[]", settings=terse)
    assert list(json.loads(refused.response.body)) == ["errors"]
    assert refused.findings != ()


def test_the_body_limit_holds_to_the_byte() -> None:
    limit = Settings(max_body=len(EVENT))
    assert status_code(EVENT, settings=limit) == 202
    assert status_code(EVENT + b" ", settings=limit) == 413


def test_the_decoded_limit_holds_to_the_byte_for_every_encoding() -> None:
    limit = Settings(max_decoded=len(EVENT))
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)):
        header = ("content-encoding", encoding)
        assert status_code(pack(EVENT), header, settings=limit) == 202
        over = exchange(pack(EVENT + b" "), header, settings=limit)
        assert (over.response.status_code, codes(over)[0], over.decoded_size) == (413, "HT104", None)


def test_rules_can_be_ignored_by_code_and_by_family() -> None:
    assert codes(exchange(FLAWED)) == ["DD101"]
    for ignored in ("DD101", "DD1", "DD", "D"):
        found = exchange(FLAWED, settings=Settings(strict=True, selection=Selection(ignore=frozenset({ignored}))))
        assert (found.findings, found.response.status_code) == ((), 202)
        assert found.event is not None
        assert found.event.status is Status.OK


def test_severities_can_be_changed_and_then_decide_the_status() -> None:
    lowered = exchange(
        FLAWED, settings=Settings(strict=True, selection=Selection(severity={"DD101": Severity.WARNING}))
    )
    assert lowered.event is not None
    assert (lowered.event.status, lowered.response.status_code) == (Status.WARNING, 202)
    assert [finding.severity for finding in lowered.findings] == [Severity.WARNING]
    raised = exchange(WARNED, settings=Settings(strict=True, selection=Selection(severity={"OL": Severity.ERROR})))
    assert (raised.response.status_code, {finding.severity for finding in raised.findings}) == (400, {Severity.ERROR})


def test_an_ignored_rule_still_refuses_and_is_not_told() -> None:
    found = exchange(path="/x", settings=Settings(selection=Selection(ignore=frozenset({"HT301"}))))
    assert (found.response.status_code, found.findings) == (404, ())
    answer = json.loads(found.response.body)
    assert (answer["findings"], answer["status"]) == ([], "error")
    assert answer["errors"][0]["detail"]
    lowered = exchange(key=None, settings=Settings(selection=Selection(severity={"HT": Severity.INFO})))
    assert (lowered.response.status_code, lowered.findings[0].severity) == (401, Severity.INFO)


def test_hearing_no_rule_of_requests_leaves_the_refusal_of_what_is_no_event() -> None:
    everything = Settings(selection=Selection(select=frozenset({"OL"})))
    for body in (b"", b"[]", b"{", b"NaN"):
        found = exchange(body, settings=everything)
        assert (found.response.status_code, found.findings, found.event) == (400, (), None)


# Hostile bodies. What a server does with them is in tests/server/test_fuzz.py.


@given(bodies, st.sampled_from([None, "gzip", "deflate", "br"]), st.booleans(), st.booleans())
def test_receiving_never_raises(body: bytes, encoding: str | None, packed: bool, strict: bool) -> None:
    headers = [("content-encoding", encoding)] if encoding else []
    sent = gzip.compress(body) if packed else body
    found = exchange(sent, *headers, settings=Settings(strict=strict, max_body=60_000, max_decoded=100_000))
    assert found.response.status_code in (202, 400, 413, 415)
    assert found.findings
    json.loads(found.response.body)


@pytest.mark.parametrize("levels", [201, 500, 1_000, 1_023, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('["]",', ',"["]'), ('{"}":', "}")])
@pytest.mark.parametrize("core", ["1", '"\\ud800"', '"\\u0041"'])
def test_nesting_over_200_levels_is_refused_also_with_brackets_in_strings(
    levels: int, opening: str, closing: str, core: str
) -> None:
    event = json.dumps(run_event(x="HERE")).replace('"HERE"', opening * levels + core + closing * levels)
    found = exchange(event.encode())
    assert (found.response.status_code, codes(found)[-1]) == (400, "HT205")


def test_a_long_word_beside_an_escape_takes_no_quadratic_time() -> None:
    """An escape makes the search for secrets look at every string, and a hex dump is one long word."""
    event = run_event(job={"namespace": "prod", "name": "a" * 30_000})
    body = json.dumps(event).replace("prod", "pr\\u006fd").encode()
    assert _seconds(body) < 1


def test_a_small_body_makes_no_huge_answer() -> None:
    """Some hundred bytes of gzip hold ten thousand broken inputs, with two findings each."""
    body = json.dumps(run_event(inputs=[{}] * 10_000)).encode()
    began = time.thread_time()
    found = exchange(gzip.compress(body), ("content-encoding", "gzip"))
    assert time.thread_time() - began < 1
    assert len(found.response.body) < 1_000_000
    assert found.event is not None
    assert found.event.status is Status.ERROR


def test_a_bomb_is_refused_and_no_more_of_it_is_kept_than_was_sent() -> None:
    bomb = gzip_bomb(64)
    found = exchange(bomb, ("content-encoding", "gzip"))
    assert (found.response.status_code, codes(found)) == (413, ["HT104"])
    assert bomb.startswith(found.request.body)
    assert found.request.wire_size == len(bomb)


def _seconds(body: bytes) -> float:
    intake = Intake()
    intake.receive(received())  # schemas compile with the first event
    began = time.thread_time()
    intake.receive(received(body))
    return time.thread_time() - began


def test_the_flawed_event_is_flawed() -> None:
    """The fuzzer relies on it."""
    found = exchange(json.dumps(flawed_event()).encode())
    assert codes(found) == ["DD101"]
    assert found.event is not None
    assert found.event.run_id == RUN_ID


class BrokenLibrary(FacetLibrary):
    """A library with a bug, as one of a user's own may have."""

    def plain_core(self, kind: Kind) -> Validator:
        raise RecursionError(f"a bug with {kind}")


def test_what_fails_to_be_judged_is_answered_500_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(run_event(producer=f"https://example.com/{KEY}")).encode()
    found = Intake(library=BrokenLibrary()).receive(received(body))
    assert (found.response.status_code, found.accepted, found.org) == (500, False, org_of(KEY))
    assert "a bug of its own" in json.loads(found.response.body)["errors"][0]["detail"]
    assert found.request.body == body.replace(KEY.encode(), b"****e7f8")
    (record,) = caplog.records
    assert record.getMessage() == "the request x1 could not be judged"
    assert KEY not in caplog.text
