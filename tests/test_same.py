"""The record to compare with notices what is different, and takes nothing else for a difference."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import clean_environment
from tests.conftest import REPOSITORY
from tests.same.parts import INFORMATION, PARTS
from tests.same.record import RECORD, differences, read, write
from tests.same.texts import file_name, html_lines, without_what_rules_say

# The part that takes least to make.
PART = "rules"
LISTING = f"{PART}/rules.text.txt"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A copy of a part of the committed record."""
    folder = tmp_path / "record"
    shutil.copytree(RECORD / PART, folder / PART)
    return folder


def compared(*arguments: str | Path) -> tuple[int, list[str]]:
    """Exit code and lines of the command; in a process of its own, as it runs the product's commands within its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.same", *map(str, arguments)],
        cwd=REPOSITORY,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_what_is_as_recorded_is_the_same(record: Path) -> None:
    code, said = compared(PART, "--record", record)
    assert (code, said[1:]) == (0, ["same: 4 files"])


def test_a_changed_line_a_lost_file_and_one_too_many_are_differences_until_written(record: Path) -> None:
    listing, lost, more = record / LISTING, record / PART / "explained.txt", record / PART / "more.txt"
    asks = "Every run event carries the jobType job facet."
    listing.write_text(listing.read_text().replace(asks, "A run event carries nothing."))
    lost.unlink()
    more.write_text("more\n")
    code, said = compared(PART, "--record", record)
    assert code == 1
    assert "-  DD101 error   A run event carries nothing." in said
    assert f"+  DD101 error   {asks}" in said
    assert "-more" in said
    assert f"+++ now/{PART}/explained.txt" in said
    assert "different: 3 of 5 files" in said
    assert any("more lines; all of them with --whole" in line for line in said)

    assert compared(PART, "--record", record, "--write")[0] == 0
    assert read(record, [PART]) == read(RECORD, [PART])
    assert not more.exists()


def test_a_record_with_nothing_in_it_is_not_the_same(tmp_path: Path) -> None:
    assert compared(PART, "--record", tmp_path / "nowhere")[0] == 1


def test_a_part_that_there_is_not_is_refused() -> None:
    code, said = compared("nonsense")
    assert code == 2
    assert "there is no part nonsense; there are rules" in said[-1]


def test_every_part_is_on_record() -> None:
    assert {folder.name for folder in RECORD.iterdir()} == set(PARTS)
    assert INFORMATION.keys() | INFORMATION.values() <= read(RECORD, PARTS).keys()


def test_signatures_are_on_record_without_the_modules_that_types_are_from() -> None:
    signatures = [text for name, text in read(RECORD, ["package"]).items() if name.startswith("package/api/")]
    assert any("severity: Severity" in text for text in signatures)
    assert [text for text in signatures if "mock_intake." in text] == []


def test_a_measurement_is_no_difference_and_stays_while_what_was_measured_does(tmp_path: Path) -> None:
    [(measured, of)] = INFORMATION.items()
    part = measured.partition("/")[0]
    write(tmp_path, [part], {measured: "7.0\n", of: "one\n"})
    write(tmp_path, [part], {measured: "9.0\n", of: "one\n"})
    before = read(tmp_path, [part])
    assert before[measured] == "7.0\n"
    assert differences(before, {measured: "8.0\n", of: "one\n"}) == {}
    assert list(differences(before, {measured: "8.0\n", of: "two\n"})) == [of]
    write(tmp_path, [part], {measured: "8.0\n", of: "two\n"})
    assert read(tmp_path, [part]) == {measured: "8.0\n", of: "two\n"}


def test_of_a_finding_only_what_its_rule_says_too_is_left_out() -> None:
    rules = {"DD101": {"code": "DD101", "advice": "Add it.", "severity": "error", "source": "s", "sureness": "assumed"}}
    finding = {"code": "DD101", "advice": "Add it.", "severity": "warning", "sureness": "assumed", "pointer": "/job"}
    other = {**finding, "code": "DD102"}
    assert without_what_rules_say({"findings": [finding, other]}, rules) == {
        "findings": [{"code": "DD101", "severity": "warning", "pointer": "/job"}, other]
    }


def test_html_is_the_same_with_other_blanks_between_tags_and_not_with_others_that_are_seen() -> None:
    page = '<p class="a">one  <b>two</b>\n</p><pre>a\n b</pre>'
    lines = ['<p class="a">', "one ", "<b>", "two", "</b>", "</p>", "<pre>", "a", " b", "</pre>"]
    assert html_lines(page).splitlines() == lines
    assert html_lines(page.replace("</p><pre>", "</p>\n\n  <pre>")) == html_lines(page)
    assert html_lines(page.replace("a\n b", "a\n  b")) != html_lines(page)
    assert html_lines(page.replace('"a"', '"b"')) != html_lines(page)


def test_names_of_files_differ_where_what_they_are_for_does() -> None:
    names = [file_name(text) for text in ("events", "events?a=1", "events?a=2", "events/a=1", "x" * 200, "x" * 201)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) < 100
