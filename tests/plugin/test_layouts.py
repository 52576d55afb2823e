"""The plugin in projects of other shapes: import modes, versions of pytest, packages of our names, less installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.plugin.alone import AloneProject, PytestRun

# In an environment of its own, without an OpenLineage client: `make test` makes it, and names its interpreter.
PYTHONS = {"9": sys.executable, "8": os.environ.get("TEST_PYTEST_8", "not made: run the tests by `make test`")}
INI = "[pytest]\nfilterwarnings = error\npythonpath = .\n"


@pytest.fixture
def alone(tmp_path: Path) -> AloneProject:
    return AloneProject(tmp_path, imported=False)


def passes(ran: PytestRun, tests: int) -> None:
    assert ran.outcomes == {"passed": tests}, ran.output


@pytest.mark.parametrize("mode", ["importlib", "prepend", "append"])
@pytest.mark.parametrize("version", PYTHONS)
def test_a_project_may_have_packages_of_our_folders_names(alone: AloneProject, version: str, mode: str) -> None:
    for name in ("conformance", "pytest_plugin", "bench", "docs"):
        alone.write(f"{name}/__init__.py", f"OWNER = 'the user, of {name}'\n")
    alone.write("pytest.ini", INI)
    alone.write("tests/__init__.py", "")
    alone.write("tests/events.py", "OWNER = 'the user, of tests.events'\n")
    alone.write("tests/unit/__init__.py", "")
    code = """
        import pytest
        import conformance, pytest_plugin, bench, docs
        from tests.events import OWNER
        from mock_intake_pytest import ANY, IntakeFailure, IntakeHandle

        def test_names(intake: IntakeHandle, send):
            for package in (conformance, pytest_plugin, bench, docs):
                assert package.OWNER == f"the user, of {package.__name__}"
            assert OWNER == "the user, of tests.events"
            assert pytest.__version__.split(".")[0] == "VERSION"
            assert send("START") == send("COMPLETE") == 202
            intake.assert_event({"eventType": "START", "run": {"runId": ANY}})
            with pytest.raises(IntakeFailure, match="none fits"):
                intake.event(event_type="FAIL")
            intake.assert_snapshot()

        @pytest.mark.intake(paths=["http", "agent"])
        def test_paths(intake_env, intake, send):
            assert send() == 202
    """.replace("VERSION", version)
    alone.write("tests/unit/test_it.py", code)
    alone.write("tests/test_it.py", code)
    ran = alone.run(f"--import-mode={mode}", python=PYTHONS[version])
    passes(ran, 6)
    assert [path.name for path in sorted(alone.path.glob("tests/**/test_names.json"))] == ["test_names.json"] * 2


@pytest.mark.parametrize("version", PYTHONS)
def test_every_version_of_pytest_tells_failures_and_summary_alike(alone: AloneProject, version: str) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        def test_nothing_sent(intake): pass

        def test_own_failure(intake, send):
            send()
            assert not intake.events()

        @pytest.mark.intake(fail_on="warning")
        def test_never_ended(intake, send):
            send()

        @pytest.mark.intake(path="nowhere")
        def test_settings(intake): pass
        """,
    )
    ran = alone.run("--intake-report", "report.html", python=PYTHONS[version])
    assert ran.outcomes["failed"] == 3, ran.output
    assert ran.outcomes["error"] == 1, ran.output
    assert "The test used the intake, and no event arrived." in ran.output
    assert "RC102 warning: run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders never ended" in ran.output
    assert "path is one of http, datadog, async, agent, proxy, intercept, custom, not 'nowhere'" in ran.output
    assert "1 event arrived:\n  1. START, prod / load_orders" in ran.output
    assert ran.summary[0].startswith("2 events received in 3 tests: 2 ok, "), ran.output
    assert ran.summary[-1] == f"report: {alone.path / 'report.html'}"


@pytest.mark.parametrize("version", PYTHONS)
def test_every_version_of_pytest_merges_over_workers(alone: AloneProject, version: str) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(intake, send, number):
            assert send() == 202
        """,
    )
    ran = alone.run("-n", "2", plugins=["xdist.plugin"], python=PYTHONS[version])
    passes(ran, 4)
    assert ran.summary[0].startswith("4 events received in 4 tests: 4 ok, "), ran.output


def test_without_an_openlineage_client_only_tests_that_use_it_fail(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("path", ["http", "datadog", "async", "agent", "intercept"])
        def test_it(intake, send, path):
            assert intake.env(path)
            assert send() == 202

        def test_client(intake_env, intake, send):
            send()
            with pytest.raises(ImportError, match="openlineage"):
                import openlineage.client
        """,
    )
    passes(alone.run(python=PYTHONS["8"]), 6)


def without(alone: AloneProject, module: str) -> None:
    """As if a library had not been installed."""
    conftest = alone.path / "conftest.py"
    conftest.write_text(f"import sys\nsys.modules[{module!r}] = None\n" + conftest.read_text())


def test_without_deepdiff_what_differs_says_what_to_install_and_all_else_works(alone: AloneProject) -> None:
    without(alone, "deepdiff")
    alone.write(
        "test_it.py",
        """
        def test_all_else(intake, send):
            assert send("START") == send("COMPLETE") == 202
            assert intake.run().state == "COMPLETE"

        def test_what_fits(intake, send):
            send()
            intake.assert_event({"eventType": "START"})
            intake.assert_events([{"eventType": "START"}])

        def test_assert_event(intake, send):
            send()
            intake.assert_event({"eventType": "COMPLETE"})

        def test_assert_events(intake, send):
            send()
            intake.assert_events([{"eventType": "COMPLETE"}])

        def test_snapshot(intake, send, pytestconfig):
            send("START" if pytestconfig.getoption("--intake-update") else "COMPLETE")
            intake.assert_snapshot()
        """,
    )
    alone.run("--intake-update", "-k", "test_snapshot")
    ran = alone.run()
    assert ran.outcomes == {"passed": 2, "failed": 3}, ran.output
    message = "To show how, the library deepdiff is needed: pip install 'mock-intake[pytest]'\n"
    assert ran.output.count(message) == 3, ran.output
    assert "ModuleNotFoundError" not in ran.output
