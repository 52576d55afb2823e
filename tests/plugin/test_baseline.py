"""A baseline of a test suite: what is known and accepted fails no test, what is new does, stale entries are told."""

from __future__ import annotations

import json
import tomllib
import xml.etree.ElementTree as ET

import pytest

from tests.plugin.running import Project, pinned

KNOWN = "DD101 START shop-etl/load at /job/facets"
TESTS = """
NO_FACET = {"namespace": "shop-etl", "name": "load", "facets": {}}

def test_known(intake, send):
    send("START", job=NO_FACET)

def test_another(intake, send):
    send("START", job={**NO_FACET, "name": "another"})

def test_fine(intake, send):
    send("START")
"""


def accepted(project: Project, name: str = "accepted.toml") -> dict[str, str]:
    entries: dict[str, str] = tomllib.loads((project.path / name).read_text(encoding="utf-8"))["accepted"]
    return entries


def test_what_is_known_fails_no_test_and_what_is_new_does(project: Project) -> None:
    project.write("accepted.toml", f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    project.tests(TESTS)
    ran = project.run("--intake-baseline=accepted.toml", "--intake-report=report.xml")
    assert ran.outcomes == {"passed": 2, "failed": 1}
    assert "another" in ran.told("test_another")
    lines = ran.summary.splitlines()
    assert "baseline: 1 finding accepted by accepted.toml" in lines
    assert "  DD101 error      1 x  the job has no jobType facet" in ran.summary, "the new one alone"
    cases = ET.parse(project.path / "report.xml").iter("testcase")  # noqa: S314 - written by ourselves
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["test_another"]


def test_the_ini_file_names_the_baseline_from_its_own_directory(project: Project) -> None:
    project.write("accepted.toml", f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    project.write("pytest.ini", (project.path / "pytest.ini").read_text() + "intake_baseline = accepted.toml\n")
    folder = project.path / "below"
    folder.mkdir()
    project.tests(TESTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ran = project.run("..")
    assert ran.outcomes == {"passed": 2, "failed": 1}


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "workers"])
def test_what_would_fail_is_written_and_accepted_from_then_on(project: Project, workers: list[str]) -> None:
    project.write("accepted.toml", f'[accepted]\n"{KNOWN}" = "OPS-7"\n"DD501 START gone/gone" = "kept"\n')
    project.tests(TESTS)
    ran = project.run_alone("--intake-baseline=accepted.toml", "--intake-write-baseline", *workers)
    assert ran.outcomes == {"passed": 3}
    assert f"baseline: 3 accepted findings written to {project.path / 'accepted.toml'}" in ran.summary
    entries = accepted(project)
    assert (entries.pop(KNOWN), entries.pop("DD501 START gone/gone")) == ("OPS-7", "kept")
    ((key, reason),) = entries.items()
    assert key == "DD101 START shop-etl/another at /job/facets"
    assert reason.startswith("accepted 20")
    ran = project.run_alone("--intake-baseline=accepted.toml", *workers)
    assert ran.outcomes == {"passed": 3}


def test_only_what_would_fail_its_test_is_written(project: Project) -> None:
    project.run_tests(
        """
        @pytest.mark.intake(fail_on="warning")
        def test_strict(intake, send):
            send("START", job={"namespace": "shop-etl", "name": "strict", "facets": {}})

        def test_expected(intake, send):
            intake.expect_finding("DD101")
            send("START", job={"namespace": "shop-etl", "name": "expected", "facets": {}})

        def test_error_only(intake, send):
            send("START")
        """,
        "--intake-baseline=new.toml",
        "--intake-write-baseline",
    )
    assert list(accepted(project, "new.toml")) == [
        "DD101 START shop-etl/strict at /job/facets", "RC102 run of shop-etl/strict",
    ]  # fmt: skip


def test_stale_entries_are_told_and_taken_out_when_all_tests_have_run(project: Project) -> None:
    stale = "DD101 START prod/load_orders at /job/facets"
    project.write("accepted.toml", f'[accepted]\n"{stale}" = "x"\n"DD101 START never/judged at /job" = "y"\n')
    project.tests(
        """
        def test_it(intake, send):
            send("START")

        def test_other(intake, send):
            send("START", job={"namespace": "a", "name": "b"})
            intake.expect_finding("DD101")
        """
    )
    told = f"baseline: accepted.toml accepts {stale}, which is found no more: take the line out."
    assert told in project.run("--intake-baseline=accepted.toml").summary.splitlines()
    for some in (("-k", "not other"), ("test_it.py::test_it",), ("test_it.py",)):
        assert "found no more" not in project.run("--intake-baseline=accepted.toml", *some).summary
    project.run("--intake-baseline=accepted.toml", "--intake-write-baseline")
    assert list(accepted(project)) == ["DD101 START never/judged at /job"]


def test_a_failure_of_the_test_itself_tells_what_is_new_alone(project: Project) -> None:
    project.write("accepted.toml", f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    ran = project.run_tests(
        """
        def test_own(intake, send):
            send("START", job={"namespace": "shop-etl", "name": "load", "facets": {}})
            assert 1 == 2
        """,
        "--intake-baseline=accepted.toml",
    )
    assert ran.section("test_own") == pinned(
        """
        1 event arrived:
          1. START, shop-etl / load, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (error)
        """
    )


def test_the_report_has_what_was_accepted_apart(project: Project) -> None:
    project.write("accepted.toml", f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    project.tests(TESTS)
    project.run("--intake-baseline=accepted.toml", "--intake-report=report.json")
    report = json.loads((project.path / "report.json").read_text())
    of_events = [entry for entry in report["entries"] if entry["kind"] == "event"]
    assert [[one["code"] for one in entry["accepted"]] for entry in of_events] == [["DD101"], [], []]
    assert report["notes"] == ["Accepted by the baseline: 1 finding."]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--intake-write-baseline",), "--intake-write-baseline needs --intake-baseline FILE, or the ini setting"),
        (("--intake-baseline=none.toml",), "none.toml: No such file or directory"),
        (("--intake-baseline=no/none.toml", "--intake-write-baseline"), "there is no directory"),
        (("--intake-baseline=bad.toml",), "'DD999 START a/b' begins with no rule"),
    ],
)
def test_what_cannot_be_used_is_told_before_any_test(project: Project, arguments: tuple[str, ...], words: str) -> None:
    project.write("bad.toml", '[accepted]\n"DD999 START a/b" = "x"\n')
    project.tests("def test_it(): pass")
    ran = project.run_alone(*arguments)
    assert words in ran.result.stderr.str()
    assert ran.result.ret == pytest.ExitCode.USAGE_ERROR
