"""The intake misbehaves as a test asks, towards that test alone, and is well again at its end."""

from __future__ import annotations

from mock_intake.faults import WORDS
from tests.plugin.running import Project, pinned


def test_requests_are_answered_by_the_plan(project: Project) -> None:
    project.passes(
        """
        def test_once(intake, send):
            intake.set_faults([503])
            assert [send(), send()] == [503, 202]

        def test_several(intake, send):
            step = {"step": 429, "times": 2, "headers": {"Retry-After": "1"}, "body": "slow down"}
            intake.set_faults([step])
            assert [send(), send(), send()] == [429, 429, 202]

        def test_always(intake, send):
            intake.set_faults("close", repeat_last=True)
            assert [send(), send(), send()] == [None, None, None]
            assert intake.faults["taken"] == 3
            intake.clear_faults()
            assert intake.faults is None
            assert send() == 202

        def test_sequence(intake, send):
            intake.set_faults("503, reset, 202, 404")
            assert [send(), send(), send(), send(), send()] == [503, None, 202, 404, 202]
            intake.set_faults([500, {"step": 502, "times": 2}])
            assert [send(), send(), send(), send()] == [500, 502, 502, 202]

        @pytest.mark.intake(events=0)
        def test_a_whole_plan(intake, send):
            intake.set_faults({"sequence": [500, 502], "repeat_last": True, "delay": 0.01, "org": "somebody else"})
            assert [send(), send(), send()] == [500, 502, 502]
            assert (intake.faults["delay"], intake.faults["org"]) == (0.01, intake.record.org)

        def test_a_delay(intake, send):
            intake.set_faults(delay=0.3)
            begun = time.monotonic()
            assert send() == 202
            assert time.monotonic() - begun >= 0.3
            intake.set_faults(delay=20)
            intake.clear_faults()
            begun = time.monotonic()
            send()
            assert time.monotonic() - begun < 20

        def test_outage(intake, send):
            with intake.outage():
                assert [send(), send()] == [None, None]
            with intake.outage(500):
                assert send() == 500
            assert send() == 202

        def test_outage_ends_with_an_error_too(intake, send):
            with pytest.raises(RuntimeError):
                with intake.outage():
                    raise RuntimeError
            assert send() == 202

        @pytest.mark.intake(faults="503,reset")
        def test_marker(intake, send):
            assert [send(), send(), send()] == [503, None, 202]
            (event,) = intake.events()
            assert event.attempts == 3

        @pytest.mark.intake(faults=[{"step": 503, "times": 2}])
        def test_marker_with_steps(intake, send):
            assert [send(), send(), send()] == [503, 503, 202]
        """,
        tests=10,
    )


def test_nobody_else_meets_a_tests_faults(project: Project) -> None:
    project.passes(
        """
        HANDLES = []

        @pytest.mark.intake(faults="503,503,503,503", events=0)
        def test_first(intake, send):
            HANDLES.append(intake)
            assert send() == 503
            # A key that is nobody's is refused as ever.
            assert send(key="0" * 32) == 403
            intake.set_faults("hang", repeat_last=True)

        def test_second(intake, send):
            assert intake.faults is None and HANDLES[0].faults is None
            assert send() == 202
        """,
        tests=2,
    )


def test_faults_end_with_the_test_however_it_ends(project: Project) -> None:
    ran = project.run_tests(
        """
        from tests.plugin.inside import post
        HANDLES = []

        def test_fails(intake, send):
            HANDLES.append(intake)
            intake.set_faults("503", repeat_last=True)
            assert False

        def test_late(intake, send):
            assert HANDLES[0].faults is None
            assert post(HANDLES[0], run_event()) == 202
            send()
        """
    )
    assert ran.outcomes == {"failed": 1, "passed": 1}


def test_the_agent_of_a_test_misbehaves_like_its_intake(project: Project) -> None:
    project.passes(
        """
        import http.client

        @pytest.mark.intake(faults="503")
        def test_it(intake):
            def send():
                connection = http.client.HTTPConnection(intake.agent_url.removeprefix("http://"))
                connection.request("POST", "/openlineage/api/v1/lineage", json.dumps(run_event()),
                                   {"Content-Type": "application/json"})
                status = connection.getresponse().status
                connection.close()
                return status
            assert [send(), send()] == [503, 202]
        """
    )


def test_plans_that_cannot_be_understood_are_told_at_the_call(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_status(intake): intake.set_faults([99])
        def test_text(intake): intake.set_faults("503;202")
        def test_details(intake): intake.set_faults([{"step": 503, "colour": "red"}])
        def test_delay(intake): intake.set_faults(delay=-1)
        def test_outage(intake):
            with intake.outage("fire"): pass
        """
    )
    assert "\n".join(ran.messages) == pinned(
        f"""
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of {", ".join(WORDS)}, not '99'
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of {", ".join(WORDS)}, not '503;202'
        ValueError: not a fault plan: a step has no field 'colour'; there are step, times, headers, body, delay, match, probability, seed, location
        ValueError: not a fault plan: delay is a number of seconds from 0 to 3600
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of {", ".join(WORDS)}, not 'fire'
        """  # noqa: E501
    )


def test_a_name_of_before_says_what_it_is_called_now(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_fail(intake): intake.fail(503, times=2)
        def test_sequence(intake): intake.sequence("503,202")
        def test_slow(intake): intake.slow(0.5)
        def test_well(intake): intake.well()
        def test_another(intake): intake.evnts()
        """
    )
    assert "\n".join(ran.messages) == pinned(
        """
        AttributeError: intake.fail is called set_faults now: intake.set_faults("503"), and for ever with repeat_last=True
        AttributeError: intake.sequence is called set_faults now: intake.set_faults("503,reset,202")
        AttributeError: intake.slow is called set_faults now: intake.set_faults(delay=0.5)
        AttributeError: intake.well is called clear_faults now: intake.clear_faults()
        AttributeError: 'IntakeHandle' object has no attribute 'evnts'
        """  # noqa: E501
    )


LEFT_OVER = """
    @pytest.mark.intake(faults=[{"step": 503, "match": {"event_type": "COMPLET"}}, 503, "reset"])
    def test_word(intake, send):
        assert [send(), send("COMPLETE")] == [503, None]
        assert send() == 202

    @pytest.mark.intake(faults=[{"step": 503, "times": None, "match": {"job": "laod"}}])
    def test_for_ever(intake, send):
        send()

    @pytest.mark.intake(faults=[{"step": "close", "times": 3}])
    def test_some(intake, send):
        send(), send()
        assert False

    @pytest.mark.intake(faults="503", events=0)
    def test_nothing_came(intake): pass
"""


def test_a_marker_s_faults_that_nothing_met_are_told_and_fail_nothing(project: Project) -> None:
    ran = project.run_tests(LEFT_OVER, "-rP", "--intake-report=report.md")
    assert ran.outcomes == {"passed": 3, "failed": 1}, ran.output
    warnings = [line for line in ran.summary.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        ("warning: test_it.py::test_word: faults that were not met: step 1 of 3 (503, event_type 'COMPLET')"),
        "warning: test_it.py::test_for_ever: faults that were not met: step 1 of 1 (503, job 'laod')",
        "warning: test_it.py::test_some: faults that were not met: step 1 of 1 (close, taken 2 of 3 times)",
        "warning: test_it.py::test_nothing_came: faults that were not met: step 1 of 1 (503)",
    ]
    # Each in its test's own report too, passed ones included.
    assert ran.output.count("- Captured mock-intake teardown -") == 4
    report = (project.path / "report.md").read_text().replace("\\", "")
    assert "Warning: test_it.py::test_word: faults that were not met: step 1 of 3" in report


def test_faults_that_workers_did_not_meet_are_told(project: Project) -> None:
    project.tests(LEFT_OVER)
    assert project.run_alone("-n2").summary.count("warning: test_it.py::test_") == 4


def test_many_tests_with_faults_that_nothing_met_are_summed_up(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.parametrize("number", range(12))
        @pytest.mark.intake(faults="202,503")
        def test_it(intake, send, number):
            send()
        """
    )
    assert ran.summary.count("warning: test_it.py::test_it[") == 10
    assert "warning: and of 2 more tests" in ran.summary


def test_faults_that_may_as_well_not_be_met_are_not_told(project: Project) -> None:
    ran = project.passes(
        """
        @pytest.mark.intake(faults="503,202")
        def test_all(intake, send):
            send(), send()

        @pytest.mark.intake(faults={"sequence": [202, 503], "repeat_last": True})
        def test_repeated(intake, send):
            send()

        @pytest.mark.intake(faults=[{"step": 503, "probability": 0.5, "match": {"job": "other"}}])
        def test_by_chance(intake, send):
            send()

        @pytest.mark.intake(faults=[{"step": 503, "probability": 0, "times": 2}])
        def test_never(intake, send):
            send()

        @pytest.mark.intake(faults={"delay": 0.01})
        def test_late(intake, send):
            send()

        @pytest.mark.intake(faults=[{"step": 503, "times": None}], events=0)
        def test_for_ever(intake, send):
            send(), send()

        @pytest.mark.intake(faults="202,503")
        def test_well(intake, send):
            send()
            intake.clear_faults()

        @pytest.mark.intake(faults="202,503")
        def test_another(intake, send):
            send()
            intake.set_faults("202,202,202")

        def test_its_own(intake, send):
            intake.set_faults([{"step": 503, "times": 7}])
            intake.set_faults("202,503")
            send()
        """,
        tests=9,
    )
    assert "warning: " not in ran.summary


def test_faults_of_a_test_that_was_skipped_are_not_told(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(faults="503")
        def test_it(intake):
            pytest.skip("not today")
        """
    )
    assert ran.outcomes == {"skipped": 1}
    assert "warning: " not in ran.summary
