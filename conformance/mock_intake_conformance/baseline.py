"""The baseline: deviations that were accepted, by case, in a TOML file that people read and write."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from mock_intake.report.suite import ProducerReport, Result, Verdict

_HEAD = """\
# Deviations that were accepted: failures of these cases do not count for mock-intake certify.
# Case = reason. Written by --update-baseline, which keeps the reasons.
"""
# A producer of which nothing arrives is not judged at all, whatever is accepted.
NEVER_ACCEPTED = "delivery/reaches-the-endpoint"
_UNACCEPTABLE = (Verdict.FAILED, Verdict.ERRORED)


class BaselineError(ValueError):
    """A baseline that cannot be read; the message says where and why."""


@dataclass(frozen=True)
class Baseline:
    """Which failures are accepted, each with a reason."""

    name: str
    accepted: Mapping[str, str] = field(default_factory=dict)

    def apply(self, report: ProducerReport) -> ProducerReport:
        """The report with accepted failures marked."""
        return replace(report, results=[self._marked(result) for result in report.results])

    def stale(self, report: ProducerReport) -> list[str]:
        """Entries that accept nothing any more: the case passes now, or there is none of that id.

        Cases that were not judged this time are left alone.
        """
        verdicts = {result.case.id: result.verdict for result in report.results}
        return [entry for entry in sorted(self.accepted) if verdicts.get(entry) is Verdict.PASSED]

    def updated(self, report: ProducerReport) -> Baseline:
        """With all that fails now accepted; reasons are kept, and what is stale is taken out."""
        stale = set(self.stale(report))
        kept = {entry: reason for entry, reason in self.accepted.items() if entry not in stale}
        new = {
            result.case.id: f"accepted {date.today().isoformat()}: {result.message}"  # noqa: DTZ011 - the user's day
            for result in report.results
            if result.verdict in _UNACCEPTABLE and result.case.id not in kept and result.case.id != NEVER_ACCEPTED
        }
        return Baseline(self.name, {**kept, **new})

    def to_toml(self) -> str:
        # A TOML basic string is written as JSON writes it.
        lines = [f"{_text(entry)} = {_text(reason)}" for entry, reason in sorted(self.accepted.items())]
        return "\n".join([_HEAD, "[accepted]", *lines]) + "\n"

    def _marked(self, result: Result) -> Result:
        reason = self.accepted.get(result.case.id)
        if reason is None or result.verdict not in _UNACCEPTABLE:
            return result
        return replace(result, accepted_by=f"{self.name}: {reason}")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_baseline(file: Path, known: frozenset[str]) -> Baseline:
    """Reads a baseline. Raises ``BaselineError``, also for a case that there is not."""
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
        raise BaselineError(f'{file}: [accepted] has lines such as "resilience/503-once" = "the reason"')
    unknown = sorted(set(accepted) - known)
    if unknown:
        raise BaselineError(f"{file}: there is no case {unknown[0]!r}: take the line out")
    if NEVER_ACCEPTED in accepted:
        raise BaselineError(f"{file}: {NEVER_ACCEPTED} cannot be accepted: without it nothing is judged")
    return Baseline(file.name, accepted)
