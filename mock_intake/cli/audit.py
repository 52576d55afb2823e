"""``mock-intake audit``: judges archives of events on Spark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo, finding_style
from mock_intake.cli.options import judging_config, judging_options, option_group, output_options
from mock_intake.cli.sources import checked_outputs, written
from mock_intake.model.findings import Severity
from mock_intake.model.words import counted
from mock_intake.report.formats import Kind, of_file, rendered

if TYPE_CHECKING:
    from mock_intake.audit.audit import Progress
    from mock_intake.audit.databases import Database
    from mock_intake.audit.spark import Session
    from mock_intake.report.audit_report import AuditReport

NEVER = "never"
_NEEDED = ("pyspark", "pyarrow", "pandas")


def _settings(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    for each, (name, separator, _) in zip(given, pairs, strict=True):
        if not name or not separator:
            raise click.BadParameter(f"{each!r} is no NAME=VALUE")
    return {name: value for name, _, value in pairs}


@click.command(cls=Command, short_help="Judge archives of events on Spark.", page="how-to/audit-archives")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", required=True, metavar="DIR", help="Write the tables there: a path, or a URI that Spark writes.")
@output_options(Kind.AUDIT)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), NEVER]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 if there is a finding of this level or above.",
)
@click.option("--places", default=3, show_default=True, type=click.IntRange(1), help="Places to show of each finding.")
@click.option("-v", "--verbose", is_flag=True, help="Show findings of the level info too.")
@option_group(
    click.option(
        "--master",
        metavar="URL",
        help="Where Spark runs: local[4], spark://HOST:7077, k8s://...  [default: what Spark is set to, else local[*]]",
    ),
    click.option(
        "--conf",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_settings,
        help="A setting of Spark's (spark.executor.memory=8g); repeatable.",
    ),
    click.option(
        "--column",
        default="event",
        show_default=True,
        metavar="NAME",
        help="The column of Parquet files, or of a table, that has the events.",
    ),
    heading="Spark",
)
@option_group(
    click.option("--table", metavar="NAME", help="Judge a table of the database that SOURCE, jdbc:..., leads to."),
    click.option("--order", metavar="COLUMN", help="The column of it that tells in which order events came."),
    click.option("--user", metavar="NAME", help="Who asks the database."),
    click.option("--password", help="Their password; better by the variable MOCK_INTAKE_AUDIT_PASSWORD."),
    heading="Tables of databases (JDBC)",
)
@judging_options
def audit(
    sources: tuple[str, ...],
    out: str,
    output_format: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    places: int,
    verbose: bool,
    master: str | None,
    conf: dict[str, str],
    column: str,
    table: str | None,
    order: str | None,
    user: str | None,
    password: str | None,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Judge archives of events on Spark: NDJSON, JSON, gzip, Parquet; files, directories and patterns, on any
    filesystem that Spark reads. What is found is what check finds, as tables of Parquet.

    An audit that was interrupted goes on where it was, if it is given the same sources and the same --out.

    \b
    Examples:
      mock-intake audit events/ --out audit -o audit.html
      mock-intake audit 's3a://lake/lineage/2026-*/*.ndjson.gz' --out s3a://lake/audit
      mock-intake audit lineage.parquet --column payload --out audit --master local[4]
      mock-intake audit events/ --out audit --conf spark.driver.memory=8g --fail-on never
      mock-intake audit jdbc:postgresql://db/marquez --table lineage_events --order event_time \\
        --column event --conf spark.jars=postgresql.jar --out audit

    \b
    Exit codes:
      0  no finding at or above --fail-on
      1  findings at or above --fail-on
      2  input that cannot be read, no events in it, or no Spark
    """
    checked_outputs(Kind.AUDIT, outputs)
    config, _ = judging_config(config_file, facets, ignore, select)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise click.UsageError(f"Not installed: {', '.join(missing)}. To have them: pip install 'mock-intake[spark]'")
    database = _database(sources, table, order, user, password)
    named = sources if database is None else (f"table {database.table}",)
    from mock_intake.audit.audit import Audit, audited
    from mock_intake.audit.errors import AuditError
    from mock_intake.audit.report import report_of
    from mock_intake.audit.spark import Files, escaped, session

    try:
        with session(master, conf) as spark:
            with _progress(spark) as progress:
                record = audited(spark, Audit(named, out, column, config, database), _note, progress)
            made = report_of(spark, escaped(Files(spark).absolute(out)), most_places=places, notes=record.notes)
            report = replace(made, tables=out, level=Severity.INFO if verbose else Severity.WARNING)
            for piece in rendered(Kind.AUDIT, output_format, replace(report, style=finding_style())):
                echo(piece, end="")
            for file in outputs:
                _write(report, file)
    except AuditError as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        _note(f"what was judged stays in {out}: the same command goes on with it")
        raise
    echo(f"Tables written to {out}", err=True)
    found = record.counts.severities
    if fail_on != NEVER and any(Severity(each).rank >= Severity(fail_on).rank for each in found):
        sys.exit(1)


def _database(
    sources: tuple[str, ...], table: str | None, order: str | None, user: str | None, password: str | None
) -> Database | None:
    """The table that is meant, if one is; exits with 2 where it is not clear which."""
    from mock_intake.audit.databases import SCHEME, Database

    url = next((source for source in sources if source.startswith(SCHEME)), None)
    if url is None:
        if table or order or user or password:
            raise click.UsageError("--table, --order, --user and --password go with a SOURCE that begins with jdbc:.")
        return None
    if len(sources) > 1:
        raise click.UsageError("A table of a database is audited by itself: name no other SOURCE beside it.")
    if not table or not order:
        raise click.UsageError("With jdbc: name the --table, and the --order of its events, such as a column of times.")
    return Database(url, table, order, user, password)


def _note(words: str) -> None:
    echo(f"note: {words}", err=True)


def _write(report: AuditReport, file: Path) -> None:
    """Writes a report in the format of the file's suffix."""
    with written(file) as stream:
        for piece in rendered(Kind.AUDIT, of_file(Kind.AUDIT, file).name, report):
            stream.write(piece.encode())
    echo(f"Report written to {file}", err=True)


@contextmanager
def _progress(spark: Session) -> Iterator[Progress]:
    """A bar for the step under way, with the tasks that Spark has done of it, where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _step, _number, _of: None
        return
    from rich import progress as rich
    from rich.console import Console

    from mock_intake.audit.tasks import tasks_followed

    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.TextColumn("{task.fields[tasks]}"))
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("starting", total=None, tasks="")

        def step(name: str, number: int, of: int) -> None:
            words = f"{name} ({number + 1} of {of})" if of > 1 else name
            shown.update(bar, description=words, total=None, completed=0, tasks="")

        def tasks(done: int, of: int) -> None:
            shown.update(bar, total=of, completed=done, tasks=f"{done:,} of {counted(of, 'task')}")

        with tasks_followed(spark, tasks):
            yield step
