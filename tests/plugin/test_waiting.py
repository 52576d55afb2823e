"""Waiting for producers that send later, or from elsewhere; and what a wait says that ran out."""

from __future__ import annotations

import re
import time

from tests.plugin.running import Project, pinned

LATER = """
    def later(seconds, *calls):
        def go():
            for call in calls:
                time.sleep(seconds)
                call()
        thread = threading.Thread(target=go)
        thread.start()
        return thread
"""


def test_waits_end_as_soon_as_what_they_wait_for_is_there(project: Project) -> None:
    project.conftest(LATER)
    project.passes(
        """
        from conftest import later

        def test_events(intake, send):
            thread = later(0.05, lambda: send("START"), lambda: send("RUNNING"), lambda: send("COMPLETE"))
            begun = time.monotonic()
            assert [event.event_type for event in intake.wait_for(2)] == ["START", "RUNNING"]
            (event,) = intake.wait_for(event_type="COMPLETE", job="load_orders", status="ok")
            assert event.event_type == "COMPLETE"
            assert time.monotonic() - begun < 8
            thread.join()

        def test_runs(intake, send):
            thread = later(0.05, lambda: send("START"), lambda: send("COMPLETE"))
            assert intake.wait_for_run(job="load_orders", state="START").states[0] == "START"
            run = intake.wait_for_run(run_event()["run"]["runId"])
            assert run.states == ["START", "COMPLETE"]
            thread.join()

        def test_settled(intake, send):
            thread = later(0.05, *[lambda: send("START"), lambda: send("COMPLETE")] * 2)
            intake.wait_for()
            assert len(intake.settled(0.3)) == 2
            assert not thread.is_alive()
            assert [event.attempts for event in intake.events()] == [2, 2]
            thread.join()

        def test_settled_waits_for_a_request_under_way(intake, send):
            intake.set_faults(delay=0.5)
            thread = later(0, send)
            time.sleep(0.1)
            assert len(intake.settled(0.2)) == 1
            thread.join()

        @pytest.mark.intake(events=0)
        def test_nothing_settles_at_once(intake):
            assert intake.settled(0.05) == []
        """,
        tests=5,
    )


def test_a_wait_that_ran_out_says_what_did_arrive(project: Project) -> None:
    project.conftest(LATER)
    ran = project.run_tests(
        """
        from conftest import later

        def test_events(intake, send):
            send("START")
            send("COMPLETE", key="0" * 32)
            send("COMPLETE", path="/v1/lineage")
            intake.wait_for(2, event_type="COMPLETE", job=re.compile("load"), timeout=0.1)

        def test_one_event(intake, send):
            intake.wait_for(timeout=0.1)

        def test_run(intake, send):
            send("START")
            send(b"{")
            intake.wait_for_run(job="load_orders", timeout=0.1)

        def test_run_state(intake, send):
            intake.wait_for_run(state="START", timeout=0.1)

        def test_faults(intake, send):
            intake.set_faults("503")
            send()
            intake.wait_for(timeout=0.1)

        def test_settled(intake, send):
            stop = threading.Event()
            def go():
                while not stop.wait(0.02):
                    send()
            thread = threading.Thread(target=go)
            thread.start()
            try:
                intake.settled(0.2, timeout=0.5)
            finally:
                stop.set()
                thread.join()
        """
    )
    assert ran.told("test_events") == pinned(
        """
        Waited 0.1 s for 2 events with event_type='COMPLETE', job=re.compile('load'); none came.

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)

        2 requests were refused or went astray meanwhile:
          POST /v1/lineage -> 404
            HT301 error: nothing takes events at /v1/lineage: the path is close to the endpoint, and not the endpoint
              advice:   Write /api/v1/lineage.
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """
    )
    assert ran.told("test_one_event") == pinned(
        """
        Waited 0.1 s for 1 event; none came.

        No event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?
        """  # noqa: E501
    )
    assert ran.told("test_run") == pinned(
        """
        Waited 0.1 s for a run with job='load_orders' to be COMPLETE, FAIL or ABORT.

        1 run arrived:
          5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders: START

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 400
            HT201 error: the body is no JSON: Expecting property name enclosed in double quotes at line 1 column 2
              advice:   Serialise the event with a JSON library; look at the place that the message names.
        """
    )
    assert ran.told("test_run_state") == pinned(
        """
        Waited 0.1 s for a run to be START.

        No event of a run arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?
        """  # noqa: E501
    )
    assert ran.told("test_faults") == pinned(
        """
        Waited 0.1 s for 1 event; none came.

        No event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 503 (fault: 503)
        """
    )
    assert ran.told("test_settled") == pinned(
        """
        Waited 0.5 s for 0.2 s without a request; they keep coming.

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )


def test_what_cannot_be_waited_for_or_expected_is_told_at_the_call(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_too_short(intake):
            intake.settled(0.5, timeout=0.1)

        def test_negative(intake):
            intake.wait_for(timeout=-1)

        def test_no_number(intake):
            intake.wait_for_run(timeout="soon")

        def test_for_ever(intake):
            intake.settled(timeout=float("inf"))

        def test_quiet(intake):
            intake.settled(-1)

        @pytest.mark.asyncio
        async def test_in_a_coroutine(intake):
            await intake.wait_for_async(timeout=-1)

        def test_rule(intake):
            intake.expect_finding("DD1011")
        """
    )
    assert ran.messages == [
        "ValueError: quiet for 0.5 s is more than the 0.1 s that are waited",
        "ValueError: timeout is a number of seconds, not -1",
        "ValueError: timeout is a number of seconds, not 'soon'",
        "ValueError: timeout is a number of seconds, not inf",
        "ValueError: quiet is a number of seconds, not -1",
        "ValueError: timeout is a number of seconds, not -1",
        "ValueError: there is no rule DD1011; did you mean DD101? `mock-intake rules` lists them",
    ]
    # The way ends where the test made the mistake.
    assert not re.search(r"^\S*mock_intake_pytest/\S+:\d+: ", ran.output, re.MULTILINE)
    assert ran.output.count("\ntest_it.py:") == 7


def test_a_request_that_does_not_end_keeps_a_test_from_settling(project: Project) -> None:
    message = project.failure(
        """
        import socket

        @pytest.mark.intake(events=0)
        def test_it(intake):
            with socket.create_connection(intake.server.address) as connection:
                connection.sendall(b"POST /api/v1/lineage HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9\\r\\n\\r\\n{")
                intake.settled(0.1, timeout=0.3)
        """
    )
    assert message == pinned(
        """
        Waited 0.3 s for 0.1 s without a request; one is still under way.

        No event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?
        """  # noqa: E501
    )


def test_coroutines_wait_while_their_loop_goes_on(project: Project) -> None:
    project.passes(
        """
        @pytest.mark.asyncio
        async def test_events(intake, send):
            async def producer():
                for state in ("START", "RUNNING", "COMPLETE"):
                    await asyncio.sleep(0.05)
                    await asyncio.to_thread(send, state)
            task = asyncio.create_task(producer())
            assert [event.event_type for event in await intake.wait_for_async(2)] == ["START", "RUNNING"]
            assert len(await intake.wait_for_async(event_type="COMPLETE", timeout=5)) == 1
            assert (await intake.wait_for_run_async(job="load_orders")).state == "COMPLETE"
            assert len(await intake.settled_async(0.1)) == 3
            await task

        @pytest.mark.asyncio
        async def test_at_once(intake_env, intake):
            async def nothing():
                await asyncio.sleep(0.01)
                return "went on"
            task = asyncio.create_task(nothing())
            with pytest.raises(IntakeFailure):
                await intake.wait_for_async(timeout=0.1)
            assert task.done()
            with pytest.raises(IntakeFailure):
                await intake.wait_for_run_async(timeout=0.1)
            with pytest.raises(IntakeFailure):
                await intake.wait_for_run_async(job="x", timeout=0.1)
            with pytest.raises(ValueError, match="quiet for 0.2 s"):
                await intake.settled_async(0.2, timeout=0.1)
        test_at_once = pytest.mark.intake(events=0)(test_at_once)
        """,
        tests=2,
    )


def test_a_wait_that_is_cancelled_is_over(project: Project) -> None:
    """A loop that closes waits for its threads."""
    begun = time.monotonic()
    project.passes(
        """
        @pytest.mark.intake(timeout=30)
        @pytest.mark.parametrize("wait", [
            lambda intake: intake.wait_for_async(9),
            lambda intake: intake.wait_for_run_async(job="other"),
            lambda intake: intake.settled_async(29),
        ])
        def test_it(intake, send, wait):
            async def main():
                task = asyncio.create_task(wait(intake))
                await asyncio.sleep(0.2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(wait(intake), 0.2)
                assert await intake.wait_for_async(1, timeout=5)
            send()
            asyncio.run(main())

        @pytest.mark.intake(events=0)
        def test_a_request_under_way(intake):
            import socket
            async def main():
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(intake.settled_async(0.1, timeout=30), 0.5)
            with socket.create_connection(intake.server.address) as connection:
                connection.sendall(b"POST /api/v1/lineage HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9\\r\\n\\r\\n{")
                asyncio.run(main())
        """,
        tests=4,
    )
    assert time.monotonic() - begun < 20


def test_coroutines_that_hold_up_their_loop_are_told(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.asyncio
        async def test_events(intake, send):
            task = asyncio.create_task(asyncio.to_thread(send))
            try:
                intake.wait_for(timeout=0.1)
            finally:
                await task

        @pytest.mark.asyncio
        async def test_run(intake):
            intake.wait_for_run(timeout=0.1)

        @pytest.mark.asyncio
        async def test_awaited(intake):
            await intake.wait_for_async(timeout=0.1)
        """
    )
    assert ran.told("test_events") == pinned(
        """
        Waited 0.1 s for 1 event; none came.

        No event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?

        The wait was made inside a running event loop, and held it up: in coroutines, use await intake.wait_for_async(...), wait_for_run_async or settled_async.
        """  # noqa: E501
    )
    assert ran.told("test_run") == pinned(
        """
        Waited 0.1 s for a run to be COMPLETE, FAIL or ABORT.

        No event of a run arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?

        The wait was made inside a running event loop, and held it up: in coroutines, use await intake.wait_for_async(...), wait_for_run_async or settled_async.
        """  # noqa: E501
    )
    assert "threads.py" not in ran.output
    assert ran.told("test_awaited") == pinned(
        """
        Waited 0.1 s for 1 event; none came.

        No event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?
        """  # noqa: E501
    )


def test_what_a_wait_cannot_be_asked_for_is_told_at_the_call(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_number(intake): intake.wait_for("2")

        def test_truth(intake): intake.wait_for(True)

        def test_state(intake): intake.wait_for_run(state=7)

        def test_states(intake): intake.wait_for_run(state=["FAIL", re.compile("F")])

        def test_no_state(intake): intake.wait_for_run(state=())

        def test_run(intake): intake.wait_for_run(7)

        @pytest.mark.asyncio
        async def test_name(intake): await intake.wait_for_async(jobb="load")

        @pytest.mark.asyncio
        async def test_name_of_a_run(intake): await intake.wait_for_run_async(status="ok")

        @pytest.mark.asyncio
        async def test_type(intake): await intake.wait_for_async(event_type=7)
        """
    )
    assert ran.messages == [
        "TypeError: events is a number of events, not '2'",
        "TypeError: events is a number of events, not True",
        "TypeError: state is a text or several of them, not 7",
        "TypeError: state is a text or several of them, not re.compile('F')",
        (
            "ValueError: state is one of START, RUNNING, COMPLETE, FAIL, ABORT, OTHER, or several of them; "
            "none is asked for"
        ),
        "TypeError: run_id is a text, a pattern or a UUID, not 7",
        "TypeError: wait_for_async has no jobb; there are events, event_type, job, run_id, status, timeout",
        "TypeError: wait_for_run_async has no status; there are run_id, job, state, timeout",
        "TypeError: event_type is a text or a pattern, not 7",
    ]
    assert not re.search(r"^\S*mock_intake_pytest/\S+:\d+: ", ran.output, re.MULTILINE)
