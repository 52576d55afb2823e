"""All rules with how often they have spoken, and what each job's facets produce at Datadog."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mock_intake.catalogue import FAMILIES, RULES
from mock_intake.datadog.coverage import SOURCE
from mock_intake.findings import Rule
from mock_intake.views.lineage import coverage_to_dict
from mock_intake.web.asked import Asked, Shown, address
from mock_intake.web.events import orgs_of

_JOBS = 20
# Of so many orgs it is told how often a rule has spoken of their datasets.
_MOST_ORGS = 10


def rules(asked: Asked) -> Shown:
    spoken_only = asked.one_of("show", ("spoken",)) is not None
    asked.require_views()
    with asked.sources.views.held():
        families, spoken = _families(asked, spoken_only=spoken_only)
    return Shown(
        "rules.html",
        {
            "families": {title: listed for title, listed in families.items() if listed},
            "rules": len(RULES),
            "spoken": spoken,
            "spoken_only": spoken_only,
            "orgs": orgs_of(asked),
        },
    )


def _families(asked: Asked, *, spoken_only: bool) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Rules by family with what they have spoken of, and how many have."""
    tallies = asked.sources.views.tallies()
    of_datasets = _by_org(asked)
    families: dict[str, list[dict[str, Any]]] = {title: [] for title in FAMILIES.values()}
    spoken = 0
    for rule in RULES.values():
        counts = {
            "events": tallies.events(rule.code, asked.org),
            "requests": tallies.refused(rule.code, asked.org),
            "runs": tallies.runs(rule.code, asked.org),
            "datasets": sum(of_datasets.get(rule.code, {}).values()),
        }
        spoken += any(counts.values())
        if any(counts.values()) or not spoken_only:
            orgs = of_datasets.get(rule.code, {})
            families[FAMILIES[rule.code[:2]]].append({"rule": rule, **_told(rule, counts, asked.org, orgs)})
    return families, spoken


def _by_org(asked: Asked) -> dict[str, dict[str, int]]:
    """How often each rule has spoken of datasets of each org."""
    views = asked.sources.views
    found: dict[str, dict[str, int]] = {}
    for org in views.lineage(asked.org):
        for code, number in Counter(miss.finding.code for miss in views.near_misses(org)).items():
            found.setdefault(code, {})[org] = number
    return found


def _told(rule: Rule, counts: dict[str, int], org: str | None, orgs: dict[str, int]) -> dict[str, Any]:
    """Where the rule has spoken, each with its count and with where to see it.

    Lineage is shown org by org, so datasets are told org by org.
    """
    where = {
        "events": address("/mock/events", org=org, rule=rule.code),
        "requests": address("/mock/requests", org=org, outcome="refused", text=rule.code),
        "runs": address("/mock/runs", org=org, rule=rule.code),
    }
    told = [(_noun(name, number), number, where[name]) for name, number in counts.items() if number and name in where]
    for owner, number in list(orgs.items())[:_MOST_ORGS]:
        of = f" of org {owner}" if len(orgs) > 1 else ""
        told.append((_noun("datasets", number) + of, number, address("/mock/lineage", org=owner)))
    if left := list(orgs.values())[_MOST_ORGS:]:
        told.append((f"{_noun('datasets', sum(left))} of more orgs", sum(left), address("/mock/lineage")))
    return {"counts": told}


def _noun(plural: str, number: int) -> str:
    return plural[:-1] if number == 1 else plural


def coverage(asked: Asked) -> Shown:
    begin = asked.number("cursor", 0) or 0
    job_name = asked.text("job_name")
    asked.require_views()
    with asked.sources.views.held():
        jobs = [
            (org, job)
            for org, lineage in asked.sources.views.lineage(asked.org).items()
            for job in lineage.jobs.values()
            if job_name in (None, job.id.name)
        ]
        covered = [{"of": org, **coverage_to_dict(job)} for org, job in jobs[begin : begin + _JOBS]]
    return Shown(
        "coverage.html",
        {
            "jobs": covered,
            "number": len(jobs),
            "next": begin + _JOBS if begin + _JOBS < len(jobs) else None,
            "first_page": begin == 0,
            "filtered": job_name is not None,
            "source": SOURCE,
            "orgs": orgs_of(asked),
        },
    )
