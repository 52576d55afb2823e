"""The table of formats: what it offers is there and can be had, and other packages add to it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from mock_intake.cli.main import main
from mock_intake.files.blocks import SIZE
from mock_intake.files.recordings import Recorded
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.model.findings import Severity
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.report.check_report import CheckReport
from mock_intake.report.formats import DEFAULT, FORMATS, Kind, UnknownSuffixError, formats, of_file, rendered
from tests.commands import MOCK_INTAKE, clean_environment
from tests.conftest import REPOSITORY
from tests.events import RUN_ID, run_event
from tests.report.hostile import HOSTILE, Elements, markup, shown

COMMANDS = {"check": Kind.CHECK, "report": Kind.REPORT, "certify": Kind.SUITE, "conformance": Kind.SUITE}


def test_names_and_suffixes_are_each_of_one_format() -> None:
    assert len({each.name for each in FORMATS}) == len({each.suffix for each in FORMATS}) == len(FORMATS)
    assert all(re.fullmatch(r"\.[a-z]+", each.suffix) for each in FORMATS)


def test_every_format_says_who_reads_it_and_what_is_in_it() -> None:
    assert all(each.readers and each.renderings for each in FORMATS)
    assert all(rendering.contents for each in FORMATS for rendering in each.renderings.values())


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_report_has_the_default(kind: Kind) -> None:
    assert next(iter(formats(kind))) == DEFAULT


@pytest.mark.parametrize(("name", "kind"), COMMANDS.items())
def test_a_command_offers_the_formats_that_its_report_has(name: str, kind: Kind) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    (option,) = (one for one in command.params if "--format" in one.opts)
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [each.name for each in FORMATS if kind in each.renderings]


def test_a_suffix_stands_for_a_format_that_this_kind_of_report_has() -> None:
    assert of_file(Kind.REPORT, Path("a.b.XML")).name == "junit"
    with pytest.raises(UnknownSuffixError) as refused:
        of_file(Kind.CHECK, Path("a.pdf"))
    named = str(refused.value).removeprefix("the suffix is one of ").split(", ")
    assert named == [each.suffix for each in FORMATS if Kind.CHECK in each.renderings]
    assert ".pdf" not in named


# Reports of ``check``, whatever recordings hold. (Of the others: test_hostile_text.py and test_renderers.py.)


def hostile_check(text: str) -> CheckReport:
    """A recording in which everything that a recording has a word in holds this text; every event has findings."""
    events = [
        run_event("START", producer=text, job={"namespace": text, "name": text, "facets": {}}),
        run_event("START", run={"runId": text, "facets": {text: text}}),
    ]
    recorded = [Recorded(text, line, json.dumps(event).encode()) for line, event in enumerate(events, 1)]
    check = Check(Judge(FacetLibrary()))
    return CheckReport(check, check.check([*recorded, Recorded(text, 3, text.encode(errors="replace"))]))


def check_rendering(output_format: str, text: str) -> str:
    return "".join(rendered(Kind.CHECK, output_format, hostile_check(text)))


def check_text(text: str) -> None:
    lines = check_rendering("text", text).split("\n")
    assert all(line.isprintable() for line in lines)
    assert any(line.startswith(f"  in {shown(text)}:1") for line in lines)
    assert re.fullmatch(r"3 events: 0 ok, \d warning, \d error(; \d findings? on runs and datasets)?.*", lines[-2])


def check_json(text: str) -> None:
    made = check_rendering("json", text)
    assert made.isascii()
    assert [event["source"] for event in json.loads(made)["events"]] == [text] * 3


def check_sarif(text: str) -> None:
    made = check_rendering("sarif", text)
    assert made.isascii()
    (run,) = json.loads(made)["runs"]
    assert len(run["results"]) == sum(1 for _ in hostile_check(text).places())


def check_junit(text: str) -> None:
    suites = {suite.name: suite for suite in JUnitXml.fromstring(check_rendering("junit", text).encode())}
    assert suites["events"].tests == 3
    assert all((case.name or "").isprintable() for suite in suites.values() for case in suite)


def check_markdown(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(check_rendering("markdown", text))
    inside = {child.type for token in tokens for child in token.children or ()}
    assert inside <= {"text", "text_special", "strong_open", "strong_close"}
    assert not {token.type for token in tokens} & {"html_block", "table_open", "code_block", "fence"}


def check_html(text: str) -> None:
    page = Elements(check_rendering("html", text))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe"}
    assert page.comments == []
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def check_github(text: str) -> None:
    *lines, last = check_rendering("github", text).split("\n")
    assert last == ""
    assert all(line.isprintable() for line in lines)
    assert all(re.fullmatch(r"::(error|warning|notice) (file=[^:,]*,line=\d+,)?title=[^:,]*::.+", one) for one in lines)


CHECKS: dict[str, Callable[[str], None]] = {
    "text": check_text,
    "json": check_json,
    "sarif": check_sarif,
    "junit": check_junit,
    "markdown": check_markdown,
    "html": check_html,
    "github": check_github,
}


@pytest.mark.parametrize("output_format", CHECKS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_as_text(output_format: str, text: str) -> None:
    CHECKS[output_format](text)
    check_rendering(output_format, text).encode("utf-8")


@given(text=markup)
@settings(max_examples=settings.default.max_examples // 4 if settings.default else 25)  # in each of all formats
def test_any_text_is_shown_as_text(text: str) -> None:
    for check in CHECKS.values():
        check(text)


def test_every_format_of_check_is_under_attack() -> None:
    assert set(CHECKS) == {each.name for each in FORMATS if Kind.CHECK in each.renderings}


def test_a_recording_is_not_held_in_memory() -> None:
    """The JSON form is written as events are judged: its first pieces are there before more than a block is read."""
    read: list[int] = []
    body = json.dumps(run_event("START", run={"runId": RUN_ID, "facets": {"x": {"text": "x" * 10_000}}})).encode()

    def recorded() -> Iterator[Recorded]:
        for line in range(1, 1_000):
            read.append(line)
            yield Recorded("events.ndjson", line, body)

    check = Check(Judge(FacetLibrary()))
    pieces = rendered(Kind.CHECK, "json", CheckReport(check, check.check(recorded())))
    assert [next(pieces), next(pieces).startswith('{"source"')] == ['{"events": [\n', True]
    assert len(read) * len(body) < SIZE + 2 * len(body)


def test_infos_are_shown_from_the_level_on_that_is_asked_for() -> None:
    events = [run_event("START"), run_event("START", job={"namespace": "a", "name": "b", "facets": {}})]

    def made(level: Severity) -> str:
        check = Check(Judge(FacetLibrary()))
        recorded = [Recorded("f", line, json.dumps(event).encode()) for line, event in enumerate(events, 1)]
        return "".join(rendered(Kind.CHECK, "text", CheckReport(check, check.check(recorded), level=level)))

    assert "DD101 error: " in made(Severity.ERROR)
    assert "RC102 warning" in made(Severity.WARNING)
    assert "RC102 warning" not in made(Severity.ERROR)


# Formats of other packages.

PAGE = (REPOSITORY / "docs" / "how-to" / "extend.md").read_text(encoding="utf-8")


def documented(snippet: str) -> str:
    (code,) = re.findall(rf"<!-- snippet: {snippet} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def installed(folder: Path, points: dict[str, str], **modules: str) -> Path:
    """A folder in which a package lies as if it were installed, with entry points of the group."""
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    told = folder / "brings_formats-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: brings-formats\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (told / "entry_points.txt").write_text("[mock_intake.formats]\n" + "".join(lines), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MOCK_INTAKE, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=clean_environment(PYTHONPATH=str(folder)),
        timeout=60,
        check=False,
    )


def test_the_documented_format_of_another_package_is_offered_and_used(tmp_path: Path) -> None:
    points = tomllib.loads(documented("format entry point"))["project"]["entry-points"]["mock_intake.formats"]
    package = installed(tmp_path, points, code_quality=documented("format"))
    recording = tmp_path / "events.ndjson"
    recording.write_text(json.dumps(run_event("START", job={"namespace": "a", "name": "b", "facets": {}})) + "\n")
    assert "code-quality" in run(package, "check", "--help").stdout
    assert "code-quality" not in run(package, "report", "--help").stdout
    done = run(package, "check", recording, "--format", "code-quality")
    assert (done.returncode, done.stderr) == (1, "")
    issues = {issue["check_name"]: issue for issue in json.loads(done.stdout)}
    assert issues["DD101"]["severity"] == "critical"
    assert issues["DD101"]["location"] == {"path": str(recording), "lines": {"begin": 1}}
    assert issues["RC102"]["location"] == {"path": str(recording), "lines": {"begin": 1}}
    assert len({issue["fingerprint"] for issue in issues.values()}) == len(issues)


OTHERS = """
from mock_intake.report.formats import Format, Kind, Rendering

made = {Kind.REPORT: Rendering("the title", lambda report: [report.title, "!"])}
GOOD = Format("title", ".title", "nobody", made)
NAME_TAKEN = Format("html", ".page", "nobody", made)
SUFFIX_TAKEN = Format("page", ".html", "nobody", made)
NONE = "text"
"""
ASK = """
from mock_intake.report.formats import Kind, formats, of_file, rendered
from mock_intake.report.model import Report
from datetime import datetime
from pathlib import Path

report = Report("mine", datetime.now(), [])
print(*formats(Kind.REPORT), of_file(Kind.REPORT, Path("x.title")).name)
print("".join(rendered(Kind.REPORT, "title", report)))
"""


def test_what_is_no_format_is_left_out_with_a_warning(tmp_path: Path) -> None:
    points = {
        "none": "others:NONE",
        "missing": "others:MISSING",
        "broken": "no_such_module:IT",
        "name": "others:NAME_TAKEN",
        "suffix": "others:SUFFIX_TAKEN",
        "title": "others:GOOD",
    }
    package = installed(tmp_path, points, others=OTHERS)
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        env=clean_environment(PYTHONPATH=str(package)),
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [
        "text",
        "json",
        "sarif",
        "junit",
        "markdown",
        "html",
        "github",
        "title",
        "title",
        "mine!",
    ]
    warned = dict(re.findall(r"RuntimeWarning: The format '(\w+)' \([\w:]+\) (.*)", done.stderr))
    assert warned == {
        "none": "is no mock_intake.report.formats.Format but a str",
        "missing": "cannot be loaded: AttributeError: module 'others' has no attribute 'MISSING'",
        "broken": "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        "name": "has a name or a suffix that is taken: html, .page",
        "suffix": "has a name or a suffix that is taken: page, .html",
    }
