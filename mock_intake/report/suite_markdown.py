"""The suite report as Markdown that fits a GitHub job summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mock_intake.report.escaping import clipped, in_markdown
from mock_intake.report.places import Group
from mock_intake.report.suite import ProducerReport, Requirement, Result, SuiteReport
from mock_intake.report.suite_words import (
    MARKS,
    cases_of,
    counts,
    group_title,
    grouped,
    headline,
    places_of,
    results_by_case,
    troubles,
    verdict_words,
    why_not,
)

# A job summary may have 1 MiB; the steps of a job may share a page, so that a report takes a part of it only.
_MOST_BYTES = 256 * 1024
_MOST_DETAILS = 10
_MOST_LETTERS = 500


def to_markdown(report: SuiteReport) -> str:
    """The verdict first, then the matrix, then what failed with advice: cut, and said so, where it grows too long."""
    lines = [f"# {_cell(report.title)}", "", f"**{in_markdown(headline(report))}**", ""]
    lines += [f"- {_producer(one, report)}" for one in report.producers]
    lines += ["", *(f"> {_cell(note)}\n" for note in report.notes)]
    room = _MOST_BYTES - _size(lines)
    kept, left = _fitting(_matrix(report), room // 2)
    lines += kept
    if left:
        lines += ["", f"... and {left} more cases: see the JSON or HTML form."]
    found = troubles(report)
    if found:
        lines += ["", "## What failed or could not be judged", ""]
        several = len(report.producers) > 1
        kept, left = _fitting((_trouble(*pair, several=several) for pair in found), _MOST_BYTES - _size(lines))
        lines += kept
        if left:
            lines += [f"... and {left} more: see the JSON or HTML form."]
    return "\n".join(lines) + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _fitting(parts: Iterable[str], room: int) -> tuple[list[str], int]:
    """The parts from the first on that there is room for, and how many are left."""
    kept: list[str] = []
    left = 0
    for part in parts:
        room -= len(part.encode()) + 1
        if room < 0:
            left += 1
        else:
            kept.append(part)
    return kept, left


def _cell(text: str) -> str:
    return in_markdown(clipped(text, _MOST_LETTERS))


def _producer(producer: ProducerReport, report: SuiteReport) -> str:
    told = f"{_cell(producer.name)} ({_cell(producer.path)}): {in_markdown(counts([producer]))}"
    if not report.says_ready:
        return told
    return f"{told}: {'ready' if report.is_ready(producer) else f'not ready: {why_not(producer)}'}"


def _matrix(report: SuiteReport) -> Iterable[str]:
    cases = cases_of(report)
    if not cases:
        return
    names = ["Case", "Level", *(_cell(producer.name) for producer in report.producers)]
    yield f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    results = [results_by_case(producer) for producer in report.producers]
    for case in cases:
        cells = [
            f"{_cell(case.id)}: {_cell(case.title)}",
            case.level,
            *(_verdict(case, by_case) for by_case in results),
        ]
        yield f"| {' | '.join(cells)} |"


def _verdict(case: Requirement, results: Mapping[str, Result]) -> str:
    result = results.get(case.id)
    return f"{MARKS[result.verdict]} {verdict_words(result)}" if result else "not judged"


def _trouble(producer: ProducerReport, result: Result, *, several: bool) -> str:
    """A section on one case; every line begins with words of ours, so that no text can begin a block."""
    case = result.case
    whose = f"{_cell(producer.name)}: " if several else ""
    seen = [*result.details, *map(_group, grouped(result.findings))]
    lines = [
        f"### {whose}{_cell(case.id)} ({case.level}): {verdict_words(result)}",
        "",
        f"- Required: {_cell(case.requirement)}",
        f"- Seen: {_cell(result.message)}",
        *(f"  - also: {_cell(line)}" for line in seen[:_MOST_DETAILS]),
    ]
    if len(seen) > _MOST_DETAILS:
        lines.append(f"  - ... and {len(seen) - _MOST_DETAILS} more")
    lines += [f"- How to fix it: {_cell(case.advice)}", f"- Source: {_cell(case.source)} ({case.sureness})"]
    if result.accepted_by is not None:
        lines.append(f"- Accepted by the baseline: {_cell(result.accepted_by)}")
    return "\n".join([*lines, ""])


def _group(group: Group) -> str:
    return f"{group_title(group)}: {'; '.join(places_of(group))}; advice: {group.first.advice}"
