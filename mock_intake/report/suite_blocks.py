"""What failed or could not be judged, once where several cases or producers say the same, by how much it matters.

A matrix of seven producers repeats itself: a client that does not send again after 500 does not after 502 either, and
five ways of one client fail alike. A reader wants what is to be done, with all that it helps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mock_intake.report.suite import Level, ProducerReport, Requirement, Result, SuiteReport
from mock_intake.report.suite_words import TROUBLE, advice, cases_of, counts, is_accepted, troubles, verdict_words

LEVELS = tuple(Level)
_NUMBERS = re.compile(r"\d+(\.\d+)?")


class Failure(NamedTuple):
    """A result with whose it is; ``number`` counts the producers of the report from 0."""

    number: int
    producer: ProducerReport
    result: Result


@dataclass
class Block:
    """Results that say the same but for numbers: there is at least one."""

    failures: list[Failure] = field(default_factory=list)

    @property
    def first(self) -> Result:
        """The one that stands for all."""
        return self.failures[0].result

    @property
    def producers(self) -> list[ProducerReport]:
        """Whose results these are, each once."""
        return list({failure.number: failure.producer for failure in self.failures}.values())

    @property
    def cases(self) -> list[Requirement]:
        """The cases that these are results of, each once."""
        return list({failure.result.case.id: failure.result.case for failure in self.failures}.values())

    @property
    def is_alike(self) -> bool:
        """Whether all results have the same message, with its numbers."""
        return len({failure.result.message for failure in self.failures}) == 1

    @property
    def case_ids(self) -> str:
        """The ids, the group once: "resilience/500-once, 502-once"."""
        return ids_in_words(self.cases)

    @property
    def producer_names(self) -> str:
        """The producers' names; these may have commas."""
        return "; ".join(producer.name for producer in self.producers)

    @property
    def seen(self) -> str:
        """What was seen: of the first, and that the others differ in numbers alone."""
        return self.first.message + ("" if self.is_alike else f" (the other {len(self.failures) - 1} alike)")

    @property
    def details_of(self) -> str:
        """Whose details are shown where those of others are not; empty where there is nobody else."""
        failure = self.failures[0]
        if len(self.failures) == 1:
            return ""
        return f"{failure.producer.name}, {failure.result.case.id}" if len(self.producers) > 1 else self.first.case.id


def blocks_of(report: SuiteReport) -> list[Block]:
    """What failed or could not be judged: what counts first, then must, should and may, what is accepted last."""
    numbers = {id(producer): number for number, producer in enumerate(report.producers)}
    blocks: dict[tuple[object, ...], Block] = {}
    for producer, result in troubles(report):
        key = (
            result.case.level,
            verdict_words(result),
            advice(result),
            result.accepted_by,
            _shape(result.case.requirement),
            _shape(result.message),
            tuple(sorted({finding.code for finding in result.findings})),
        )
        blocks.setdefault(key, Block()).failures.append(Failure(numbers[id(producer)], producer, result))
    return sorted(blocks.values(), key=lambda block: (is_accepted(block.first), LEVELS.index(block.first.case.level)))


def by_level(report: SuiteReport) -> dict[str, list[Block]]:
    """The blocks by how much their cases matter; those that a baseline accepts at the end, for themselves."""
    found: dict[str, list[Block]] = {}
    for block in blocks_of(report):
        where = "accepted by the baseline" if is_accepted(block.first) else str(block.first.case.level)
        found.setdefault(where, []).append(block)
    return found


def _shape(text: str) -> str:
    """A text without its numbers: durations, ports and status codes."""
    return _NUMBERS.sub("#", text)


def ids_in_words(cases: Iterable[Requirement]) -> str:
    """Ids of cases, each group named once: "resilience/500-once, 502-once"."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        group, _, name = case.id.partition("/")
        groups.setdefault(group, []).append(name)
    return ", ".join(f"{group}/{', '.join(names)}" for group, names in groups.items())


def failed_cases(report: SuiteReport) -> list[Requirement]:
    """The cases that failed, or could not be judged, on a producer: what must pass first."""
    cases = {
        result.case.id: result.case for one in report.producers for result in one.results if result.verdict in TROUBLE
    }
    order = [case for case in cases_of(report) if case.id in cases]
    return sorted(order, key=lambda case: LEVELS.index(case.level))


def counts_of_cases(producers: Sequence[ProducerReport], cases: Sequence[Requirement]) -> str:
    """How many of the results of these cases came to which verdict, over the producers."""
    wanted = {case.id for case in cases}
    return counts(
        [
            ProducerReport(one.name, one.path, [each for each in one.results if each.case.id in wanted], ())
            for one in producers
        ]
    )
