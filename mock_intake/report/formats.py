"""The formats of reports, as one table: for ``check``, ``audit``, ``report``, ``certify``, ``conformance`` and
the pytest plugin.

What ``--format`` takes, the suffixes of ``-o`` and ``--intake-report``, their help, the messages about them and the
table in docs/reference/report.md come from here. To add a format, add an entry to ``FORMATS``; a package of its own
does it with an entry point of the group ``mock_intake.formats`` that leads to a ``Format`` (docs/how-to/extend.md).

pytest imports this whenever it starts, for the help of ``--intake-report``. So it imports next to nothing, and most
renderers are named here as entry points are, and loaded when a report is made. Small ones stand here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class _ReportAsData(Protocol):
        def to_dict(self) -> dict[str, Any]: ...


GROUP = "mock_intake.formats"


class Kind(StrEnum):
    """What there are reports on, each with its own value that renderers are given."""

    # Recorded events, of ``check``: a ``check_report.CheckReport``.
    CHECK = "check"
    # What was received, of ``report`` and the pytest plugin: a ``model.Report``.
    REPORT = "report"
    # A producer's run through the suite, of ``certify`` and ``conformance``: a ``suite.SuiteReport``.
    SUITE = "suite"
    # An archive, of ``audit``: an ``audit_report.AuditReport``.
    AUDIT = "audit"
    # Two recordings side by side, of ``diff``: a ``difference.Difference``.
    DIFFERENCE = "difference"


Renderer = Callable[[Any], str | Iterable[str]]


class Rendering(NamedTuple):
    """How a kind of report is written in a format.

    ``contents`` says in a few words what is in it, for the documentation. ``render`` gives the text, or pieces of it
    one after another where it may be long; ``"package.module:function"`` names one that is loaded when it is needed.
    """

    contents: str
    render: Renderer | str


class Format(NamedTuple):
    """A format: ``name`` is what ``--format`` takes, ``suffix`` (such as ``.html``) what a file's name ends with.

    ``readers`` says who reads it. A kind of report that is not among the ``renderings`` does not have this format.
    With ``draws_lineage`` and ``shows_bodies``, a ``model.Report`` is given the lineage and the bodies of events, which
    are collected for that alone.
    """

    name: str
    suffix: str
    readers: str
    renderings: Mapping[Kind, Rendering]
    draws_lineage: bool = False
    shows_bodies: bool = False


class UnknownSuffixError(ValueError):
    """A file's suffix stands for no format of this kind of report; the message lists those that do."""


def to_json(report: _ReportAsData) -> str:
    """``report`` with all that is in it but secrets, as one JSON object: ASCII, indented."""
    from mock_intake.secrets.presenting import presented_value

    return json.dumps(presented_value(report.to_dict()), indent=2) + "\n"


_HERE = "mock_intake.report"

# What is printed unless something else is asked for.
DEFAULT = "text"

FORMATS: tuple[Format, ...] = (
    Format(
        DEFAULT,
        ".txt",
        "a terminal, a log",
        {
            Kind.CHECK: Rendering("findings by rule, each with its first places", f"{_HERE}.check_report:to_text"),
            Kind.AUDIT: Rendering(
                "the verdict, findings by rule with first places, jobs in which most is wrong",
                f"{_HERE}.audit_renderers:to_text",
            ),
            Kind.REPORT: Rendering("findings by rule, each with its first places", f"{_HERE}.renderers:to_text"),
            Kind.SUITE: Rendering(
                "the verdict, what failed and what to do, then the rest in short, and the verdict once more",
                f"{_HERE}.suite_terminal:to_text",
            ),
            Kind.DIFFERENCE: Rendering(
                "changes by job and type of event, losses marked", f"{_HERE}.difference_renderers:to_text"
            ),
        },
    ),
    Format(
        "json",
        ".json",
        "programs",
        {
            Kind.CHECK: Rendering("everything, every event and run included", f"{_HERE}.check_report:to_json"),
            Kind.AUDIT: Rendering(
                "counts, findings by rule with first places, 1,000 jobs and 100 sources, those in which most is wrong",
                to_json,
            ),
            Kind.REPORT: Rendering("everything, every event, request and run included", to_json),
            Kind.SUITE: Rendering("everything, but the requests that `requests_left_out` counts", to_json),
            Kind.DIFFERENCE: Rendering("every change, with whether it is a loss", to_json),
        },
    ),
    Format(
        "sarif",
        ".sarif",
        "code scanning, editors",
        {
            Kind.CHECK: Rendering("every finding at its line, as SARIF 2.1.0", f"{_HERE}.check_report:to_sarif"),
            Kind.AUDIT: Rendering(
                "the most severe findings at their lines, as SARIF 2.1.0", f"{_HERE}.audit_renderers:to_sarif"
            ),
            Kind.REPORT: Rendering("as SARIF 2.1.0, at the file of its test", f"{_HERE}.sarif:of_report"),
            Kind.SUITE: Rendering(
                "each case that failed, as SARIF 2.1.0, at the file that the producer was started from",
                f"{_HERE}.suite_sarif:to_sarif",
            ),
        },
    ),
    Format(
        "junit",
        ".xml",
        "CI services",
        {
            Kind.CHECK: Rendering(
                "as JUnit XML, a test case for every event and run", f"{_HERE}.check_entries:to_junit"
            ),
            Kind.AUDIT: Rendering(
                "as JUnit XML, a test case for each of 1,000 jobs, and one for the archive",
                f"{_HERE}.audit_renderers:to_junit",
            ),
            Kind.REPORT: Rendering(
                "as JUnit XML, a test case for every test, else for every event, refused request and run",
                f"{_HERE}.report_junit:to_junit",
            ),
            Kind.SUITE: Rendering(
                "as JUnit XML, a test suite for every producer, a test case for every case",
                f"{_HERE}.suite_renderers:to_junit",
            ),
        },
    ),
    Format(
        "markdown",
        ".md",
        "a GitHub job summary",
        {
            Kind.CHECK: Rendering("findings by rule, each with its first places", f"{_HERE}.check_entries:to_markdown"),
            Kind.AUDIT: Rendering(
                "the verdict, jobs in which most is wrong, findings by rule", f"{_HERE}.audit_renderers:to_markdown"
            ),
            Kind.REPORT: Rendering("findings by rule, each with its first places", f"{_HERE}.renderers:to_markdown"),
            Kind.SUITE: Rendering("the verdict, what failed, the matrix", f"{_HERE}.suite_markdown:to_markdown"),
            Kind.DIFFERENCE: Rendering("a table, losses first", f"{_HERE}.difference_renderers:to_markdown"),
        },
    ),
    Format(
        "html",
        ".html",
        "people",
        {
            Kind.CHECK: Rendering(
                "a page: the verdict, findings by rule, all events", f"{_HERE}.check_entries:to_html"
            ),
            Kind.AUDIT: Rendering(
                "a page: the verdict, findings by rule, jobs and sources in which most is wrong",
                f"{_HERE}.audit_html:to_html",
            ),
            Kind.REPORT: Rendering(
                "a page: the verdict, findings by rule, all that was received with bodies, the lineage as a drawing",
                f"{_HERE}.report_html:to_html",
            ),
            Kind.SUITE: Rendering(
                "what failed first, then everything that a page can hold: cases, requests, outputs, events, lineage",
                f"{_HERE}.suite_html:to_html",
            ),
            Kind.DIFFERENCE: Rendering(
                "a page: a table for each job and type", f"{_HERE}.difference_renderers:to_html"
            ),
        },
        draws_lineage=True,
        shows_bodies=True,
    ),
    Format(
        "github",
        ".annotations",
        "GitHub, from the log of a step",
        {
            Kind.CHECK: Rendering("an annotation for each rule and message", f"{_HERE}.github:of_check"),
            Kind.AUDIT: Rendering("an annotation for each rule", f"{_HERE}.audit_renderers:to_github"),
            Kind.REPORT: Rendering(
                "an annotation for each rule and message, at the file of its test", f"{_HERE}.github:of_report"
            ),
            Kind.SUITE: Rendering("an annotation for each case that failed", f"{_HERE}.github:of_suite"),
        },
    ),
)


def formats(kind: Kind) -> dict[str, Format]:
    """The formats that a report of ``kind`` has, by name: ours, and those of other packages."""
    return {each.name: each for each in (*FORMATS, *_of_other_packages()) if kind in each.renderings}


def of_file(kind: Kind, file: Path) -> Format:
    """The format that a file's suffix stands for, in letters of either case. Raises ``UnknownSuffixError``."""
    for each in formats(kind).values():
        if each.suffix == file.suffix.lower():
            return each
    raise UnknownSuffixError(f"the suffix is one of {suffixes(formats(kind).values())}")


def suffixes(of: Iterable[Format]) -> str:
    """The suffixes of formats, in words: ".txt, .json"."""
    return ", ".join(each.suffix for each in of)


def rendered(kind: Kind, name: str, report: Any) -> Iterator[str]:
    """A report in the format of that name, in pieces. Raises ``KeyError`` where this kind has no such format."""
    render = formats(kind)[name].renderings[kind].render
    made = (_loaded(render) if isinstance(render, str) else render)(report)
    yield from (made,) if isinstance(made, str) else made


def _loaded(reference: str) -> Renderer:
    module, _, name = reference.partition(":")
    found: Renderer = getattr(import_module(module), name)
    return found


@cache
def _of_other_packages() -> tuple[Format, ...]:
    """The formats that other packages bring. One that cannot be had is left out with a warning: the others go on."""
    # Not with this module: pytest would wait for it.
    from mock_intake.system.extensions import points_of

    names, taken = {each.name for each in FORMATS}, {each.suffix for each in FORMATS}
    found = []
    for point, _ in points_of(GROUP):
        try:
            one = point.load()
        except Exception as error:  # whatever the import of another package raises
            problem = f"cannot be loaded: {type(error).__name__}: {error}"
        else:
            if not isinstance(one, Format):
                problem = f"is no mock_intake.report.formats.Format but a {type(one).__name__}"
            elif one.name in names or one.suffix in taken:
                problem = f"has a name or a suffix that is taken: {one.name}, {one.suffix}"
            else:
                names.add(one.name)
                taken.add(one.suffix)
                found.append(one)
                continue
        warnings.warn(f"The format {point.name!r} ({point.value}) {problem}", RuntimeWarning, stacklevel=1)
    return tuple(found)
