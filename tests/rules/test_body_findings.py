"""What is told about Content-Type, Content-Encoding and bodies, word for word (HT1, HT2)."""

from __future__ import annotations

import gzip
import zlib

import orjson
import pytest
from msgspec.structs import replace

from mock_intake.datadog.rules.bodies import LARGE_UNCOMPRESSED
from mock_intake.judging.intake import Intake, Settings
from mock_intake.model.exchange import Exchange
from tests.rules.examples_judged import REQUESTS, FindingText, only, told
from tests.rules.examples_requests import BODY, GOOD, Sent, headers, nested, with_body, with_headers

TYPE_ADVICE = 'Send the header Content-Type: application/json (curl: -H "Content-Type: application/json", or --json).'
ENCODED_ADVICE = "Set Content-Encoding: gzip exactly when the body is gzip."
LIMIT_ADVICE = (
    "Leave large facets out (SQL, source code, schemas with thousands of fields), or raise the limit with --max-body."
)
JSON_ADVICE = "Serialise the event with a JSON library; look at the place that the message names."
NUMBER_ADVICE = "Send null or leave the field out; json.dumps(..., allow_nan=False) finds such values."
DEEP_ADVICE = "Flatten the facet that nests so deeply."
ONE_BY_ONE = "Send the events one by one."
OBJECT_ADVICE = "Send the event itself, not a string or a list that holds it."

TO_UTF_8 = (
    "PowerShell: -ContentType 'application/json; charset=utf-8'; Java: getBytes(StandardCharsets.UTF_8); Python: "
    "json.dumps(event).encode()."
)


def received(sent: Sent) -> Exchange:
    return Intake(sent.settings).receive(sent.request)


def content_type(message: str, actual: str) -> FindingText:
    return FindingText("header:Content-Type", message, "application/json", actual, TYPE_ADVICE)


def unsupported(encoding: str) -> FindingText:
    return FindingText(
        "header:Content-Encoding",
        f"the Content-Encoding {encoding} is not supported",
        "gzip, deflate, identity",
        encoding,
        "Send gzip, or no Content-Encoding and a plain body.",
    )


def not_as(encoding: str, reason: str, actual: str, advice: str = ENCODED_ADVICE) -> FindingText:
    message = f"the body is not what Content-Encoding: {encoding} says: {reason}"
    return FindingText("body", message, f"a {encoding} stream", actual, advice)


def too_large(limit: str, actual: str) -> FindingText:
    return FindingText(
        "body", f"the body is larger than the limit of {limit}", f"at most {limit}", actual, LIMIT_ADVICE
    )


def no_json(message: str, actual: str, advice: str = JSON_ADVICE) -> FindingText:
    return FindingText("body", f"the body is no JSON: {message}", "JSON in UTF-8", actual, advice)


def no_object(kind: str, advice: str = OBJECT_ADVICE) -> FindingText:
    return FindingText("body", f"the body is {kind}", "a JSON object", kind, advice)


def no_number(message: str, actual: str) -> FindingText:
    return FindingText("body", message, "a JSON number", actual, NUMBER_ADVICE)


GZIP = gzip.compress(BODY, mtime=0)
DEFLATE = zlib.compress(BODY)
CUT_OFF = "The stream was cut off: close the compressor before sending, and send all of it."


def beginning(body: bytes) -> str:
    return f"{len(body)} bytes that begin {body[:8].hex(' ')}"


TAKEN: list[tuple[str, Sent, FindingText]] = [
    ("HT101", REQUESTS["HT101"][0], content_type("the Content-Type is not JSON's", "text/json")),
    ("HT101", with_headers(("content-type", None)), content_type("the request has no Content-Type", "none")),
    (
        "HT101",
        with_headers(("content-type", "application/x-www-form-urlencoded")),
        content_type("the Content-Type is not JSON's", "application/x-www-form-urlencoded"),
    ),
    (
        "HT105",
        with_body(BODY.ljust(LARGE_UNCOMPRESSED + 1)),
        FindingText(
            "body",
            "a body of 100,001 bytes was sent uncompressed",
            "Content-Encoding: gzip",
            "no Content-Encoding",
            "Set compression: gzip on the HTTP transport, or use the Datadog transport.",
        ),
    ),
]

REFUSED: list[tuple[str, int, Sent, FindingText]] = [
    ("HT102", 415, REQUESTS["HT102"][0], unsupported("br")),
    ("HT102", 415, with_body(GZIP, encoding="gzip, br"), unsupported("gzip, br")),
    (
        "HT103",
        400,
        with_body(GZIP[:-1], encoding="gzip"),
        not_as("gzip", "the gzip stream ends early", beginning(GZIP[:-1]), CUT_OFF),
    ),
    (
        "HT103",
        400,
        with_body(DEFLATE[:-1], encoding="deflate"),
        not_as("deflate", "the deflate stream ends early", beginning(DEFLATE[:-1]), CUT_OFF),
    ),
    (
        "HT103",
        400,
        with_body(BODY, encoding="gzip"),
        not_as(
            "gzip",
            "not gzip: Error -3 while decompressing data: incorrect header check",
            "plain JSON",
            "The body is plain JSON: leave the Content-Encoding header out, or compress the body.",
        ),
    ),
    ("HT103", 400, with_body(b"", encoding="gzip"), not_as("gzip", "the body is empty", "an empty body")),
    (
        "HT103",
        400,
        with_body(GZIP + b"more", encoding="gzip"),
        not_as("gzip", "4 bytes behind the gzip stream", beginning(GZIP + b"more")),
    ),
    (
        "HT103",
        400,
        with_body(GZIP),
        FindingText(
            "body",
            "the body is gzip, and no Content-Encoding says so",
            "Content-Encoding: gzip",
            "no Content-Encoding",
            "Send the header Content-Encoding: gzip with the compressed body.",
        ),
    ),
    (
        "HT104",
        413,
        with_body(BODY, limit=len(BODY) - 1),
        too_large(f"{len(BODY) - 1} bytes on the wire", f"{len(BODY)} bytes"),
    ),
    (
        "HT104",
        413,
        Sent(replace(GOOD, wire_size=5_242_881, too_large=True)),
        too_large("5,242,880 bytes on the wire", "5,242,881 bytes"),
    ),
    (
        "HT104",
        413,
        Sent(replace(GOOD, body=GZIP, headers=headers(("content-encoding", "gzip"))), Settings(max_decoded=500)),
        too_large("500 bytes decoded", "more than 500 bytes"),
    ),
    (
        "HT106",
        400,
        REQUESTS["HT106"][0],
        FindingText(
            "body",
            f"the connection ended after {len(BODY)} bytes of the body",
            "the whole body",
            f"{len(BODY)} bytes",
            "Look for a time-out or a crash of the producer while it was sending.",
        ),
    ),
    (
        "HT201",
        400,
        with_body(BODY[:-1]),
        no_json(f"Expecting ',' delimiter at line 1 column {len(BODY)}", '...uts":[],"outputs":[]'),
    ),
    (
        "HT201",
        400,
        with_body(b""),
        no_json(
            "the body is empty",
            "an empty body",
            "Send the event as the body. With curl: -d @event.json (and @- for standard input).",
        ),
    ),
    (
        "HT201",
        400,
        with_body(b"{'eventType': 'START'}"),
        no_json(
            "Expecting property name enclosed in double quotes at line 1 column 2",
            "{'eventType': 'START'}",
            "This looks like a Python dict printed with str(); use json.dumps().",
        ),
    ),
    (
        "HT201",
        400,
        with_body(b"eventType=START&eventTime=now"),
        no_json(
            "Expecting value at line 1 column 1",
            "eventType=START&eventTime=now",
            "This looks like a form. Send the event itself as the body, with Content-Type: application/json.",
        ),
    ),
    # No hint at a cause that is not there: what base64 ends with makes no form.
    (
        "HT201",
        400,
        with_body(b"eyJhIjoxfQ=="),
        no_json("Expecting value at line 1 column 1", "eyJhIjoxfQ=="),
    ),
    (
        "HT201",
        400,
        with_body(b'{"a": 1}\n{"a": 2}'),
        no_json(
            "Extra data at line 2 column 1",
            '{"a": 1}\ufffd{"a": 2}',
            "These are several JSON values one after another, as in NDJSON: send each event in a request of its own.",
        ),
    ),
    (
        "HT201",
        400,
        with_body("\ufeff{}".encode()),
        no_json(
            "the body begins with a byte order mark",
            "\ufffd{}",
            "Write the body without a byte order mark (utf-8, not utf-8-sig).",
        ),
    ),
    (
        "HT201",
        400,
        with_body("{}".encode("utf-16")),
        no_json(
            "byte 0 is not UTF-8 (invalid start byte)",
            "\\xff\\xfe{\ufffd}\ufffd",
            "Encode the body as UTF-8; this looks like UTF-16.",
        ),
    ),
    (
        "HT201",
        400,
        with_body(b'{"name": "caf\xe9"}'),
        no_json(
            "byte 13 is not UTF-8 (invalid continuation byte)",
            '{"name": "caf\\xe9"}',
            f"Encode the body as UTF-8; this looks like ISO-8859-1 (Latin-1). {TO_UTF_8}",
        ),
    ),
    (
        "HT201",
        400,
        with_body(b'{"name": "\x93caf\xe9\x94"}'),
        no_json(
            "byte 10 is not UTF-8 (invalid start byte)",
            '{"name": "\\x93caf\\xe9\\x94"}',
            f"Encode the body as UTF-8; this looks like Windows-1252. {TO_UTF_8}",
        ),
    ),
    (
        "HT201",
        400,
        with_body(b'{"name": "caf\x81"}'),
        no_json("byte 13 is not UTF-8 (invalid start byte)", '{"name": "caf\\x81"}'),
    ),
    (
        "HT202",
        400,
        REQUESTS["HT202"][0],
        no_object("a string", "The event was serialised twice: send the object, not a string with the object in it."),
    ),
    ("HT202", 400, with_body(b'"START"'), no_object("a string")),
    ("HT202", 400, with_body(b"17"), no_object("a number")),
    ("HT202", 400, with_body(b"true"), no_object("a boolean")),
    ("HT202", 400, with_body(b"null"), no_object("null")),
    (
        "HT203",
        400,
        with_body(orjson.dumps([{}, {}])),
        FindingText(
            "body", "the body is an array of 2: a batch", "one event as a JSON object", "an array of 2", ONE_BY_ONE
        ),
    ),
    *(
        (
            "HT204",
            400,
            with_body(f'{{"text":"{"x" * 100}","cost":{number},"more":"{"x" * 100}"}}'.encode()),
            no_number(message, f'...{"x" * 11}","cost":{number},"more":"{"x" * after}...'),
        )
        for number, message, after in (
            ("NaN", "NaN is no JSON", 28),
            ("-Infinity", "-Infinity is no JSON", 22),
            ("1e400", "the number 1e400 is larger than a double can hold", 26),
        )
    ),
    ("HT204", 400, with_body(b'{"cost":NaN}'), no_number("NaN is no JSON", '{"cost":NaN}')),
    ("HT204", 400, with_body(b'{"cost":-Infinity}'), no_number("-Infinity is no JSON", '{"cost":-Infinity}')),
    (
        "HT204",
        400,
        with_body(b'{"cost":1e400}'),
        no_number("the number 1e400 is larger than a double can hold", '{"cost":1e400}'),
    ),
    (
        "HT205",
        400,
        with_body(nested(201)),
        FindingText(
            "body",
            "arrays and objects are nested over 200 levels deep",
            "at most 200 levels",
            '{"deep":' + "[" * 52 + "...",
            DEEP_ADVICE,
        ),
    ),
    (
        "HT108",
        501,
        Sent(replace(REQUESTS["HT108"][0].request, body=gzip.compress(b"{}", mtime=0))),
        FindingText(
            "header:Transfer-Encoding",
            "the transfer coding gzip, chunked is not supported",
            "chunked, or no Transfer-Encoding",
            "gzip, chunked",
            "Say Content-Encoding: gzip of a compressed body, and leave Transfer-Encoding to the HTTP library.",
        ),
    ),
    (
        "HT206",
        400,
        with_body(b'{"many":[' + b"{}," * 1_000_000 + b"{}]}"),
        FindingText(
            "body",
            "it holds more than 1,000,000 values",
            "at most 1,000,000 values",
            '{"many":[' + "{}," * 17 + "...",
            "Leave out the facet that holds them, or send less with each event.",
        ),
    ),
]


@pytest.mark.parametrize(("code", "sent", "expected"), TAKEN)
def test_what_is_taken_all_the_same_is_told_of(code: str, sent: Sent, expected: FindingText) -> None:
    exchange = received(sent)
    assert told(only(exchange.findings, code)) == expected
    assert (exchange.response.status_code, exchange.accepted) == (202, True)


@pytest.mark.parametrize(("code", "status", "sent", "expected"), REFUSED)
def test_a_refusal_says_what_is_wrong_with_the_body(code: str, status: int, sent: Sent, expected: FindingText) -> None:
    exchange = received(sent)
    assert told(only(exchange.findings, code)) == expected
    assert (exchange.response.status_code, exchange.accepted, exchange.event) == (status, False, None)


@pytest.mark.parametrize("code", ["HT201", "HT204"])
@pytest.mark.parametrize("filler", ["x", "\u00e9", "\u30c6", "\U0001f680"])
def test_the_place_is_shown_whatever_stands_before_it(code: str, filler: str) -> None:
    wrong = {"HT201": "}", "HT204": "NaN}"}[code]
    exchange = received(with_body(f'{{"text":"{filler * 100}","cost":{wrong}'.encode()))
    assert str(only(exchange.findings, code).actual).endswith(f'{filler}","cost":{wrong}')


@pytest.mark.parametrize("value", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_content_type_of_json_may_have_parameters_and_any_case(value: str) -> None:
    assert received(with_headers(("content-type", value))).findings == ()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:200]) + gzip.compress(BODY[200:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY, wbits=-15)),
        ("identity", BODY),
    ],
)
def test_what_is_as_its_encoding_says_is_taken(encoding: str, body: bytes) -> None:
    exchange = received(with_body(body, encoding=encoding))
    assert (exchange.findings, exchange.decoded_size) == ((), len(BODY))


def test_a_large_body_is_not_told_of_when_it_is_compressed() -> None:
    body = gzip.compress(BODY.ljust(LARGE_UNCOMPRESSED + 1))
    assert received(with_body(body, encoding="gzip")).findings == ()


@pytest.mark.parametrize("levels", [200, 201, 202, 300, 400, 401])
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":['])
def test_nesting_is_refused_from_201_levels_on_whatever_nests(opening: str, levels: int) -> None:
    brackets = [character for character in opening * levels if character in "[{"][: levels - 1]
    text = "".join('{"a":' if character == "{" else "[" for character in brackets)
    closing = "".join("}" if character == "{" else "]" for character in reversed(brackets))
    codes = {finding.code for finding in received(with_body(f'{{"deep":{text}1{closing}}}'.encode())).findings}
    assert ("HT205" in codes) == (levels > 200)


def test_an_escaped_bracket_is_no_level() -> None:
    codes = {finding.code for finding in received(with_body(orjson.dumps({"text": "[" * 500}))).findings}
    assert codes == {"OL001"}
