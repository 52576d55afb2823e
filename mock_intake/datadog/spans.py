"""The span that Datadog's draft documentation says a run becomes. A draft: nothing of it is promised.

Ids are the FNV-1a hash of the run ids' text, as dd-trace-java makes them for Spark under Airflow; service names are
normalised as the Agent does it. What the draft leaves open is chosen here and said so: the root run is the one that the
parent facet names, else that of the parent run, as far as runs are on record.
"""

from __future__ import annotations

import json
import re
import unicodedata
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
# In bytes.
_SERVICE_LENGTH = 100
_SERVICE = "_dd.ol_service"
_UNNAMED = "unnamed-service"
_LETTERS_AND_DIGITS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")


def fnv1a_64(data: bytes) -> int:
    """The 64-bit FNV-1a hash (draft-eastlake-fnv)."""
    value = _OFFSET_BASIS
    for byte in data:
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


@dataclass(frozen=True)
class SpanFacts:
    """What a span is made of: the run's identity, its end, its times, and its facets as accumulated.

    ``parent_run_id`` and ``root_run_id`` are those of the hierarchy that the run stands in; its parent facet's where
    they are None. ``incomplete`` tells that retention may have dropped earlier events of the run.
    """

    run_id: str
    job_namespace: str | None
    job_name: str | None
    end: str | None
    started_at: datetime | None
    duration: timedelta | None
    run_facets: Mapping[str, Any]
    job_facets: Mapping[str, Any]
    parent_run_id: str | None = None
    root_run_id: str | None = None
    incomplete: bool = False
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """The span; ids are numbers of 64 bits, ``parent_id`` 0 is that of a root.

    ``tags`` are those of the job, ``core_tags`` those that the draft has every span of a run carry. The draft names an
    ``entity_id`` among these, a hash of what it does not say, and the masked query: neither is made here.
    """

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
    core_tags: Mapping[str, str] = field(default_factory=dict)
    type: str = "job"


def why_no_span(facts: SpanFacts) -> str | None:
    """Why the run that ``facts`` are of makes no span; None if it makes one."""
    if facts.end is None:
        return "Spans are made when a run ends with COMPLETE or FAIL, and this one has not ended."
    if facts.end not in ENDS:
        return f"Spans are made on COMPLETE and FAIL only; this run ended with {facts.end}."
    if facts.incomplete and (_object(facts.job_facets.get("jobType")) == {} or facts.started_at is None):
        return "Earlier events of the run may have been dropped by retention, so whether there is a span is not known."
    if _object(facts.job_facets.get("jobType")) == {}:
        return "Run events without the jobType job facet are not processed, so there is no span."
    if facts.started_at is None:
        return "A span begins with START's eventTime, and there is no START whose time can be read."
    return None


def span_of(facts: SpanFacts) -> Span:
    """The span of the run that ``facts`` are of, as far as there is something to make it of."""
    tags, of_run = _tags(facts.job_facets), _tags(facts.run_facets)
    name = facts.job_name or ""
    # The draft and dd-trace-java put the service on the run; older pages on the job.
    named = (of_run.get(_SERVICE), tags.get("_dd.service"), tags.get(_SERVICE))
    service = next((each for each in named if each), None) or normalised(name)
    parent = _object(facts.run_facets.get("parent"))
    parent_id = facts.parent_run_id or _text(_object(parent.get("run")).get("runId"))
    named_root = _text(_object(_object(parent.get("root")).get("run")).get("runId"))
    root_id = facts.root_run_id or named_root or parent_id or facts.run_id
    failed = facts.end == "FAIL"
    error = _object(facts.run_facets.get("errorMessage")) if failed else {}
    operation = _operation(_object(facts.job_facets.get("jobType")))
    return Span(
        service,
        operation,
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
        _core_tags(facts, operation),
    )


def _core_tags(facts: SpanFacts, operation: str | None) -> dict[str, str]:
    tags = {
        "_dd.run_id": facts.run_id,
        "_dd.event_type": facts.end,
        "job": normalised(facts.job_name or ""),
        "env": facts.job_namespace,
        "operation_name": operation,
        "inputs": json.dumps(facts.inputs, ensure_ascii=False) if facts.inputs else None,
        "outputs": json.dumps(facts.outputs, ensure_ascii=False) if facts.outputs else None,
    }
    return {key: value for key, value in tags.items() if value is not None}


def normalised(name: str) -> str:
    """A service name as the Agent writes it (NormalizeService of pkg/trace/traceutil/normalize, as it is in 2026).

    It is cut to 100 bytes first, and then: letters of any script stay, in lower case where that takes as many bytes;
    digits, and ``.``, ``/``, ``-`` and ``:``, stay; what else there is between them becomes one underscore, and goes at
    the end. Where nothing is left it is ``unnamed-service``.
    """
    cut = name.encode("utf-8", "replace")[:_SERVICE_LENGTH].decode("utf-8", "ignore")
    written = "".join(map(_written, cut))
    return re.sub("_+", "_", written).removesuffix("_") or _UNNAMED


def _written(character: str) -> str:
    """A character as it stands in a service name."""
    if unicodedata.category(character) == "Lu":
        lower = character.lower()
        if len(lower.encode()) == len(character.encode()):
            return lower
    kept = character in ".:/-" or unicodedata.category(character) in _LETTERS_AND_DIGITS
    return character if kept else "_"


def _operation(job_type: Mapping[str, Any]) -> str | None:
    parts = [_text(job_type.get("integration")), _text(job_type.get("jobType"))]
    return ".".join(part.lower() for part in parts if part) or None


def _tags(facets: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a job, which become the span's, or of a run, which do not."""
    entries = _object(facets.get("tags")).get("tags")
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
