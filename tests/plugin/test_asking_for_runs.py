"""What tests ask about runs, and what they are told when one is not there."""

from __future__ import annotations

from tests.plugin.running import Project, pinned

OTHER_RUN = "0f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e"


def test_a_run_puts_its_events_together(project: Project) -> None:
    project.passes(
        f"""
        OTHER = "{OTHER_RUN}"

        def test_it(intake, send):
            facets = {{
                "parent": {{
                    "_producer": "https://x.example", "_schemaURL":
                    "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet",
                    "run": {{"runId": OTHER}}, "job": {{"namespace": "prod", "name": "nightly"}},
                }},
            }}
            failed = {{
                "errorMessage": {{
                    "_producer": "https://x.example", "_schemaURL":
                    "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
                    "message": "no disk", "programmingLanguage": "python", "stackTrace": "line 1",
                }},
            }}
            run = run_event()["run"]["runId"]
            send("START", run={{"runId": run, "facets": facets}}, inputs=[dataset("a.b.c")])
            send("RUNNING", inputs=[dataset("a.b.c"), dataset("a.b.d")])
            send("FAIL", eventTime="2026-11-01T12:00:01.500Z", outputs=[dataset("a.b.e")],
                 run={{"runId": run, "facets": failed}})
            send("START", run={{"runId": OTHER, "facets": {{}}}},
                 job={{"namespace": "prod", "name": "nightly", "facets": {{"jobType": job_type()}}}})

            assert [each.run_id for each in intake.runs()] == [run, OTHER]
            it = intake.run(job="load_orders")
            assert it.run_id == run and intake.run(run).run_id == run
            assert it.states == ["START", "RUNNING", "FAIL"] and it.state == "FAIL"
            assert it.duration == 1.5
            assert (it.ended_at - it.started_at).total_seconds() == 1.5
            assert [name for _, name in it.inputs] == ["a.b.c", "a.b.d"]
            assert [name for _, name in it.outputs] == ["a.b.e"]
            assert it.parent.run_id == OTHER and it.parent.job == ("prod", "nightly")
            assert it.error == ("no disk", "python", "line 1")
            assert it.error.stack_trace == "line 1"
            assert [event.event_type for event in it.events] == ["START", "RUNNING", "FAIL"]
            assert repr(it) == f"<Run {{run}} of prod / load_orders: START, RUNNING, FAIL>"
            other = intake.run(job=re.compile("night"))
            assert (other.state, other.duration, other.ended_at) == ("START", None, None)
            assert (other.parent, other.error, other.inputs) == (None, None, [])
        """
    )


def test_a_run_that_is_not_there_fails_with_those_that_are(project: Project) -> None:
    ran = project.run_tests(
        f"""
        def test_none(intake, send):
            send("START")
            send("COMPLETE")
            send(job_event())
            intake.run(job="clean_orders")

        def test_several(intake, send):
            send("START")
            send("START", run={{"runId": "{OTHER_RUN}", "facets": {{}}}})
            intake.run()

        def test_no_run_at_all(intake, send):
            send(job_event())
            intake.run("{OTHER_RUN}")

        def test_a_job_in_place_of_an_id(intake, send):
            send("START")
            intake.run("load_orders")

        def test_a_job_that_is_waited_for(intake, send):
            send("START")
            intake.wait_for_run("load_orders", timeout=0)
        """
    )
    assert ran.told("test_a_job_in_place_of_an_id") == pinned(
        """
        Expected one run with run_id='load_orders'; none fits.

        1 run arrived:
          5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders: START

        'load_orders' is a job's name, and was taken for a run id: a job is asked for by job='load_orders'.
        """
    )
    assert "a job is asked for by job='load_orders'." in ran.told("test_a_job_that_is_waited_for")
    assert ran.told("test_none") == pinned(
        """
        Expected one run with job='clean_orders'; none fits.

        1 run arrived:
          5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders: START, COMPLETE
        """
    )
    assert ran.told("test_several") == pinned(
        """
        Expected exactly one run; 2 fit.

        2 runs arrived:
          5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders: START
          0f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e of prod / load_orders: START
        """
    )
    assert ran.told("test_no_run_at_all") == pinned(
        """
        Expected one run with run_id='0f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e'; none fits.

        No event of a run arrived.
        """
    )


def test_jobs_that_share_a_run_id_have_a_run_each(project: Project) -> None:
    """As of producers that give all tasks of a run one id."""
    message = project.failure(
        """
        @pytest.mark.intake(fail_on="never")
        def test_it(intake, send):
            for name in ("extract", "load"):
                send("START", job={"namespace": "prod", "name": name, "facets": {"jobType": job_type()}})
            send("COMPLETE", job={"namespace": "prod", "name": "load", "facets": {"jobType": job_type()}})
            assert intake.run(job="load").states == ["START", "COMPLETE"]
            assert intake.run(job=("prod", "extract")).states == ["START"]
            assert [run.job.name for run in intake.runs()] == ["extract", "load"]
            assert intake.wait_for_run(job="load").job.name == "load"
            intake.run(job="report")
        """
    )
    assert [line.rsplit(" of ")[-1] for line in message.splitlines()[-2:]] == [
        "prod / extract: START", "prod / load: START, COMPLETE",
    ]  # fmt: skip


def test_a_run_whose_job_changes_is_found_by_any_of_its_jobs(project: Project) -> None:
    project.passes(
        """
        @pytest.mark.intake(fail_on="never")
        def test_it(intake, send):
            for event_type, name in (("START", "extract"), ("FAIL", "load")):
                send(event_type, job={"namespace": "prod", "name": name, "facets": {"jobType": job_type()}})
            assert intake.run(job="load").jobs == [("prod", "extract"), ("prod", "load")]
        """
    )
