"""An audit, step by step: lines are judged where they are, then runs and datasets are brought together.

What a step has made stands in ``DIR/_work`` as Parquet, for the next ones to read: nothing is judged twice, and of
events no more than numbers ever comes to the driver. Lines are judged in batches of files; those that are there already
are not judged again by who goes on with an audit that was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as sql
from pyspark.sql.types import StructType

from mock_intake.audit import datasets, results, runs
from mock_intake.audit.databases import Database
from mock_intake.audit.internal import (
    CLOSED,
    DATASET,
    EVENT,
    FINDING_OF_EVENT,
    FINDING_OF_RUN,
    JUDGED,
    NAME,
    NAMED_FILES,
    OWN,
    PARTS,
    RUN,
    SPLIT,
    SYMLINKS,
    UNDECIDED,
    WITHOUT_RUN,
    known_rows,
)
from mock_intake.audit.lines import Task, judged_files, judged_lines, plain_path
from mock_intake.audit.names import repeats_without_run
from mock_intake.audit.places import Places, line, places, position
from mock_intake.audit.record import Counts, Plan
from mock_intake.audit.settings import JudgingSettings
from mock_intake.audit.sources import Recording, contents_of, lines_of, rows_of_tables
from mock_intake.audit.spark import Files, escaped
from mock_intake.audit.tables import TABLES, table
from mock_intake.files.recordings import PARQUET_MAGIC
from mock_intake.model.findings import Status

WORK = "_work"
MOST_NAMED = 10
"""So many sources without events are named."""
# Of most that steps hand on to each other no two values are the same: to look for them takes a fifth of the writing,
# and what repeats is as small without.
_HANDED_ON = {"compression": "zstd", "parquet.enable.dictionary": "false"}
# Bytes Spark writes as they are as lines of text: each line is a file, and what ends it is what ends one of Parquet's.
_AS_FILES = {"lineSep": PARQUET_MAGIC.decode(), "maxRecordsPerFile": "1", "compression": "none"}
Progress = Callable[[str, int, int], None]
"""Called with the step that begins, its number and how many there are."""


class Outcome(NamedTuple):
    """What an audit comes to: its numbers, and sources without events, the first of them."""

    counts: Counts
    empty: list[str]
    more_empty: int


class Pipeline:
    """One audit of ``plan`` in the directory ``out``."""

    def __init__(
        self,
        spark: SparkSession,
        files: Files,
        out: str,
        plan: Plan,
        settings: JudgingSettings,
        progress: Progress,
        block: int,
        database: Database | None = None,
    ) -> None:
        self._database = database
        self._spark = spark
        self._files = files
        self._out = out.rstrip("/")
        self._work = f"{self._out}/{WORK}"
        self._plan = plan
        self._progress = progress
        self._names = [one.name for one in plan.recordings]
        by_path = {plain_path(one.path): (number, one.name) for number, one in enumerate(plan.recordings)}
        self._task = Task(settings, plan.arrived, by_path, block)

    # Judging, batch by batch.

    def judge(self) -> None:
        """Judges all lines that were not judged before."""
        for number, batch in enumerate(self._plan.batches):
            self._progress("judging events", number, len(self._plan.batches))
            if not self.is_judged(number):
                recordings = [self._plan.recordings[one] for one in batch]
                self._write_files(self._judged_batch(recordings), f"judged/{number:05}")

    def is_judged(self, number: int) -> bool:
        """Whether a batch was judged to its end."""
        return "_SUCCESS" in self._files.names(f"{self._work}/judged/{number:05}")

    def _judged_batch(self, recordings: Sequence[Recording]) -> DataFrame:
        spark = self._spark
        # A batch's tasks are sent the names of its own files.
        paths = [plain_path(one.path) for one in recordings]
        task = self._task._replace(files={path: self._task.files[path] for path in paths})
        column, database = self._plan.column, self._database
        by_line = (
            lines_of(spark, recordings),
            rows_of_tables(spark, recordings, column),
            database.read(spark, column) if database is not None else None,
        )
        made = [read.mapInArrow(partial(judged_lines, task), JUDGED) for read in by_line if read is not None]
        whole = contents_of(spark, recordings)
        if whole is not None:
            made.append(whole.mapInArrow(partial(judged_files, task), JUDGED))
        return reduce(DataFrame.unionByName, made)

    def _write_files(self, made: DataFrame, name: str) -> None:
        """Writes files that workers have made (``internal.JUDGED``)."""
        lines = made.select("part", sql.col("content").cast("string"))
        lines.write.mode("overwrite").partitionBy("part").options(**_AS_FILES).text(f"{self._work}/{name}")

    def _write(self, rows: DataFrame, name: str) -> None:
        rows.write.mode("overwrite").partitionBy("part").options(**_HANDED_ON).parquet(f"{self._work}/{name}")

    def _kept(self, rows: DataFrame, name: str) -> DataFrame:
        """The same rows, read from where they were written."""
        rows.write.mode("overwrite").options(**_HANDED_ON).parquet(f"{self._work}/{name}")
        return self._spark.read.schema(rows.schema).parquet(f"{escaped(self._work)}/{name}")

    def _part(self, directories: Sequence[str], part: str, shape: StructType) -> DataFrame | None:
        """The rows of a part; None where there are none."""
        there = [
            f"{escaped(self._work)}/{directory}/part={part}"
            for directory in directories
            if f"part={part}" in self._files.names(f"{self._work}/{directory}")
        ]
        rest = StructType([field for field in shape.fields if field.name != "part"])
        return self._spark.read.schema(rest).parquet(*there) if there else None

    def _judged(self, part: str) -> DataFrame | None:
        return self._part([f"judged/{number:05}" for number in range(len(self._plan.batches))], part, PARTS[part])

    # What is over all events.

    def conclude(self) -> Outcome | None:
        """Closes runs, compares datasets, and writes the tables; None where there are no events.

        Raises ``AuditError`` where one of the sources has what cannot be judged.
        """
        self._progress("closing runs", 0, 1)
        splits = self._judged(SPLIT)
        if splits is None:
            return None
        placed = places(self._spark, splits)
        judged = self._judged(EVENT)
        if judged is None:
            return None
        closed = self._close(placed)
        again = self._repeats_without_run(placed)
        parts = [
            results.findings_of_events(placed, found)
            for found in (self._judged(FINDING_OF_EVENT),)
            if found is not None
        ]
        of_runs = results.nothing(self._spark, TABLES["runs"])
        repeats, of_closing = None, None
        if closed is not None:
            known, rounds = closed
            of_runs = results.settled_runs(known.settled)
            if known.settled_findings is not None:
                parts.append(results.findings_of_settled_runs(known.settled_findings))
            more = self._part(rounds, RUN, CLOSED)
            if more is not None:
                of_runs = of_runs.unionByName(results.runs(more))
            of_closing = self._part(rounds, FINDING_OF_EVENT, CLOSED)
        for each in (again, of_closing):
            if each is not None:
                shaped = results.findings_of_closing(each)
                parts.append(shaped)
                of_events = shaped.where("about = 'event'")
                repeats = of_events if repeats is None else repeats.unionByName(of_events)
        if repeats is not None and repeats.isEmpty():
            repeats = None
        self._progress("writing tables", 0, 1)
        self._table(results.events(placed, judged, repeats), "events")
        events = self._read("events")
        seen, missed = self._datasets(placed, events)
        if missed is not None:
            parts.append(missed)
        found = parts[0] if parts else results.nothing(self._spark, TABLES["findings"])
        for each in parts[1:]:
            found = found.unionByName(each)
        self._table(found, "findings")
        findings = self._read("findings")
        self._table(of_runs, "runs")
        shown = results.nothing(self._spark, TABLES["datasets"]) if seen is None else results.datasets(seen, findings)
        self._table(shown, "datasets")
        self._table(results.jobs(events, self._read("runs"), findings), "jobs")
        return self._outcome(events, findings)

    def _close(self, placed: Places) -> tuple[runs.Runs, list[str]] | None:
        """Closes all runs; gives them with the directories of the rounds. None where no event has a run."""
        seen = self._judged(RUN)
        if seen is None:
            return None
        without = self._events_without_run(placed)
        if without is not None:
            without = without.where("turn = 1 and payload is not null")
        known = runs.runs_of(placed, seen, self._judged(FINDING_OF_RUN), self._judged(NAME), without, self._kept)
        rounds: list[str] = []

        def written(closed: DataFrame, turn: int) -> DataFrame | None:
            rounds.append(f"closed/{turn:03}")
            self._write(closed, rounds[-1])
            undecided = self._part(rounds[-1:], UNDECIDED, CLOSED)
            return None if undecided is None else undecided.select(*OWN.names)

        runs.close(self._task, self._names, known, partial(runs.all_bodies, placed, seen), self._kept, written)
        return known, rounds

    def _events_without_run(self, placed: Places) -> DataFrame | None:
        """Events of no run, with ``turn``: 1 for the first of those that are the same."""
        without = self._judged(WITHOUT_RUN)
        if without is None:
            return None
        columns = ("source", "event_id", "kind", "event_type", "job_namespace", "job_name", "dataset_namespace",
                   "dataset_name", "payload", "count")  # fmt: skip
        located = placed.of(without).select(position().alias("position"), line().alias("line"), *columns)
        same = Window.partitionBy("event_id").orderBy("position")
        return located.withColumn("turn", sql.row_number().over(same))

    def _repeats_without_run(self, placed: Places) -> DataFrame | None:
        without = self._events_without_run(placed)
        if without is None:
            return None
        again = without.where("turn > 1").select(
            "position", "source", "line", "event_id", "kind", "event_type", "job_namespace", "job_name",
            "dataset_namespace", "dataset_name",
        )  # fmt: skip
        # Looked at three times: whether there are any, for the events that they are about, and as findings.
        return self._kept(again.mapInArrow(partial(repeats_without_run, self._task), CLOSED), "repeats")

    def _datasets(self, placed: Places, events: DataFrame) -> tuple[DataFrame | None, DataFrame | None]:
        """The datasets that were seen, with their sources, and findings of those that would not join."""
        named = self._judged(DATASET)
        if named is None:
            return None, None
        made = datasets.datasets_seen(placed, named, self._judged(SYMLINKS))
        seen = self._kept(made, "datasets")
        files = known_rows(self._spark, list(enumerate(self._names)), NAMED_FILES)
        located = seen.join(sql.broadcast(files), "file", "left")
        latest = events.where("event_id is not null").agg(
            sql.max(sql.struct("position", "source", "line")).alias("last")
        )
        missed = datasets.missed_joins(self._task, seen)
        return located, results.findings_of_datasets(missed, located, latest.select("last.*"))

    # Tables.

    def _table(self, rows: DataFrame, name: str) -> None:
        rows.write.mode("overwrite").option("compression", "zstd").parquet(f"{self._out}/{name}")

    def _read(self, name: str) -> DataFrame:
        return table(self._spark, escaped(self._out), name)

    def _outcome(self, events: DataFrame, findings: DataFrame) -> Outcome:
        statuses = {row["status"]: row["count"] for row in events.groupBy("status").count().collect()}
        severities: dict[str, dict[str, int]] = {}
        for row in findings.groupBy("about", "severity").count().collect():
            severities.setdefault(row["about"], {})[row["severity"]] = row["count"]
        number = sum(statuses.values())
        counts = Counts(number, {str(one): statuses.get(one.value, 0) for one in Status}, severities)
        have = events.select("source").distinct()
        files = known_rows(self._spark, list(enumerate(self._names)), NAMED_FILES)
        empty = files.join(have, "source", "left_anti").orderBy("source")
        first = [row["source"] for row in empty.limit(MOST_NAMED + 1).collect()]
        more = empty.count() - MOST_NAMED if len(first) > MOST_NAMED else 0
        return Outcome(counts, first[:MOST_NAMED], more)
