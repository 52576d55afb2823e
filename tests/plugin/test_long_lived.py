"""Clients that live longer than a test: one key for all, and what is known where every test has its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.plugin.alone import AloneProject
from tests.plugin.running import Project

# A package as users have them: its client is made once, when it is imported.
ETL = """
import uuid
from datetime import datetime, timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

client = OpenLineageClient()


def load(name="load", sender=None):
    facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
    run = Run(str(uuid.uuid4()))
    for state in (RunState.START, RunState.COMPLETE):
        now = datetime.now(timezone.utc).isoformat()
        job = Job("prod", name, facets={"jobType": facet})
        (sender or client).emit(
            RunEvent(eventType=state, eventTime=now, run=run, job=job, producer="https://github.com/acme/etl")
        )
"""
TESTS = """
import pytest

import etl


@pytest.mark.parametrize("number", range(3))
def test_load(intake, number):
    etl.load(f"load {number}")
    assert intake.run().job.name == f"load {number}"
    assert all(each.by_time for each in [*intake.exchanges, *intake.events()])


def test_another(intake_env):
    etl.load("another")


def test_that_emits_nothing(): pass
"""


@pytest.fixture
def alone(tmp_path: Path) -> AloneProject:
    project = AloneProject(tmp_path)
    project.write("etl.py", ETL)
    project.write("test_etl.py", TESTS)
    return project


def ini(project: AloneProject, *lines: str) -> None:
    project.write("pytest.ini", "\n".join(["[pytest]", "pythonpath = .", "filterwarnings = error", *lines]))


def test_the_recipe_of_the_cookbook_gives_a_module_its_client(alone: AloneProject) -> None:
    """As it is printed: the module, and the setting without which no event arrives."""
    page = (REPOSITORY / "docs" / "how-to" / "cookbook.md").read_text()
    section = page.partition("## A client that a module makes")[2]
    [module] = re.findall(r"^```python\n# lineage.py\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    [setting] = re.findall(r"^```ini\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    alone.write("lineage.py", module)
    alone.write("etl.py", ETL.replace("client = OpenLineageClient()", "from lineage import client"))
    alone.write("pytest.ini", f"{setting}pythonpath = .\n")
    ran = alone.run()
    assert ran.outcomes == {"passed": 5}, ran.output
    alone.write("pytest.ini", "[pytest]\npythonpath = .\n")
    assert "intake_scope = session" in alone.run().output


@pytest.mark.parametrize(
    ("path", "arguments", "plugins"),
    [
        ("datadog", [], []),
        ("http", ["-n", "2"], ["xdist.plugin"]),
        ("agent", ["test_etl.py::test_another", "test_etl.py::test_load"], []),
        ("intercept", ["-k", "another or 1"], []),
    ],
)
def test_a_client_made_at_import_has_a_green_suite(
    alone: AloneProject, path: str, arguments: list[str], plugins: list[str]
) -> None:
    """Alone, in another order, and in several processes, each with a key and a server of its own."""
    ini(alone, "intake_scope = session", f"intake_path = {path}")
    ran = alone.run(*arguments, plugins=plugins)
    assert ran.returncode == 0, ran.output
    assert set(ran.outcomes) == {"passed"}, ran.output
    assert not any(line.startswith(("late", "outside", "strays")) for line in ran.summary), ran.output


def test_what_comes_between_tests_is_told(alone: AloneProject) -> None:
    """At import, in a test that uses no intake, and after the one that has."""
    ini(alone, "intake_scope = session")
    alone.write("conftest.py", "import etl\netl.load('at import')\n")
    alone.write(
        "test_etl.py",
        """
        import etl, pytest

        @pytest.fixture
        def later():
            yield
            etl.load("late")

        def test_uses_none():
            etl.load("unused")

        def test_it(later, intake):
            etl.load()
            assert [run.job.name for run in intake.runs()] == ["load"]

        def test_the_next(intake):
            etl.load("next")
            assert [run.job.name for run in intake.runs()] == ["next"]
        """,
    )
    ran = alone.run("--intake-report", "report.json")
    assert ran.outcomes == {"passed": 3}, ran.output
    told = "\n".join(ran.summary)
    assert "late: 2 requests of test_etl.py::test_it came after the test had ended" in told
    assert "outside: 4 requests came while no test was under way that uses the intake; nothing judged them" in told
    assert told.count("of prod / at import, before the first test") == 2
    assert "of prod / unused, during test_etl.py::test_uses_none, which uses no intake" in told
    entries = json.loads((alone.path / "report.json").read_text())["entries"]
    assert {entry["facts"]["assigned"] for entry in entries} == {"by time"}


def test_a_suite_that_no_test_uses_it_in_is_told_what_came_all_the_same(alone: AloneProject) -> None:
    ini(alone, "intake_scope = session")
    alone.write("test_etl.py", "import etl\n\ndef test_it():\n    etl.load()\n")
    ran = alone.run()
    assert ran.outcomes == {"passed": 1}
    assert ran.summary[0].startswith("outside: 2 requests came while no test was under way")


def test_the_environment_is_there_for_conftest_and_put_back(alone: AloneProject) -> None:
    ini(alone, "intake_scope = session")
    alone.write(
        "conftest.py",
        """
        import os

        assert os.environ["OPENLINEAGE__TRANSPORT__TYPE"] == "datadog"
        assert os.environ["DD_API_KEY"] != "mine"

        def pytest_unconfigure(config):
            import atexit
            environ = os.environ
            atexit.register(lambda: print("AFTER", environ["DD_API_KEY"], "OPENLINEAGE__TRANSPORT__TYPE" in environ))
        """,
    )
    alone.write("test_etl.py", "def test_it(): pass\n")
    ran = alone.run("-s", DD_API_KEY="mine")
    assert "AFTER mine False" in ran.output, ran.output


def test_help_and_mistakes_are_told_without_a_server(alone: AloneProject) -> None:
    ini(alone, "intake_scope = session")
    assert "intake_scope" in alone.run("--help").output
    ini(alone, "intake_scope = sesion")
    assert "the ini setting intake_scope is one of test, session, not 'sesion'" in alone.run().output
    ini(alone, "intake_scope = session", "intake_path = ftp")
    assert "the ini setting intake_path is one of" in alone.run().output


def hints(message: str) -> list[str]:
    _, found, after = message.partition("Known of why:\n")
    return [line.removeprefix("  - ") for line in after.partition("\n\n")[0].splitlines()] if found else []


LATER = "Make the client when the test runs, or let all tests share one key: intake_scope = session in the ini file."


def test_a_client_that_is_kept_from_an_ended_test_is_named_in_every_failure(project: Project) -> None:
    project.module("lazy_etl.py", ETL.replace("client = OpenLineageClient()", "client = None"))
    ran = project.run_tests(
        """
        import lazy_etl

        @pytest.fixture(scope="module", autouse=True)
        def forget():
            yield
            lazy_etl.client = None

        def test_one(intake_env):
            lazy_etl.client = lazy_etl.OpenLineageClient()
            lazy_etl.load()

        def test_verdict(intake_env):
            lazy_etl.load()

        def test_wait(intake, intake_env):
            lazy_etl.load()
            intake.wait_for(timeout=0)

        def test_event(intake, intake_env):
            lazy_etl.load()
            intake.event(event_type="START")

        def test_run(intake, intake_env):
            lazy_etl.load()
            intake.run()

        def test_own_assertion(intake, intake_env):
            lazy_etl.load()
            assert intake.events()
        """
    )
    assert ran.outcomes == {"passed": 1, "failed": 5}, ran.output
    expected = (
        "2 requests came meanwhile with the key of test_it.py::test_one, which has ended: a client is kept from there "
        f"(lazy_etl.client). {LATER}"
    )
    for name in ("test_verdict", "test_wait", "test_event", "test_run"):
        assert hints(ran.told(name)) == [expected]
    assert hints(ran.section("test_own_assertion")) == [expected]


def test_clients_that_lead_elsewhere_are_named(project: Project) -> None:
    """Made at import, before the environment led here; switched off; with events that are not sent yet."""
    project.module("early_etl.py", ETL)
    ran = project.run_tests(
        """
        import early_etl
        from openlineage.client.transport.http import HttpConfig, HttpTransport
        from openlineage.client.transport.noop import NoopConfig, NoopTransport

        @pytest.fixture
        def holder():
            class Holder: pass
            early_etl.holder = Holder()
            yield early_etl.holder
            del early_etl.holder.client, early_etl.holder

        def test_console(intake_env):
            early_etl.load()

        def test_elsewhere(intake, holder):
            transport = HttpTransport(HttpConfig(url="http://user:hunter2@127.0.0.1:9"))
            holder.client = early_etl.OpenLineageClient(transport=transport)
            early_etl.client = None
            intake.wait_for(timeout=0)

        def test_switched_off(intake, holder, monkeypatch):
            monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
            holder.client = early_etl.OpenLineageClient()
            intake.wait_for(timeout=0)

        @pytest.mark.intake(path="async")
        def test_pending(intake, intake_env, holder):
            intake.set_faults([{"step": 202, "delay": 4}], repeat_last=True)
            holder.client = early_etl.OpenLineageClient()
            early_etl.load(sender=holder.client)
            try:
                intake.wait_for(timeout=0)
            finally:
                intake.clear_faults()
                holder.client.close()
        """
    )
    early = "it was made before the environment led here, as at import, or is set so in its code"
    assert hints(ran.told("test_console")) == [
        f"The client early_etl.client writes to its log (transport console): {early}. {LATER}"
    ]
    [elsewhere] = hints(ran.told("test_elsewhere"))
    assert elsewhere.startswith("The client early_etl.holder.client leads to http://user:****@HOST: it was made")
    assert hints(ran.told("test_switched_off")) == [
        f"The client early_etl.holder.client is switched off (transport noop): {early}. {LATER}",
        "OPENLINEAGE_DISABLED is 'true': clients that are made now send nothing.",
    ]
    assert hints(ran.told("test_pending"))[0].startswith(
        "The client early_etl.holder.client sends from a thread and has "
    )


def test_a_child_with_an_environment_of_its_own_is_named(project: Project) -> None:
    """One that inherits it, or is given what leads here, is not."""
    ran = project.run_tests(
        """
        def test_alone(intake_env):
            subprocess.run([sys.executable, "-c", ""], env={"PATH": os.environ["PATH"]}, check=True)

        def test_led(intake, intake_env):
            subprocess.run([sys.executable, "-c", ""], check=True)
            subprocess.run([sys.executable, "-c", ""], env={**os.environ, **intake.env("http")}, check=True)

        def test_without_the_environment(intake):
            subprocess.run([sys.executable, "-c", ""], env={}, check=True)
        """
    )
    [hint] = hints(ran.told("test_alone"))
    assert hint.endswith(
        "was started with an environment of its own, which lacks what leads here: let it inherit this process's, or "
        "give it env={**os.environ, **intake.env()}."
    )
    assert hints(ran.told("test_led")) == []
    assert hints(ran.told("test_without_the_environment")) == []


def test_what_is_known_when_the_body_is_done_fails_the_test_and_not_its_teardown(project: Project) -> None:
    """A fixture that ends before the intake does may close a client, so what is missing is known only then."""
    ran = project.run_tests(
        """
        @pytest.fixture
        def closing(intake, send):
            yield
            send("COMPLETE")

        @pytest.fixture
        def closes_nothing(intake, tmp_path):
            yield

        def test_silent(intake): pass

        def test_silent_after_all(closes_nothing): pass

        def test_closing(closing): pass

        @pytest.mark.intake(events=0)
        def test_too_many(closes_nothing, send):
            send()

        def test_wrong_key(closes_nothing, send):
            send(key="0" * 32)

        @pytest.mark.intake(fail_on="warning")
        def test_never_ends(send):
            send("START", job={"namespace": "prod", "name": "load", "facets": {"jobType": job_type()}})

        @pytest.mark.xfail(strict=True)
        def test_is_to_fail(intake): pass
        """
    )
    ended = {report.nodeid.partition("::")[2]: report.when for report in ran.failures}
    assert ended == {
        "test_silent": "call",
        "test_silent_after_all": "teardown",
        "test_too_many": "call",
        "test_wrong_key": "call",
        "test_never_ends": "call",
    }
    assert ran.outcomes == {"passed": 2, "failed": 4, "errors": 1, "xfailed": 1}, ran.output
