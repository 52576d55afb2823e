"""Tables of an audit that have a little of everything, made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema

from mock_intake.audit.tables import TABLES

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
    # Of datasets the order is their own, wherever they were named last.
    finding("DS101", "warning", 3, "dataset", number=2, dataset_namespace="pg", dataset_name="ORDERS"),
    finding("DS101", "warning", 7, "dataset", number=1, dataset_namespace="pg", dataset_name="Orders"),
]
EVENTS = [{"source": f"{n % 3}.ndjson", "position": n, "status": status} for status, numbers in
          (("error", range(10)), ("ok", range(10, 25))) for n in numbers]  # fmt: skip
JOBS = [
    {"job_namespace": "prod", "job_name": f"job {n}", "events": 10, "ok": 10 - n, "warning": 0, "error": n, "runs": 3,
     "completed": 2, "failed": 0, "aborted": 0, "unfinished": 1,
     "error_share": n / 10, "errors": n, "warnings": 0, "infos": 2,
     "top_findings": [{"code": "DD101", "severity": "error", "count": n}],
     "facets_missing": [{"facet": "jobType", "count": n}]}
    for n in (0, 2, 1)
]  # fmt: skip
JOBS.append({**JOBS[0], "job_name": LONG, "warnings": 3})


def write(directory: Path) -> None:
    """Writes them, each in several files, so that Spark has something to bring together."""
    given = {
        "events": EVENTS,
        "findings": FINDINGS,
        "jobs": JOBS,
        "runs": [{"run_id": "r"}],
        "datasets": [{"name": "a"}, {"name": "b"}],
    }
    for name, of_table in given.items():
        (directory / name).mkdir(parents=True)
        fields = dict.fromkeys(TABLES[name].fieldNames())
        for part in range(3):
            rows = [fields | one for one in of_table[part::3]]
            made = pa.Table.from_pylist(rows, schema=to_arrow_schema(TABLES[name]))
            pq.write_table(made, directory / name / f"{part}.parquet")
