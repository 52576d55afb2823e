"""The report on an audit: what Spark counts in its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_intake.audit.report import first_places, ordered, report_of
from mock_intake.audit.spark import escaped
from mock_intake.audit.tables import table
from mock_intake.model.findings import Severity, Status
from mock_intake.report.audit_report import AuditReport
from tests.audit.made_up import LONG, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def report(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The report on tables that have a little of everything."""
    directory = tmp_path_factory.mktemp("audit [1]")
    write(directory)
    return report_of(spark, escaped(str(directory)), most_places=3, notes=["A note."])


def test_what_there_is_is_counted(report: AuditReport) -> None:
    summary = report.summary()
    assert summary == {
        "events": 25, "ok": 15, "warning": 0, "error": 10, "runs": 1, "jobs": 4, "datasets": 2, "sources": 3,
        "jobs_by_status": {"ok": 1, "warning": 1, "error": 2}, "findings": {"error": 43, "warning": 3, "info": 1},
    }  # fmt: skip
    assert report.failed(Severity.ERROR)
    assert [(one.name, one.events, one.ok, one.error) for one in report.sources] == [
        ("0.ndjson", 9, 5, 4), ("1.ndjson", 8, 5, 3), ("2.ndjson", 8, 5, 3)
    ]  # fmt: skip


def test_of_each_rule_the_first_places_are_there_and_what_differs_is_known(report: AuditReport) -> None:
    found = {rule.group.first.code: rule for rule in report.rules}
    assert {code: (rule.group.count, rule.jobs) for code, rule in found.items()} == {
        "DD101": (41, 4), "HT201": (2, 0), "DD104": (1, 1), "RC102": (1, 1), "DS101": (2, 0)
    }  # fmt: skip
    group = found["DD101"].group
    assert [(place.line, place.finding.pointer, place.name) for place in group.places] == [
        (1, "/job", "START prod/job 1"), (1, "/second", "START prod/job 1"), (2, "/job", "START prod/job 2")
    ]  # fmt: skip
    assert group.differing == {"actual"}
    assert [place.name for place in found["HT201"].group.places] == ["no event"] * 2
    assert found["HT201"].group.differing == set()
    assert str(found["RC102"].group.places[0]) == "run r (a.ndjson:9)"
    assert str(found["DS101"].group.places[0]) == "dataset pg/Orders (a.ndjson:7)"
    assert [rule.group.first.code for rule in report.at_or_above(Severity.WARNING)] == [
        "DD101", "HT201", "DS101", "RC102"
    ]  # fmt: skip


def test_jobs_in_which_most_is_wrong_come_first_with_names_of_a_bounded_length(report: AuditReport) -> None:
    assert [(job.name or "")[:5] for job in report.jobs] == ["job 2", "job 1", "postg", "job 0"]
    assert [job.status for job in report.jobs] == [Status.ERROR, Status.ERROR, Status.WARNING, Status.OK]
    worst, *_, long, _ = report.jobs
    assert worst.to_dict() == {
        "job": {"namespace": "prod", "name": "job 2"}, "status": "error",
        "events": 10, "ok": 8, "warning": 0, "error": 2,
        "runs": 3, "completed": 2, "failed": 0, "aborted": 0, "unfinished": 1,
        "findings": {"error": 2, "warning": 0, "info": 2},
        "top_findings": [{"code": "DD101", "severity": "error", "count": 2}],
        "facets_missing": [{"facet": "jobType", "count": 2}],
    }  # fmt: skip
    assert long.name is not None
    assert long.name.endswith(f"... ({len(LONG)} characters)")
    assert len(long.name) < 1_100
    assert "hunter" not in long.name


def test_the_most_severe_findings_are_given_in_their_order(report: AuditReport) -> None:
    every = report.most_severe(100)
    assert len(every) == report.findings == 47
    subjects = ["event", "run", "dataset"]
    orders = [(subjects.index(place.finding.subject), place.line) for place in every[:-2]]
    assert orders == sorted(orders)
    assert [place.title for place in every[-3:]] == ["run r", "dataset pg/Orders", "dataset pg/ORDERS"]
    some = report.most_severe(44)
    assert [place.finding.code for place in some].count("RC102") == 1
    assert {place.finding.severity for place in some} == {Severity.ERROR, Severity.WARNING}


def test_only_the_first_findings_of_each_partition_are_sent_on(spark: SparkSession, report: AuditReport) -> None:
    """A rule that spoke a billion times: its findings are not all brought to one place to be put in order."""
    placed = first_places(ordered(table(spark, report.tables, "findings")), 3)
    plan = placed._jdf.queryExecution().executedPlan().toString()
    before_exchange = plan[plan.index("Exchange") :]
    assert "WindowGroupLimit" in before_exchange
