"""Judgements as Arrow's columns: what stands in ``judgement`` of ``mock_intake.audit.judge``.

Fields are those that an event has in the control API (``mock_intake.model.shapes.Event``), as far as one that was not
received has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from mock_intake.judging.judgement import Judgement
from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Finding, Status
from mock_intake.secrets.content import may_hold_secrets
from mock_intake.secrets.presenting import presented

_FIELDS = Finding.__struct_fields__
_TEXTS = pa.string()
FINDINGS = pa.list_(pa.struct([pa.field(name, _TEXTS) for name in _FIELDS]))
_NAMED = pa.struct([pa.field("namespace", _TEXTS), pa.field("name", _TEXTS)])
_OF_EVENT = ("kind", "event_type", "event_time", "run_id", "producer")
JUDGEMENT = pa.struct(
    [
        pa.field("id", _TEXTS),
        pa.field("status", _TEXTS),
        *(pa.field(name, _TEXTS) for name in _OF_EVENT),
        pa.field("job", _NAMED),
        pa.field("inputs", pa.list_(_NAMED)),
        pa.field("outputs", pa.list_(_NAMED)),
        pa.field("dataset", _NAMED),
        pa.field("findings", FINDINGS),
    ]
)


def judgements(judged: Sequence[Judgement]) -> Any:
    """The column of so many judgements, an array of the type ``JUDGEMENT``.

    Names are as they were sent, as the event beside them is; findings show no secret of a name that they quote.
    """
    events = [one.event for one in judged]
    columns = [
        _texts([event.id if event else None for event in events]),
        _texts([str(event.status if event else Status.ERROR) for event in events]),
        *(_texts([getattr(event, name) if event else None for event in events]) for name in _OF_EVENT),
        _jobs(events),
        _datasets([event.inputs if event else () for event in events]),
        _datasets([event.outputs if event else () for event in events]),
        _named([event.dataset if event else None for event in events]),
        _findings([one.findings for one in judged]),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(JUDGEMENT))


def _texts(values: Sequence[str | None]) -> Any:
    return pa.array(values, _TEXTS)


def _jobs(events: Sequence[EventSummary | None]) -> Any:
    named = [None if event is None else (event.job_namespace, event.job_name) for event in events]
    return _pairs([None if job == (None, None) else job for job in named])


def _named(datasets: Sequence[DatasetId | None]) -> Any:
    return _pairs([None if one is None else (one.namespace, one.name) for one in datasets])


def _pairs(pairs: Sequence[tuple[str | None, str | None] | None]) -> Any:
    columns = [_texts([pair[side] if pair else None for pair in pairs]) for side in (0, 1)]
    missing = pa.array([pair is None for pair in pairs], pa.bool_())
    return pa.StructArray.from_arrays(columns, fields=list(_NAMED), mask=missing)


def _datasets(lists: Sequence[tuple[DatasetId, ...]]) -> Any:
    return _lists(_named([one for each in lists for one in each]), map(len, lists))


def _findings(lists: Sequence[tuple[Finding, ...]]) -> Any:
    rows = [finding for each in lists for finding in each]
    columns = [_shown([getattr(row, name) for row in rows]) for name in _FIELDS]
    return _lists(pa.StructArray.from_arrays(columns, fields=list(FINDINGS.value_type)), map(len, lists))


def _shown(texts: Sequence[str | None]) -> Any:
    # One search over all of them tells that there is nothing to hide, which is the rule.
    if may_hold_secrets("\n".join(filter(None, texts))):
        texts = [presented(text) if text else text for text in texts]
    return _texts(texts)


def _lists(flat: Any, sizes: Iterable[int]) -> Any:
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat)
