"""The intake: from a received request to the exchange that goes on record.

``Intake.receive`` is a plain function of the request and the settings: no sockets, no clock, no store.
It is the only place that decides what a request is answered.
"""

from __future__ import annotations

import logging
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake.body.decoding import (
    CorruptBodyError,
    DecodedTooLargeError,
    UnsupportedEncodingError,
    decode,
)
from mock_intake.body.mixed import begins_with_request
from mock_intake.body.record import Content, as_far_as_possible, keep, packing_of
from mock_intake.datadog.authentication import Authentication, Keys, authenticate
from mock_intake.datadog.rules import REQUESTS, bodies
from mock_intake.datadog.rules.authentication import IN_BODY
from mock_intake.datadog.rules.bodies import LargeHead, TooLarge, Undecoded
from mock_intake.datadog.rules.endpoint import NOT_HTTP, WRONG_METHOD, WRONG_PATH, Astray, is_probe
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.judging.judgement import Judge
from mock_intake.model.answers import Answer, Errors, Problem, Refusal
from mock_intake.model.bounding import bounded
from mock_intake.model.encoding import to_json
from mock_intake.model.exchange import (
    UNATTRIBUTED,
    EventSummary,
    Exchange,
    Headers,
    ReceivedRequest,
    Response,
    header,
    joined,
)
from mock_intake.model.findings import Finding, Selection, Status
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.secrets.api_keys import Masker, keys_in, masker_of
from mock_intake.secrets.content import redact, redacted
from mock_intake.secrets.other_orgs import KnownOrgs, keys_of_orgs
from mock_intake.system.extensions import ExtensionError

ACCEPTED = 202
RETRY_AFTER = 5
MEBIBYTE = 1024 * 1024
# Of a head that is too large: so many headers are kept, and so many characters of each. What is longer is no key.
_KEPT_HEADERS = 100
_KEPT_OF_HEADER = 200
_LONGEST_KEY = 4096

_JSON = ("content-type", "application/json")
_NOT_JUDGED = (
    "mock-intake could not judge the event: a bug of its own, which its log tells of; the request is on record"
)
_NOT_SERVED = (
    "mock-intake could not serve the request: a bug of its own, which its log tells of; the request is on record"
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
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class Settings(Struct, frozen=True):
    """How the intake behaves. Sizes are bytes.

    ``keys`` are those that it takes. ``strict`` answers 400 where the product would take an event and show it as an
    error; ``terse`` leaves the body of answers to accepted events empty. ``max_body`` is the largest body on the wire,
    ``max_decoded`` the largest without its Content-Encoding: beyond them is 413. ``selection`` says which rules speak,
    and with which severity.
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

    def org_of(self, request: ReceivedRequest) -> str:
        """Whose ``request`` it is, by its head alone; also by a key in the wrong place, for which it is refused."""
        return authenticate(request.headers, request.query, self.settings.keys).org

    def receive(
        self,
        request: ReceivedRequest,
        secrets: frozenset[str] = frozenset(),
        *,
        decoded: bytes | None = None,
        orgs: KnownOrgs | None = None,
    ) -> Exchange:
        """The exchange that a request makes: everything masked, judged and answered. Never raises.

        ``secrets`` are keys that are masked beside those that it carries: what the Agent replaced on the way.
        ``decoded`` is its body without its Content-Encoding, where that is known already. ``orgs`` are known to have
        keys: theirs are masked in the body too.
        """
        settings = self.settings
        # Before anything is masked: whose it is, and why it is refused, is told by what was sent.
        who = authenticate(request.headers, request.query, settings.keys)
        others = orgs if orgs is not None and orgs.beside(who.org) else None
        request, body, findings = self._masked(request, secrets, decoded, others)
        refusal = self._refusal(request, who, body)
        if refusal is not None:
            status, reasons, detail = refusal
            reasons += findings
            event = self._named(request, who, body, reasons)
            return self._refused(request, who, status, reasons, detail, body, event)
        # What is wrong with a request that is taken all the same counts for the status of its event.
        found = (*who.findings, *findings, *REQUESTS.judge(bodies.TAKEN, request))
        if found:
            found = bounded([redacted(finding) for finding in found])
        try:
            judgement = self._judge.judge(body.decoded, who.org, found, request.received_at)
        except Exception as error:
            _log.exception("the request %s could not be judged", request.id)
            # A rule of another package says whose it is, so that its user knows whom to ask; of a bug of ours nothing
            # goes out but that there was one: its text may quote the event.
            detail = str(error) if isinstance(error, ExtensionError) else _NOT_JUDGED
            return self._refused(request, who, 500, found, detail, body)
        event, judged = judgement.event, judgement.findings
        if event is None:
            return self._refused(request, who, 400, judged, judged[-1].message if judged else "no event", body)
        # Refused, and yet with its summary: it stays to be found under its event, though it is none that counts.
        if settings.strict and event.status is Status.ERROR:
            detail = "the event has errors (strict)"
            return self._refused(request, who, 400, judged, detail, body, event, event_id=event.id)
        return Exchange(request, who.org, self._accepted(event, judged), True, event, judged, len(body.decoded))

    def decoded(self, request: ReceivedRequest) -> bytes | None:
        """The body of ``request`` without its Content-Encoding; None where it cannot be had."""
        try:
            return decode(request.body, header(request.headers, "content-encoding"), self.settings.max_decoded)
        except ValueError:
            return None

    def turn_away(self, request: ReceivedRequest, secrets: frozenset[str] = frozenset()) -> Exchange:
        """The exchange of a ``request`` for whose body there is no room: 503, to be sent again.

        It is masked as any other, also of the keys in ``secrets``.
        """
        org = self.org_of(request)
        request, _, findings = self._masked(request, secrets)
        answer = _errors(503, "mock-intake has too many bodies under way to read this one: send it again")
        headers = (_JSON, ("retry-after", str(RETRY_AFTER)))
        return Exchange(request, org, Response(503, headers, to_json(answer)), False, None, findings, None)

    def fail(self, request: ReceivedRequest) -> Exchange:
        """The exchange of a ``request`` that could not be served, for a bug of ours: 500.

        What of it cannot be masked is left out, so that the bug costs no secret.
        """
        try:
            org, (request, _, findings) = self.org_of(request), self._masked(request, frozenset())
        except Exception:
            # What failed may be the masking itself. Nothing of the request is kept then but when and how it came.
            org, findings = UNATTRIBUTED, ()
            request = replace(request, path="", query="", headers=(), body=b"")
        answer = to_json(_errors(500, _NOT_SERVED))
        return Exchange(request, org, Response(500, (_JSON,), answer), False, None, findings, None)

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
        return replace(exchange, response=plain)

    def _masked(
        self,
        request: ReceivedRequest,
        secrets: frozenset[str],
        decoded: bytes | None = None,
        others: KnownOrgs | None = None,
    ) -> tuple[ReceivedRequest, _Body, tuple[Finding, ...]]:
        """A request as it may be kept, its body decoded, and what is to be said of a key in that."""
        known = (self.settings.keys.known or frozenset()) | secrets
        sent = request
        # Remembered for requests with the same credentials: a producer sends the same with every event.
        masker = masker_of(sent.headers, sent.query, known)
        request = request.with_head(
            masker.path(request.path), masker.query(request.query), masker.headers(request.headers)
        )
        body = self._decode(request, decoded)
        if others is not None and (theirs := keys_of_orgs(body.decoded, others)):
            # Remembered by nobody, as it has their keys.
            masker = Masker(known | theirs | keys_in(sent.headers, sent.query))
        kept = keep(body.content, masker, self.settings.max_decoded)
        # The same object where nothing was masked, as in nearly all requests: a body is never copied for nothing.
        if kept.body is not request.body:
            request = replace(request, body=kept.body)
        if not kept.key_found:
            return request, body, ()
        # The head of another request, in the middle of this one, has the key where it belongs.
        is_head = begins_with_request(sent.body)
        # What is judged is what is kept: no finding can quote the key.
        body = body._replace(content=body.content._replace(decoded=kept.decoded))
        return request, body, () if is_head else tuple(REQUESTS.judge(IN_BODY, None))

    def _refusal(
        self, request: ReceivedRequest, who: Authentication, body: _Body
    ) -> tuple[int, tuple[Finding, ...], str] | None:
        """Status, findings and detail of the first reason to refuse a request, in the order of a real intake."""
        # The path first: who is at the wrong place learns nothing from what else is wrong there.
        if request.path != INTAKE_PATH:
            finding = REQUESTS.reason(WRONG_PATH, Astray(request.path, probing=is_probe(request)))
            return 404, (finding,), finding.message
        if request.method != "POST":
            finding = REQUESTS.reason(WRONG_METHOD, request.method)
            return 405, (finding,), finding.message
        # Then the key, before the body is looked at: an intake does not read for strangers.
        if who.refusal is not None:
            return who.refusal, who.findings, who.detail
        if not request.complete:
            finding = REQUESTS.reason(bodies.INCOMPLETE, request)
            return 400, (*who.findings, finding), finding.message
        coding = _transfer_coding(request.headers)
        if coding is not None:
            finding = REQUESTS.reason(bodies.TRANSFER_CODED, coding)
            return 501, (*who.findings, finding), finding.message
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

    def _decode(self, request: ReceivedRequest, decoded: bytes | None) -> _Body:
        encoding = header(request.headers, "content-encoding")
        limits = self.settings
        body = self._decode_received(request, encoding, decoded)
        if request.too_large or len(request.body) > limits.max_body:
            too_large = TooLarge(request.wire_size, limits.max_body, "on the wire")
            return body._replace(refusal=(413, REQUESTS.reason(bodies.BODY_TOO_LARGE, too_large)))
        return body

    def _decode_received(self, request: ReceivedRequest, encoding: str | None, decoded: bytes | None) -> _Body:
        sent = request.body
        limit = self.settings.max_decoded
        cut = request.too_large or not request.complete
        try:
            decoded = decode(sent, encoding, limit) if decoded is None else decoded
        except UnsupportedEncodingError as error:
            finding = REQUESTS.reason(bodies.UNSUPPORTED_ENCODING, str(error))
            return _Body(self._undeclared(sent, opaque=True), (415, finding))
        except CorruptBodyError as error:
            content = Content(sent, _packing(encoding), error.decoded, error.read, cut=True)
            finding = REQUESTS.reason(bodies.NOT_AS_ENCODED, Undecoded(sent, str(encoding), str(error)))
            return _Body(content, (400, finding))
        except DecodedTooLargeError as error:
            content = Content(sent, _packing(encoding), error.decoded, error.read, cut=True)
            finding = REQUESTS.reason(bodies.BODY_TOO_LARGE, TooLarge(None, limit, "decoded"))
            return _Body(content, (413, finding))
        # Only gzip, which begins in two bytes that no JSON begins with; what deflate begins with may be a text.
        if not encoding and packing_of(sent) == "gzip":
            finding = REQUESTS.reason(bodies.GZIP_UNANNOUNCED, sent)
            return _Body(self._undeclared(sent, opaque=False), (400, finding))
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
        return Response(ACCEPTED, (_JSON,), to_json(Answer(event.id, event.status, findings)))

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
        event_id: str | None = None,
    ) -> Exchange:
        """The exchange of a request that is refused. ``event_id`` is the id that the answer gives, if any."""
        findings = bounded(self.settings.selection.apply(redacted(finding) for finding in findings))
        detail = redact(detail)
        answer = _errors(status, detail)
        if not self.settings.terse:
            answer = Refusal(answer.errors, event_id, Status.ERROR, findings)
        headers = (_JSON, ("allow", "POST")) if status == 405 else (_JSON,)
        # A size that was never reached, or is the limit's, would be taken for the body's.
        size = len(body.decoded) if body.refusal is None else None
        return Exchange(request, who.org, Response(status, headers, to_json(answer)), False, event, findings, size)


def not_http(request: ReceivedRequest) -> Exchange:
    """The exchange of bytes that are no HTTP (the body of ``request``); the server has masked what looks like a key in
    them.
    """
    return refused(request, 400, REQUESTS.reason(NOT_HTTP, request))


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
    masked = replace(
        request,
        path=_beginning(masker.path(request.path)),
        query=_beginning(masker.query(request.query)),
        headers=tuple((_beginning(name), _beginning(value)) for name, value in kept),
    )
    head = LargeHead(size, limit, _beginning(masker.text(largest)))
    return refused(masked, 431, redacted(REQUESTS.reason(bodies.HEAD_TOO_LARGE, head)))


def _beginning(text: str) -> str:
    return text if len(text) <= _KEPT_OF_HEADER else f"{text[:_KEPT_OF_HEADER]}... ({len(text):,} characters)"


def refused(request: ReceivedRequest, status: int, finding: Finding) -> Exchange:
    """The exchange of what never comes to the intake to be judged: answered ``status``, because of ``finding``.

    Everything in ``request`` must be masked already.
    """
    answer = Refusal(_errors(status, finding.message).errors, None, Status.ERROR, (finding,))
    response = Response(status, (_JSON,), to_json(answer))
    return Exchange(request, UNATTRIBUTED, response, False, None, (finding,), None)


def _errors(status: int, detail: str) -> Errors:
    return Errors((Problem(str(status), _TITLES[status], detail),))


def unrecorded(exchange: Exchange, reason: str) -> Exchange:
    """The exchange as it is answered when it could not be put on record, for this ``reason``: never with a 2xx."""
    answer = _errors(503, f"mock-intake cannot keep the event: {reason}")
    headers = (_JSON, ("retry-after", str(RETRY_AFTER)))
    return replace(exchange, accepted=False, response=Response(503, headers, to_json(answer)))


def _transfer_coding(headers: Headers) -> str | None:
    """What the transfer coding of a request is, if it is neither none nor chunked."""
    if header(headers, "transfer-encoding") is None:
        return None
    coding = joined(headers)["transfer-encoding"]
    return None if coding.strip().lower() == "chunked" else coding


def _packing(encoding: str | None) -> str | None:
    """How a supported Content-Encoding packs; None if it leaves the body as it is."""
    names = (encoding or "").lower()
    return "gzip" if "gzip" in names else "deflate" if "deflate" in names else None
