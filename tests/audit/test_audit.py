"""An audit on Spark finds what ``check`` finds, however the archive is cut into files, splits and blocks."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import orjson
import pytest
from click.testing import CliRunner, Result

from mock_intake.audit import record as records
from mock_intake.audit.audit import Audit, audited
from mock_intake.audit.databases import Database
from mock_intake.audit.report import report_of
from mock_intake.cli.audit import audit
from mock_intake.files.exports import FORMAT
from mock_intake.files.recordings import files_in
from mock_intake.report.formats import Kind, formats
from tests.audit.archives import audit_as_check, checked, table, write_table, written
from tests.audit.reports import assert_as_check
from tests.conftest import REPOSITORY
from tests.events import run_event
from tests.secrets.canaries import CANARIES, events_with, leaks_in, seen

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
PAGE = REPOSITORY / "docs/how-to/audit-archives.md"
(FIRST_COMMAND,) = re.findall(r"^mock-intake audit .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
START, COMPLETE = orjson.dumps(run_event("START")), orjson.dumps(run_event("COMPLETE"))


@pytest.mark.parametrize("seed", range(1, 21) if SOAK else [1])
def test_an_audit_says_what_check_says(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = Random(seed)
    archive, out = tmp_path / "archive", tmp_path / "audit"
    written(archive, chance)
    monkeypatch.chdir(tmp_path)
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(chance.randrange(100_000, 300_000)))
    record = audited(spark, Audit(["archive"], str(out), block=chance.randrange(1_000, 60_000)))
    expected = checked(files_in([Path("archive")]))
    said = audit_as_check(out)
    assert said["events"] == expected["events"]
    assert said["runs"] == expected["runs"]
    assert said == expected
    assert record.counts.statuses == {name: expected["summary"][name] for name in ("ok", "warning", "error")}
    assert sum(record.counts.severities.values()) == len(table(out, "findings"))
    assert_as_check(report_of(spark, str(out)), files_in([Path("archive")]))
    assert sorted(entry.name for entry in out.iterdir() if not entry.name.startswith(".")) == [
        "audit.json", "datasets", "events", "findings", "jobs", "runs",
    ]  # fmt: skip


def run(spark: SparkSession, *arguments: str) -> Result:
    """The command, in the session that is there."""
    assert spark is not None
    return CliRunner().invoke(audit, [*arguments], prog_name="audit")


def test_an_audit_that_is_interrupted_goes_on_and_is_not_made_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records, "BATCH", 1)
    first = Path("a.ndjson")
    first.write_bytes(START.ljust(len(COMPLETE)) + b"\n")
    write_table(Path("b.parquet"), [COMPLETE, b"{", START, None], "payload")
    Path("blank.ndjson").write_text("\n", encoding="utf-8")
    Path("_hidden.ndjson").write_bytes(START + b"\n")
    sources = ("a.ndjson", "b.parquet", "blank.ndjson", "_hidden.ndjson")

    def interrupt(_step: str, number: int, _of: int) -> None:
        if number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audited(spark, Audit(sources, "out", "payload"), progress=interrupt)
    # Who would read the first file again would find another event there.
    written_at = first.stat().st_mtime_ns
    first.write_bytes(COMPLETE + b"\n")
    os.utime(first, ns=(written_at, written_at))

    given = (*sources, "--column", "payload", "--out", "out")
    done = run(spark, *given, "-o", "report.json")
    assert done.exit_code == 1, done.output
    assert "1 of 3 batches judged already" in done.output
    assert "Tables written to out" in done.output
    assert "5 events" in done.output
    said = audit_as_check(Path("out"))
    assert [(event["source"], event["line"]) for event in said["events"]] == [
        ("a.ndjson", 1), *(("b.parquet", line) for line in (1, 2, 3, 4))
    ]  # fmt: skip
    statuses = [event["status"] for event in said["events"]]
    assert [statuses[2], statuses[4]] == ["error", "error"]
    assert [run["states"] for run in said["runs"]] == [["START", "COMPLETE"]]
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["notes"][1:] == ["blank.ndjson has no events"]
    assert report["notes"][0].startswith("_hidden.ndjson is not read")

    again = run(spark, *given, "--fail-on", "never")
    assert again.exit_code == 0, again.output
    assert "has this audit already" in again.output
    assert "blank.ndjson has no events" in again.output


def test_no_report_shows_a_secret_that_stands_in_a_name(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # What a producer's own key is, and another's, a server knows and an archive does not.
    known = frozenset({"own key", "another's key"})
    canaries = [canary for canary in CANARIES if canary.family not in known]
    events = [event for canary in canaries for event in events_with(canary)]
    Path("events").mkdir()
    Path("events/one.ndjson").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    files = [f"report{each.suffix}" for each in formats(Kind.AUDIT).values()]
    more = [word for file in files for word in ("-o", file)]
    done = run(spark, *shlex.split(FIRST_COMMAND.removeprefix("mock-intake audit")), "-v", *more)
    assert done.exit_code == 1, done.output
    assert f"{len(events)} events" in done.output
    for shown in (done.output, *(Path(file).read_text(encoding="utf-8") for file in (*files, "audit.html"))):
        assert "****" in shown.replace("\\", "")
        assert not leaks_in(seen(shown), but=known)


def test_what_cannot_be_audited_is_said(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("blank.ndjson").write_text("\n\n", encoding="utf-8")
    Path("events.ndjson").write_bytes(START + b"\n")
    Path("exported.ndjson").write_bytes(b"\n" + orjson.dumps({"format": FORMAT, "request": {}}) + b"\n")
    Path("cut.ndjson.gz").write_bytes(gzip.compress(START * 100)[:-20])
    write_table(Path("table.parquet"), [START], "payload")
    Path("taken").mkdir()
    Path("taken/mine").write_text("mine", encoding="utf-8")

    def refusal(source: str, out: str = "out") -> str:
        done = run(spark, source, "--out", out)
        assert done.exit_code == 2, done.output
        return done.output

    assert "missing.ndjson: there is no such file" in refusal("missing.ndjson")
    assert "There are no events in blank.ndjson" in refusal("blank.ndjson")
    assert "exported.ndjson: line 2 is a whole exchange" in refusal("exported.ndjson")
    assert "there is no column event; there are id, payload" in refusal("table.parquet")
    assert "is not empty, and no audit is in it" in refusal("events.ndjson", "taken")
    assert "Spark: " in refusal("cut.ndjson.gz")
    assert Path("taken/mine").read_text(encoding="utf-8") == "mine"


def test_a_table_of_a_database_is_judged_in_the_order_of_a_column(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"jdbc:derby:{tmp_path}/database"
    connection = spark.sparkContext._jvm.java.sql.DriverManager.getConnection(f"{url};create=true")
    made = connection.createStatement()
    made.execute('create table lineage_events ("at" int, "event" clob)')
    for at, event in ((3, f"'{COMPLETE.decode()}'"), (1, f"'{START.decode()}'"), (4, "null"), (2, "'{'")):
        made.execute(f"insert into lineage_events values ({at}, {event})")  # noqa: S608 - our own
    connection.close()
    given = (url, "--table", "lineage_events", "--out", "out")
    assert "name the --table, and the --order" in run(spark, *given).output
    assert "there is no column when" in run(spark, *given, "--order", "when").output
    audited(spark, Audit(["table lineage_events"], "out", database=Database(url, "lineage_events", "at")))
    said = audit_as_check(Path("out"))
    assert [event["source"] for event in said["events"]] == ["table lineage_events"] * 4
    assert [event["status"] for event in said["events"]] == ["ok", "error", "ok", "error"]
    assert [run["states"] for run in said["runs"]] == [["START", "COMPLETE"]]
    assert url not in Path("out/audit.json").read_text(encoding="utf-8")
