"""The report on an audit: what Spark counts in its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

from mock_intake.audit.report import first_places, ordered, report_of
from mock_intake.audit.tables import TABLES, table
from mock_intake.model.findings import Severity, Status
from mock_intake.report.audit_report import AuditReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SECRET = "hunter2hunter2"
LONG = "postgres://" + "x" * 990 + f" me:{SECRET}@db " + "y" * 2_000


def finding(code: str, severity: str, position: int, about: str = "event", **values: Any) -> dict[str, Any]:
    job = {"job_namespace": "prod", "job_name": "load"} if about != "dataset" else {}
    words = {"message": f"{code} is broken", "pointer": "/job", "advice": "Mend it.", "advice_source": "https://a.b/c"}
    where = {"about": about, "position": position, "number": 0, "source": "a.ndjson", "line": position}
    known = {"event_id": f"{position:016x}", "event_type": "START"} if about == "event" else {"run_id": "r"}
    return {**where, **known, **job, "code": code, "severity": severity, "subject": about, **words,
            "sureness": "documented", **values}  # fmt: skip


FINDINGS = [
    *(finding("DD101", "error", n, actual=f"facets: {n}", job_name=f"job {n % 4}") for n in range(40, 0, -1)),
    # The same line, and two lines that are no events.
    finding("DD101", "error", 1, number=1, job_name="job 1", pointer="/second"),
    *(
        finding("HT201", "error", n, event_id=None, event_type=None, job_namespace=None, job_name=None)
        for n in (41, 42)
    ),
    finding("DD104", "info", 5),
    finding("RC102", "warning", 9, "run", job_name="job 1"),
    finding("DS101", "warning", 7, "dataset", dataset_namespace="pg", dataset_name="Orders"),
]
EVENTS = [{"source": f"{n % 3}.ndjson", "position": n, "status": status} for status, numbers in
          (("error", range(10)), ("ok", range(10, 25))) for n in numbers]  # fmt: skip
JOBS = [
    {"job_namespace": "prod", "job_name": f"job {n}", "events": 10, "ok": 10 - n, "warning": 0, "error": n, "runs": 3,
     "completed": 2, "failed": 0, "aborted": 0, "unfinished": 1, "errors": n, "warnings": 0, "infos": 2,
     "top_findings": [{"code": "DD101", "severity": "error", "count": n}],
     "facets_missing": [{"facet": "jobType", "count": n}]}
    for n in (0, 2, 1)
]  # fmt: skip
JOBS.append({**JOBS[0], "job_name": LONG, "warnings": 3})


@pytest.fixture(scope="module")
def report(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The report on tables that have a little of everything."""
    directory = tmp_path_factory.mktemp("audit")
    given = {
        "events": EVENTS,
        "findings": FINDINGS,
        "jobs": JOBS,
        "runs": [{"run_id": "r"}],
        "datasets": [{"name": "a"}, {"name": "b"}],
    }
    for name, of_table in given.items():
        (directory / name).mkdir()
        fields = dict.fromkeys(TABLES[name].fieldNames())
        # In several files, so that Spark has something to bring together.
        for part in range(3):
            made = pa.Table.from_pylist(
                [fields | one for one in of_table[part::3]], schema=to_arrow_schema(TABLES[name])
            )
            pq.write_table(made, directory / name / f"{part}.parquet")
    return report_of(spark, str(directory), most_places=3, notes=["A note."])


def test_what_there_is_is_counted(report: AuditReport) -> None:
    summary = report.summary()
    assert summary == {
        "events": 25, "ok": 15, "warning": 0, "error": 10, "runs": 1, "jobs": 4, "datasets": 2, "sources": 3,
        "jobs_by_status": {"ok": 1, "warning": 1, "error": 2}, "findings": {"error": 43, "warning": 2, "info": 1},
    }  # fmt: skip
    assert report.failed(Severity.ERROR)
    assert [(one.name, one.events, one.ok, one.error) for one in report.sources] == [
        ("0.ndjson", 9, 5, 4), ("1.ndjson", 8, 5, 3), ("2.ndjson", 8, 5, 3)
    ]  # fmt: skip


def test_of_each_rule_the_first_places_are_there_and_what_differs_is_known(report: AuditReport) -> None:
    found = {rule.group.first.code: rule for rule in report.rules}
    assert {code: (rule.group.count, rule.jobs) for code, rule in found.items()} == {
        "DD101": (41, 4), "HT201": (2, 0), "DD104": (1, 1), "RC102": (1, 1), "DS101": (1, 0)
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
    assert len(every) == report.findings == 46
    orders = [(["event", "run", "dataset"].index(place.finding.subject), place.line) for place in every]
    assert orders == sorted(orders)
    some = report.most_severe(44)
    assert [place.finding.code for place in some].count("RC102") == 1
    assert {place.finding.severity for place in some} == {Severity.ERROR, Severity.WARNING}


def test_only_the_first_findings_of_each_partition_are_sent_on(spark: SparkSession, report: AuditReport) -> None:
    """A rule that spoke a billion times: its findings are not all brought to one place to be put in order."""
    placed = first_places(ordered(table(spark, report.tables, "findings")), 3)
    plan = placed._jdf.queryExecution().executedPlan().toString()
    before_exchange = plan[plan.index("Exchange") :]
    assert "WindowGroupLimit" in before_exchange
