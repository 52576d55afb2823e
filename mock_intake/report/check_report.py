"""What ``mock-intake check`` found in recorded events, and how it is written: as text, JSON and SARIF."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake.datadog.joins import NearMiss
from mock_intake.judging.closing import ClosedRun
from mock_intake.judging.recording import Check, Checked
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.report.baseline import Acceptance
from mock_intake.report.finding_text import PLAIN, Style, finding_lines
from mock_intake.report.places import Groups, Place, name_of_dataset, name_of_event, name_of_job
from mock_intake.report.sarif import sarif
from mock_intake.secrets.presenting import may_have_to_hide, presented, presented_value
from mock_intake.views import run_to_dict


class OverAll(Struct):
    """What is found over all events, which the check is asked for once.

    ``runs`` are to be gone through as often as they are needed; without them they are asked for, and with ``kept`` held
    in memory.
    """

    kept: bool = True
    runs: Iterable[ClosedRun] | None = None
    misses: list[NearMiss] | None = None


class CheckReport(Struct, frozen=True):
    """A recording with what was found in it.

    Events are judged while ``results`` is gone through, which can be done once: so recordings may be of any size.
    ``most_places`` is how many places of each finding are shown to people, ``level`` from which severity on, and
    ``style`` how. ``acceptance`` knows what a baseline accepts.
    """

    check: Check
    results: Iterator[Checked]
    most_places: int = 3
    level: Severity = Severity.WARNING
    style: Style = PLAIN
    acceptance: Acceptance | None = None
    over_all: OverAll = field(default_factory=OverAll)

    def again(self, results: Iterable[Checked]) -> CheckReport:
        """The same report to be written to a file too, without colours, from results that were kept."""
        acceptance = None if self.acceptance is None else Acceptance(self.acceptance.baseline)
        return replace(self, results=iter(results), style=PLAIN, acceptance=acceptance)

    def places(self) -> Iterator[Place]:
        """Every finding that no baseline accepts, with its place. Can be gone through once, as the results."""
        return (place for place in self.all_places() if place.accepted is None)

    def all_places(self) -> Iterator[Place]:
        """As ``places``, with what a baseline accepts.

        Those of events are at their lines, those of runs and datasets at the last one at which they show.
        """
        for result in self.results:
            yield from self.places_of(result)
        # A baseline is to know of all runs that there are.
        alone = self.acceptance is None and self.over_all.runs is None and not self.over_all.kept
        for closed in self.check.closed_runs(silent=False) if alone else self.runs:
            yield from self.places_of_run(closed)
        yield from self.places_of_datasets()

    @property
    def runs(self) -> Iterable[ClosedRun]:
        """The runs with what was found in each; asked for when all results were gone through."""
        over_all = self.over_all
        if over_all.runs is None:
            if not over_all.kept:
                return self.check.closed_runs()
            over_all.runs = list(self.check.closed_runs())
        return over_all.runs

    @property
    def misses(self) -> list[NearMiss]:
        """Datasets that would not join; asked for when all results were gone through."""
        if self.over_all.misses is None:
            self.over_all.misses = self.check.near_misses()
        return self.over_all.misses

    def places_of(self, result: Checked) -> list[Place]:
        """The findings of one event."""
        if self.acceptance is None and not result.findings:
            return []
        name = name_of_event(result.event)
        if self.acceptance is not None:
            self.acceptance.judges(name)
        return [self._held(Place(one, result.source, result.line, name=name)) for one in result.findings]

    def places_of_run(self, closed: ClosedRun) -> list[Place]:
        """The findings of a run, at its last event."""
        if self.acceptance is None and not closed.findings:
            return []
        title, name = f"run {presented(closed.run_id)}", f"run of {name_of_job(*closed.job)}"
        if self.acceptance is not None:
            self.acceptance.judges(name)
        return [self._held(Place(finding, *closed.line, title, name)) for finding in closed.findings]

    def places_of_datasets(self) -> Iterator[Place]:
        """The findings of datasets over all events, each at the last event that names it."""
        if self.acceptance is not None:
            for dataset in self.check.datasets():
                self.acceptance.judges(name_of_dataset(dataset))
        for miss in self.misses:
            name = name_of_dataset(miss.other)
            yield self._held(Place(miss.finding, *self.check.line_of(miss.other), name, name))

    def _held(self, place: Place) -> Place:
        """A finding as the baseline has it."""
        return place if self.acceptance is None else place._replace(accepted=self.acceptance.reason(place))


def to_json(report: CheckReport) -> Iterator[str]:
    """The whole result as one object, the events written as they are judged.

    What a baseline accepts is there as ever; ``accepted`` lists the entries that did, with their reasons.
    """
    yield '{"events": [\n'
    separator = ""
    for result in report.results:
        report.places_of(result)  # held against the baseline
        yield separator + _event_to_json(result)
        separator = ",\n"
    yield '\n], "runs": ['
    separator = ""
    for closed in report.runs:
        report.places_of_run(closed)
        yield separator + _to_json(run_to_dict(closed.run, closed.findings))
        separator = ", "
    for _ in report.places_of_datasets():
        pass
    rest: dict[str, Any] = {
        "findings": [miss.finding.to_dict() for miss in report.misses],
        "summary": report.check.summary(),
    }
    acceptance = report.acceptance
    if acceptance is not None:
        rest["accepted"] = {entry: acceptance.baseline.accepted[entry] for entry in sorted(acceptance.met)}
    yield "], " + _to_json(rest).removeprefix("{") + "\n"


def _event_to_json(result: Checked) -> str:
    """An entry of ``events``, as ``Checked.to_dict`` has it."""
    findings = ", ".join([_finding_to_json(finding) for finding in result.findings])
    begin = f'{{"source": {_text_to_json(result.source)}, "line": {result.line}, "status": "{result.status}"'
    return f'{begin}, "kind": {_text_to_json(result.kind)}, "findings": [{findings}]}}'


def _to_json(value: Any) -> str:
    """A value with all of its texts as they are shown."""
    text = json.dumps(value)
    # One look over all of them: to hold each text against what is hidden takes ten times as long as to write it.
    return json.dumps(presented_value(value)) if may_have_to_hide(text) else text


@lru_cache(maxsize=256)
def _text_to_json(text: str | None) -> str:
    return _to_json(text)


# Producers make the same mistake in event after event: that is written once.
@lru_cache(maxsize=1_024)
def _finding_to_json(finding: Finding) -> str:
    return _to_json(finding.to_dict())


def to_sarif(report: CheckReport) -> str:
    """SARIF 2.1.0, with a result for every finding; what a baseline accepts is suppressed."""
    return json.dumps(presented_value(sarif(report.all_places())), indent=2) + "\n"


def to_text(report: CheckReport) -> Iterator[str]:
    """Findings by rule, and a last line with how many events came to which status; nothing where there were none."""
    groups = Groups(report.most_places)
    over_all = 0
    for place in report.places():
        groups.add(place)
        over_all += bool(place.title) and place.finding.severity is not Severity.INFO
    if not report.check.events:
        return
    for group in groups.at_or_above(report.level):
        yield "\n".join(finding_lines(group, report.style)) + "\n\n"
    hidden = groups.below(report.level)
    more = f" ({hidden:,} of the level info not shown: -v)" if hidden else ""
    accepted = f"; {report.acceptance.words}" if report.acceptance and report.acceptance.words else ""
    yield f"{_summary_text(report.check, over_all)}{more}{accepted}\n"


def _summary_text(check: Check, over_all: int) -> str:
    summary = check.summary()
    counts = ", ".join(f"{summary[status]:,} {status}" for status in Status)
    plural = "" if check.events == 1 else "s"
    # Those over all events are of none, so they change no status.
    over_runs = f"; {over_all} finding{'' if over_all == 1 else 's'} on runs and datasets" if over_all else ""
    return f"{check.events:,} event{plural}: {counts}{over_runs}"
