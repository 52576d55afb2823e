"""The baseline of a test suite: findings that are known and accepted fail no test; new ones do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mock_intake.model.findings import Severity
from mock_intake.report.baseline import (
    FINDINGS_HEAD,
    Acceptance,
    Baseline,
    BaselineError,
    key_of,
    read_findings_baseline,
    stale,
    stale_words,
    with_baseline,
    write_baseline,
)
from mock_intake.report.model import Report
from mock_intake.report.places import Place
from mock_intake_pytest.counts import Tally, many


@dataclass
class Known:
    """What is accepted. With ``write`` all that would fail a test is accepted from now on, and kept in ``failing``."""

    file: Path
    baseline: Baseline
    write: bool = False
    failing: dict[str, str] = field(default_factory=dict)

    def accepts(self, place: Place) -> bool:
        """Whether a finding is known."""
        return key_of(place) in self.baseline.accepted

    def takes(self, place: Place, level: Severity) -> bool:
        """Whether a finding fails no test: it is known, or is to be from now on."""
        if self.accepts(place):
            return True
        if self.write and place.finding.severity.rank >= level.rank:
            self.failing.setdefault(key_of(place), place.finding.message)
            return True
        return False

    def count(self, report: Report, tally: Tally) -> Report:
        """Adds to the tally what was accepted of a test's report; gives the report without it."""
        acceptance = Acceptance(self.baseline)
        made = with_baseline(report, acceptance)
        tally.accepted.update(acceptance.met)
        tally.accepted_findings += acceptance.severities.total()
        tally.judged |= acceptance.judged
        tally.failing = {**self.failing, **tally.failing}
        return made


def read_known(where: str, file: Path, *, write: bool) -> Known:
    """What a baseline accepts, which ``where`` names. Raises ``pytest.UsageError``."""
    if write and not file.exists():
        if not file.parent.is_dir():
            raise pytest.UsageError(f"{where}: there is no directory {file.parent}")
        return Known(file, Baseline(file.name), write)
    try:
        return Known(file, read_findings_baseline(file), write)
    except BaselineError as error:
        raise pytest.UsageError(f"{where}: {error}") from error


def sum_up(known: Known, tally: Tally, *, incomplete: bool) -> Iterator[str]:
    """Writes the baseline if that is asked for; gives the lines of the summary.

    Nothing is called stale in a run that was ``incomplete``, or of some tests only.
    """
    baseline = known.baseline
    if tally.accepted_findings:
        yield f"baseline: {many(tally.accepted_findings, 'finding')} accepted by {baseline.name}"
    left = [] if incomplete or tally.partial else stale(baseline, tally.accepted, tally.judged)
    if not known.write:
        yield from (f"baseline: {stale_words(baseline, one)}" for one in left)
        return
    updated = baseline.updated(tally.failing, left)
    try:
        write_baseline(known.file, updated, FINDINGS_HEAD)
        yield f"baseline: {many(len(updated.accepted), 'accepted finding')} written to {known.file}"
    except BaselineError as error:
        yield f"baseline: {error}"
