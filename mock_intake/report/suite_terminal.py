"""The suite report for a terminal: colours where there is one, plain lines where there is none."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mock_intake.model.words import counted
from mock_intake.report.escaping import clipped, shown
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.suite import ProducerReport, Requirement, Result, SuiteReport, Verdict
from mock_intake.report.suite_blocks import Block, blocks_of, counts_of_cases, failed_cases
from mock_intake.report.suite_words import (
    advice,
    cases_of,
    counts,
    grouped,
    groups_of,
    headline,
    results_by_case,
    state,
    verdict_and_counts,
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
    """Prints the report: the verdict, what failed and what to do, then the rest in short, and the verdict once more.

    A terminal is read from its end, a file from its beginning. Of several producers each block is a few lines.
    """
    printer = _Printer(console or Console())
    style = _COLOURS[state(report)]
    printer.line(report.title, "bold")
    printer.line(headline(report), style)
    several = len(report.producers) > 1
    if several and report.says_ready:
        for producer in report.producers:
            printer.line(f"{producer.name}: {verdict_and_counts(report, producer)}", _COLOURS[_word(report, producer)])
    elif report.says_ready:
        printer.line(counts(report.producers))
    printer.line("")
    found = blocks_of(report)
    if found:
        printer.line("What failed or could not be judged", "bold")
        printer.line("")
    said: set[str] = set()
    for block in found:
        if several:
            _brief(printer, block, said)
        else:
            _trouble(printer, block)
    if several and found:
        printer.line("")
    if len(report.producers) == 1:
        _list(printer, report, report.producers[0])
    elif report.producers:
        _matrix(printer, report)
        _passed(printer, report)
    for note in report.notes:
        printer.line(f"note: {note}")
    printer.line(headline(report), style)


def _word(report: SuiteReport, producer: ProducerReport) -> str:
    return "ready" if report.is_ready(producer) else "not-ready"


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
        if self._console.is_terminal and line:  # of padding around nothing nothing is printed, not an empty line
            self._console.print(Padding(line, (0, 0, 0, indent), expand=False))
        else:
            self._console.print(Text(" " * indent) + line, soft_wrap=True)

    def table(self, table: Table) -> None:
        self._console.print(table)

    @property
    def columns(self) -> int:
        return self._console.width


def _list(printer: _Printer, report: SuiteReport, producer: ProducerReport) -> None:
    """All cases by group: those that passed by their names alone."""
    results = results_by_case(producer)
    longest = max((len(case.id) for case in cases_of(report)), default=0)
    for group, cases in groups_of(cases_of(report)).items():
        printer.line(group, "bold")
        passed = [case for case in cases if (one := results.get(case.id)) and one.verdict is Verdict.PASSED]
        if passed:
            names = ", ".join(case.id.partition("/")[2] for case in passed)
            printer.parts([(f"{Verdict.PASSED:8}", _COLOURS[Verdict.PASSED]), (f"  {names}", "")], indent=2)
        for case in cases:
            if case in passed:
                continue
            result = results.get(case.id)
            words, style = (verdict_words(result), _COLOURS[result.verdict]) if result else ("not judged", "dim")
            row = f"{case.id:{longest}}  {case.level:6}  {result.message if result else ''}".rstrip()
            printer.parts([(f"{words:8}", style), (f"  {row}", "")], indent=2)
        printer.line("")


def _matrix(printer: _Printer, report: SuiteReport) -> None:
    """Who failed what, a column for each producer; not where the terminal is too narrow: the blocks say it as well."""
    cases = failed_cases(report)
    if not cases:
        return
    longest = max(len(case.id) for case in cases)
    if len(report.producers) > max(1, (printer.columns - longest - 12) // _COLUMN):
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("case", no_wrap=True)
    table.add_column("level", no_wrap=True)
    for producer in report.producers:
        table.add_column(printer.text(producer.name), min_width=_COLUMN - 2, max_width=max(_COLUMN, 20))
    results = [results_by_case(producer) for producer in report.producers]
    for case in cases:
        table.add_row(printer.text(case.id), case.level, *(_cell(case, by_case) for by_case in results))
    printer.table(table)
    printer.line("")


def _passed(printer: _Printer, report: SuiteReport) -> None:
    """How many cases failed nowhere, by group, in a line; the other forms have them one by one."""
    failed = {case.id for case in failed_cases(report)}
    fine = [case for case in cases_of(report) if case.id not in failed]
    if fine:
        groups = ", ".join(f"{group} {len(cases)}" for group, cases in groups_of(fine).items())
        found = counts_of_cases(report.producers, fine)
        printer.line(f"Failed nowhere: {counted(len(fine), 'case')} ({groups}): {found}.")


def _cell(case: Requirement, results: Mapping[str, Result]) -> Text:
    result = results.get(case.id)
    if result is None:
        return Text("not judged", "dim")
    return Text(verdict_words(result), _COLOURS[result.verdict])


def _brief(printer: _Printer, block: Block, said: set[str]) -> None:
    """A block in a few lines, where there are many producers to tell of; advice once, of what was ``said`` above."""
    case = block.first.case
    words = (verdict_words(block.first), _COLOURS[block.first.verdict])
    title = f": {case.title}" if len(block.cases) == 1 else ""
    printer.parts(
        [(block.case_ids, "bold"), (f" ({case.level}) ", ""), words, (f" on {block.producer_names}{title}", "")]
    )
    printer.line(f"seen:   {clipped(block.seen, _MOST_LETTERS)}", indent=4)
    if (words_of_advice := advice(block.first)) not in said:
        printer.line(f"advice: {words_of_advice}", indent=4)
        said.add(words_of_advice)
    if block.first.accepted_by is not None:
        printer.line(f"accepted: {block.first.accepted_by}", indent=4)


def _trouble(printer: _Printer, block: Block) -> None:
    """Cases that failed alike: what was required, what was seen, what to do."""
    result = block.first
    case = result.case
    words = (verdict_words(result), _COLOURS[result.verdict])
    title = f": {case.title}" if len(block.cases) == 1 else ""
    printer.parts([(block.case_ids, "bold"), (f" ({case.level}) ", ""), words, (title, "")])
    printer.line(f"required: {case.requirement}", indent=4)
    printer.line(f"seen:     {clipped(block.seen, _MOST_LETTERS)}", indent=4)
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
