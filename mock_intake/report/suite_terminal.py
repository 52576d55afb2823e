"""The suite report for a terminal: colours where there is one, plain lines where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mock_intake.report.escaping import clipped, shown
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.suite import ProducerReport, Requirement, Result, SuiteReport, Verdict
from mock_intake.report.suite_words import (
    advice,
    cases_of,
    counts,
    grouped,
    groups_of,
    headline,
    results_by_case,
    state,
    troubles,
    verdict_words,
)

_COLOURS: Mapping[str, str] = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.ERRORED: "bold yellow",
    Verdict.SKIPPED: "dim",
    Verdict.OBSERVED: "cyan",
    "ready": "bold green",
    "not-ready": "bold red",
    "measured": "bold",
}
_MOST_LINES = 20
_MOST_LETTERS = 1_000
_COLUMN = 11
# Without a terminal, tables are as wide as they need to be.
_WIDE = 1_000


def to_text(report: SuiteReport) -> str:
    """What ``print_report`` prints where there is no terminal."""
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=_WIDE, color_system=None, force_terminal=False))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def print_report(report: SuiteReport, console: Console | None = None) -> None:
    """Prints the report: the matrix or the list, what is to be done, and the verdict last, where a reader looks."""
    printer = _Printer(console or Console())
    printer.line(report.title, "bold")
    printer.line("")
    if len(report.producers) == 1:
        _list(printer, report, report.producers[0])
    elif report.producers:
        _matrix(printer, report)
    found = troubles(report)
    if found:
        printer.line("What failed or could not be judged", "bold")
        printer.line("")
    for producer, result in found:
        _trouble(printer, producer if len(report.producers) > 1 else None, result)
    for note in report.notes:
        printer.line(f"note: {note}")
    if report.says_ready and len(report.producers) > 1:
        for producer in report.producers:
            word = "ready" if report.is_ready(producer) else "not-ready"
            printer.line(f"{producer.name}: {word.replace('-', ' ')}: {counts([producer])}", _COLOURS[word])
    elif report.says_ready:
        printer.line(counts(report.producers))
    printer.line(headline(report), _COLOURS[state(report)])


class _Printer:
    """Prints text as text: no markup, nothing that steers the terminal, nothing that its encoding does not have."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def text(self, text: str, style: str = "") -> Text:
        encoding = self._console.encoding
        return Text(shown(text).encode(encoding, "backslashreplace").decode(encoding), style)

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        self.parts([(text, style)], indent)

    def parts(self, parts: Sequence[tuple[str, str]], indent: int = 0) -> None:
        line = Text.assemble(*(self.text(*part) for part in parts))
        if self._console.is_terminal:
            self._console.print(Padding(line, (0, 0, 0, indent), expand=False))
        else:
            self._console.print(Text(" " * indent) + line, soft_wrap=True)

    def table(self, table: Table) -> None:
        self._console.print(table)

    @property
    def columns(self) -> int:
        return self._console.width


def _list(printer: _Printer, report: SuiteReport, producer: ProducerReport) -> None:
    results = results_by_case(producer)
    longest = max((len(case.id) for case in cases_of(report)), default=0)
    for group, cases in groups_of(cases_of(report)).items():
        printer.line(group, "bold")
        for case in cases:
            result = results.get(case.id)
            words, style = (verdict_words(result), _COLOURS[result.verdict]) if result else ("not judged", "dim")
            row = f"{case.id:{longest}}  {case.level:6}  {result.message if result else ''}".rstrip()
            printer.parts([(f"{words:8}", style), (f"  {row}", "")], indent=2)
        printer.line("")


def _matrix(printer: _Printer, report: SuiteReport) -> None:
    """A column for each producer: as many tables as it takes where the terminal is narrow."""
    cases = cases_of(report)
    longest = max((len(case.id) for case in cases), default=0)
    for producers in _batches(report.producers, max(1, (printer.columns - longest - 12) // _COLUMN)):
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("case", no_wrap=True)
        table.add_column("level", no_wrap=True)
        for producer in producers:
            table.add_column(printer.text(producer.name), min_width=_COLUMN - 2, max_width=max(_COLUMN, 20))
        results = [results_by_case(producer) for producer in producers]
        for case in cases:
            table.add_row(printer.text(case.id), case.level, *(_cell(case, by_case) for by_case in results))
        printer.table(table)
        printer.line("")


def _batches(producers: Sequence[ProducerReport], size: int) -> Iterator[Sequence[ProducerReport]]:
    for start in range(0, len(producers), size):
        yield producers[start : start + size]


def _cell(case: Requirement, results: Mapping[str, Result]) -> Text:
    result = results.get(case.id)
    if result is None:
        return Text("not judged", "dim")
    return Text(verdict_words(result), _COLOURS[result.verdict])


def _trouble(printer: _Printer, producer: ProducerReport | None, result: Result) -> None:
    """A case that failed: what was required, what was seen, what to do."""
    case = result.case
    whose = f"{producer.name}: " if producer else ""
    words = (verdict_words(result), _COLOURS[result.verdict])
    printer.parts([(f"{whose}{case.id}", "bold"), (f" ({case.level}) ", ""), words, (f": {case.title}", "")])
    printer.line(f"required: {case.requirement}", indent=4)
    printer.line(f"seen:     {clipped(result.message, _MOST_LETTERS)}", indent=4)
    lines = [*result.details, *(line for group in grouped(result.findings) for line in finding_lines(group))]
    for line in lines[:_MOST_LINES]:
        printer.line(clipped(line, _MOST_LETTERS), "dim", indent=14)
    if len(lines) > _MOST_LINES:
        printer.line(f"... and {len(lines) - _MOST_LINES} more lines", "dim", indent=14)
    printer.line(f"advice:   {advice(result)}", indent=4)
    printer.line(f"source:   {case.source} ({case.sureness})", indent=4)
    if result.accepted_by is not None:
        printer.line(f"accepted: {result.accepted_by}", indent=4)
    printer.line("")
