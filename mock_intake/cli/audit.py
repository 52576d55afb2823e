"""``mock-intake audit``: judges archives of events on Spark."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.options import judging_config, judging_options, option_group
from mock_intake.model.findings import Severity, Status
from mock_intake.model.words import counted

if TYPE_CHECKING:
    from mock_intake.audit.record import Record

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
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), NEVER]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 if there is a finding of this level or above.",
)
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
        help="The column of Parquet files that has the events.",
    ),
    heading="Spark",
)
@judging_options
def audit(
    sources: tuple[str, ...],
    out: str,
    fail_on: str,
    master: str | None,
    conf: dict[str, str],
    column: str,
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
      mock-intake audit events/ --out audit
      mock-intake audit 's3a://lake/lineage/2026-*/*.ndjson.gz' --out s3a://lake/audit
      mock-intake audit lineage.parquet --column payload --out audit --master local[4]
      mock-intake audit events/ --out audit --conf spark.driver.memory=8g --fail-on never

    \b
    Exit codes:
      0  no finding at or above --fail-on
      1  findings at or above --fail-on
      2  input that cannot be read, no events in it, or no Spark
    """
    config, _ = judging_config(config_file, facets, ignore, select)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise click.UsageError(f"{' and '.join(missing)} is not installed: pip install 'mock-intake[spark]'")
    from mock_intake.audit.audit import Audit, audited
    from mock_intake.audit.errors import AuditError
    from mock_intake.audit.spark import session

    try:
        with session(master, conf) as spark:
            record = audited(spark, Audit(sources, out, column, config), _note)
    except AuditError as error:
        raise click.UsageError(str(error)) from error
    echo(summary(record))
    echo(f"Tables written to {out}", err=True)
    found = record.counts.severities
    if fail_on != NEVER and any(Severity(each).rank >= Severity(fail_on).rank for each in found):
        sys.exit(1)


def _note(words: str) -> None:
    echo(f"note: {words}", err=True)


def summary(record: Record) -> str:
    """The numbers of an audit in a line, as ``check`` has it."""
    counts = record.counts
    statuses = ", ".join(f"{counts.statuses[status]:,} {status}" for status in Status)
    over_all = sum(
        number
        for about in ("run", "dataset")
        for severity, number in counts.findings.get(about, {}).items()
        if severity != Severity.INFO
    )
    more = f"; {counted(over_all, 'finding')} on runs and datasets" if over_all else ""
    return f"{counted(counts.events, 'event')}: {statuses}{more}"
