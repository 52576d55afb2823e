"""Annotations of GitHub: workflow commands, which a step prints and GitHub shows at the lines of a pull request.

GitHub shows ten errors and ten warnings of a step, so there is one for what findings of a rule say alike, not one for
each. Escaping is that of the actions toolkit
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from mock_intake.model.findings import Severity
from mock_intake.report.check_report import CheckReport
from mock_intake.report.escaping import clipped, shown
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.model import Report, places_in
from mock_intake.report.places import Group, Groups, Place
from mock_intake.report.suite import SuiteReport
from mock_intake.report.suite_words import grouped, headline, is_accepted, troubles

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_MOST_PLACES = 5
# GitHub cuts a message at 4 KiB.
_MOST_LETTERS = 3_000


def of_check(report: CheckReport) -> Iterator[str]:
    """What was found in recordings, at its first line."""
    return _of_places(report.places())


def of_report(report: Report) -> Iterator[str]:
    """What was found in what was received, at the file of its test where there is one; notes as notices."""
    yield from _of_places(places_in(report))
    yield from (annotation("notice", "mock-intake", [note]) for note in report.notes)


def of_suite(report: SuiteReport) -> Iterator[str]:
    """The cases that failed: errors where they keep a producer from going live; notes and the verdict as notices."""
    for producer, result in troubles(report):
        case = result.case
        accepted = [f"accepted: {result.accepted_by}"] if is_accepted(result) else []
        seen = [f"required: {case.requirement}", f"seen: {result.message}", f"advice: {case.advice}"]
        found = [line for group in grouped(result.findings) for line in finding_lines(group)]
        level = "notice" if accepted else "error" if result.counts else "warning"
        title = f"{case.id} ({case.level}), {producer.name}"
        yield annotation(level, title, [f"{result.verdict}: {case.title}", *accepted, *seen, *found])
    yield from (annotation("notice", report.title, [note]) for note in report.notes)
    yield annotation("notice", report.title, [headline(report)])


def _of_places(places: Iterable[Place]) -> Iterator[str]:
    groups = Groups(_MOST_PLACES)
    groups.extend(places)
    return (annotation_of(group) for group in groups.at_or_above(Severity.INFO))


def annotation_of(group: Group) -> str:
    """The annotation for what findings of a rule say alike, at the first of their places."""
    place = group.places[0]
    title = f"{place.finding.code} {place.name}".strip()
    return annotation(_COMMANDS[place.finding.severity], title, finding_lines(group), place)


def annotation(command: str, title: str, lines: Iterable[str], place: Place | None = None) -> str:
    """A line of the log that is one annotation, at ``place`` where that is in a file.

    ``command`` is ``error``, ``warning`` or ``notice``.
    """
    at = f"file={_property(_file(place.source))},line={place.line}," if place and place.line and place.source else ""
    text = clipped("\n".join(map(shown, lines)), _MOST_LETTERS)
    return f"::{command} {at}title={_property(shown(title))}::{_data(text)}\n"


def _file(source: str) -> str:
    """A file as GitHub knows it: from the working directory, which is the repository, where it lies there."""
    path = PurePath(source)
    here = os.getcwd()  # noqa: PTH109 - as text, whatever the path has in it
    return str(path.relative_to(here)) if path.is_relative_to(here) else shown(source)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(shown(text)).replace(":", "%3A").replace(",", "%2C")
