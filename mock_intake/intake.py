"""The intake: from a received request to the exchange that goes on record.

``Intake.receive`` is a plain function of the request and the settings: no sockets, no clock, no store.
It is the only place that decides what a request is answered.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from mock_intake.datadog import requests as rules
from mock_intake.datadog.authentication import Authentication, Keys, authenticate
from mock_intake.datadog.endpoint import misdirected, wrong_method
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.decoding import (
    SUPPORTED,
    CorruptBodyError,
    DecodedTooLargeError,
    UnsupportedEncodingError,
    decode,
)
from mock_intake.exchange import UNATTRIBUTED, EventSummary, Exchange, ReceivedRequest, Response, header
from mock_intake.findings import Finding, Selection, Status
from mock_intake.judgement import Judge
from mock_intake.keeping import Content, as_far_as_possible, keep, packing_of
from mock_intake.masking import masker_of
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.redaction import redact, redacted

ACCEPTED = 202
RETRY_AFTER = 5
LARGE_UNCOMPRESSED = 100_000
MEBIBYTE = 1024 * 1024
# Of a head that is too large: so many headers are kept, and so many characters of each. What is longer is no key.
_KEPT_HEADERS = 100
_KEPT_OF_HEADER = 200
_LONGEST_KEY = 4096

_JSON = ("content-type", "application/json")
_NOT_JUDGED = (
    "mock-intake could not judge the event: a bug of its own, which its log tells of; the request is on record"
)
_log = logging.getLogger("mock_intake")
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Settings:
    """How the intake behaves. Sizes are bytes.

    ``strict`` answers 400 where the product would take an event and show it as an error; ``terse`` leaves
    the body of answers to accepted events empty.
    """

    keys: Keys = field(default_factory=Keys)
    strict: bool = False
    terse: bool = False
    max_body: int = 5 * MEBIBYTE
    max_decoded: int = 20 * MEBIBYTE
    selection: Selection = field(default_factory=Selection)


class _Body(NamedTuple):
    """A body as far as it could be decoded, and the refusal (status code and finding) of one that could not be."""

    content: Content
    refusal: tuple[int, Finding] | None = None

    @property
    def decoded(self) -> bytes:
        return self.content.decoded


class Intake:
    """Receives requests as Datadog's intake does, and judges what is in them."""

    def __init__(self, settings: Settings | None = None, library: FacetLibrary | None = None) -> None:
        self.settings = settings or Settings()
        self._judge = Judge(library, self.settings.selection)

    def receive(self, request: ReceivedRequest, secrets: frozenset[str] = frozenset()) -> Exchange:
        """The exchange that a request makes: everything masked, judged and answered. Never raises.

        ``secrets`` are keys that are masked beside those that it carries: what the Agent replaced on the way.
        """
        settings = self.settings
        who = authenticate(request.headers, request.query, settings.keys)
        request, body, findings = self._masked(request, secrets)
        refusal = self._refusal(request, who, body)
        if refusal is not None:
            status, reasons, detail = refusal
            reasons += findings
            event = self._named(request, who, body, reasons)
            return self._refused(request, who, status, reasons, detail, body, event)
        found = (*who.findings, *findings, *_manners(request))
        if found:
            found = tuple([redacted(finding) for finding in found])
        try:
            event, judged = self._judge.judge(body.decoded, who.org, found)
        except Exception:
            _log.exception("the request %s could not be judged", request.id)
            return self._refused(request, who, 500, found, _NOT_JUDGED, body)
        if event is None:
            return self._refused(request, who, 400, judged, judged[-1].message if judged else "no event", body)
        if settings.strict and event.status is Status.ERROR:
            detail = "the event has errors (strict)"
            return self._refused(request, who, 400, judged, detail, body, event, told=event.id)
        return Exchange(request, who.org, self._accepted(event, judged), True, event, judged, len(body.decoded))

    def refuse(
        self,
        request: ReceivedRequest,
        status: int,
        finding: Finding,
        *,
        text: str | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> Exchange:
        """The exchange of a request that is turned away before it is judged, masked as any other.

        ``text`` is the answer's body; the vendor's error form by default.
        """
        request, body, findings = self._masked(request, secrets)
        nobody = Authentication(UNATTRIBUTED, ())
        exchange = self._refused(request, nobody, status, (finding, *findings), finding.message, body)
        if text is None:
            return exchange
        plain = Response(status, (("content-type", "text/plain; charset=utf-8"),), text.encode())
        return exchange._replace(response=plain)

    def _masked(
        self, request: ReceivedRequest, secrets: frozenset[str]
    ) -> tuple[ReceivedRequest, _Body, tuple[Finding, ...]]:
        """A request as it may be kept, its body decoded, and what is to be said of a key in that."""
        masker = masker_of(request.headers, request.query, (self.settings.keys.known or frozenset()) | secrets)
        request = request.with_head(
            masker.path(request.path), masker.query(request.query), masker.headers(request.headers)
        )
        body = self._decode(request)
        kept = keep(body.content, masker, self.settings.max_decoded)
        if kept.body is not request.body:
            request = request._replace(body=kept.body)
        if not kept.key_found:
            return request, body, ()
        body = body._replace(content=body.content._replace(decoded=kept.decoded))
        return request, body, (_key_in_body(),)

    def _refusal(
        self, request: ReceivedRequest, who: Authentication, body: _Body
    ) -> tuple[int, tuple[Finding, ...], str] | None:
        """Status, findings and detail of the first reason to refuse a request, in the order of a real intake."""
        if request.path != INTAKE_PATH:
            finding = misdirected(request.path)
            return 404, (finding,), finding.message
        if request.method != "POST":
            finding = wrong_method(request.method)
            return 405, (finding,), finding.message
        if who.refusal is not None:
            return who.refusal, who.findings, who.detail
        if not request.complete:
            finding = rules.BODY_INCOMPLETE.found(
                "body",
                f"the connection ended after {request.wire_size} bytes of the body",
                expected="the whole body",
                actual=f"{request.wire_size} bytes",
            )
            return 400, (*who.findings, finding), finding.message
        if body.refusal is not None:
            status, finding = body.refusal
            return status, (*who.findings, finding), finding.message
        return None

    def _named(
        self, request: ReceivedRequest, who: Authentication, body: _Body, findings: tuple[Finding, ...]
    ) -> EventSummary | None:
        """The event in a request that is refused for something else; it is named, not judged."""
        if not request.complete or body.refusal is not None or not body.decoded:
            return None
        return self._judge.name(body.decoded, who.org, findings)

    def _decode(self, request: ReceivedRequest) -> _Body:
        encoding = header(request.headers, "content-encoding")
        limits = self.settings
        body = self._decode_received(request, encoding)
        if request.too_large or len(request.body) > limits.max_body:
            return body._replace(refusal=(413, _too_large(request.wire_size, limits.max_body, "on the wire")))
        return body

    def _decode_received(self, request: ReceivedRequest, encoding: str | None) -> _Body:
        sent = request.body
        limit = self.settings.max_decoded
        cut = request.too_large or not request.complete
        try:
            decoded = decode(sent, encoding, limit)
        except UnsupportedEncodingError as error:
            return _Body(self._undeclared(sent, opaque=True), (415, _unsupported(str(error))))
        except CorruptBodyError as error:
            content = Content(sent, _packing(encoding), error.decoded, error.read, cut=True)
            return _Body(content, (400, _corrupt(sent, encoding, str(error))))
        except DecodedTooLargeError as error:
            content = Content(sent, _packing(encoding), error.decoded, error.read, cut=True)
            return _Body(content, (413, _too_large(None, limit, "decoded")))
        if not encoding and packing_of(sent) == "gzip":
            return _Body(self._undeclared(sent, opaque=False), (400, _gzip_unannounced()))
        packing = _packing(encoding)
        return _Body(Content(sent, packing, decoded, len(sent), cut=cut))

    def _undeclared(self, body: bytes, *, opaque: bool) -> Content:
        """A body that was not announced as what it may be, looked into for the sake of keys in it."""
        packing = packing_of(body)
        if packing is None:
            return Content(body, None, body, len(body), cut=True, opaque=opaque)
        decoded, read = as_far_as_possible(body, packing, self.settings.max_decoded)
        return Content(body, packing, decoded, read, cut=True, opaque=opaque)

    def _accepted(self, event: EventSummary, findings: tuple[Finding, ...]) -> Response:
        if self.settings.terse:
            return Response(ACCEPTED, (), b"")
        answer = {
            "id": event.id,
            "status": event.status,
            "findings": [finding.to_dict() for finding in findings],
        }
        return Response(ACCEPTED, (_JSON,), orjson.dumps(answer))

    def _refused(
        self,
        request: ReceivedRequest,
        who: Authentication,
        status: int,
        findings: tuple[Finding, ...],
        detail: str,
        body: _Body,
        event: EventSummary | None = None,
        *,
        told: str | None = None,
    ) -> Exchange:
        """The exchange of a request that is refused. ``told`` is the id that the answer gives, if any."""
        findings = self.settings.selection.apply(redacted(finding) for finding in findings)
        detail = redact(detail)
        answer: dict[str, Any] = {
            "errors": [{"status": str(status), "title": _TITLES[status], "detail": detail}],
        }
        if not self.settings.terse:
            answer |= {
                "id": told,
                "status": Status.ERROR,
                "findings": [finding.to_dict() for finding in findings],
            }
        headers = (_JSON, ("allow", "POST")) if status == 405 else (_JSON,)
        size = len(body.decoded) if body.refusal is None else None
        return Exchange(request, who.org, Response(status, headers, orjson.dumps(answer)), False, event, findings, size)


def not_http(request: ReceivedRequest) -> Exchange:
    """The exchange of bytes that are no HTTP; the server has masked what looks like a key in them."""
    advice = None
    if request.body[:2] == b"\x16\x03":
        advice = "This is TLS: the producer speaks https to a port that speaks http. Let the URL begin with http://."
    finding = rules.NOT_HTTP.found(
        "request",
        "what was received is no HTTP request" + (", but the beginning of a TLS connection" if advice else ""),
        expected="an HTTP/1.1 request",
        actual=f"{request.wire_size} bytes that begin {request.body[:12]!r}",
        advice=advice,
    )
    return refused(request, 400, finding)


def head_too_large(request: ReceivedRequest, limit: int, size: int | None, unfinished: str | None = None) -> Exchange:
    """The exchange of a request whose head is larger than is taken; of what is long in it the beginning is kept.

    ``size`` is None if the head was not read to its end; ``unfinished`` is then the header in which reading stopped.
    """
    query = len(request.path) + len(request.query)
    parts = [("the URL", query), *((f"the header {name}", len(value)) for name, value in request.headers)]
    largest = f"the header {unfinished}" if unfinished else max(parts, key=itemgetter(1))[0]
    usual = tuple(pair for pair in request.headers if len(pair[1]) <= _LONGEST_KEY)
    masker = masker_of(usual, request.query if len(request.query) <= _LONGEST_KEY else "")
    kept = masker.headers(request.headers[:_KEPT_HEADERS])
    masked = request._replace(
        path=_beginning(masker.path(request.path)),
        query=_beginning(masker.query(request.query)),
        headers=tuple((_beginning(name), _beginning(value)) for name, value in kept),
    )
    finding = rules.HEAD_TOO_LARGE.found(
        "request",
        f"the request line and the headers are larger than {limit:,} bytes; most of that is "
        + _beginning(masker.text(largest)),
        expected=f"at most {limit:,} bytes",
        actual=f"more than {limit:,} bytes" if size is None else f"{size:,} bytes",
    )
    return refused(masked, 431, redacted(finding))


def _beginning(text: str) -> str:
    return text if len(text) <= _KEPT_OF_HEADER else f"{text[:_KEPT_OF_HEADER]}... ({len(text):,} characters)"


def refused(request: ReceivedRequest, status: int, finding: Finding) -> Exchange:
    """The exchange of what never comes to the intake to be judged; everything in it must be masked already."""
    answer = {
        "errors": [{"status": str(status), "title": _TITLES[status], "detail": finding.message}],
        "id": None,
        "status": Status.ERROR,
        "findings": [finding.to_dict()],
    }
    response = Response(status, (_JSON,), orjson.dumps(answer))
    return Exchange(request, UNATTRIBUTED, response, False, None, (finding,), None)


def unrecorded(exchange: Exchange, reason: str) -> Exchange:
    """The exchange as it is answered when it could not be put on record: never with a 2xx."""
    error = {"status": "503", "title": _TITLES[503], "detail": f"mock-intake cannot keep the event: {reason}"}
    headers = (_JSON, ("retry-after", str(RETRY_AFTER)))
    return exchange._replace(accepted=False, response=Response(503, headers, orjson.dumps({"errors": [error]})))


def _manners(request: ReceivedRequest) -> list[Finding]:
    """What is wrong with a request that is taken all the same."""
    findings = []
    content_type = header(request.headers, "content-type")
    if not _is_json(content_type):
        findings.append(
            rules.CONTENT_TYPE_WRONG.found(
                "header:Content-Type",
                "the request has no Content-Type" if content_type is None else "the Content-Type is not JSON's",
                expected="application/json",
                actual=content_type[:100] if content_type else "none",
            )
        )
    if len(request.body) > LARGE_UNCOMPRESSED and not header(request.headers, "content-encoding"):
        findings.append(
            rules.BODY_UNCOMPRESSED.found(
                "body",
                f"a body of {len(request.body):,} bytes was sent uncompressed",
                expected="Content-Encoding: gzip",
                actual="no Content-Encoding",
            )
        )
    return findings


@lru_cache(maxsize=64)
def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def _packing(encoding: str | None) -> str | None:
    """How a supported Content-Encoding packs; None if it leaves the body as it is."""
    names = (encoding or "").lower()
    return "gzip" if "gzip" in names else "deflate" if "deflate" in names else None


def _key_in_body() -> Finding:
    return rules.KEY_IN_BODY.found(
        "body",
        "an API key stands in the body; it was masked before the body was kept",
        expected="no key in the body",
        actual="****",
    )


def _unsupported(encoding: str) -> Finding:
    return rules.ENCODING_UNSUPPORTED.found(
        "header:Content-Encoding",
        f"the Content-Encoding {encoding[:60]} is not supported",
        expected=", ".join(SUPPORTED),
        actual=encoding[:100],
    )


def _corrupt(body: bytes, encoding: str | None, reason: str) -> Finding:
    advice = None
    if body.lstrip()[:1] in (b"{", b"["):
        advice = "The body is plain JSON: leave the Content-Encoding header out, or compress the body."
    elif "ends early" in reason:
        advice = "The stream was cut off: close the compressor before sending, and send all of it."
    return rules.BODY_NOT_AS_ENCODED.found(
        "body",
        f"the body is not what Content-Encoding: {encoding} says: {reason}",
        expected=f"a {encoding} stream",
        actual=_began(body),
        advice=advice,
    )


def _began(body: bytes) -> str:
    if not body:
        return "an empty body"
    if body.lstrip()[:1] in (b"{", b"["):
        return "plain JSON"
    return f"{len(body)} bytes that begin {body[:8].hex(' ')}"


def _gzip_unannounced() -> Finding:
    return rules.BODY_NOT_AS_ENCODED.found(
        "body",
        "the body is gzip, and no Content-Encoding says so",
        expected="Content-Encoding: gzip",
        actual="no Content-Encoding",
        advice="Send the header Content-Encoding: gzip with the compressed body.",
    )


def _too_large(size: int | None, limit: int, where: str) -> Finding:
    actual = f"{size:,} bytes" if size is not None else f"more than {limit:,} bytes"
    return rules.BODY_TOO_LARGE.found(
        "body",
        f"the body is larger than the limit of {limit:,} bytes {where}",
        expected=f"at most {limit:,} bytes {where}",
        actual=actual,
    )
