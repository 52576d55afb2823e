"""An audit from its sources to its record: what ``mock-intake audit`` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from mock_intake.audit.databases import Database
from mock_intake.audit.errors import AuditError
from mock_intake.audit.lines import BLOCK
from mock_intake.audit.pipeline import MOST_NAMED, WORK, Outcome, Pipeline
from mock_intake.audit.record import (
    FILE,
    PLAN,
    Plan,
    Record,
    decoded_plan,
    decoded_record,
    digest_of,
    encoded,
    planned,
)
from mock_intake.audit.settings import JudgingSettings
from mock_intake.audit.sources import Listing, listed
from mock_intake.audit.spark import Files, settings_of_audit
from mock_intake.judging.config import Config
from mock_intake.model.words import counted
from mock_intake.secrets.presenting import presented
from mock_intake.system.clock import utc_now

Noted = Callable[[str], None]
Progress = Callable[[str, int, int], None]


class Audit(NamedTuple):
    """What is to be audited: ``sources`` as they were given, the column of events in tables, and where results go."""

    sources: Sequence[str]
    out: str
    column: str = "event"
    config: Config = Config()
    database: Database | None = None
    """Where the events are a table's; there are no other sources then."""
    block: int = BLOCK
    """So many bytes are judged at a time, or a little more: what comes out does not depend on it."""


def audited(
    spark: SparkSession,
    audit: Audit,
    note: Noted = lambda _: None,
    progress: Progress = lambda _step, _number, _of: None,
) -> Record:
    """Audits, and gives the record of it, which stands in ``audit.json`` too.

    An audit of the same sources that was interrupted in the same directory is gone on with; one that is complete is not
    made again. ``note`` is called with what a reader is to know, ``progress`` with the step that begins, its number and
    how many there are. Raises ``AuditError`` for what cannot be used.
    """
    files = Files(spark)
    try:
        return _audited(spark, files, audit, note, progress)
    except (PySparkException, Py4JError) as error:
        raise AuditError(_why(error)) from error


def _audited(spark: SparkSession, files: Files, audit: Audit, note: Noted, progress: Progress) -> Record:
    out = files.absolute(audit.out.rstrip("/"))
    _check_directory(files, out)
    listing = listed(files, audit.sources) if audit.database is None else _of_database(audit.database)
    if not listing.recordings:
        for words in _hidden_notes(listing.hidden):
            note(words)
        raise AuditError(f"There are no events in {', '.join(audit.sources)}; nothing was judged.")
    settings = JudgingSettings.of(audit.config)
    plan = planned(listing.recordings, audit.column, settings, utc_now())
    known = _complete(files, out, plan)
    if known is not None:
        note(f"{out} has this audit already, of {known.ended_at:%Y-%m-%d %H:%M} UTC; it is not made again")
        return known
    plan = _begun(files, out, plan, note)
    started = utc_now()
    pipeline = Pipeline(spark, files, out, plan, settings, progress, audit.block, audit.database)
    with settings_of_audit(spark, sum(one.size for one in plan.recordings)):
        pipeline.judge()
        outcome = pipeline.conclude()
    if outcome is None:
        files.remove(f"{out}/{WORK}")
        raise AuditError(f"There are no events in {', '.join(audit.sources)}; nothing was judged.")
    record = _record(spark, audit, plan, outcome, started, listing.hidden)
    files.write(f"{out}/{FILE}", encoded(record))
    files.remove(f"{out}/{WORK}")
    return record


def _hidden_notes(hidden: Sequence[str]) -> Iterator[str]:
    for name in hidden[:MOST_NAMED]:
        yield f"{presented(name)} is not read: Spark passes over files whose names begin with _ or ."
    if len(hidden) > MOST_NAMED:
        yield f"{counted(len(hidden) - MOST_NAMED, 'file')} more with such names are not read"


def _of_database(database: Database) -> Listing:
    return Listing([database.recording(int(utc_now().timestamp() * 1000))], [])


def _check_directory(files: Files, out: str) -> None:
    """Raises ``AuditError`` where something else stands in the directory than an audit."""
    there = files.find(out)
    if there is None:
        return
    if not there.is_directory:
        raise AuditError(f"--out {out} is a file; name a directory.")
    names = files.names(out)
    if names and FILE not in names and PLAN not in files.names(f"{out}/{WORK}"):
        raise AuditError(f"--out {out} is not empty, and no audit is in it; name another directory.")
    if FILE in names and decoded_record(files.read(f"{out}/{FILE}")) is None:
        raise AuditError(f"--out {out}: {FILE} there is of no audit; name another directory.")


def _complete(files: Files, out: str, plan: Plan) -> Record | None:
    """The record of an audit of this plan that is complete."""
    if FILE not in files.names(out):
        return None
    record = decoded_record(files.read(f"{out}/{FILE}"))
    return record if record is not None and record.plan == digest_of(plan) else None


def _begun(files: Files, out: str, plan: Plan, note: Noted) -> Plan:
    """The plan to go on with; what is there of other audits is removed."""
    work = f"{out}/{WORK}"
    if PLAN in files.names(work):
        before = decoded_plan(files.read(f"{work}/{PLAN}"))
        if before is not None and plan.goes_on_with(before):
            judged = sum(
                "_SUCCESS" in files.names(f"{work}/judged/{number:05}") for number in range(len(before.batches))
            )
            note(
                f"going on with the audit of {before.arrived:%Y-%m-%d %H:%M} UTC: {judged} of "
                f"{len(before.batches):,} batches judged already"
            )
            return before
        note(f"{out} has another audit that was interrupted; it is begun anew")
    files.remove(f"{out}/{FILE}")
    files.remove(work)
    files.write(f"{work}/{PLAN}", encoded(plan))
    return plan


def _record(
    spark: SparkSession, audit: Audit, plan: Plan, outcome: Outcome, started: datetime, hidden: Sequence[str]
) -> Record:
    return Record(
        outcome.counts,
        list(audit.sources),
        len(plan.recordings),
        sum(one.size for one in plan.recordings),
        digest_of(plan),
        started,
        utc_now(),
        spark.version,
        spark.sparkContext.master,
        outcome.empty,
        notes=list(_notes(outcome, hidden)),
    )


def _notes(outcome: Outcome, hidden: Sequence[str]) -> Iterator[str]:
    """What a reader of the numbers has to know of sources that are not in them."""
    yield from _hidden_notes(hidden)
    for name in outcome.empty:
        yield f"{presented(name)} has no events"
    if outcome.more_empty:
        yield f"{counted(outcome.more_empty, 'source')} more without events"


def _why(error: Exception) -> str:
    """What is to be said of an error of Spark's: what caused it, without the traces of two languages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    own = [line for line in lines if line.startswith("mock_intake.") and ": " in line]
    found = own[-1].partition(": ")[2] if own else causes[-1] if causes else lines[0] if lines else repr(error)
    return f"Spark: {found}"
