"""One event judged: as OpenLineage, and as Datadog documents it. Pure; shared by server, CLI and plugin."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cached_property
from typing import Any, NamedTuple

from mock_intake.datadog import events as datadog
from mock_intake.datadog import requests as rules
from mock_intake.event import Dataset, DatasetId, EventView, Role
from mock_intake.exchange import EventSummary
from mock_intake.findings import Finding, Selection, status_of
from mock_intake.openlineage.library import FacetLibrary, standard_library
from mock_intake.openlineage.validation import SECRET_CODES, OpenLineageJudge
from mock_intake.parsing import ParseError, parse, without_surrogates
from mock_intake.redaction import redact, redacted

_EVENT_ID_LENGTH = 16
# For more than that hashlib lets other threads run meanwhile, and to have the turn back takes longer than the hash.
_HASHED_AT_ONCE = 2_047
MOST_OF_A_RULE = 50


class Judgement(NamedTuple):
    """What was made of a body: the event's summary, unless it is none, and the findings."""

    event: EventSummary | None
    findings: tuple[Finding, ...]


class Judge:
    """Judges bodies by a library of facets, with the user's say over rules."""

    def __init__(self, library: FacetLibrary | None = None, selection: Selection | None = None) -> None:
        self._library = library
        self.selection = selection or Selection()

    @cached_property
    def _judge(self) -> OpenLineageJudge:
        # Schemas compile with the first event, not at start.
        return OpenLineageJudge(self._library or standard_library())

    def judge(self, body: bytes, org: str, request_findings: tuple[Finding, ...] = ()) -> Judgement:
        """Judges a decoded body. ``request_findings`` count for the event's status, as HT rules do.

        Never raises for what the body holds; a body that is no event is said to be so by an HT finding
        of severity error, and the judgement has no event then.
        """
        try:
            value, surrogates = parse(body)
        except ParseError as error:
            return Judgement(None, self.selection.apply((*request_findings, _unreadable(error, body))))
        if type(value) is not dict:
            return Judgement(None, self.selection.apply((*request_findings, _no_object(value))))
        if surrogates is not None:
            value = without_surrogates(value)
        view = EventView(value)
        found = self._judge.judge(view, body.decode("utf-8"), surrogates)
        found += datadog.judge(view)
        findings = request_findings
        if found:
            if any(finding.code in SECRET_CODES for finding in found):
                # Any of them may quote the place where the secret stands.
                found = [redacted(finding) for finding in found]
            findings = (*request_findings, *_capped(found))
        if findings and self.selection:
            findings = self.selection.apply(findings)
        return Judgement(_summary(view, event_id(org, body), findings), findings)

    def name(self, body: bytes, org: str, findings: tuple[Finding, ...]) -> EventSummary | None:
        """The summary of an event that is not judged, its request being refused; None for what is no event."""
        try:
            value, surrogates = parse(body)
        except ParseError:
            return None
        if type(value) is not dict:
            return None
        view = EventView(value if surrogates is None else without_surrogates(value))
        return _summary(view, event_id(org, body), findings)


def _capped(findings: list[Finding]) -> list[Finding]:
    """The findings with at most so many of each rule; the last of them says how many more there are."""
    if len(findings) <= MOST_OF_A_RULE:
        return findings
    counted: Counter[str] = Counter(finding.code for finding in findings)
    seen: Counter[str] = Counter()
    kept = []
    for finding in findings:
        seen[finding.code] += 1
        more = counted[finding.code] - MOST_OF_A_RULE
        if seen[finding.code] < MOST_OF_A_RULE or more <= 0:
            kept.append(finding)
        elif seen[finding.code] == MOST_OF_A_RULE:
            kept.append(finding._replace(message=f"{finding.message} (and {more} more of {finding.code} in the event)"))
    return kept


def event_id(org: str, body: bytes) -> str:
    """The same org and the same decoded body make the same event, however often it is sent."""
    digest = hashlib.sha256(org.encode() + b"\0", usedforsecurity=False)
    for start in range(0, len(body), _HASHED_AT_ONCE):
        digest.update(body[start : start + _HASHED_AT_ONCE])
    return digest.hexdigest()[:_EVENT_ID_LENGTH]


def _summary(view: EventView, identity: str, findings: tuple[Finding, ...]) -> EventSummary:
    parent = view.run_facets.get("parent")
    datasets = view.datasets
    return EventSummary(
        identity,
        status_of(findings),
        view.kind,
        view.event_type,
        view.event_time,
        view.run_id,
        view.job_namespace,
        view.job_name,
        _ids(datasets, "input") if datasets else (),
        _ids(datasets, "output") if datasets else (),
        next(iter(_ids(datasets, "dataset")), None) if view.kind == "DatasetEvent" else None,
        view.producer,
        _text(view.job_facets.get("jobType"), "processingType"),
        _text(_part(parent, "run"), "runId") if parent else None,
        _identity(_part(parent, "job")) if parent else None,
    )


def _ids(datasets: list[Dataset], role: Role) -> tuple[DatasetId, ...]:
    return tuple(
        [
            DatasetId(dataset.namespace, dataset.name)
            for dataset in datasets
            if dataset.role == role and dataset.namespace is not None and dataset.name is not None
        ]
    )


def _part(value: Any, name: str) -> Any:
    return value.get(name) if type(value) is dict else None


def _text(value: Any, name: str) -> str | None:
    found = _part(value, name)
    return found if type(found) is str else None


def _identity(job: Any) -> tuple[str, str] | None:
    namespace, name = _text(job, "namespace"), _text(job, "name")
    return None if namespace is None or name is None else (namespace, name)


def _unreadable(error: ParseError, body: bytes) -> Finding:
    rule = {"number": rules.NUMBER_IMPOSSIBLE, "depth": rules.TOO_DEEP}.get(error.reason, rules.NOT_JSON)
    expected = {"number": "a JSON number", "depth": "at most 200 levels"}.get(error.reason, "JSON in UTF-8")
    return rule.found(
        "body",
        f"the body is no JSON: {error.message}" if rule is rules.NOT_JSON else error.message,
        expected=expected,
        actual=_excerpt(body, error.position),
        advice=_advice(body, error),
    )


def _advice(body: bytes, error: ParseError) -> str | None:
    if not body:
        return "Send the event as the body. With curl: -d @event.json (and @- for standard input)."
    if body.startswith(b"\xef\xbb\xbf"):
        return "Write the body without a byte order mark (utf-8, not utf-8-sig)."
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00{" in body[:4] or b"{\x00" in body[:4]:
        return "Encode the body as UTF-8; this looks like UTF-16."
    if body.startswith(b"--") or (b"=" in body[:40] and not body.lstrip().startswith(b"{")):
        return "This looks like a form. Send the event itself as the body, with Content-Type: application/json."
    if error.reason == "syntax" and b"'" in body[:20]:
        return "This looks like a Python dict printed with str(); use json.dumps()."
    return None


def _excerpt(body: bytes, position: int | None) -> str:
    """What stands at a position, which is one in the decoded text."""
    if not body:
        return "an empty body"
    text = body.decode("utf-8", "backslashreplace")
    # Secrets are taken out before the text is cut, which can take away what tells them; NUL keeps the place.
    text = redact(text[:position] + "\0" + text[position:]) if position else redact(text)
    start = max(0, text.find("\0") - 20) if position else 0
    text = text.replace("\0", "", 1) if position else text
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[start : start + 60])
    return ("..." if start else "") + shown + ("..." if start + 60 < len(text) else "")


def _no_object(value: Any) -> Finding:
    if isinstance(value, list):
        return rules.BATCH.found(
            "body",
            f"the body is an array of {len(value)}: a batch",
            expected="one event as a JSON object",
            actual=f"an array of {len(value)}",
        )
    kind = {str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
    advice = "The event was serialised twice: send the object, not a string with the object in it." * (
        isinstance(value, str) and value.lstrip().startswith("{")
    )
    return rules.NOT_AN_OBJECT.found(
        "body", f"the body is {kind}", expected="a JSON object", actual=kind, advice=advice or None
    )
