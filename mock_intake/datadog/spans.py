"""The span that Datadog's draft documentation says a run becomes. A draft: nothing of it is promised.

What the draft leaves open is chosen here and said so: ids are made from the text of the run ids, the root run is the
one that the parent facet names, and service names are normalised as tracing does it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mock_intake.datadog.sources import DRAFT

SOURCE = DRAFT
# Spans are made of runs that ended so; ABORT makes none.
ENDS = ("COMPLETE", "FAIL")
_OFFSET_BASIS = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_SERVICE_LENGTH = 100


def fnv1a_64(data: bytes) -> int:
    """The 64-bit FNV-1a hash (draft-eastlake-fnv)."""
    value = _OFFSET_BASIS
    for byte in data:
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


@dataclass(frozen=True)
class SpanFacts:
    """What a span is made of: the run's identity, its end, its times, and its facets as accumulated."""

    run_id: str
    job_namespace: str | None
    job_name: str | None
    end: str | None
    started_at: datetime | None
    duration: timedelta | None
    run_facets: Mapping[str, Any]
    job_facets: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """The span; ids are numbers of 64 bits, ``parent_id`` 0 is that of a root."""

    service: str
    operation: str | None
    resource: str
    env: str | None
    trace_id: int
    span_id: int
    parent_id: int
    started_at: datetime | None
    duration: timedelta | None
    error: bool
    error_message: str | None = None
    error_stack: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def why_no_span(facts: SpanFacts) -> str | None:
    """Why the run makes no span; None if it makes one."""
    if facts.end is None:
        return "Spans are made when a run ends with COMPLETE or FAIL, and this one has not ended."
    if facts.end not in ENDS:
        return f"Spans are made on COMPLETE and FAIL only; this run ended with {facts.end}."
    if _object(facts.job_facets.get("jobType")) == {}:
        return "Run events without the jobType job facet are not processed, so there is no span."
    if facts.started_at is None:
        return "A span begins with START's eventTime, and there is no START whose time can be read."
    return None


def span_of(facts: SpanFacts) -> Span:
    """The span of a run, as far as there is something to make it of."""
    tags = _tags(facts.job_facets)
    name = facts.job_name or ""
    service = tags.get("_dd.service") or tags.get("_dd.ol_service") or normalised(name)
    parent = _object(facts.run_facets.get("parent"))
    parent_id = _text(_object(parent.get("run")).get("runId"))
    root_id = _text(_object(_object(parent.get("root")).get("run")).get("runId")) or parent_id or facts.run_id
    failed = facts.end == "FAIL"
    error = _object(facts.run_facets.get("errorMessage")) if failed else {}
    return Span(
        service,
        _operation(_object(facts.job_facets.get("jobType"))),
        tags.get("_dd.resource_name") or name,
        facts.job_namespace,
        fnv1a_64(root_id.encode()),
        fnv1a_64(facts.run_id.encode()),
        fnv1a_64(parent_id.encode()) if parent_id else 0,
        facts.started_at,
        facts.duration,
        failed,
        _text(error.get("message")),
        _text(error.get("stackTrace")),
        tags,
    )


def normalised(name: str) -> str:
    """A service name as tracing writes it: lower case, beginning with a letter, of few kinds of characters."""
    text = re.sub(r"[^a-z0-9_\-:./]+", "_", name.lower())
    return re.sub(r"^[^a-z]+", "", text).strip("_")[:_SERVICE_LENGTH]


def _operation(job_type: Mapping[str, Any]) -> str | None:
    parts = [_text(job_type.get("integration")), _text(job_type.get("jobType"))]
    return ".".join(part.lower() for part in parts if part) or None


def _tags(job_facets: Mapping[str, Any]) -> dict[str, str]:
    """The job's tags: they become the span's; those of the run do not."""
    entries = _object(job_facets.get("tags")).get("tags")
    tags: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        key, value = _text(_object(entry).get("key")), _text(_object(entry).get("value"))
        if key is not None and value is not None:
            tags[key] = value
    return tags


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
