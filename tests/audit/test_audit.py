"""An audit on Spark finds what ``check`` finds, however the archive is cut into files, splits and blocks."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from mock_intake.audit.audit import Audit, audited
from mock_intake.files.recordings import files_in
from tests.audit.archives import audit_as_check, checked, table, written

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize("seed", [1, 2])
def test_an_audit_says_what_check_says(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = Random(seed)
    archive, out = tmp_path / "archive", tmp_path / "audit"
    written(archive, chance)
    monkeypatch.chdir(tmp_path)
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(chance.randrange(20_000, 200_000)))
    record = audited(spark, Audit(["archive"], str(out), block=chance.randrange(1_000, 60_000)))
    expected = checked(files_in([Path("archive")]))
    said = audit_as_check(out)
    assert said["events"] == expected["events"]
    assert said["runs"] == expected["runs"]
    assert said == expected
    assert record.counts.statuses == {name: expected["summary"][name] for name in ("ok", "warning", "error")}
    assert sum(record.counts.severities.values()) == len(table(out, "findings"))
    assert sorted(entry.name for entry in out.iterdir() if not entry.name.startswith(".")) == [
        "audit.json", "datasets", "events", "findings", "jobs", "runs",
    ]  # fmt: skip
