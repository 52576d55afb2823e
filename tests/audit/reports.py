"""The report on an audit beside what ``check`` says of the same files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mock_intake.files.blocks import blocks_of_file
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.report.audit_report import AuditReport
from mock_intake.report.check_report import CheckReport
from mock_intake.report.places import Place


def assert_as_check(report: AuditReport, files: Sequence[Path]) -> None:
    """It has the counts of ``check``, and of each rule the first places, in the same words."""
    with Check(Judge()) as check:
        results = check.check_blocks(block for file in files for block in blocks_of_file(file))
        places = list(CheckReport(check, results).all_places())
        datasets = len(list(check.datasets()))
    assert report.statuses == check.statuses
    assert report.severities == {severity: check.severities[severity] for severity in report.severities}
    assert report.datasets == datasets
    assert report.sources_read == len(check.sources)
    assert [_told(place) for place in report.most_severe(len(places) + 1)] == [_told(place) for place in places]
    by_rule: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        by_rule.setdefault((place.finding.code, place.finding.severity), []).append(place)
    found = {(rule.group.first.code, rule.group.first.severity): rule.group for rule in report.rules}
    assert {key: group.count for key, group in found.items()} == {key: len(of) for key, of in by_rule.items()}
    for key, group in found.items():
        of_rule = by_rule[key]
        assert [_told(place) for place in group.places] == [_told(place) for place in of_rule[: len(group.places)]]
        said = {name: {getattr(one.finding, name) for one in of_rule} for name in _DIFFERING}
        assert group.differing == {name for name, texts in said.items() if len(texts) > 1}
    jobs = Counter((job.namespace, job.name) for job in report.jobs)
    assert (report.jobs_in_all, set(jobs.values())) == (len(jobs), {1})


_DIFFERING = ("message", "expected", "actual", "advice")


def _told(place: Place) -> tuple[object, ...]:
    return (str(place), place.name, place.finding)
