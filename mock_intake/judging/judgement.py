"""One event judged: as OpenLineage, and as Datadog documents it. Pure; shared by server, CLI and plugin."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any

from msgspec import Struct

from mock_intake.body.parsing import Parsed, ParseError, Path, parse, without_surrogates
from mock_intake.datadog import rules as datadog
from mock_intake.datadog.native import without_blame
from mock_intake.datadog.rules.bodies import NO_OBJECT, OnUnreadable, Unreadable
from mock_intake.model.accumulated import is_snapshot
from mock_intake.model.bounding import GatheredFindings, bounded
from mock_intake.model.event import Dataset, DatasetId, EventView, Role
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Finding, Selection, status_of
from mock_intake.openlineage import rules as openlineage
from mock_intake.openlineage.library import FacetLibrary, standard_library
from mock_intake.openlineage.validation import SECRET_CODES, OpenLineageJudge
from mock_intake.rules.events import EventRules
from mock_intake.rules.outside import outside_rules
from mock_intake.secrets.content import redacted
from mock_intake.secrets.quoting import forget

_EVENT_ID_LENGTH = 16
# For more than that hashlib lets other threads run meanwhile, and to have the turn back takes longer than the hash.
_HASHED_AT_ONCE = 2_047
_NO_TIME = datetime.min.replace(tzinfo=UTC)
# A body of more bytes may be made for the sake of its findings: they are counted as they are made.
_LARGE = 64 * 1024


@cache
def _event_rules() -> EventRules:
    return EventRules([*openlineage.EVENTS.in_order, *datadog.EVENTS.in_order, *outside_rules()])


# Made for every event, of values that do not lead back to it.
class Judgement(Struct, frozen=True, gc=False):
    """What was made of a body: the event's summary, unless it is none, and the findings."""

    event: EventSummary | None
    findings: tuple[Finding, ...]


class _Read(Struct, gc=False):
    """A body that was read, and what was found in it so far; ``view`` is None where it is no event, and that is why.

    ``surrogates`` is where a lone surrogate stood in it, if one did.
    """

    body: bytes
    view: EventView | None
    surrogates: Path | None
    found: list[Finding]


class Judge:
    """Judges bodies by ``library`` (the standard's facets, unless told), with the user's say over rules in
    ``selection``.

    Its schemas compile with the first event, not when it is made. Safe to use from several threads.
    """

    def __init__(self, library: FacetLibrary | None = None, selection: Selection | None = None) -> None:
        self._library = library
        self.selection = selection or Selection()
        # The hour in which an event arrived last, its beginning and end, and what ``_latest`` says in it.
        self._hour = (_NO_TIME, _NO_TIME, "")

    @cached_property
    def _judge(self) -> OpenLineageJudge:
        # Schemas compile with the first event, not at start.
        return OpenLineageJudge(self._library or standard_library())

    @cached_property
    def _event_rules(self) -> EventRules:
        return _event_rules()

    def judge(
        self,
        body: bytes,
        org: str,
        request_findings: tuple[Finding, ...] = (),
        arrived: datetime | None = None,
    ) -> Judgement:
        """Judges a decoded body. ``request_findings`` count for the event's status, as HT rules do.

        ``arrived`` is when it was received; without it no eventTime is too late.

        Never raises for what the body holds; a body that is no event is said to be so by an HT finding
        of severity error, and the judgement has no event then.
        """
        read = self._read(body, _parsed(body), arrived)
        view = read.view
        if view is None:
            return self._refused(read, request_findings)
        text = body.decode("utf-8")
        self._judge.judge(view, text, read.found)
        self._judge.judge_content(view, text, read.surrogates, read.found)
        self._event_rules.judge(view, read.found)
        return self._judged(read, view, event_id(org, body), request_findings)

    def judge_together(
        self, bodies: Sequence[bytes], org: str, arrived: datetime
    ) -> list[tuple[Judgement, EventView | None]]:
        """As ``judge`` for each of some bodies, with what was parsed, for who goes on with it.

        All of them take one step, and then the next: for one event after the other a processor's caches would have to
        get the code of all steps again, which takes a third as long as all else.
        """
        parsed = [_parsed(body) for body in bodies]
        read = [self._read(*one, arrived) for one in zip(bodies, parsed, strict=True)]
        events = [(one, one.view, one.body.decode("utf-8")) for one in read if one.view is not None]
        for one, view, text in events:
            self._judge.judge(view, text, one.found)
        for one, view, text in events:
            self._judge.judge_content(view, text, one.surrogates, one.found)
        for one, view, _ in events:
            self._event_rules.judge(view, one.found)
        ids = [event_id(org, body) for body in bodies]
        return [
            (self._refused(one, ()) if one.view is None else self._judged(one, one.view, identity, ()), one.view)
            for one, identity in zip(read, ids, strict=True)
        ]

    def _read(self, body: bytes, parsed: Parsed | ParseError, arrived: datetime | None) -> _Read:
        if isinstance(parsed, ParseError):
            reasons = datadog.REQUESTS.judge(OnUnreadable(parsed.reason), Unreadable(body, parsed))
            return _Read(body, None, None, reasons)
        value, surrogates = parsed.value, parsed.surrogates
        if type(value) is not dict:
            return _Read(body, None, None, datadog.REQUESTS.judge(NO_OBJECT, value))
        if surrogates is not None:
            value = without_surrogates(value)
        view = EventView(value)
        if arrived is not None:
            view.arrived, view.latest = arrived, self._latest(arrived)
        # Of a large event a rule may have something to say a million times: then they are counted and the first kept.
        return _Read(body, view, surrogates, GatheredFindings() if len(body) > _LARGE else [])

    def _refused(self, read: _Read, request_findings: tuple[Finding, ...]) -> Judgement:
        return Judgement(None, self.selection.apply((*request_findings, *read.found)))

    def _judged(self, read: _Read, view: EventView, identity: str, request_findings: tuple[Finding, ...]) -> Judgement:
        findings, found = request_findings, read.found
        if found:
            # Long texts that were quoted are remembered while an event is judged, as several findings quote the same.
            forget()
            made = found.made if isinstance(found, GatheredFindings) else None
            found = without_blame(view, found)
            if not SECRET_CODES.isdisjoint([finding.code for finding in found]):
                # Any of them may quote the place where the secret stands.
                found = [redacted(finding) for finding in found]
            findings = (*request_findings, *bounded(found, made))
        if findings and self.selection:
            findings = self.selection.apply(findings)
        return Judgement(_summary(view, identity, findings), findings)

    def _latest(self, arrived: datetime) -> str:
        """A text before which no time of an event is that arrives now is more than a day later, whatever its offset."""
        begin, end, latest = self._hour
        if not begin <= arrived < end:
            begin = arrived.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            # No offset is earlier than UTC by more than half a day.
            latest = (begin + timedelta(hours=12)).isoformat()[:13]
            self._hour = begin, begin + timedelta(hours=1), latest
        return latest

    def name(self, body: bytes, org: str, findings: tuple[Finding, ...]) -> EventSummary | None:
        """The summary of an event in ``body`` that is not judged, its request being refused; None for what is no event.

        ``findings`` are the request's; the status follows from them alone.
        """
        try:
            parsed = parse(body)
        except ParseError:
            return None
        if type(parsed.value) is not dict:
            return None
        view = EventView(parsed.value if parsed.surrogates is None else without_surrogates(parsed.value))
        return _summary(view, event_id(org, body), findings)


def _parsed(body: bytes) -> Parsed | ParseError:
    """What is in a body, or why it cannot be read."""
    try:
        return parse(body)
    except ParseError as error:
        return error


def event_id(org: str, body: bytes) -> str:
    """The id of an event: 16 hex digits of the SHA-256 of ``org`` and the decoded ``body``.

    So the same body is the same event however often it is sent, and in another org another one.
    """
    digest = _begun(org).copy()
    if len(body) <= _HASHED_AT_ONCE:
        digest.update(body)
    else:
        for start in range(0, len(body), _HASHED_AT_ONCE):
            digest.update(body[start : start + _HASHED_AT_ONCE])
    return digest.hexdigest()[:_EVENT_ID_LENGTH]


@lru_cache(maxsize=256)
def _begun(org: str) -> hashlib._Hash:
    """The digest of an org's name, to be copied and gone on with: to make one takes longer than a small body's."""
    return hashlib.sha256(org.encode() + b"\0", usedforsecurity=False)


def _summary(view: EventView, identity: str, findings: tuple[Finding, ...]) -> EventSummary:
    parent = view.run_facets.get("parent")
    datasets = view.datasets
    parent_run_id, parent_job, root_run_id, root_job = _named_above(parent) if type(parent) is dict else _NOTHING_ABOVE
    job_type = view.job_facets.get("jobType")
    processing, has_pattern = None, False
    if type(job_type) is dict:
        processing, has_pattern = job_type.get("processingType"), "emissionPattern" in job_type
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
        processing if type(processing) is str else None,
        parent_run_id,
        parent_job,
        root_run_id,
        root_job,
        (has_pattern and is_snapshot(view.job_facets)) or None,
    )


_NamedAbove = tuple[str | None, tuple[str, str] | None, str | None, tuple[str, str] | None]
_NOTHING_ABOVE: _NamedAbove = (None, None, None, None)


def _named_above(parent: dict[str, Any]) -> _NamedAbove:
    """What a parent facet names: run and job of the parent, and those of the root."""
    root = parent.get("root")
    return (
        _text(_part(parent, "run"), "runId") or "",
        _identity(_part(parent, "job")),
        _text(_part(root, "run"), "runId"),
        _identity(_part(root, "job")),
    )


def _ids(datasets: list[Dataset], role: Role) -> tuple[DatasetId, ...]:
    return tuple([dataset.id for dataset in datasets if dataset.role == role and dataset.id is not None])


def _part(value: Any, name: str) -> Any:
    return value.get(name) if type(value) is dict else None


def _text(value: Any, name: str) -> str | None:
    found = _part(value, name)
    return found if type(found) is str else None


def _identity(job: Any) -> tuple[str, str] | None:
    namespace, name = _text(job, "namespace"), _text(job, "name")
    return None if namespace is None or name is None else (namespace, name)
