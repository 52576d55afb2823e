"""The report on what was received as JUnit XML.

Services compare one build with the next by the names of test cases. So a name has no ids and times in it: it says which
test it was, where there is one, else what it is about and which of its like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from mock_intake.model.findings import Severity
from mock_intake.report.escaping import shown, shown_lines
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Groups, Place

_SUITES = {"event": "events", "request": "refused requests", "run": "runs", "datasets": "datasets"}
_OF_TESTS = "tests"
_MOST_PLACES = 5
# Of the entries of a test, so many are listed.
_MOST_LISTED = 100


class _Case(NamedTuple):
    """A test case: its names, and what it is about."""

    classname: str
    name: str
    entries: Sequence[Entry]


def to_junit(report: Report) -> str:
    """A test case for every test that received something; else for every event, refused request and run.

    It failed on a finding of severity error. What it was about, with ids, and warnings and infos stand in
    ``system-out``. No events at all is a failed case of its own.
    """
    root = ElementTree.Element("testsuites", name=shown(report.title))
    suites = dict(_suites(report.entries))
    if not report.events:
        suites = {_SUITES["event"]: [_Case(_SUITES["event"], "at least one event", ())], **suites}
    for number, (title, cases) in enumerate(suites.items()):
        _suite(root, title, cases, report.notes if number == 0 else ())
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suites(entries: Sequence[Entry]) -> Iterable[tuple[str, list[_Case]]]:
    """The test cases by suite; of those of tests, one for each test."""
    of_tests: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.test is not None:
            of_tests.setdefault(entry.test, []).append(entry)
    if of_tests:
        yield _OF_TESTS, [_Case(*_address(test), of_one) for test, of_one in of_tests.items()]
    for kind, title in _SUITES.items():
        of_kind = [entry for entry in entries if entry.kind == kind and entry.test is None]
        if of_kind:
            seen: Counter[str] = Counter()
            yield title, [_Case(title, _numbered(entry.name or entry.title, seen), [entry]) for entry in of_kind]


def _numbered(name: str, seen: Counter[str]) -> str:
    """A name that no other case of the suite has: from the second of its like on, with a number."""
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} #{seen[name]}"


def _address(test: str) -> tuple[str, str]:
    """Class and name of a pytest test by its node id, as pytest writes them in its own report."""
    path, bracket, parameters = test.partition("[")
    file, *names = path.split("::")
    *classes, name = names or [file]
    module = file.removesuffix(".py").replace("/", ".")
    return ".".join([module, *classes]), name + bracket + parameters


def _suite(root: ElementTree.Element, title: str, cases: Sequence[_Case], notes: Sequence[str]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=title, tests=str(len(cases)), errors="0")
    if notes:
        properties = ElementTree.SubElement(suite, "properties")
        for note in notes:
            ElementTree.SubElement(properties, "property", name="note", value=shown(note))
    failures = sum([_case(suite, case) for case in cases])
    suite.set("failures", str(failures))


def _case(suite: ElementTree.Element, case: _Case) -> bool:
    """Writes a test case; tells whether it failed."""
    element = ElementTree.SubElement(suite, "testcase", classname=shown(case.classname), name=shown(case.name))
    if not case.entries:
        ElementTree.SubElement(element, "failure", message="no event was received", type="no-events")
        return True
    places = [Place(finding, entry.title) for entry in case.entries for finding in entry.findings]
    errors = [place for place in places if place.finding.severity is Severity.ERROR]
    if errors:
        worst = errors[0].finding
        failure = ElementTree.SubElement(element, "failure", message=shown(worst.message), type=shown(worst.code))
        failure.text = _in_full(errors)
    listed = [_facts(entry) for entry in case.entries[:_MOST_LISTED]]
    if len(case.entries) > _MOST_LISTED:
        listed.append(f"and {len(case.entries) - _MOST_LISTED} more")
    listed += [shown(f"accepted: {one.code} {one.message}") for entry in case.entries for one in entry.accepted]
    others = _in_full(place for place in places if place.finding.severity is not Severity.ERROR)
    ElementTree.SubElement(element, "system-out").text = "\n\n".join(filter(None, ["\n".join(listed), others]))
    return bool(errors)


def _facts(entry: Entry) -> str:
    """What an entry is known by, ids included, in a line."""
    facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value is not None and name != "test")
    return shown(f"{entry.title} ({entry.kind} {entry.key}){': ' if facts else ''}{facts}")


def _in_full(places: Iterable[Place]) -> str:
    groups = Groups(_MOST_PLACES)
    groups.extend(places)
    return shown_lines("\n\n".join("\n".join(finding_lines(one)) for one in groups.at_or_above(Severity.INFO)))
