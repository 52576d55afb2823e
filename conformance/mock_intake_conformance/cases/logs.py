"""Logs: whether a run's log lines can be found from the run. Told and not judged: most jobs log elsewhere."""

from __future__ import annotations

import json
from typing import Any

from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.report.suite import Requirement
from mock_intake_conformance.cases.judging import DOCUMENTED, NOTE, Case, Judgement, count, observed
from mock_intake_conformance.observation import Observations
from mock_intake_conformance.scenarios import HEALTHY

# The attribute by which Datadog ties a line to a run, as it stands in JSON: nested, or as one key.
_ATTRIBUTE = "openlineage.run_id"


def _run_ids(seen: Observations) -> Judgement:
    here = seen[HEALTHY]
    ids = {event.run_id.lower() for _, event in here.taken if event.run_id}
    if not ids:
        return observed("no run was seen, so no line can name one")
    lines = [line for text in (here.outcome.stdout, here.outcome.stderr) for line in text.splitlines()]
    naming = [line for line in lines if any(run_id in line.lower() for run_id in ids)]
    tied = [line for line in naming if _attribute_of(line) in ids]
    if tied:
        named = len({_attribute_of(line) for line in tied})
        return observed(
            f"{count(len(tied), 'line')} of output with {_ATTRIBUTE}, of {named} of {count(len(ids), 'run')}"
        )
    if naming:
        return observed(
            f"{count(len(naming), 'line')} of output with a run id, none under the attribute {_ATTRIBUTE}",
            'What ties a line to its run is JSON such as {"message": "...", "openlineage": {"run_id": "<run id>"}}.',
        )
    return observed(
        f"none of {count(len(lines), 'line')} of output names a run",
        "Logs that go elsewhere than to the output were not looked at.",
    )


def _attribute_of(line: str) -> str | None:
    """The run id that a line of JSON has under the attribute, in lower case."""
    text = line.strip()
    if not text.startswith("{"):
        return None
    try:
        entry: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    nested = entry.get("openlineage")
    value = entry.get(_ATTRIBUTE, nested.get("run_id") if isinstance(nested, dict) else None)
    return value.lower() if isinstance(value, str) else None


CASES = (
    Case(
        Requirement(
            "logs/run-id", "Log lines that name their run", NOTE,
            "Whether lines that the producer prints carry the id of its run, as the attribute openlineage.run_id.",
            "Datadog ties logs to a run by @openlineage.run_id: with it the lines of a failed run are one click away.",
            "Log JSON, and put the runId of the events into openlineage.run_id, by the logger's context.",
            CUSTOM_JOBS, DOCUMENTED, (HEALTHY,),
        ),
        _run_ids,
    ),
)  # fmt: skip
