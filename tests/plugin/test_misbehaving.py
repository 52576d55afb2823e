"""The intake misbehaves as a test asks, towards that test alone, and is well again at its end."""

from __future__ import annotations

from tests.plugin.running import Project, pinned


def test_requests_are_answered_by_the_plan(project: Project) -> None:
    project.passes(
        """
        def test_fail(intake, send):
            intake.fail()
            assert [send(), send()] == [503, 202]

        def test_fail_several(intake, send):
            intake.fail(429, times=2, headers={"Retry-After": "1"}, body="slow down")
            assert [send(), send(), send()] == [429, 429, 202]

        def test_fail_always(intake, send):
            intake.fail("close", times=None)
            assert [send(), send(), send()] == [None, None, None]
            assert intake.faults["taken"] == 3
            intake.well()
            assert intake.faults is None
            assert send() == 202

        def test_sequence(intake, send):
            intake.sequence("503, reset, 202, 404")
            assert [send(), send(), send(), send(), send()] == [503, None, 202, 404, 202]
            intake.sequence([500, {"step": 502, "times": 2}])
            assert [send(), send(), send(), send()] == [500, 502, 502, 202]

        def test_slow(intake, send):
            intake.slow(0.2)
            begun = time.monotonic()
            assert send() == 202
            assert time.monotonic() - begun >= 0.2
            intake.well()
            begun = time.monotonic()
            send()
            assert time.monotonic() - begun < 0.2

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
        tests=9,
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
            intake.fail("hang", None)

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
            intake.fail(503, None)
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
        def test_fail(intake): intake.fail(99)
        def test_sequence(intake): intake.sequence("503;202")
        def test_details(intake): intake.fail(503, colour="red")
        def test_slow(intake): intake.slow(-1)
        def test_outage(intake):
            with intake.outage("fire"): pass
        """
    )
    assert "\n".join(ran.messages) == pinned(
        """
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of close, reset, lost, truncate, drip, garbage, hang, redirect, not '99'
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of close, reset, lost, truncate, drip, garbage, hang, redirect, not '503;202'
        ValueError: not a fault plan: a step has no field 'colour'; there are step, times, headers, body, delay, match, probability, seed, location
        ValueError: not a fault plan: delay is a number of seconds from 0 to 3600
        ValueError: not a fault plan: a step is a status from 200 to 599 or one of close, reset, lost, truncate, drip, garbage, hang, redirect, not 'fire'
        """  # noqa: E501
    )
