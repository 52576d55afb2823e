"""What is said of jobs and datasets where the lineage is drawn: platform, last state, and how much was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.model.findings import Selection, Severity
from mock_intake.openlineage import run_cycle
from mock_intake.report.outcomes import outcome_of
from mock_intake.views import NearMiss, Views
from mock_intake.views.neighbourhood import Place

_LOOKS = {"COMPLETE": "ok", "FAIL": "error", "ABORT": "warning"}


class NodeFact(NamedTuple):
    """What is written into a node: ``word`` is the state of a job's last run, or the platform of a dataset.

    ``look`` is the word's style. ``findings`` counts what is worse than info; ``severity`` is the worst of it, and
    ``codes`` are the rules.
    """

    word: str = ""
    look: str = ""
    findings: int = 0
    severity: Severity = Severity.INFO
    codes: tuple[str, ...] = ()


def facts_of_nodes(
    views: Views, org: str, nodes: Iterable[Place], misses: Iterable[NearMiss], selection: Selection | None = None
) -> Mapping[Place, NodeFact]:
    """What there is to say of ``nodes`` of ``org``: findings are those of a job's last run and of a dataset's names."""
    nodes = list(nodes)
    jobs = {(place.namespace, place.name): place for place in nodes if place.type == "job"}
    facts: dict[Place, NodeFact] = {}
    for run in views.runs(org) if jobs else ():
        if all(event.job not in jobs for event in run.events):
            continue
        for job in run.jobs:
            place = jobs.pop(job, None) if None not in job else None  # type: ignore[arg-type]
            if place is None:
                continue
            state = run_cycle.state_of(run.facts) or ""
            outcome = outcome_of(views, run, (), selection or Selection())
            found = [one for one in outcome.found if one.severity is not Severity.INFO]
            facts[place] = NodeFact(
                state,
                "warning" if outcome.unprocessed and state == "COMPLETE" else _LOOKS.get(state, "info"),
                sum(one.number for one in found),
                found[0].severity if found else Severity.INFO,
                tuple(one.code for one in found),
            )
        if not jobs:
            break
    missed: dict[tuple[str, str], list[str]] = {}
    for miss in misses:
        for dataset in (miss.one, miss.other):
            missed.setdefault((dataset.namespace, dataset.name), []).append(miss.finding.code)
    for place in nodes:
        if place.type == "dataset":
            platform = platform_of(place.namespace)
            codes = [issue.code for issue in naming_issues(place.namespace, place.name)]
            codes += missed.get((place.namespace, place.name), [])
            facts[place] = NodeFact(
                platform.title if platform else "",
                "",
                len(codes),
                Severity.WARNING if codes else Severity.INFO,
                tuple(dict.fromkeys(codes)),
            )
    return facts
