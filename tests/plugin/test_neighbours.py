"""The fixture beside other libraries that put something of their own in place of clocks, files, sockets and clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.alone import AloneProject


@pytest.fixture
def alone(tmp_path: Path) -> AloneProject:
    return AloneProject(tmp_path, imported=False)


def test_freezegun_freezes_the_test_and_not_its_intake(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import datetime, time
        import pytest
        from freezegun import freeze_time

        class Real:
            clock = staticmethod(time.perf_counter)

        @pytest.fixture
        def frozen():
            with freeze_time("2020-01-01") as frozen:
                yield frozen

        def check(intake, send):
            assert datetime.datetime.now().year == 2020
            assert send("START") == send("COMPLETE") == 202
            assert [event.received_at.year >= 2025 for event in intake.events()] == [True, True]
            assert type(intake.events()[0].received_at) is not datetime.datetime
            began = Real.clock()
            with pytest.raises(AssertionError, match=r"^Waited 0.2 s for 3 events; 2 came."):
                intake.wait_for(3, timeout=0.2)
            assert 0.2 <= Real.clock() - began < 5
            assert len(intake.settled(0.05)) == 2
            assert intake.run().state == "COMPLETE"
            intake.assert_event({"eventType": "START"})
            intake.set_faults(delay=0.1)
            assert send("START", run="5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e") == 202

        @freeze_time("2020-01-01")
        def test_by_decorator(intake, send):
            check(intake, send)

        def test_by_fixture_before_ours(frozen, intake, send):
            check(intake, send)
            frozen.tick(3600)
            assert send("COMPLETE", run="5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e") == 202

        def test_by_fixture_after_ours(intake, frozen, send):
            check(intake, send)
        """,
    )
    alone.passes(3)


def test_time_frozen_for_the_whole_session_is_not_the_intakes(alone: AloneProject) -> None:
    """What the intake is made of is imported while time stands still; its clocks were taken before."""
    alone.write(
        "test_it.py",
        """
        import datetime
        import pytest
        from freezegun import freeze_time

        @pytest.fixture(scope="session", autouse=True)
        def frozen():
            with freeze_time("2020-01-01"):
                yield

        def test_it(intake, send):
            assert datetime.datetime.now().year == 2020
            assert send() == 202
            assert intake.event().received_at.year >= 2025
            with pytest.raises(AssertionError, match="Waited 0.1 s"):
                intake.wait_for(2, timeout=0.1)
        """,
    )
    alone.passes(1)


def test_responses_takes_the_calls_that_it_was_told_of_and_events_arrive(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import uuid
        import pytest, requests, responses
        from openlineage.client import OpenLineageClient
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import job_type_job

        def etl():
            rows = requests.get("https://shop.example/orders").json()
            client = OpenLineageClient()
            facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
            run, job = Run(str(uuid.uuid4())), Job("prod", "load_orders", {"jobType": facet})
            for state in (RunState.START, RunState.COMPLETE):
                client.emit(RunEvent(eventType=state, eventTime="2026-11-01T12:00:00Z", run=run, job=job,
                                     producer="https://github.com/acme/etl"))
            client.close()
            return rows

        @pytest.mark.parametrize("path", ["http", "datadog", "agent"])
        @responses.activate
        def test_it(request, path, intake, monkeypatch):
            for name, value in intake.env(path).items():
                monkeypatch.setenv(name, value)
            responses.get("https://shop.example/orders", json=[{"id": 1}])
            responses.add_passthru("http://127.0.0.1")
            assert etl() == [{"id": 1}]
            assert [event.event_type for event in intake.events()] == ["START", "COMPLETE"]
            responses.assert_call_count("https://shop.example/orders", 1)
        """,
    )
    alone.passes(3)


def test_respx_takes_the_calls_that_it_was_told_of_and_events_arrive(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import httpx, respx
        from conftest import event

        def send_by(intake, client):
            headers = {"Authorization": f"Bearer {intake.api_key}"}
            assert client.get("https://shop.example/orders").json() == [{"id": 1}]
            assert client.post(intake.url + "/api/v1/lineage", json=event(), headers=headers).status_code == 202

        @respx.mock
        def test_it(intake):
            orders = respx.get("https://shop.example/orders").respond(json=[{"id": 1}])
            respx.route(host="127.0.0.1").pass_through()
            with httpx.Client() as client:
                send_by(intake, client)
            assert intake.wait_for(1)[0].event_type == "START"
            assert orders.call_count == 1
            assert intake.event().job.name == "load_orders"
        """,
    )
    alone.passes(1, "--import-mode=prepend")


def test_under_pyfakefs_events_arrive_and_snapshots_are_real_files(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        from pathlib import Path

        def check(intake, send):
            Path("/data").mkdir()
            Path("/data/orders.csv").write_text("id")
            assert send("START") == send("COMPLETE") == 202
            assert len(intake.wait_for(2)) == len(intake.settled(0.05)) == 2
            assert intake.run().state == "COMPLETE"
            assert intake.findings == []
            intake.assert_event({"eventType": "START"})
            intake.assert_snapshot()
            assert not Path(__file__).parent.joinpath("intake_snapshots").exists()
            assert set(intake.env("agent")) > {"OPENLINEAGE_URL"}

        def test_fake_before_ours(fs, intake, send):
            check(intake, send)

        def test_fake_after_ours(intake, fs, send):
            check(intake, send)

        def test_environment(fs, intake_env, send):
            assert send() == 202
        """,
    )
    plugins = ["pyfakefs.pytest_plugin"]
    assert alone.passes(3, plugins=plugins).summary[-2:] == [
        "snapshot written: intake_snapshots/test_it/test_fake_after_ours.json",
        "snapshot written: intake_snapshots/test_it/test_fake_before_ours.json",
    ]
    (snapshot, _) = sorted(alone.path.glob("intake_snapshots/test_it/*.json"))
    snapshot.write_text(snapshot.read_text().replace("load_orders", "load_others"))
    again = alone.run(plugins=plugins)
    assert again.outcomes == {"passed": 2, "failed": 1}
    assert "/events/0/job/name: expected 'load_others', there is 'load_orders'" in again.output


def test_under_pyfakefs_certificates_must_have_been_made_before(alone: AloneProject) -> None:
    """OpenSSL reads them from real files only; the message says what to do, and that does it."""
    alone.write(
        "test_it.py",
        """
        import pytest

        def test_too_late(fs, intake, send):
            send()
            intake.ca_file

        @pytest.fixture
        def ca_file(intake):
            return intake.ca_file

        def test_in_time(ca_file, fs, intake, send):
            send()
            assert intake.https_url.startswith("https://")
            assert intake.env("intercept")["MOCK_INTAKE_REDIRECT_CA"] == str(ca_file)
        """,
    )
    ran = alone.run(plugins=["pyfakefs.pytest_plugin"])
    assert ran.outcomes == {"passed": 1, "failed": 1}
    assert (
        "The intake's certificates cannot be made while the file system is a fake: ask for intake.ca_file or "
        "intake_env before, in a fixture that comes ahead of it.\n"
    ) in ran.output
    assert "Traceback" not in ran.output
    assert "tls.py" not in ran.output


@pytest.mark.parametrize("options", [["--disable-socket", "--allow-hosts=127.0.0.1"], ["--disable-socket"]])
def test_with_pytest_socket_the_intake_serves_and_the_rest_is_kept_off(alone: AloneProject, options: list[str]) -> None:
    alone.write(
        "test_it.py",
        """
        import socket
        import pytest
        import pytest_socket

        @pytest.mark.intake(events=0)
        def test_the_intake_comes_up_though_the_test_has_no_sockets(intake):
            assert intake.agent_url.startswith("http://127.0.0.1:")
            assert intake.https_url.startswith("https://127.0.0.1:")
            with pytest.raises((RuntimeError, UserWarning), match="A test tried to use socket"):
                socket.create_connection(("192.0.2.1", 80), timeout=1)

        @pytest.mark.enable_socket
        def test_marked(intake, send):
            assert send() == 202

        def test_by_fixture(socket_enabled, intake, send):
            assert send() == 202

        @pytest.mark.allow_hosts(["127.0.0.1"])
        def test_by_host(intake, send):
            assert send() == 202
            assert len(intake.wait_for(1)) == 1
        """,
    )
    alone.passes(4, *options, plugins=["pytest_socket"])


def test_with_pytest_asyncio_coroutines_wait_while_their_loop_goes_on(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import asyncio
        import pytest
        from conftest import event, post

        pytestmark = pytest.mark.asyncio

        async def later(intake, kind):
            await asyncio.sleep(0.1)
            return await asyncio.to_thread(post, intake.host, intake.api_key, event(kind))

        async def test_waits(intake):
            sending = [asyncio.create_task(later(intake, kind)) for kind in ("START", "COMPLETE")]
            assert len(await intake.wait_for_async(2)) == 2
            assert (await intake.wait_for_run_async()).state == "COMPLETE"
            assert len(await intake.settled_async(0.05)) == 2
            assert await asyncio.gather(*sending) == [202, 202]

        async def test_many_at_once(intake):
            runs = [f"5f0b5ce7-9a8c-4f5b-b6a4-{number:012x}" for number in range(20)]
            await asyncio.gather(
                *(asyncio.to_thread(post, intake.host, intake.api_key, event("START", run=run)) for run in runs)
            )
            assert {run.run_id for run in intake.runs()} == set(runs)

        async def test_a_wait_that_holds_the_loop_up_is_told(intake):
            sending = asyncio.create_task(later(intake, "START"))
            with pytest.raises(AssertionError, match="await intake.wait_for_async"):
                intake.wait_for(1, timeout=0.3)
            await sending
        """,
    )
    options = ["-o", "asyncio_default_fixture_loop_scope=function", "--import-mode=prepend"]
    alone.passes(3, *options, plugins=["pytest_asyncio.plugin"])


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_pytest_timeout_ends_a_wait_and_the_summary_or_the_stacks_are_told(alone: AloneProject, method: str) -> None:
    alone.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.timeout(1, func_only=True)
        def test_waits_too_long(intake, send):
            send()
            intake.wait_for(2, timeout=60)

        def test_next(intake, send):
            assert send() == 202
            assert len(intake.events()) == 1
        """,
    )
    ran = alone.run(f"--timeout-method={method}", plugins=["pytest_timeout"])
    assert "Timeout" in ran.output
    assert "intake.wait_for(2, timeout=60)" in ran.output
    if method == "signal":
        assert ran.outcomes == {"passed": 1, "failed": 1}
        assert ran.summary[0].startswith("2 events received in 2 tests: 2 ok")
    else:  # which ends the process
        assert ran.returncode == 1


def test_the_certificate_is_of_the_real_time_where_time_is_frozen(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import socket, ssl
        import pytest
        from freezegun import freeze_time

        @pytest.mark.parametrize("day", ["2020-01-01", "2060-01-01"])
        def test_it(intake, send, day):
            with freeze_time(day):
                assert send() == 202
                context = ssl.create_default_context(cafile=str(intake.ca_file))
                host, port = intake.https_url.removeprefix("https://").split(":")
                with socket.create_connection((host, int(port)), timeout=10) as plain:
                    context.wrap_socket(plain, server_hostname="localhost").close()
        """,
    )
    alone.passes(2)


def test_with_pytest_socket_faults_that_need_the_socket_itself_work(alone: AloneProject) -> None:
    """The producer is a process of its own, which nobody keeps off the network."""
    alone.write(
        "test_it.py",
        """
        import subprocess, sys, pathlib

        def test_reset(intake):
            intake.set_faults("reset")
            code = (
                "import sys, conftest\\n"
                "try: conftest.post(sys.argv[1], sys.argv[2], conftest.event())\\n"
                "except ConnectionResetError: print('reset')\\n"
                "print(conftest.post(sys.argv[1], sys.argv[2], conftest.event()))"
            )
            command = [sys.executable, "-c", code, intake.host, intake.api_key]
            done = subprocess.run(command, capture_output=True, text=True, cwd=pathlib.Path(__file__).parent)
            assert done.stdout == "reset\\n202\\n", done.stderr
        """,
    )
    alone.passes(1, "--disable-socket", "--allow-unix-socket", plugins=["pytest_socket"])
