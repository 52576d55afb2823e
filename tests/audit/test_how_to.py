"""docs/how-to/audit-archives.md says what is so: its programs run, on the session that all tests share."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mock_intake.audit import judge
from mock_intake.audit.columns import JUDGEMENT
from mock_intake.audit.tables import TABLES
from tests.audit import made_up
from tests.conftest import REPOSITORY
from tests.events import run_event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = (REPOSITORY / "docs" / "how-to" / "audit-archives.md").read_text()


def snippet(kind: str) -> str:
    (found,) = re.findall(rf"<!-- snippet: {kind} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_program_of_the_page_runs(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = snippet("spark")
    job = {"namespace": "prod", "name": "load_orders"}
    events = [json.dumps(run_event()), json.dumps(run_event(job=job)), None]
    rows = [(f"2026-11-0{day}", event) for day, event in enumerate(events, 1)]
    archive = tmp_path / "archive"
    spark.createDataFrame(rows, "created_at string, event string").coalesce(1).write.parquet(str(archive))
    exec(program.replace('"archive"', repr(str(archive))), {})  # noqa: S102 - what the page says
    printed = capsys.readouterr().out
    for row in (r"ok\| +1", r"error\| +2", r"DD101\| +error\| +1", r"HT202\| +error\| +1", r"prod\|load_orders\| +1"):
        assert re.search(rf"\| *{row}\|", printed), printed


def test_the_page_has_the_signature_and_every_field() -> None:
    (written,) = re.findall(r"```python\njudge\(\n(.*?)\n\) -> DataFrame\n```", PAGE, re.DOTALL)
    parameters = [
        re.sub(r" = .*", "", str(each).replace("'", "")) for each in inspect.signature(judge).parameters.values()
    ]
    there = [line.strip().rstrip(",").partition(" = ")[0] for line in written.splitlines() if line.strip() != "*,"]
    assert there == parameters
    for field in JUDGEMENT:
        assert re.search(rf"^  \|.*`{field.name}`.*\|.*\|.*\|$", PAGE, re.MULTILINE), field.name


def test_the_tables_are_read_as_the_page_has_it(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spark is not None  # the session that the program gets
    made_up.write(tmp_path / "audit")
    for kind in ("spark tables", "pandas tables"):
        exec(snippet(kind).replace('"audit/', f'"{tmp_path}/audit/'), {})  # noqa: S102 - what the page says
    by_spark, by_pandas = capsys.readouterr().out.split("job_name  events  error", 1)
    assert re.search(r"prod\| +job 2\| +0\.2\|\n\| +prod\| +job 1\|", by_spark), by_spark
    assert re.search(r"job 1\| +11\|", by_spark)
    assert re.search(r"^ *job 2 +10 +2$", by_pandas, re.MULTILINE), by_pandas


def test_the_page_names_every_table() -> None:
    assert re.findall(r"^\| `(\w+)` \| [a-z]+.*\| .*\|$", PAGE.partition("## The tables")[2].partition("## ")[0],
                      re.MULTILINE) == list(TABLES)  # fmt: skip
