"""Jobs, datasets, the edges between them and between their columns, and what facets came of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.control.listing import part
from mock_intake.server.responses import answer
from mock_intake.views.lineage import Lineage, coverage_to_dict, dataset_to_dict, job_to_dict, lineage_to_dict

# What is looked through is the views' own, and events that come meanwhile are put into it: it is held still.


def jobs(control: Control, call: Call) -> Response:
    with control.views.held():
        return _jobs(control, call)


def _jobs(control: Control, call: Call) -> Response:
    found = [job for lineage in _lineages(control, call) for job in reversed(lineage.jobs.values())]
    return part(control, call, "jobs", found, job_to_dict)


def datasets(control: Control, call: Call) -> Response:
    with control.views.held():
        return _datasets(control, call)


def _datasets(control: Control, call: Call) -> Response:
    found = [dataset for lineage in _lineages(control, call) for dataset in reversed(lineage.datasets.values())]
    return part(control, call, "datasets", found, dataset_to_dict)


def whole(control: Control, call: Call) -> Response:
    with control.views.held():
        parts: list[Mapping[str, Any]] = [lineage_to_dict(found) for found in _lineages(control, call)]
    names = ("jobs", "datasets", "edges", "column_edges", "parent_edges")
    merged = {name: [item for each in parts for item in each[name]] for name in names}
    findings = [finding.to_dict() for finding in control.views.dataset_findings(call.org)]
    return answer({**merged, "findings": findings, "dropped": control.journal.dropped})


def coverage(control: Control, call: Call) -> Response:
    with control.views.held():
        return _coverage(control, call)


def _coverage(control: Control, call: Call) -> Response:
    found = [job for lineage in _lineages(control, call) for job in lineage.jobs.values() if job.events]
    return part(control, call, "jobs", found, coverage_to_dict)


def _lineages(control: Control, call: Call) -> list[Lineage]:
    return list(control.views.lineage(call.org).values())
