"""Baselines: what was accepted, with reasons, in a TOML file that people read and write.

What is accepted fails no longer, what is new does, and an entry that accepts nothing any more is told. ``certify``
accepts cases; ``check``, ``report`` and the pytest plugin accept findings, each by what stays of it from one run of a
producer to the next (``key_of``), so that one file serves all three.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake.judging.catalogue import RULES
from mock_intake.model.findings import Finding, Severity
from mock_intake.report.escaping import shown
from mock_intake.report.model import Report
from mock_intake.report.places import Place
from mock_intake.system.patterns import pattern_of

FINDINGS_HEAD = """\
# Findings that were accepted: they fail nothing in mock-intake check, mock-intake report and pytest.
# Rule, what it is about and the place in that = reason. Written anew, the file keeps the reasons.
"""
# The position in a list: what comes before it in an event may be another time elsewhere.
_POSITION = pattern_of(r"/\d+(?=/|$)")

# What the codes of rules on requests begin with.
_OF_REQUESTS = "HT"


class BaselineError(ValueError):
    """A baseline that cannot be read or written; the message says where and why."""


class Baseline(Struct, frozen=True):
    """What is accepted, each entry with a reason. ``name`` is that of the file."""

    name: str
    accepted: Mapping[str, str] = field(default_factory=dict)

    def reason(self, entry: str) -> str | None:
        """By which words of this baseline an entry is accepted; None where it is not."""
        reason = self.accepted.get(entry)
        return None if reason is None else f"{self.name}: {reason}"

    def updated(self, failing: Mapping[str, str], stale: Collection[str]) -> Baseline:
        """With all that fails now accepted, and what is stale taken out; reasons are kept.

        ``failing`` has the words on each that say what was seen.
        """
        kept = {entry: reason for entry, reason in self.accepted.items() if entry not in stale}
        today = date.today().isoformat()  # noqa: DTZ011 - the user's day
        new = {entry: f"accepted {today}: {words}" for entry, words in failing.items() if entry not in kept}
        return replace(self, accepted={**kept, **new})

    def to_toml(self, head: str) -> str:
        """The text of the file, below some lines that say what it is."""
        # A TOML basic string is written as JSON writes it.
        lines = [f"{_text(entry)} = {_text(reason)}" for entry, reason in sorted(self.accepted.items())]
        return "\n".join([head, "[accepted]", *lines]) + "\n"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_baseline(file: Path, problem: Callable[[str], str | None], example: str) -> Baseline:
    """Reads a baseline. Raises ``BaselineError``, also for an entry that ``problem`` has words on.

    ``example`` is an entry as it could be.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"{file}: {error}") from error
    accepted = content.get("accepted", {})
    others = sorted(set(content) - {"accepted"})
    if others:
        raise BaselineError(f"{file}: there is no table or key {others[0]!r}, only [accepted]")
    if not isinstance(accepted, dict) or not all(isinstance(reason, str) for reason in accepted.values()):
        raise BaselineError(f'{file}: [accepted] has lines such as "{example}" = "the reason"')
    for entry in sorted(accepted):
        if words := problem(entry):
            raise BaselineError(f"{file}: {words}")
    return Baseline(file.name, accepted)


def write_baseline(file: Path, baseline: Baseline, head: str) -> None:
    """Writes a baseline, whole or not at all: its reasons are people's. Raises ``BaselineError``."""
    try:
        target = file.resolve()  # where a link leads, so that the link stays
        partial = target.with_name(target.name + ".partial")
        try:
            partial.write_text(baseline.to_toml(head), encoding="utf-8")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror or error}") from error


# Of findings.


def key_of(place: Place) -> str:
    """What a finding is accepted by: its rule, what it is about, and the place in that, positions in lists aside."""
    finding = place.finding
    pointer = _POSITION.sub("/*", finding.pointer)
    return shown(f"{finding.code} {place.name}" + (f" at {pointer}" if pointer else ""))


def read_findings_baseline(file: Path) -> Baseline:
    """Reads a baseline of findings. Raises ``BaselineError``."""
    return read_baseline(file, _no_rule, "DD101 START prod/load at /job/facets")


def _no_rule(entry: str) -> str | None:
    code = entry.partition(" ")[0]
    return None if code in RULES else f"{entry!r} begins with no rule (`mock-intake rules` lists them): take it out"


class Acceptance:
    """What a baseline accepts of the findings of a run, and what it accepts that is no more.

    Tell it what is judged (``judges``), ask it about findings (``reason``), and at the end about the rest.
    """

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self.met: set[str] = set()
        self.judged: set[str] = set()
        # How many findings were accepted, of which severity.
        self.severities: Counter[Severity] = Counter()

    def judges(self, name: str) -> None:
        """Notes that something was judged, by the name that places have for it."""
        self.judged.add(shown(name))

    def reason(self, place: Place) -> str | None:
        """By which words a finding is accepted, and counts it; None where it is not."""
        key = key_of(place)
        reason = self.baseline.reason(key)
        if reason is not None:
            self.met.add(key)
            self.severities[place.finding.severity] += 1
        return reason

    @property
    def stale(self) -> list[str]:
        """Entries that accept nothing any more: what they are about was judged, and is found no more."""
        return stale(self.baseline, self.met, self.judged)

    def updated(self, failing: Mapping[str, str]) -> Baseline:
        """The baseline with what fails now, and without what is stale."""
        return self.baseline.updated(failing, self.stale)

    @property
    def words(self) -> str:
        """How many findings were accepted, and by what; empty if none were."""
        count = self.severities.total()
        return f"{count:,} finding{'' if count == 1 else 's'} accepted by {self.baseline.name}" if count else ""


def stale(baseline: Baseline, met: Collection[str], judged: Collection[str]) -> list[str]:
    """Entries of a baseline that none of ``met`` is, and which are about something that was judged.

    What was not judged this time, as in a run of some tests only, is left alone.
    """
    return [entry for entry in sorted(baseline.accepted) if entry not in met and _is_about(entry, judged)]


def _is_about(entry: str, names: Collection[str]) -> bool:
    code, _, name = entry.partition(" ")
    if code.startswith(_OF_REQUESTS):
        # Of requests those that are refused have names; the others have become events.
        return bool(names)
    return name in names or name.rpartition(" at ")[0] in names


def stale_words(baseline: Baseline, entry: str) -> str:
    """What is told of an entry that accepts nothing any more."""
    return f"{baseline.name} accepts {entry}, which is found no more: take the line out."


def with_baseline(report: Report, acceptance: Acceptance) -> Report:
    """A report in which what is accepted stands apart, and is no failure; its notes say so."""
    entries = []
    for dataset in report.datasets:
        acceptance.judges(dataset)
    for entry in report.entries:
        acceptance.judges(entry.name)
        kept: list[Finding] = []
        accepted: list[Finding] = []
        for finding in entry.findings:
            place = Place(finding, None, name=entry.name)
            (kept if acceptance.reason(place) is None else accepted).append(finding)
        entries.append(replace(entry, findings=tuple(kept), accepted=tuple(accepted)))
    words = f"{acceptance.words}: known, and no failure." if acceptance.words else ""
    notes = [*filter(None, [words]), *(stale_words(acceptance.baseline, entry) for entry in acceptance.stale)]
    return replace(report, entries=entries, notes=(*report.notes, *notes))


def failing_places(places: Iterable[Place], level: Severity) -> dict[str, str]:
    """What fails from a level on, as a baseline would accept it: keys, with what was said first."""
    found: dict[str, str] = {}
    for place in places:
        if place.finding.severity.rank >= level.rank:
            found.setdefault(key_of(place), place.finding.message)
    return found
