"""When a test is judged: not if it failed, was skipped or broke by itself, and only when all of it has arrived."""

from __future__ import annotations

import pytest

from tests.plugin.running import Project, pinned


def test_tests_that_skip_or_are_to_fail_are_not_judged(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_skips(intake):
            pytest.skip("not today")

        @pytest.mark.skip
        def test_skipped(intake): pass

        def test_gives_up(intake):
            pytest.xfail("some day")

        @pytest.mark.xfail
        def test_fails(intake):
            assert False

        @pytest.mark.xfail(raises=IntakeFailure)
        def test_sends_what_will_not_do(intake, send):
            send(job={"namespace": "prod", "name": "load"})

        @pytest.mark.xfail(raises=AssertionError)
        def test_fails_as_assertions_do(intake, send):
            send(job={"namespace": "prod", "name": "load"})

        @pytest.mark.xfail
        def test_does_not_fail(intake, send):
            send()
        """
    )
    assert ran.outcomes == {"skipped": 2, "xfailed": 4, "xpassed": 1}


def test_a_test_whose_fixtures_broke_is_not_judged(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.fixture
        def broken(intake):
            raise RuntimeError("no database")

        @pytest.fixture
        def breaks_after(intake):
            yield
            raise RuntimeError("cannot close")

        def test_before(broken): pass

        def test_after(breaks_after, send):
            send()
        """
    )
    assert ran.outcomes == {"passed": 1, "errors": 2}
    assert ran.messages == ["RuntimeError: no database", "RuntimeError: cannot close"]


def test_what_fixtures_send_when_they_end_counts(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.fixture
        def client(intake, send):
            unsent = []
            yield unsent.append
            for event in unsent:
                send(event)

        @pytest.mark.intake(events=1)
        def test_flushed(client):
            client(run_event())

        def test_flushed_and_found(client):
            client(run_event(job={"namespace": "prod", "name": "load"}))
        """
    )
    assert ran.outcomes == {"passed": 2, "errors": 1}
    assert ran.told("test_flushed_and_found").startswith(
        '1 finding of level error (1 below it not shown: fail_on="info" and --intake-report show them):'
        "\n\nDD101 error: "
    )


def test_both_what_is_missing_and_what_was_found_is_told(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(events=2, fail_on="warning")
        def test_it(intake, send):
            send()
        """
    )
    assert ran.message == pinned(
        """
        The test wants 2 events (@pytest.mark.intake(events=2)).

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)

        1 finding of level warning or above:

        RC102 warning: run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders never ended
          in run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders
          expected: COMPLETE, FAIL or ABORT
          actual:   START
          why:      Spans are made when a run ends: one that never does looks as if it were running still, or does not show at all.
          advice:   Emit the terminal event in a finally block, and close the client before the process exits.
          source:   https://openlineage.io/docs/spec/run-cycle (documented); more: mock-intake rules RC102

        A test that wants a finding says so: intake.expect_finding("RC102"). To ignore a rule: @pytest.mark.intake(ignore="RC102"), or intake_ignore in the ini file. The level is intake_fail_on.
        """  # noqa: E501
    )


def test_requests_under_way_are_waited_for(project: Project) -> None:
    """The test sends and goes on; the body takes longer than the test."""
    ran = project.run_tests(
        """
        import socket

        @pytest.mark.intake(events=1)
        def test_it(intake):
            body = json.dumps(run_event()).encode()
            head = (
                f"POST /api/v1/lineage HTTP/1.1\\r\\nHost: {intake.host}\\r\\nContent-Type: application/json\\r\\n"
                f"Authorization: Bearer {intake.api_key}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
            )
            connection = socket.create_connection(intake.server.address)
            connection.sendall(head.encode() + body[:10])
            def go_on():
                connection.sendall(body[10:])
                connection.recv(100)
                connection.close()
            threading.Timer(0.3, go_on).start()

        def test_next(intake, send):
            send()
            assert len(intake.events()) == 1
        """
    )
    assert ran.outcomes == {"passed": 2}
    assert "late" not in ran.summary


def test_junit_reports_have_the_judgement(project: Project) -> None:
    project.run_tests("def test_it(intake): pass", "--junitxml=junit.xml")
    assert "The test used the intake, and no event arrived." in (project.path / "junit.xml").read_text()


def short_summary(project: Project, code: str, *arguments: str) -> list[str]:
    project.tests(code)
    ran = project.run("-rfE", *arguments)
    _, _, after = ran.output.partition(" short test summary info ")
    return [line for line in after.splitlines() if line.startswith(("FAILED", "ERROR"))]


def test_the_short_summary_names_the_rule_and_what_it_is_about(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the exception's class lives, which fills the line."""
    monkeypatch.setenv("COLUMNS", "200")
    lines = short_summary(
        project,
        """
        NO_FACET = {"namespace": "shop-etl", "name": "load", "facets": {}}

        def test_one(intake, send):
            send("START", job=NO_FACET)

        def test_several(intake, send):
            send("START", job=NO_FACET, eventTime="yesterday")

        @pytest.mark.intake(fail_on="warning")
        def test_run(intake, send):
            send("START")

        def test_silent(intake):
            pass

        def test_too_few(intake, send):
            send()
            intake.wait_for(job="another", timeout=0)

        @pytest.mark.intake(events=3)
        def test_count(intake, send):
            send(job=NO_FACET)
        """,
    )
    assert lines == [
        "FAILED test_it.py::test_one - DD101: job has no jobType facet (START shop-etl/load)",
        "FAILED test_it.py::test_several - DD101: job has no jobType facet (START shop-etl/load) +1",
        "FAILED test_it.py::test_run - RC102: never ended (run of prod/load_orders)",
        "FAILED test_it.py::test_silent - The test used the intake, and no event arrived.",
        "FAILED test_it.py::test_too_few - Waited 0 s for 1 event with job='another'; none came.",
        "FAILED test_it.py::test_count - DD101: job has no jobType facet (START shop-etl/load)",
    ]


def test_the_short_summary_is_the_same_from_workers(project: Project) -> None:
    project.tests("def test_silent(intake): pass")
    ran = project.run_alone("-n1", "-rfE")
    assert "test_it.py::test_silent - The test used the intake, and no event arrived." in ran.output
    assert "mock_intake_pytest.Verdict" not in ran.output


def test_other_failures_keep_their_words(project: Project) -> None:
    (line,) = short_summary(project, "def test_own(intake): raise RuntimeError('of the producer')")
    assert line == "FAILED test_it.py::test_own - RuntimeError: of the producer"
