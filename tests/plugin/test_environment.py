"""How a test's producer finds its intake: attributes, variables for every path, and an environment that is put back."""

from __future__ import annotations

import json
import os

import pytest

from mock_intake import IntakeServer
from tests.plugin.running import Project, pinned
from tests.settings import AS_AIRFLOW, led_by_airflow

PATHS = ("http", "datadog", "async", "agent", "proxy", "intercept")
# A producer as users have them: the client is configured by its surroundings alone.
PRODUCER = """
    import uuid
    from datetime import datetime, timezone
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job


    def produce():
        client = OpenLineageClient()
        facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
        run = Run(str(uuid.uuid4()))
        for state in (RunState.START, RunState.COMPLETE):
            client.emit(
                RunEvent(
                    eventType=state,
                    eventTime=datetime.now(timezone.utc).isoformat(),
                    run=run,
                    job=Job("prod", "load", facets={"jobType": facet}),
                    producer="https://github.com/acme/etl",
                )
            )
        client.close()


    if __name__ == "__main__":
        produce()
"""
ELSEWHERE = "transport:\n  type: http\n  url: http://127.0.0.1:9\n"


@pytest.fixture
def producer(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a producer, in surroundings that all lead its events elsewhere."""
    project.module("producer.py", PRODUCER)
    project.write("openlineage.yml", ELSEWHERE)
    for name, value in {
        "OPENLINEAGE_URL": "http://127.0.0.1:9",
        "OPENLINEAGE_API_KEY": "not-this-one",
        "OPENLINEAGE_DISABLED": "true",
        "OPENLINEAGE_CONFIG": str(project.path / "openlineage.yml"),
        "OPENLINEAGE__TRANSPORT__URL": "http://127.0.0.1:9",
        "DD_API_KEY": "0" * 32,
        "DD_SITE": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    return project


def test_every_path_leads_a_producer_here_from_this_process_and_from_a_child(producer: Project) -> None:
    ran = producer.run_tests(
        f"""
        import producer

        PATHS = {PATHS}

        @pytest.mark.intake(paths=PATHS, events=2)
        def test_here(intake_env):
            producer.produce()

        @pytest.mark.intake(paths=PATHS, events=2)
        def test_in_a_child(intake_env):
            subprocess.run([sys.executable, producer.__file__], check=True)
        """
    )
    assert ran.outcomes == {"passed": 2 * len(PATHS)}
    assert ran.summary.startswith("24 events received in 12 tests: 24 ok, 0 warning, 0 error; 0 requests refused")
    assert "strays" not in ran.summary


@pytest.mark.parametrize("way", ["transport", "cfg"])
def test_a_task_of_airflow_sends_here_and_nowhere_else(
    way: str, server: IntakeServer, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stands for production: what Airflow's own settings lead to wins over all that a path sets."""
    for name, value in led_by_airflow(way, server.url, project.path).items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    ran = project.run_tests(
        f"""
        TASK = [sys.executable, {str(AS_AIRFLOW)!r}]

        @pytest.mark.intake(paths=["datadog", "http"], events=2)
        def test_in_the_environment(intake, intake_env):
            subprocess.run(TASK, check=True)
            assert [event.job.namespace for event in intake.events()] == ["my_ns", "my_ns"]

        @pytest.mark.intake(events=2)
        def test_by_hand(intake):
            subprocess.run(TASK, env={{**os.environ, **intake.env()}}, check=True)
        """
    )
    assert ran.outcomes == {"passed": 3}, ran.output
    assert server.journal.position == 0
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}


def test_the_paths_differ_in_what_arrives(producer: Project) -> None:
    producer.passes(
        """
        import producer

        @pytest.mark.intake(paths=["http", "datadog", "async", "agent", "intercept"])
        def test_it(intake, intake_path, intake_env):
            producer.produce()
            request = intake.exchanges[0]
            assert request.headers["host"] == {
                "agent": intake.agent_url.partition("://")[2], "intercept": "data-obs-intake.datadoghq.com",
            }.get(intake_path, intake.host)
            # The Agent has the key; its clients have none.
            assert ("OPENLINEAGE_API_KEY" in intake_env or "DD_API_KEY" in intake_env) is (intake_path != "agent")
        """,
        tests=5,
    )


def test_the_environment_is_put_back(producer: Project) -> None:
    before = dict(os.environ)
    producer.passes(
        """
        BEFORE = dict(os.environ)

        @pytest.fixture(autouse=True)
        def back_again():
            yield
            differ = {key for key in BEFORE.keys() | os.environ.keys() if BEFORE.get(key) != os.environ.get(key)}
            assert differ <= {"PYTEST_CURRENT_TEST"}

        @pytest.mark.intake(paths=["http", "datadog", "async", "agent", "intercept"], events=0)
        def test_it(intake_env):
            assert "OPENLINEAGE_DISABLED" not in os.environ
            assert "https_proxy" not in os.environ
            assert {name: os.environ[name] for name in intake_env} == intake_env
        """,
        tests=5,
    )
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}


def test_what_clients_write_into_the_environment_is_put_back(producer: Project) -> None:
    """The Python client copies its address and key into variables, which the next test's client would read."""
    producer.passes(
        """
        import producer
        COPIED = "OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP__URL"

        @pytest.mark.intake(path="http", events=2)
        @pytest.mark.parametrize("number", range(2))
        def test_it(intake, intake_env, number):
            producer.produce()
            assert os.environ[COPIED] == intake.url

        def test_after():
            assert COPIED not in os.environ
            assert os.environ["OPENLINEAGE_URL"] == "http://127.0.0.1:9"
        """,
        tests=3,
    )


@pytest.mark.parametrize("mode", ["kept", "clean"])
def test_what_makes_content_is_kept_unless_the_ini_file_says_clean(
    mode: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that drops the job drops it here too: the real code would send nothing."""
    project.module("producer.py", PRODUCER)
    project.write("openlineage.yml", "transport: {type: noop}\ntags: {job: {team: orders}}\n")
    monkeypatch.setenv("OPENLINEAGE__FILTERS", '[{"type": "exact", "match": "load"}]')
    monkeypatch.setenv("DD_ENV", "prod")
    ran = project.run_tests(
        """
        import producer

        def test_it(intake, intake_env):
            producer.produce()
            kept = "DD_ENV" in os.environ
            assert len(intake.events()) == (0 if kept else 2)
            print("KEPT" if kept else "CLEAN")
        """,
        "-s",
        "-o",
        f"intake_environment={mode}",
        "-o",
        "intake_require_events=false",
        "--intake-report=report.json",
    )
    assert ran.outcomes == {"passed": 1}, ran.output
    assert ("KEPT" in ran.output) == (mode == "kept")
    assert "mock-intake: the settings that intake_env finds (path datadog" in ran.output
    told = "kept: DD_ENV, OPENLINEAGE__FILTERS, " if mode == "kept" else "taken out: DD_ENV"
    assert told in ran.output
    note = json.loads((project.path / "report.json").read_text())["notes"][0]
    assert note.startswith("the settings that intake_env finds (path datadog")
    assert told in note, "what stands in the header stands in the report"


def test_interception_ends_with_the_test(producer: Project) -> None:
    producer.passes(
        """
        import producer, socket
        CONNECT = socket.getaddrinfo

        @pytest.mark.intake(path="intercept")
        def test_caught(intake, intake_env):
            producer.produce()

        def test_over():
            assert socket.getaddrinfo is CONNECT
            assert "MOCK_INTAKE_REDIRECT" not in os.environ
        """,
        tests=2,
    )


def test_a_test_runs_over_the_paths_that_it_names(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(paths="http, agent", events=0)
        def test_marked(intake, intake_path):
            assert intake.env() == intake.env(intake_path)

        @pytest.mark.intake(paths=["async"], events=0)
        def test_without_the_environment(intake):
            assert "OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES" in intake.env()

        @pytest.mark.intake(events=0)
        @pytest.mark.parametrize("intake_path", ["http", "datadog"])
        def test_parametrised(intake, intake_env, intake_path):
            assert intake_env["OPENLINEAGE__TRANSPORT__TYPE"] == intake_path

        @pytest.mark.intake(paths=["http"])
        class TestSome:
            def test_with_no_intake(self):
                pass
        """,
        "-v",
    )
    ran.result.stdout.fnmatch_lines(
        [
            "test_it.py::test_marked[[]http] PASSED*",
            "test_it.py::test_marked[[]agent] PASSED*",
            "test_it.py::test_without_the_environment[[]async] PASSED*",
            "test_it.py::test_parametrised[[]http] PASSED*",
            "test_it.py::test_parametrised[[]datadog] PASSED*",
            "test_it.py::TestSome::test_with_no_intake PASSED*",
        ]
    )


def test_the_handle_says_where_it_is(project: Project) -> None:
    project.passes(
        """
        import ssl, urllib.request

        def test_it(intake):
            assert re.fullmatch(r"http://127\\.0\\.0\\.1:\\d+", intake.url)
            assert intake.host == intake.url.removeprefix("http://")
            assert intake.site == intake.url
            assert re.fullmatch(r"[0-9a-f]{32}", intake.api_key)
            assert repr(intake) == f"<intake {intake.url} of test_it.py::test_it>"
            assert intake.agent_url == intake.agent_url != intake.url
            for url in (intake.url, intake.https_url):
                request = urllib.request.Request(
                    f"{url}/api/v1/lineage",
                    json.dumps(run_event(eventTime=f"2026-11-01T12:00:0{len(url) % 10}Z")).encode(),
                    {"Authorization": f"Bearer {intake.api_key}", "Content-Type": "application/json"},
                )
                trusting = ssl.create_default_context(cafile=intake.ca_file)
                assert urllib.request.urlopen(request, context=trusting).status == 202
            assert len(intake.events()) == 2
        """
    )


def test_every_test_has_a_key_and_an_agent_of_its_own(project: Project) -> None:
    project.passes(
        """
        SEEN = set()

        @pytest.mark.intake(events=0)
        @pytest.mark.parametrize("number", range(3))
        def test_it(intake, number):
            assert intake.api_key not in SEEN
            SEEN.add(intake.api_key)
            intake.agent_url
        """,
        tests=3,
    )


def test_the_environment_of_a_child_can_be_put_together_by_hand(producer: Project) -> None:
    producer.passes(
        """
        import producer

        @pytest.mark.parametrize("path", ["http", "datadog", "agent", "proxy", "intercept"])
        def test_it(intake, path):
            subprocess.run([sys.executable, producer.__file__], env={**os.environ, **intake.env(path)}, check=True)
            assert len(intake.events()) == 2
        """,
        tests=5,
    )


def test_a_path_that_there_is_not_is_told_at_the_call(project: Project) -> None:
    message = project.failure("def test_it(intake): intake.env('ftp')")
    assert message == pinned(
        """
        ValueError: path is one of http, datadog, async, agent, proxy, intercept, custom, not 'ftp'
        """
    )


def test_a_client_that_is_not_led_here_is_told_of(project: Project) -> None:
    """The fixture alone changes no environment: without a transport, the client writes to its log."""
    project.module("producer.py", PRODUCER)
    message = project.failure(
        """
        import producer

        def test_it(intake):
            producer.produce()
        """
    )
    assert message == pinned(
        """
        The test used the intake, and no event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?

        A test that wants none says @pytest.mark.intake(events=0).
        """  # noqa: E501
    )
