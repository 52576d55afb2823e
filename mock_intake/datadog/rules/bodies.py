"""How a body is sent, and whether it is one JSON object (HT101 to HT108, HT201 to HT206)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from mock_intake.body.decoding import SUPPORTED
from mock_intake.body.mixed import begins_with_request
from mock_intake.body.parsing import MAX_DEPTH, MAX_VALUES, ParseError
from mock_intake.datadog.sources import ASSUMPTIONS, CUSTOM_JOBS, STANDARD_API
from mock_intake.datadog.unreadable import FORKED, advice_on, is_like_json
from mock_intake.model.exchange import ReceivedRequest, header
from mock_intake.model.literals import Subject
from mock_intake.model.words import counted
from mock_intake.rules import Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import Stage, When, either
from mock_intake.rules.examples import Repeated, facet
from mock_intake.secrets.content import redact
from mock_intake.secrets.quoting import quoted

LARGE_UNCOMPRESSED = 100_000
_LONGEST_ENCODING = 100


class Undecoded(NamedTuple):
    """A body that could not be decoded: as it was sent, what it is said to be, and what the decoder says."""

    sent: bytes
    encoding: str
    reason: str


class TooLarge(NamedTuple):
    """A body beyond a limit, in bytes. ``size`` is None where it was not read to its end."""

    size: int | None
    limit: int
    where: Literal["on the wire", "decoded", "on the wire, through the Agent"]


class LargeHead(NamedTuple):
    """A request line and headers beyond a limit, in bytes, and the largest part of them in words."""

    size: int | None
    limit: int
    largest: str


class Unreadable(NamedTuple):
    """A body that is no JSON, and why."""

    body: bytes
    error: ParseError


TAKEN: Stage[ReceivedRequest] = Stage("a request that is taken, whatever its event is", "request")
INCOMPLETE: Stage[ReceivedRequest] = Stage("a request whose connection ended before its body did", "request")
HEAD_TOO_LARGE: Stage[LargeHead] = Stage("a head beyond the limit", "request")
BODY_TOO_LARGE: Stage[TooLarge] = Stage("a body beyond a limit", "request")
UNSUPPORTED_ENCODING: Stage[str] = Stage("a Content-Encoding that is not known", "request")
NOT_AS_ENCODED: Stage[Undecoded] = Stage("a body that is not what its Content-Encoding says", "request")
TRANSFER_CODED: Stage[str] = Stage("a body in a transfer coding that is not known", "request")
GZIP_UNANNOUNCED: Stage[bytes] = Stage("gzip without a Content-Encoding", "request")
NO_OBJECT: Stage[Any] = Stage("a body that is JSON and no object", "request")


class OnUnreadable(When[Unreadable], Struct, frozen=True):
    """A body that is no JSON for this reason (see ``ParseError``)."""

    reason: str

    @property
    def subject(self) -> Subject:
        return "request"


@rule(
    "HT101",
    "content-type-wrong",
    severity=Severity.WARNING,
    requirement="Content-Type is application/json.",
    because="It is documented so; whether another type is taken is unknown. curl -d sends a form's type by itself.",
    advice='Send the header Content-Type: application/json (curl: -H "Content-Type: application/json", or --json).',
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=TAKEN,
    trigger={"header:Content-Type": "text/json"},
    neighbour={"header:Content-Type": "application/json"},
)
def content_type_wrong(rule: Rule, request: ReceivedRequest) -> Iterator[Finding]:
    content_type = header(request.headers, "content-type")
    if not _is_json(content_type):
        yield rule.found(
            "header:Content-Type",
            "the request has no Content-Type" if content_type is None else "the Content-Type is not JSON's",
            expected="application/json",
            actual=content_type[:100] if content_type else "none",
        )


@rule(
    "HT102",
    "content-encoding-unsupported",
    severity=Severity.ERROR,
    requirement="Content-Encoding is gzip, deflate, or absent.",
    because="The Datadog transport sends gzip; what else the intake takes is unknown, and what it cannot decode is "
    "lost.",
    advice="Send gzip, or no Content-Encoding and a plain body.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=UNSUPPORTED_ENCODING,
    trigger={"header:Content-Encoding": "br"},
    neighbour={"header:Content-Encoding": "identity"},
)
def content_encoding_unsupported(rule: Rule, encoding: str) -> Iterator[Finding]:
    yield rule.found(
        "header:Content-Encoding",
        f"the Content-Encoding {encoding[:60]} is not supported",
        expected=", ".join(SUPPORTED),
        actual=encoding[:_LONGEST_ENCODING],
    )


@rule(
    "HT103",
    "body-not-as-encoded",
    severity=Severity.ERROR,
    requirement="The body is what Content-Encoding says.",
    because="A body that cannot be decoded is no event.",
    advice="Set Content-Encoding: gzip exactly when the body is gzip.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=either(NOT_AS_ENCODED, GZIP_UNANNOUNCED),
    given={"body": "{}"},
    trigger={"header:Content-Encoding": "gzip"},
    neighbour={"header:Content-Encoding": "identity"},
)
def body_not_as_encoded(rule: Rule, body: Undecoded | bytes) -> Iterator[Finding]:
    if isinstance(body, bytes):
        yield rule.found(
            "body",
            "the body is gzip, and no Content-Encoding says so",
            expected="Content-Encoding: gzip",
            actual="no Content-Encoding",
            advice="Send the header Content-Encoding: gzip with the compressed body.",
        )
        return
    advice = None
    if begins_with_request(body.sent):
        advice = FORKED
    elif is_like_json(body.sent):
        advice = "The body is plain JSON: leave the Content-Encoding header out, or compress the body."
    elif "ends early" in body.reason:
        advice = "The stream was cut off: close the compressor before sending, and send all of it."
    yield rule.found(
        "body",
        f"the body is not what Content-Encoding: {quoted(body.encoding)} says: {body.reason}",
        expected=f"a {quoted(body.encoding)} stream",
        actual=_beginning(body.sent),
        advice=advice,
    )


@rule(
    "HT104",
    "body-too-large",
    severity=Severity.ERROR,
    requirement="A body is within the intake's limits, on the wire and decoded.",
    because="The intake's real limits are unknown; the Agent's is 25 MB, and other Datadog intakes have about 5 MB. "
    "Events over 2 MB are known to get lost on the way.",
    advice="Leave large facets out (SQL, source code, schemas with thousands of fields), or raise the limit with "
    "--max-body.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=BODY_TOO_LARGE,
    given={"body": "{}"},
    trigger={"intake:max-body": 1},
    neighbour={"intake:max-body": 2},
)
def body_too_large(rule: Rule, body: TooLarge) -> Iterator[Finding]:
    yield rule.found(
        "body",
        f"the body is larger than the limit of {body.limit:,} bytes {body.where}",
        expected=f"at most {body.limit:,} bytes {body.where}",
        actual=counted(body.size, "byte") if body.size is not None else f"more than {body.limit:,} bytes",
    )


@rule(
    "HT105",
    "large-body-uncompressed",
    severity=Severity.INFO,
    requirement="Large bodies are compressed.",
    because="The Datadog transport always compresses; JSON of this size shrinks to a tenth.",
    advice="Set compression: gzip on the HTTP transport, or use the Datadog transport.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=TAKEN,
    given={"/job/facets/documentation": facet("DocumentationJobFacet", "1-1-0")},
    trigger={"/job/facets/documentation/description": Repeated("Loads orders. ", 10_000)},
    neighbour={"/job/facets/documentation/description": Repeated("Loads orders. ", 5_000)},
)
def large_body_uncompressed(rule: Rule, request: ReceivedRequest) -> Iterator[Finding]:
    if len(request.body) > LARGE_UNCOMPRESSED and not header(request.headers, "content-encoding"):
        yield rule.found(
            "body",
            f"a body of {counted(len(request.body), 'byte')} was sent uncompressed",
            expected="Content-Encoding: gzip",
            actual="no Content-Encoding",
        )


@rule(
    "HT106",
    "body-incomplete",
    severity=Severity.ERROR,
    requirement="A request is sent to its end.",
    because="The connection ended before the body did, so there is no event.",
    advice="Look for a time-out or a crash of the producer while it was sending.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=INCOMPLETE,
    trigger={"complete": False},
    neighbour={"complete": True},
)
def body_incomplete(rule: Rule, request: ReceivedRequest) -> Iterator[Finding]:
    yield rule.found(
        "body",
        f"the connection ended after {counted(request.wire_size, 'byte')} of the body",
        expected="the whole body",
        actual=counted(request.wire_size, "byte"),
    )


@rule(
    "HT107",
    "head-too-large",
    severity=Severity.ERROR,
    requirement="The request line and the headers are at most 64 KiB together.",
    because="Servers have such a limit; the intake's own is unknown. Beyond it a request is answered 431 before it is "
    "read.",
    advice="Find what makes it grow: cookies, a header that is added to with every attempt, an event in a header or "
    "the URL.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=HEAD_TOO_LARGE,
    trigger={"header:Baggage": Repeated("b", 65_536)},
    neighbour={"header:Baggage": Repeated("b", 65_000)},
)
def head_too_large(rule: Rule, head: LargeHead) -> Iterator[Finding]:
    yield rule.found(
        "request",
        f"the request line and the headers are larger than {head.limit:,} bytes; most of that is {head.largest}",
        expected=f"at most {head.limit:,} bytes",
        actual=f"more than {head.limit:,} bytes" if head.size is None else f"{head.size:,} bytes",
    )


@rule(
    "HT108",
    "transfer-coding-unknown",
    severity=Severity.ERROR,
    requirement="A body is sent as it is, or in chunks: the only transfer coding is chunked.",
    because="Other transfer codings (gzip, chunked) are hardly known to servers, and one that does not know them "
    "answers 501 (RFC 9112, 6.1); what the intake does is unknown.",
    advice="Say Content-Encoding: gzip of a compressed body, and leave Transfer-Encoding to the HTTP library.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=TRANSFER_CODED,
    trigger={"header:Transfer-Encoding": "gzip, chunked"},
    neighbour={"header:Transfer-Encoding": "chunked"},
)
def transfer_coding_unknown(rule: Rule, coding: str) -> Iterator[Finding]:
    yield rule.found(
        "header:Transfer-Encoding",
        f"the transfer coding {quoted(coding)} is not supported",
        expected="chunked, or no Transfer-Encoding",
        actual=quoted(coding),
    )


@rule(
    "HT201",
    "not-json",
    severity=Severity.ERROR,
    requirement="The body is JSON in UTF-8.",
    because="What cannot be read is no event.",
    advice="Serialise the event with a JSON library; look at the place that the message names.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=(OnUnreadable("syntax"), OnUnreadable("encoding")),
    trigger={"body": "{"},
    neighbour={"body": "{}"},
)
def not_json(rule: Rule, sent: Unreadable) -> Iterator[Finding]:
    yield rule.found(
        "body",
        f"the body is no JSON: {sent.error.message}",
        expected="JSON in UTF-8",
        actual=_excerpt(sent),
        advice=advice_on(sent.body, sent.error),
    )


@rule(
    "HT202",
    "not-an-object",
    severity=Severity.ERROR,
    requirement="The body is one JSON object.",
    because="An event is an object.",
    advice="Send the event itself, not a string or a list that holds it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=NO_OBJECT,
    trigger={"body": '"{}"'},
    neighbour={"body": "{}"},
)
def not_an_object(rule: Rule, value: Any) -> Iterator[Finding]:
    if isinstance(value, list):
        return
    kind = {str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
    advice = None
    if isinstance(value, str) and value.lstrip().startswith("{"):
        advice = "The event was serialised twice: send the object, not a string with the object in it."
    yield rule.found("body", f"the body is {kind}", expected="a JSON object", actual=kind, advice=advice)


@rule(
    "HT203",
    "batch",
    severity=Severity.ERROR,
    requirement="Every request carries one event.",
    because="The standard's API has a batch endpoint, /api/v1/lineage/batch, which takes an array; Datadog documents "
    "none.",
    advice="Send the events one by one.",
    source=STANDARD_API,
    sureness=Sureness.ASSUMED,
    when=NO_OBJECT,
    trigger={"body": "[{}]"},
    neighbour={"body": "{}"},
)
def batch(rule: Rule, value: Any) -> Iterator[Finding]:
    if isinstance(value, list):
        yield rule.found(
            "body",
            f"the body is an array of {len(value)}: a batch",
            expected="one event as a JSON object",
            actual=f"an array of {len(value)}",
        )


@rule(
    "HT204",
    "number-impossible",
    severity=Severity.ERROR,
    requirement="Numbers are JSON numbers that a double can hold.",
    because="NaN and Infinity are no JSON, though Python's json writes them.",
    advice="Send null or leave the field out; json.dumps(..., allow_nan=False) finds such values.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=OnUnreadable("number"),
    trigger={"body": '{"cost": NaN}'},
    neighbour={"body": '{"cost": 1e9}'},
)
def number_impossible(rule: Rule, sent: Unreadable) -> Iterator[Finding]:
    yield rule.found(
        "body",
        sent.error.message,
        expected="a JSON number",
        actual=_excerpt(sent),
        advice=advice_on(sent.body, sent.error),
    )


@rule(
    "HT205",
    "nested-too-deeply",
    severity=Severity.ERROR,
    requirement=f"Objects and arrays are nested at most {MAX_DEPTH} levels deep.",
    because="Parsers have such a limit, so that hostile input cannot exhaust them; the intake's own is unknown.",
    advice="Flatten the facet that nests so deeply.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=OnUnreadable("depth"),
    trigger={"body": '{"deep": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}"},
    neighbour={"body": '{"deep": ' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}"},
)
def nested_too_deeply(rule: Rule, sent: Unreadable) -> Iterator[Finding]:
    yield rule.found(
        "body",
        sent.error.message,
        expected=f"at most {MAX_DEPTH} levels",
        actual=_excerpt(sent),
        advice=advice_on(sent.body, sent.error),
    )


@rule(
    "HT206",
    "too-many-values",
    severity=Severity.ERROR,
    requirement=f"An event holds at most {MAX_VALUES:,} values: objects, arrays, texts, numbers and the like.",
    because="A value takes many times the room of its text once it is read, so receivers have such a limit; the "
    "intake's own is unknown.",
    advice="Leave out the facet that holds them, or send less with each event.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=OnUnreadable("values"),
    trigger={"body": Repeated("0,", MAX_VALUES, '{"many": [', "0]}")},
    neighbour={"body": Repeated("0,", MAX_VALUES - 3, '{"many": [', "0]}")},
)
def too_many_values(rule: Rule, sent: Unreadable) -> Iterator[Finding]:
    yield rule.found(
        "body",
        sent.error.message,
        expected=f"at most {MAX_VALUES:,} values",
        actual=_excerpt(sent),
        advice=advice_on(sent.body, sent.error),
    )


@lru_cache(maxsize=64)
def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def _beginning(body: bytes) -> str:
    if not body:
        return "an empty body"
    if begins_with_request(body):
        return "the head of another request"
    if is_like_json(body):
        return "plain JSON"
    return f"{counted(len(body), 'byte')} that begin {body[:8].hex(' ')}"


def _excerpt(sent: Unreadable) -> str:
    """What stands at a position, which is one in the decoded text."""
    body, position = sent.body, sent.error.position
    if not body:
        return "an empty body"
    text = body.decode("utf-8", "backslashreplace")
    # Secrets are taken out before the text is cut, which can take away what tells them; NUL keeps the place.
    text = redact(text[:position] + "\0" + text[position:]) if position else redact(text)
    start = max(0, text.find("\0") - 20) if position else 0
    text = text.replace("\0", "", 1) if position else text
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[start : start + 60])
    return ("..." if start else "") + shown + ("..." if start + 60 < len(text) else "")
