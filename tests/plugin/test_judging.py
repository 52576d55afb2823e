"""A test fails if what arrived would not do in production, or if nothing arrived; and says all about it."""

from __future__ import annotations

import re

from tests.plugin.running import Project, pinned

NO_FACET = 'NO_FACET = {"namespace": "prod", "name": "load_orders"}\n'


def test_findings_fail_the_test_that_sent_what_they_are_about(project: Project) -> None:
    ran = project.run_tests(
        NO_FACET
        + """
        def test_finding(intake, send):
            send("START", job=NO_FACET)
            for number in range(4):
                send("RUNNING", job=NO_FACET, eventTime=f"2026-11-01T12:00:0{number}Z")

        def test_several_rules(intake, send):
            send("START", job=NO_FACET, eventTime="yesterday")
            send("START", path="/api/v2/lineage")

        @pytest.mark.intake(fail_on="warning")
        def test_of_runs(intake, send):
            send("COMPLETE")

        def test_fine(intake, send):
            send()
        """.replace("\n        ", "\n")
    )
    assert ran.outcomes == {"failed": 3, "passed": 1}
    assert ran.told("test_finding") == pinned(
        """
        5 findings of level error:

        DD101 error, 5 times: the job has no jobType facet, so Datadog would take the event and not process it
          in START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d, at /job
          in RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d, at /job
          and 3 more
          expected: job.facets.jobType with processingType, integration and jobType
          actual:   facets: none
          why:      Datadog documents that it needs the facet to process a run event. The event is answered with a 2xx all the same, so nothing tells the producer that it will not be there.
          advice:   Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where a package makes the events, an EventTransformer of a few lines in the client's transform transport adds it.
          source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); more: mock-intake rules DD101

        A test that wants a finding says so: intake.expect_finding("DD101"). To ignore a rule: @pytest.mark.intake(ignore="DD101"), or intake_ignore in the ini file. The level is intake_fail_on.
        """  # noqa: E501
    )
    assert ran.told("test_several_rules") == pinned(
        """
        3 findings of level error:

        DD101 error: the job has no jobType facet, so Datadog would take the event and not process it
          in START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d, at /job
          expected: job.facets.jobType with processingType, integration and jobType
          actual:   facets: none
          why:      Datadog documents that it needs the facet to process a run event. The event is answered with a 2xx all the same, so nothing tells the producer that it will not be there.
          advice:   Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where a package makes the events, an EventTransformer of a few lines in the client's transform transport adds it.
          source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); more: mock-intake rules DD101

        HT301 error: nothing takes events at /api/v2/lineage: the path is close to the endpoint, and not the endpoint
          in START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d -> 404, at path
          expected: /api/v1/lineage
          actual:   /api/v2/lineage
          why:      Nothing else of the host takes events. A GET or HEAD that has neither key nor body, as health checks send it, is no more than an info on a path that is no endpoint's.
          advice:   Write /api/v1/lineage.
          source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); more: mock-intake rules HT301

        OL007 error: eventTime is no RFC 3339 date-time
          in START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d, at /eventTime
          expected: RFC 3339 date-time with a UTC offset
          actual:   "yesterday"
          why:      Start and duration of the run come from it.
          advice:   Write it like 2026-01-31T12:00:00.000Z; in Python `datetime.now(timezone.utc).isoformat()`.
          source:   https://www.rfc-editor.org/rfc/rfc3339#section-5.6 (documented); more: mock-intake rules OL007

        A test that wants a finding says so: intake.expect_finding("DD101"). To ignore a rule: @pytest.mark.intake(ignore="DD101"), or intake_ignore in the ini file. The level is intake_fail_on.
        """  # noqa: E501
    )
    assert ran.told("test_of_runs") == pinned(
        """
        1 finding of level warning or above:

        RC101 warning: run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders has no START
          in run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders
          expected: START first
          actual:   COMPLETE
          why:      Start time and duration of the run come from START's eventTime. A STREAMING or SERVICE job that tells of itself from time to time (emissionPattern: PERIODIC) may send RUNNING alone.
          advice:   Emit START before the work begins; look whether it was refused or got lost on the way.
          source:   https://openlineage.io/docs/spec/run-cycle (documented); more: mock-intake rules RC101

        A test that wants a finding says so: intake.expect_finding("RC101"). To ignore a rule: @pytest.mark.intake(ignore="RC101"), or intake_ignore in the ini file. The level is intake_fail_on.
        """  # noqa: E501
    )


def test_only_the_judgement_is_shown_of_a_test_that_has_passed_itself(project: Project) -> None:
    ran = project.run_tests("def test_it(intake): pass")
    ran.result.stdout.re_match_lines(
        [r"_+ test_it _+", r"^The test used the intake, and no event arrived\.$"], consecutive=True
    )
    assert "mock_intake_pytest/" not in ran.output


def test_nothing_received_fails_a_test(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_silent(intake): pass

        def test_wrong_key(intake, send):
            send(key="0" * 32)

        def test_no_key(intake):
            import urllib.request, urllib.error
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(intake.url + "/api/v1/lineage", b"{}")

        def test_all_faulted(intake, send):
            intake.set_faults("reset", repeat_last=True)
            send()

        @pytest.mark.intake(events=0)
        def test_none_wanted(intake): pass
        """
    )
    assert ran.outcomes == {"passed": 1, "failed": 4}
    assert ran.told("test_silent") == pinned(
        """
        The test used the intake, and no event arrived.

        Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? Was it closed before the test ended?

        A test that wants none says @pytest.mark.intake(events=0).
        """  # noqa: E501
    )
    assert ran.told("test_wrong_key") == pinned(
        """
        The test used the intake, and no event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.

        A test that wants none says @pytest.mark.intake(events=0).
        """
    )
    assert ran.told("test_no_key") == pinned(
        """
        The test used the intake, and no event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 401
            HT001 error: the request has no API key
              advice:   Send the header Authorization: Bearer <DD_API_KEY>. The Python client takes the key from OPENLINEAGE_API_KEY, its Datadog transport from DD_API_KEY.
          The key of this test is intake.api_key; intake_env leads clients here with it.

        A test that wants none says @pytest.mark.intake(events=0).
        """  # noqa: E501
    )
    assert ran.told("test_all_faulted") == pinned(
        """
        The test used the intake, and no event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> no answer (fault: reset)

        A test that wants none says @pytest.mark.intake(events=0).
        """
    )


def test_the_number_of_events_that_the_marker_names_must_come(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(events=0)
        def test_none(intake, send):
            send()

        @pytest.mark.intake(events=1)
        def test_one(intake, send):
            send()
            send("COMPLETE")

        @pytest.mark.intake(events=2)
        def test_two(intake, send):
            send()
            send("COMPLETE", key="0" * 32)

        @pytest.mark.intake(events=1)
        def test_another_attempt_is_no_other_event(intake, send):
            send()
            send()
        """
    )
    assert ran.outcomes == {"passed": 1, "failed": 3}
    assert ran.told("test_none") == pinned(
        """
        The test wants no events (@pytest.mark.intake(events=0)).

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_one") == pinned(
        """
        The test wants 1 event (@pytest.mark.intake(events=1)).

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_two") == pinned(
        """
        The test wants 2 events (@pytest.mark.intake(events=2)).

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """
    )


def test_findings_that_a_test_expects_do_not_fail_it_and_their_absence_does(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_made(intake, send):
            send(job={"namespace": "prod", "name": "load"})
            intake.expect_finding("DD101")

        def test_made_twice(intake, send):
            intake.expect_finding("dd101", times=2)
            send(job={"namespace": "prod", "name": "load"})
            send("COMPLETE", job={"namespace": "prod", "name": "load"})

        @pytest.mark.intake(fail_on="warning")
        def test_of_a_run_that_never_ended(intake, send):
            intake.expect_finding("RC")
            send()

        @pytest.mark.intake(events=0)
        def test_of_a_refused_request(intake, send):
            send(b"{")
            intake.expect_finding("HT201", 1)

        def test_not_made(intake, send):
            intake.expect_finding("DD101")
            intake.expect_finding("OL", times=2)
            send()

        def test_made_too_often(intake, send):
            intake.expect_finding("DD101", times=1)
            send(job={"namespace": "prod", "name": "load"})
            send("COMPLETE", job={"namespace": "prod", "name": "load"})

        @pytest.mark.intake(events=0)
        def test_nothing_at_all(intake):
            intake.expect_finding("DD101")

        def test_another_than_expected(intake, send):
            intake.expect_finding("OL")
            send(job={"namespace": "prod", "name": "load"})

        def test_no_such_rule(intake, send):
            send()
            intake.expect_finding("DD999")
        """
    )
    assert ran.outcomes == {"passed": 4, "failed": 5}
    assert ran.told("test_not_made") == pinned(
        """
        The test expects the finding DD101; it was not made.
        The test expects the finding OL 2 times; it was made 0 times.

        Found was: RC102.

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_made_too_often") == pinned(
        """
        The test expects the finding DD101 once; it was made 2 times.

        Found was: DD101.

        2 events arrived:
          1. START, prod / load, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (error)
          2. COMPLETE, prod / load, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (error)
        """
    )
    assert ran.told("test_nothing_at_all") == pinned(
        """
        The test expects the finding DD101; it was not made.

        Nothing was found.

        No event arrived.
        """
    )
    assert ran.told("test_another_than_expected").startswith("1 finding of level error:\n\nDD101 error: the job has no")
    assert ran.told("test_no_such_rule") == pinned(
        """
        ValueError: there is no rule DD999; `mock-intake rules` lists them
        """
    )


def test_a_test_that_fails_by_itself_is_told_what_arrived(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_own(intake, send):
            send("START", job={"namespace": "prod", "name": "load"})
            send("COMPLETE", key="0" * 32)
            send(b"{")
            assert 1 == 2

        def test_question(intake, send):
            send("START", job={"namespace": "prod", "name": "load"})
            intake.event(event_type="COMPLETE")

        def test_nothing(intake):
            raise RuntimeError("the producer is broken")
        """
    )
    # Judged once, by their own failures: nothing more is said at their ends.
    assert ran.outcomes == {"failed": 3}
    assert ran.told("test_own") == "assert 1 == 2"
    assert ran.section("test_own") == pinned(
        """
        1 event arrived:
          1. START, prod / load, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (error)

        DD101 error: the job has no jobType facet, so Datadog would take the event and not process it
          in START, prod / load, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d, at /job
          expected: job.facets.jobType with processingType, integration and jobType
          actual:   facets: none
          why:      Datadog documents that it needs the facet to process a run event. The event is answered with a 2xx all the same, so nothing tells the producer that it will not be there.
          advice:   Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where a package makes the events, an EventTransformer of a few lines in the client's transform transport adds it.
          source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); more: mock-intake rules DD101

        HT201 error: the body is no JSON: Expecting property name enclosed in double quotes at line 1 column 2
          in POST /api/v1/lineage -> 400, at body
          expected: JSON in UTF-8
          actual:   {
          why:      What cannot be read is no event.
          advice:   Serialise the event with a JSON library; look at the place that the message names.
          source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); more: mock-intake rules HT201

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """  # noqa: E501
    )
    assert ran.section("test_question").startswith("DD101 error: the job has no jobType facet")
    assert ran.section("test_nothing").startswith("No event arrived.\n\nDoes the code under test emit any?")


def test_an_expected_finding_that_is_ignored_is_told_so(project: Project) -> None:
    project.ini("intake_ignore = RC102")
    ran = project.run_tests(
        """
        @pytest.mark.intake(ignore="dd1")
        def test_by_marker(intake, send):
            send(job={"namespace": "prod", "name": "load"})
            intake.expect_finding("DD101")

        def test_by_ini(intake, send):
            send()
            intake.expect_finding("RC", times=1)
        """
    )
    by = "(ignore= of the marker, intake_ignore, or [tool.mock-intake])."
    assert ran.told("test_by_marker").startswith(
        f"The test expects the finding DD101; it was not made. Ignored here, and so never found: DD1 {by}\n\n"
    )
    assert ran.told("test_by_ini").startswith(
        "The test expects the finding RC once; it was made 0 times. Ignored here, and so never found: RC102 " + by
    )


def test_a_request_without_an_event_is_told_by_its_method_and_path(project: Project) -> None:
    message = project.failure(
        """
        def test_it(intake, send):
            send("COMPLETE")
            send({"a": 1}, path="/api/v2/lineage")
        """
    )
    assert "\n  in POST /api/v2/lineage -> 404, at path\n" in message
    assert "in no event" not in message


def test_what_is_below_the_level_is_told_with_how_to_see_it(project: Project) -> None:
    message = project.failure(
        """
        def test_it(intake, send):
            send("ABORT", job={"namespace": "prod", "name": "load"})
        """
    )
    assert message.startswith(
        '1 finding of level error (1 below it not shown: fail_on="info" and --intake-report show them):'
    )


def test_a_suite_may_ask_for_no_events_and_still_has_what_comes_judged(project: Project) -> None:
    project.ini("intake_require_events = false")
    ran = project.run_tests(
        """
        pytestmark = pytest.mark.usefixtures("intake_env")

        def test_emits_nothing(): pass

        def test_is_judged(send):
            send("START", job={"namespace": "prod", "name": "load"})

        @pytest.mark.intake(events=1)
        def test_wants_one(): pass
        """
    )
    assert ran.outcomes == {"passed": 1, "failed": 2}, ran.output
    assert ran.told("test_is_judged").startswith("1 finding of level error")
    assert ran.told("test_wants_one").startswith("The test wants 1 event (@pytest.mark.intake(events=1)).")
    project.ini("intake_require_events = perhaps")
    assert "intake_require_events is true or false" in project.run().result.stderr.str()


# What a test can ask for that no event came to.
ASKED = (
    'intake.wait_for(event_type="COMPLETE", timeout=0.05)',
    'intake.event(event_type="COMPLETE")',
    'intake.run(job="load")',
    'intake.wait_for_run(job="load", timeout=0.05)',
    "intake.assert_events([{}])",
    "intake.assert_event({})",
    "intake.assert_snapshot()",
    "None",
)


def test_all_failures_for_want_of_events_ask_the_same(project: Project) -> None:
    tests = [f"def test_{number}(intake): {asked}" for number, asked in enumerate(ASKED)]
    output = project.run_tests("\n".join(tests)).output
    question = "Does the code under test emit any? Was its client told where to (intake_env, or intake.url"
    for number, asked in enumerate(ASKED):
        message = re.split(rf"_+ test_{number} _+\n", output)[1].partition("\n____")[0]
        assert message.count(question) == 1, asked
