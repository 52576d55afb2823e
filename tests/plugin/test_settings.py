"""What is asked of the intake: options, ini settings and the marker, and what is said of wrong ones."""

from __future__ import annotations

import re

import pytest

from tests.plugin.running import Project, pinned

ALL_PATHS = "http, datadog, async, agent, proxy, intercept, custom"

# The event alone has the warning RC102, a run that never ended.
WARNED = """
    import pytest
    {marker}
    def test_it(intake, send):
        assert send() == 202
"""


@pytest.mark.parametrize(
    ("ini", "option", "marker", "fails"),
    [
        ("", None, "", False),
        ("intake_fail_on = warning", None, "", True),
        ("intake_fail_on = warning", "error", "", False),
        ("", "warning", "", True),
        ("", "warning", "@pytest.mark.intake(fail_on='error')", False),
        ("intake_fail_on = never", "error", "@pytest.mark.intake(fail_on='info')", True),
    ],
)
def test_the_marker_goes_before_the_option_and_the_option_before_the_ini_file(
    project: Project, ini: str, option: str | None, marker: str, fails: bool
) -> None:
    project.ini(ini)
    ran = project.run_tests(WARNED.format(marker=marker), *([f"--intake-fail-on={option}"] if option else []))
    assert bool(ran.messages) is fails


def test_the_nearest_marker_says_most(project: Project) -> None:
    project.ini("intake_path = http", "intake_timeout = 7", "intake_ignore = RC102 DD5")
    project.passes(
        """
        pytestmark = pytest.mark.intake(path="agent", timeout=3, ignore="RC101")

        @pytest.mark.intake(timeout=2)
        class TestIt:
            @pytest.mark.intake(path="async", ignore=["DD104", "ol3"])
            def test_own(self, intake, intake_path, send):
                assert (intake_path, intake.wanted.path, intake.wanted.timeout) == ("async", "async", 2.0)
                assert intake.wanted.ignore == ("RC102", "DD5", "RC101", "DD104", "ol3")
                send()

            def test_of_the_class(self, intake, intake_path, send):
                assert (intake_path, intake.wanted.timeout) == ("agent", 2.0)
                send()
        """,
        tests=2,
    )


def test_the_ini_file_speaks_where_nothing_else_does(project: Project) -> None:
    project.ini("intake_path = http", "intake_timeout = 0.2")
    project.passes(
        """
        def test_it(intake, intake_path, send):
            send()
            begun = time.monotonic()
            with pytest.raises(IntakeFailure, match=r"Waited 0\\.2 s"):
                intake.wait_for(2)
            assert time.monotonic() - begun < 8
            assert intake_path == "http"
        """
    )


def test_rules_that_are_ignored_are_not_heard(project: Project) -> None:
    project.ini("intake_fail_on = warning", "intake_ignore = RC1")
    project.passes(
        """
        def test_by_ini(intake, send):
            send()

        @pytest.mark.intake(ignore="dd101")
        def test_by_marker(intake, send):
            send(job={"namespace": "prod", "name": "load"})
            assert intake.event().status == "ok"
            assert "DD101" not in [finding.code for finding in intake.findings]
        """,
        tests=2,
    )


def test_settings_of_the_pyproject_hold_in_tests_too(project: Project) -> None:
    project.write("pyproject.toml", '[tool.mock-intake]\nignore = ["DD101"]\nseverity = { RC102 = "error" }\n')
    message = project.failure(
        """
        def test_it(intake, send):
            send(job={"namespace": "prod", "name": "load"})
        """
    )
    assert message.startswith("1 finding of level error:\n\nRC102 error: ")


def test_settings_of_the_pyproject_that_cannot_be_meant_are_told(project: Project) -> None:
    file = project.write("pyproject.toml", '[tool.mock-intake]\nignroe = ["DD101"]\n')
    message = project.failure("def test_it(intake): pass")
    assert message == (
        f"{file}: [tool.mock-intake] has no setting 'ignroe'; there are select, ignore, severity, facets, guard, "
        "and a table of options for each command"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["-o", "intake_fail_on=fatal"],
            "ERROR: the ini setting intake_fail_on is one of error, warning, info, never, not 'fatal'",
        ),
        (
            ["-o", "intake_path=ftp"],
            f"ERROR: the ini setting intake_path is one of {ALL_PATHS}, not 'ftp'",
        ),
        (
            ["-o", "intake_ignore=RC1 DD1011 ol"],
            (
                "ERROR: the ini setting intake_ignore: there is no rule DD1011; did you mean DD101? "
                "`mock-intake rules` lists them"
            ),
        ),
        (
            ["-o", "intake_snapshot_ignore=/producer\nrun/facets"],
            (
                "ERROR: the ini setting intake_snapshot_ignore: 'run/facets' is no JSON Pointer: it begins with a "
                "slash, as in /run/facets/nominalTime"
            ),
        ),
        (
            ["-o", "intake_snapshot_ignore=/run/~facets"],
            (
                "ERROR: the ini setting intake_snapshot_ignore: '/run/~facets' is no JSON Pointer: ~ is written ~0 in "
                "it, and a slash in a name ~1"
            ),
        ),
        (["-o", "intake_timeout=soon"], "ERROR: the ini setting intake_timeout is a number of seconds, not 'soon'"),
        (
            ["--intake-report=a.pdf"],
            (
                "ERROR: --intake-report: the suffix is one of .txt, .json, .sarif, .xml, .md, .html, .annotations, "
                "not that of a.pdf"
            ),
        ),
        (["--intake-report="], "ERROR: --intake-report names no file"),
        (["--intake-html="], "ERROR: --intake-html names no file"),
        (["--intake-report=no/a.md"], "ERROR: --intake-report: there is no directory PROJECT/no"),
        (["--intake-report=folder.md"], "ERROR: --intake-report: PROJECT/folder.md is a directory"),
    ],
)
def test_wrong_settings_end_the_run_before_it_begins(project: Project, arguments: list[str], error: str) -> None:
    (project.path / "folder.md").mkdir()
    project.tests("def test_it(intake, send): send()")
    ran = project.run(*arguments)
    assert ran.result.ret == pytest.ExitCode.USAGE_ERROR
    assert ran.result.stderr.str().strip() == error.replace("PROJECT", str(project.path))


def test_a_level_that_there_is_not_is_refused_by_the_command_line(project: Project) -> None:
    ran = project.run("--intake-fail-on=fatal")
    assert ran.result.ret == pytest.ExitCode.USAGE_ERROR
    ran.result.stderr.fnmatch_lines("*argument --intake-fail-on: invalid choice: 'fatal'*error*warning*info*never*")


WRONG_MARKERS = """
    @pytest.mark.intake(pth="http")
    def test_name(intake): pass

    @pytest.mark.intake("http")
    def test_positional(intake): pass

    @pytest.mark.intake(path="ftp")
    def test_path(intake): pass

    @pytest.mark.intake(faults="503,oops")
    def test_faults(intake): pass

    @pytest.mark.intake(fail_on=None)
    def test_fail_on(intake): pass

    @pytest.mark.intake(events=-1)
    def test_events(intake): pass

    @pytest.mark.intake(ignore="ZZ9")
    def test_ignore(intake): pass

    @pytest.mark.intake(ignore=7)
    def test_ignore_type(intake): pass

    @pytest.mark.intake(timeout="soon")
    def test_timeout(intake): pass

    @pytest.mark.parametrize("intake_path", ["ftp"])
    def test_parameter(intake): pass
"""


def test_wrong_markers_fail_their_tests_in_a_line(project: Project) -> None:
    ran = project.run_tests(WRONG_MARKERS)
    assert ran.outcomes == {"errors": 10}
    assert "\n".join(ran.messages) == pinned(
        """
        test_it.py::test_name: @pytest.mark.intake: there is no pth; there are path, paths, faults, fail_on, events, ignore, timeout
        test_it.py::test_positional: @pytest.mark.intake: takes keywords only, path, paths, faults, fail_on, events, ignore, timeout, not 'http'
        test_it.py::test_path: @pytest.mark.intake: path is one of http, datadog, async, agent, proxy, intercept, custom, not 'ftp'
        test_it.py::test_faults: @pytest.mark.intake: faults: not a fault plan: a step is a status from 200 to 599 or one of close, reset, lost, truncate, drip, garbage, hang, redirect, not 'oops'
        test_it.py::test_fail_on: @pytest.mark.intake: fail_on is one of error, warning, info, never, not None
        test_it.py::test_events: @pytest.mark.intake: events is a number of events, not -1
        test_it.py::test_ignore: what the intake is to ignore: there is no rule ZZ9; `mock-intake rules` lists them
        test_it.py::test_ignore_type: @pytest.mark.intake: ignore is a list of texts, not 7
        test_it.py::test_timeout: @pytest.mark.intake: timeout is a number of seconds, not 'soon'
        test_it.py::test_parameter[ftp]: intake_path is one of http, datadog, async, agent, proxy, intercept, custom, not 'ftp'
        """  # noqa: E501
    )


def test_wrong_markers_fail_their_tests_in_a_line_in_workers_too(project: Project) -> None:
    project.tests(WRONG_MARKERS)
    ran = project.run_alone("-n1")
    assert ran.outcomes == {"errors": 10}
    ran.result.stdout.fnmatch_lines(
        [
            "*ERROR at setup of test_name*",
            "[[]gw?[]] linux -- *",
            "test_it.py::test_name: @pytest.mark.intake: there is no pth; there are path, paths, *",
        ]
    )


@pytest.mark.parametrize(
    ("paths", "error"),
    [
        ('["http", "htpp"]', "paths is one of http, datadog, async, agent, proxy, intercept, custom, not 'htpp'"),
        ("7", "paths is a list of texts, not 7"),
        ("[]", f"paths names none, so the test would not run; there are {ALL_PATHS}"),
    ],
)
@pytest.mark.parametrize("fixture", ["intake", "intake_path"])
def test_wrong_paths_to_run_over_fail_that_test_alone(project: Project, paths: str, error: str, fixture: str) -> None:
    project.tests("def test_of_another_file(): pass", "test_other.py")
    ran = project.run_tests(
        f"@pytest.mark.intake(paths={paths})\ndef test_it({fixture}): pass\ndef test_right(intake, send): send()"
    )
    assert ran.outcomes == {"errors": 1, "passed": 2}, ran.output
    assert ran.message == f"test_it.py::test_it: @pytest.mark.intake: {error}"


def test_a_marker_that_nothing_reads_fails_its_test(project: Project) -> None:
    ran = project.run_tests(
        """
        import unittest

        @pytest.mark.intake(events=5, path="http")
        def test_without(tmp_path): pass

        @pytest.mark.parametrize("each", [1, pytest.param(2, marks=pytest.mark.intake(fail_on="never"))])
        def test_parameter(each): pass

        class TestOld(unittest.TestCase):
            @pytest.mark.intake(events=2)
            def test_method(self): pass

        @pytest.mark.xfail
        @pytest.mark.intake(events=2)
        def test_is_to_fail(): pass

        @pytest.mark.intake(events=2)
        def test_fails_by_itself():
            raise KeyError("by itself")

        @pytest.mark.intake(events=2)
        def test_skips():
            pytest.skip("not today")

        @pytest.mark.intake
        def test_bare(): pass
        """
    )
    assert ran.outcomes == {"failed": 5, "passed": 1, "xfailed": 1, "skipped": 1}, ran.output
    lacks = "says nothing here, for the test uses no intake: it lacks the fixture intake_env, or intake."
    assert ran.messages == [
        f"test_it.py::test_without: @pytest.mark.intake(events=5, path='http') {lacks}",
        f"test_it.py::test_parameter[2]: @pytest.mark.intake(fail_on='never') {lacks}",
        f"test_it.py::TestOld::test_method: @pytest.mark.intake(events=2) {lacks}",
        "KeyError: 'by itself'",
        f"test_it.py::test_bare: @pytest.mark.intake {lacks}",
    ]


def test_markers_that_are_read_or_are_not_the_tests_own_fail_nothing(project: Project) -> None:
    project.conftest(
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.intake(ignore="DD5"))

        @pytest.fixture
        def client(intake_env): pass

        @pytest.fixture
        def asks(request):
            return request.getfixturevalue("intake")
        """
    )
    project.passes(
        """
        pytestmark = pytest.mark.intake(timeout=3)
        none = pytest.mark.intake(events=0)

        def test_of_the_module(): pass

        @none
        class TestIt:
            def test_of_the_class(self): pass

        @none
        def test_through_another(client): pass

        @none
        @pytest.mark.usefixtures("asks")
        def test_at_run_time(): pass

        @none
        def test_may_ask(request): pass

        @pytest.mark.intake(path="http")
        def test_path_alone(intake_path):
            assert intake_path == "http"

        """,
        tests=6,
    )


def test_the_marker_and_the_fixtures_are_explained_by_pytest(project: Project) -> None:
    ran = project.run("--markers")
    assert "@pytest.mark.intake(path, paths, faults, fail_on, events, ignore, timeout): how the test's" in ran.output
    ran = project.run("--fixtures")
    for name, explained in {
        "intake": "A stand-in for Datadog's OpenLineage intake, of this test's own.",
        "intake_path": "By which path events come",
        "intake_env": "The test's environment leads OpenLineage clients to ``intake``",
    }.items():
        assert re.search(rf"^{name} -- .*\n    {explained}", ran.output, re.MULTILINE)
