"""Many workers, many tests, threads and events that come late: each test sees its own, and the summary sees all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.plugin.alone import AloneProject
from tests.plugin.running import timeless

XDIST = ["xdist.plugin"]
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
RUNS, WORKERS = (20, 8) if SOAK else (1, 4)
# Of each of four kinds.
TESTS = 100 if SOAK else 20
CROWD = """
    import threading, uuid
    from concurrent.futures import ThreadPoolExecutor
    import pytest
    from conftest import event, post
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job
    from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

    TESTS = {tests}
    LATE, TIMERS = [], []

    @pytest.mark.parametrize("number", range(TESTS))
    def test_one_after_the_other(intake, send, number):
        run = str(uuid.uuid4())
        for kind in ("START", "RUNNING", "COMPLETE"):
            assert send(kind, f"job {{number}}", run) == 202
        assert [each.event_type for each in intake.events()] == ["START", "RUNNING", "COMPLETE"]
        assert {{each.job.name for each in intake.events()}} == {{f"job {{number}}"}}
        assert intake.run().run_id == run

    @pytest.mark.parametrize("number", range(TESTS))
    def test_threads(intake, send, number):
        runs = [str(uuid.uuid4()) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send, kind, "threads", run) for run in runs for kind in ("START", "COMPLETE")]
            seen = [pool.submit(intake.events) for _ in range(4)]
            assert {{each.result() for each in sent}} == {{202}}
            assert all(each.job.name == "threads" for events in seen for each in events.result())
        assert sorted(run.run_id for run in intake.runs()) == sorted(runs)
        assert len(intake.events()) == 8

    def send_late(intake, name):
        post(intake.host, intake.api_key, event("START", name, str(uuid.uuid4())))

    def send_what_is_late():
        while LATE:
            send_late(*LATE.pop())

    @pytest.mark.parametrize("number", range(TESTS))
    def test_late(intake, number):
        send_what_is_late()  # with the key of a test that is over
        assert post(intake.host, intake.api_key, event("START", f"in time {{number}}")) == 202
        # One that comes in time or does not, and one that cannot.
        TIMERS.append(threading.Timer(0.005, send_late, [intake, f"soon {{number}}"]))
        TIMERS[-1].start()
        LATE.append((intake, f"late {{number}}"))
        assert intake.events()[0].job.name == f"in time {{number}}"
        assert {{each.job.name for each in intake.events()}} <= {{f"in time {{number}}", f"soon {{number}}"}}

    @pytest.mark.parametrize("number", range(TESTS))
    def test_faulted(intake, send, number):
        run = str(uuid.uuid4())
        intake.set_faults("503,202" if number % 2 else "202,503")
        statuses = [send("START", "faulted", run), send("COMPLETE", "faulted", run)]
        assert statuses == ([503, 202] if number % 2 else [202, 503])
        assert len(intake.events()) == 1
        assert len(intake.refused) == 1

    def test_transports_closed_late(request, intake):
        facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
        config = DatadogConfig(apiKey=intake.api_key, site=intake.url, async_transport_rules={{"*": {{"*": True}}}})
        client = OpenLineageClient(transport=DatadogTransport(config))
        request.config.add_cleanup(client.close)
        for state in (RunState.START, RunState.COMPLETE):
            client.emit(RunEvent(eventType=state, eventTime="2026-11-01T12:00:00Z", run=Run("{run}"),
                                 job=Job("prod", "asynchronous", {{"jobType": facet}}), producer="https://a.example"))
        assert intake.wait_for_run(job="asynchronous").state == "COMPLETE"

    @pytest.fixture(scope="session", autouse=True)
    def finished(_intake_session):
        yield
        send_what_is_late()
        for timer in TIMERS:
            timer.join()
"""
RUN_ID = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"


@pytest.fixture
def alone(tmp_path: Path) -> AloneProject:
    project = AloneProject(tmp_path)
    project.write("pytest.ini", "[pytest]\npythonpath = .\nfilterwarnings = error\n")
    return project


@pytest.mark.timeout(90 * RUNS)
def test_many_tests_on_many_workers_see_only_their_own(alone: AloneProject) -> None:
    """400 on 8, twenty times over, in the soak form."""
    alone.write("test_crowd.py", CROWD.format(tests=TESTS, run=RUN_ID))
    for _ in range(RUNS):
        ran = alone.passes(4 * TESTS + 1, "-n", str(WORKERS), plugins=XDIST)
        # None is missing, and none is there twice, however late it came.
        events = (3 + 8 + 3 + 1) * TESTS + 2
        assert ran.summary[0].startswith(f"{events} events received in {4 * TESTS + 1} tests: {events} ok, "), (
            ran.output
        )
        assert f"; {TESTS} requests refused or faulted, " in ran.summary[0]
        assert any(line.startswith("late: ") and "test_crowd.py::test_late[" in line for line in ran.summary), (
            ran.output
        )
        assert "strays" not in ran.output


def test_the_summary_and_the_report_are_over_all_workers(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest
        from conftest import event, post

        @pytest.mark.parametrize("number", range(6))
        def test_it(intake, send, number):
            assert send("START", f"job {number}") == 202
            assert send("COMPLETE", f"job {number}") == 202

        @pytest.mark.intake(fail_on="never")
        @pytest.mark.parametrize("number", range(4))
        def test_refused(intake, send, number):
            assert send("START", f"other {number}") == 202
            assert post(intake.host, "0123456789abcdef0123456789abcdef", event()) == 403
        """,
    )
    ran = alone.run("-n", "2", "--intake-report", "report.json", plugins=XDIST)
    assert ran.outcomes == {"passed": 10}, ran.output
    assert ran.summary[0].startswith("16 events received in 10 tests: "), ran.output
    assert any(line.startswith("strays: 4 requests") for line in ran.summary), ran.output
    file = alone.path / "report.json"
    assert ran.summary[-1] == f"report: {file}"
    entries = json.loads(file.read_text())["entries"]
    titles = [f"{kind} job {number}" for number in range(6) for kind in ("START", "COMPLETE")]
    titles += [f"START other {number}" for number in range(4)]
    found = [entry["title"].partition(", of ")[0] for entry in entries if entry["kind"] == "event"]
    assert sorted(found) == sorted(titles)
    tests = {f"test_it.py::test_it[{number}]" for number in range(6)}
    tests |= {f"test_it.py::test_refused[{number}]" for number in range(4)}
    assert {entry["facts"]["test"] for entry in entries if entry["kind"] == "event"} == tests


def test_the_summary_is_that_of_a_run_without_workers(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_it(intake, send, number):
            intake.set_faults("503")
            assert [send("START", f"job {number}"), send("START", f"job {number}")] == [503, 202]

        @pytest.mark.intake(events=0)
        def test_lost(intake, send):
            intake.set_faults("503")
            assert send() == 503

        def test_snapshot(intake, send):
            send()
            intake.assert_snapshot()
        """,
    )
    alone.write("pytest.ini", "[pytest]\nintake_ignore = RC\n")  # whose words depend on which test was first
    alone.write("intake_snapshots/test_it/test_gone.json", "{}")
    alone.passes(1, "-k", "snapshot")  # which writes it
    summary = timeless("\n".join(alone.passes(8).summary)).splitlines()
    assert summary[0].startswith("7 events received in 8 tests: ")
    assert "lost: 1 event that no attempt got through" in summary
    assert "snapshot unused: intake_snapshots/test_it/test_gone.json" in summary
    assert timeless("\n".join(alone.passes(8, "-n", "2", plugins=XDIST).summary)).splitlines() == summary


def test_a_worker_that_crashes_is_told(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_it(intake, send, number):
            assert send() == 202
            if number == 3:
                os._exit(1)
        """,
    )
    ran = alone.run("-n", "2", "--intake-report", "report.json", plugins=XDIST)
    assert ran.outcomes["failed"] == 1
    assert ran.outcomes["passed"] == 5
    (told,) = [line for line in ran.summary if line.startswith("incomplete: ")]
    assert told == "incomplete: 1 xdist worker ended without telling what had been received."
    assert told.removeprefix("incomplete: ") in json.loads((alone.path / "report.json").read_text())["notes"]


def test_workers_that_use_no_intake_and_runs_that_stop_early_are_fine(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        def test_without(): pass

        @pytest.mark.parametrize("number", range(3))
        def test_it(intake, number):
            raise KeyError(number)
        """,
    )
    ran = alone.run("-n", "2", "-x", plugins=XDIST)
    assert "KeyError" in ran.output
    assert "INTERNALERROR" not in ran.output
    assert "incomplete" not in ran.output
    assert alone.run("-n", "2", "-k", "without", plugins=XDIST).outcomes == {"passed": 1}
