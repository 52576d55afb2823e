"""The suite report as Markdown that fits a GitHub job summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from mock_intake.report.escaping import clipped, in_markdown
from mock_intake.report.finding_text import finding_lines, markdown
from mock_intake.report.suite import ProducerReport, Requirement, Result, SuiteReport
from mock_intake.report.suite_blocks import Block, blocks_of, failed_cases
from mock_intake.report.suite_words import (
    MARKS,
    advice,
    cases_of,
    counts,
    grouped,
    headline,
    results_by_case,
    verdict_words,
    why_not,
)

# A job summary may have 1 MiB; the steps of a job may share a page, so that a report takes a part of it only.
_MOST_BYTES = 256 * 1024
_MOST_LINES = 20
_MOST_LETTERS = 500


def to_markdown(report: SuiteReport) -> str:
    """The verdict first, then what failed with advice, then the matrix: cut, and said so, where it grows too long."""
    lines = [f"# {_cell(report.title)}", "", f"**{in_markdown(headline(report))}**", ""]
    lines += [f"- {_producer(one, report)}" for one in report.producers]
    lines += ["", *(f"> {_cell(note)}\n" for note in report.notes)]
    cases, cases_left = _fitting(_matrix(report), (_MOST_BYTES - _size(lines)) // 2)
    if cases_left:
        cases += ["", f"... and {cases_left} more cases: see the JSON or HTML form."]
    found = blocks_of(report)
    if found:
        lines += ["## What failed or could not be judged", ""]
        several = len(report.producers) > 1
        room = _MOST_BYTES - _size(lines) - _size(cases)
        kept, left = _fitting([partial(_trouble, block, several=several) for block in found], room)
        lines += kept
        if left:
            lines += [f"... and {left} more: see the JSON or HTML form.", ""]
    if cases:
        lines += ["## All cases", "", *cases]
    return "\n".join(lines) + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _fitting(parts: Sequence[Callable[[], str]], room: int) -> tuple[list[str], int]:
    """The parts from the first on that there is room for, and how many are left, which nobody makes."""
    kept: list[str] = []
    for part in parts:
        text = part()
        room -= len(text.encode()) + 1
        if room < 0:
            break
        kept.append(text)
    return kept, len(parts) - len(kept)


def _cell(text: str) -> str:
    return in_markdown(clipped(text, _MOST_LETTERS))


def _producer(producer: ProducerReport, report: SuiteReport) -> str:
    line = f"{_cell(producer.name)} ({_cell(producer.path)}): {in_markdown(counts([producer]))}"
    if not report.says_ready:
        return line
    return f"{line}: {'ready' if report.is_ready(producer) else f'not ready: {why_not(producer)}'}"


def _matrix(report: SuiteReport) -> list[Callable[[], str]]:
    """The table's head, and a row for each case."""
    cases = cases_of(report)
    if not cases:
        return []
    results = [results_by_case(producer) for producer in report.producers]
    # What failed on top, all else in the order of the suite.
    failed = {case.id: case for case in failed_cases(report)}
    ordered = [*failed.values(), *(case for case in cases if case.id not in failed)]
    return [partial(_head, report), *(partial(_row, case, results) for case in ordered)]


def _head(report: SuiteReport) -> str:
    names = ["Case", "Level", *(_cell(producer.name) for producer in report.producers)]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _row(case: Requirement, results: Sequence[Mapping[str, Result]]) -> str:
    cells = [f"{_cell(case.id)}: {_cell(case.title)}", case.level, *(_verdict(case, by_case) for by_case in results)]
    return f"| {' | '.join(cells)} |"


def _verdict(case: Requirement, results: Mapping[str, Result]) -> str:
    result = results.get(case.id)
    return f"{MARKS[result.verdict]} {verdict_words(result)}" if result else "not judged"


def _trouble(block: Block, *, several: bool) -> str:
    """A section on cases that failed alike; every line begins with words of ours, so that no text can begin a block."""
    result = block.first
    case = result.case
    whose = f"{_cell(block.producer_names)}: " if several else ""
    # A retry storm has thousands of lines: only those that are shown are made.
    shown = list(islice(_seen(result), _MOST_LINES + 1))
    lines = [
        f"### {whose}{_cell(block.case_ids)} ({case.level}): {verdict_words(result)}",
        "",
        f"- Required: {_cell(case.requirement)}",
        f"- Seen: {_cell(block.seen)}",
        *shown[:_MOST_LINES],
    ]
    if len(shown) > _MOST_LINES:
        lines.append("  - ... and more: see the JSON or HTML form")
    lines += [f"- How to fix it: {_cell(advice(result))}", f"- Source: {_cell(case.source)} ({case.sureness})"]
    if result.accepted_by is not None:
        lines.append(f"- Accepted by the baseline: {_cell(result.accepted_by)}")
    return "\n".join([*lines, ""])


def _seen(result: Result) -> Iterator[str]:
    """What was seen beside the message: details, and what rules found."""
    yield from (f"  - also: {_cell(line)}" for line in result.details)
    style = markdown(_MOST_LETTERS)
    for group in grouped(result.findings):
        yield from (f"  {line}" for line in finding_lines(group, style))
