"""A job on a real Spark, whose driver tells lineage with the Java client: it comes here, is judged, and may fail."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands import MOCK_INTAKE, clean_environment, run_command
from tests.isolation.test_isolation import REFUSAL
from tests.jvm.test_java_client import FILE

# Spark starts in seconds, where nothing else runs.
pytestmark = pytest.mark.timeout(400)

# As a user would test the job: what each event says, of a run that is good and of one that is not.
_TESTS = """\
import json, os, subprocess
import pytest

COMMAND = json.loads(os.environ["JOB"])
JOB_TYPE = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}


def named(datasets):
    return [(dataset["namespace"], os.path.basename(dataset["name"])) for dataset in datasets]


def told(intake, *expected):
    events = intake.events()
    assert tuple(event.event_type for event in events) == expected
    assert {event.run_id for event in events} == {events[0].run_id}
    for event in events:
        assert event.job == ("shop", "daily_revenue")
        assert JOB_TYPE.items() <= event.body["job"]["facets"]["jobType"].items()
        assert named(event.body["inputs"]) == [("file", "orders.csv"), ("file", "customers.csv")]
        assert named(event.body["outputs"]) == [("file", "daily_revenue")]
    return events[-1].body


@pytest.mark.intake(path="http")
def test_good(intake, intake_env, tmp_path):
    subprocess.run(COMMAND, check=True, cwd=tmp_path)
    (written,) = told(intake, "START", "COMPLETE")["outputs"]
    fields = [(field["name"], field["type"]) for field in written["facets"]["schema"]["fields"]]
    assert fields == [("day", "DATE"), ("revenue", "BIGINT")]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert list((tmp_path / "daily_revenue").glob("*.parquet"))


@pytest.mark.intake(path="agent")
def test_failing(intake, intake_env, tmp_path):
    job = subprocess.run([*COMMAND, "--fail"], cwd=tmp_path, capture_output=True, text=True)
    assert job.returncode == 1, job.stderr
    why = told(intake, "START", "FAIL")["run"]["facets"]["errorMessage"]
    assert why["programmingLanguage"] == "java"
    assert "no_such_column" in why["message"]
"""


def test_what_a_spark_job_tells_by_http_and_by_the_agent(spark_revenue: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "test_job.py").write_text(_TESTS)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "intake_fail_on=warning",
        "test_job.py",
    ]
    environment = clean_environment(JOB=json.dumps(list(spark_revenue)))
    ran = run_command(words, cwd=tmp_path, env=environment, timeout=360)
    assert ran.returncode == 0, ran.stdout.decode()
    assert b"2 passed" in ran.stdout


def test_a_spark_job_whose_file_leads_to_the_real_site_comes_here(spark_revenue: Sequence[str], tmp_path: Path) -> None:
    """By the site's own name, trusting a trust store that is made of the intake's CA, with no other network."""
    if REFUSAL:
        pytest.skip(REFUSAL)
    (tmp_path / "openlineage.yml").write_text(FILE)
    options = ("--path", "intercept", "--isolate", "--fail-on", "warning")
    words = [MOCK_INTAKE, "run", *options, "--", *spark_revenue]
    ran = run_command(words, cwd=tmp_path, env=clean_environment(), timeout=360)
    said = ran.stderr.decode()
    assert ran.returncode == 0, said
    taken = re.findall(r"^\S+ +OK +(START|COMPLETE) +shop/daily_revenue run", said, re.MULTILINE)
    assert taken == ["START", "COMPLETE"], said
    assert "2 events taken: 2 ok, 0 warning, 0 error; 0 requests refused" in said
