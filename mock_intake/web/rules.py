"""All rules with how often they found something, and what each job's facets produce at Datadog."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mock_intake.datadog.coverage import SOURCE
from mock_intake.judging.catalogue import FAMILIES, RULES
from mock_intake.model.findings import Rule
from mock_intake.rules.definition import prefix_of
from mock_intake.views.lineage import coverage_to_dict
from mock_intake.web.events import orgs_of
from mock_intake.web.query import PageContent, PageQuery, address

_JOBS = 20
# Of so many orgs it is said how often a rule found something in their datasets.
_MOST_ORGS = 10


def rules(query: PageQuery) -> PageContent:
    text = (query.text("text") or "").strip().lower()
    found_only = query.one_of("show", ("found",)) is not None
    query.require_views()
    with query.sources.views.held():
        families, with_findings = _families(query, text, found_only=found_only)
    return PageContent(
        "rules.html",
        {
            "families": {title: listed for title, listed in families.items() if listed},
            "rules": len(RULES),
            "with_findings": with_findings,
            "found_only": found_only,
            # What was asked for is shown; else what has found nothing is folded, family by family.
            "narrowed": bool(text) or found_only,
            "orgs": orgs_of(query),
        },
    )


def _families(query: PageQuery, text: str, *, found_only: bool) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Rules by family with where they found something, and how many did."""
    tallies = query.sources.views.tallies()
    of_datasets = _by_org(query)
    families: dict[str, list[dict[str, Any]]] = {title: [] for title in FAMILIES.values()}
    with_findings = 0
    for rule in RULES.values():
        if text and not any(text in words.lower() for words in (rule.code, rule.name, rule.requirement, rule.advice)):
            continue
        counts = {
            "events": tallies.events(rule.code, query.org),
            "requests": tallies.refused(rule.code, query.org),
            "runs": tallies.runs(rule.code, query.org),
            "datasets": sum(of_datasets.get(rule.code, {}).values()),
        }
        with_findings += any(counts.values())
        if any(counts.values()) or not found_only:
            orgs = of_datasets.get(rule.code, {})
            families[FAMILIES[prefix_of(rule.code)]].append({"rule": rule, **_places(rule, counts, query.org, orgs)})
    for listed in families.values():
        # What matters first: rules that have spoken, the worst of them on top.
        listed.sort(key=lambda one: (not one["counts"], -one["rule"].severity.rank if one["counts"] else 0))
    return families, with_findings


def _by_org(query: PageQuery) -> dict[str, dict[str, int]]:
    """How often each rule found something in the datasets of each org."""
    views = query.sources.views
    found: dict[str, dict[str, int]] = {}
    for org in views.lineage(query.org):
        for code, number in Counter(miss.finding.code for miss in views.near_misses(org)).items():
            found.setdefault(code, {})[org] = number
    return found


def _places(rule: Rule, counts: dict[str, int], org: str | None, orgs: dict[str, int]) -> dict[str, Any]:
    """Where the rule found something, each with its count and with where to see it.

    Lineage is shown org by org, so datasets are listed org by org.
    """
    where: dict[str, tuple[str, dict[str, str]]] = {
        "events": ("/mock/events", {"rule": rule.code}),
        "requests": ("/mock/exchanges", {"outcome": "refused", "text": rule.code}),
        "runs": ("/mock/runs", {"rule": rule.code}),
    }
    places = [
        (_noun(name, number), number, address(path, org=org, **which))
        for name, (path, which) in where.items()
        if (number := counts[name])
    ]
    for owner, number in list(orgs.items())[:_MOST_ORGS]:
        of = f" of org {owner}" if len(orgs) > 1 else ""
        places.append((_noun("datasets", number) + of, number, address("/mock/lineage", org=owner)))
    if left := list(orgs.values())[_MOST_ORGS:]:
        places.append((f"{_noun('datasets', sum(left))} of more orgs", sum(left), address("/mock/lineage")))
    return {"counts": places}


def _noun(plural: str, number: int) -> str:
    return plural[:-1] if number == 1 else plural


def coverage(query: PageQuery) -> PageContent:
    begin = query.number("cursor", 0) or 0
    job_name = query.name("job_name") or None
    wanted = None if job_name is None else job_name.lower()
    query.require_views()
    with query.sources.views.held():
        jobs = [
            (org, job)
            for org, lineage in query.sources.views.lineage(query.org).items()
            for job in sorted(lineage.jobs.values(), key=lambda job: -job.events)
            if job.events and (wanted is None or wanted in job.id.name.lower())
        ]
        covered = [{"of": org, **coverage_to_dict(job)} for org, job in jobs[begin : begin + _JOBS]]
    return PageContent(
        "coverage.html",
        {
            "jobs": covered,
            "number": len(jobs),
            "next": begin + _JOBS if begin + _JOBS < len(jobs) else None,
            "first_page": begin == 0,
            "filtered": job_name is not None,
            "source": SOURCE,
            "orgs": orgs_of(query),
        },
    )
