"""What tests ask about what arrived, and what they are told when it is not there."""

from __future__ import annotations

import re

from tests.plugin.running import Project, pinned

OTHER_RUN = "0f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3e"


def test_events_are_found_by_what_they_are(project: Project) -> None:
    project.passes(
        f"""
        OTHER = "{OTHER_RUN}"
        CLEAN = {{"namespace": "prod", "name": "clean_orders", "facets": {{"jobType": job_type()}}}}

        def test_it(intake, send):
            send("START")
            send("COMPLETE")
            send("START", job=CLEAN, run={{"runId": OTHER, "facets": {{}}}})
            send("START", job={{"namespace": "test", "name": "load_orders"}}, run={{"runId": OTHER, "facets": {{}}}})
            send(job_event())
            send(dataset_event())

            def types(**asked):
                return [event.event_type or event.kind for event in intake.events(**asked)]

            assert types() == ["START", "COMPLETE", "START", "START", "JobEvent", "DatasetEvent"]
            assert types(event_type="START") == ["START", "START", "START"]
            assert types(job="load_orders") == ["START", "COMPLETE", "START", "JobEvent"]
            assert types(job=("prod", "load_orders")) == ["START", "COMPLETE", "JobEvent"]
            assert types(job=re.compile("^clean")) == ["START"]
            assert types(run_id=OTHER) == ["START", "START"]
            assert types(status="error") == ["START"]
            assert types(kind="DatasetEvent") == ["DatasetEvent"]
            assert types(event_type="START", job=re.compile("orders"), status="ok", run_id=OTHER) == ["START"]
            assert types(event_type="ABORT") == []
            assert intake.event(event_type="COMPLETE").job == ("prod", "load_orders")
            intake.expect_finding("DD101", times=1)
        """
    )


def test_nothing_is_missing_of_what_is_large(project: Project) -> None:
    ran = project.run_tests(
        """
        NO_FACET = {"namespace": "prod", "name": "load_orders", "facets": {}}

        def test_it(intake, send):
            for number in range(4):
                send("RUNNING", job=NO_FACET, eventTime=f"2026-11-01T12:00:0{number}Z", padding="x" * 1_200_000)
            send("COMPLETE", path="/api/v2/lineage", padding="x" * 2_200_000)
            send("COMPLETE", path="/api/v2/lineage")
            assert len(intake.events()) == 4
            assert len(intake.exchanges) == 6
        """
    )
    assert ran.outcomes == {"failed": 1}
    assert "DD101 error, 4 times" in ran.told("test_it")
    assert "HT301 error, 2 times" in ran.told("test_it")
    assert "2 requests refused or faulted" in ran.output


def test_an_event_tells_all_about_itself(project: Project) -> None:
    project.passes(
        """
        X = {"_producer": "https://acme.example", "_schemaURL": "https://acme.example/X.json", "k": 1}

        def test_it(intake, send):
            table = {**dataset("shop.public.orders", schema=schema("id")), "inputFacets": {"acme_x": X}}
            sent = run_event("START", inputs=[table], outputs=[dataset("shop.public.sums")])
            send(sent)
            send(sent)
            event = intake.event()
            assert (event.event_type, event.kind, event.status) == ("START", "RunEvent", "ok")
            assert event.event_time == sent["eventTime"]
            assert event.run_id == sent["run"]["runId"]
            assert event.job.namespace == "prod" and event.job.name == "load_orders"
            assert event.inputs == [("postgres://db:5432", "shop.public.orders")]
            assert event.outputs == [("postgres://db:5432", "shop.public.sums")]
            assert event.producer == sent["producer"]
            assert event.attempts == 2
            assert event.body == sent and json.loads(event.raw) == sent
            assert event["run"]["runId"] == event.run_id
            assert event.job_facets == {"jobType": job_type()} and event.run_facets == {}
            assert event.dataset_facets("shop.public.orders") == {"schema": schema("id"), "acme_x": X}
            assert event.headers["content-type"] == "application/json"
            assert intake.api_key not in str(event.headers)
            assert event.received_at.tzinfo is not None
            assert "RC301" not in [finding.code for finding in event.findings]
            assert repr(event) == (
                f"<Event START, prod / load_orders, run {event.run_id} (ok)>"
            )
            with pytest.raises(KeyError, match="nowhere; the event has shop.public.orders, shop.public.sums"):
                event.dataset_facets("nowhere")
            send(dataset_event())
            (about,) = intake.events(kind="DatasetEvent")
            assert (about.job, about.run_id, about.dataset.name) == (None, None, "shop.public.orders")
        """
    )


def test_an_event_that_is_not_there_fails_with_the_nearest(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_none_fits(intake, send):
            send("START")
            send("COMPLETE")
            send(job_event())
            intake.event(event_type="FAIL", job=re.compile("load"), status="ok")

        def test_several_fit(intake, send):
            send("START")
            send("RUNNING")
            intake.event(job=("prod", "load_orders"))

        def test_nothing_arrived(intake, send):
            send(key="0" * 32)
            intake.event()

        def test_many(intake, send):
            for number in range(7):
                send(run_event("RUNNING", eventTime=f"2026-11-01T12:00:0{number}Z"))
            intake.event(event_type="START")

        def test_hostile(intake, send):
            send(job={"namespace": "a\\x1b[31m\\n", "name": "b", "facets": {"jobType": job_type()}})
            intake.event(job="c")
        """
    )
    assert ran.told("test_none_fits") == pinned(
        """
        Expected one event with event_type='FAIL', job=re.compile('load'), status='ok'; none fits.

        Nearest of what arrived:
          START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'START'
          COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'COMPLETE'
          JobEvent, prod / load_orders (ok): event_type is None
        """
    )
    assert ran.told("test_several_fit") == pinned(
        """
        Expected exactly one event with job=('prod', 'load_orders'); 2 fit.

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_nothing_arrived") == pinned(
        """
        Expected one event; none fits.

        No event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """
    )
    assert ran.told("test_many") == pinned(
        """
        Expected one event with event_type='START'; none fits.

        Nearest of what arrived:
          RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'RUNNING'
          RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'RUNNING'
          RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'RUNNING'
          RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'RUNNING'
          RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok): event_type is 'RUNNING'
          and 2 more
        """
    )
    assert ran.told("test_hostile") == pinned(
        """
        Expected one event with job='c'; none fits.

        Nearest of what arrived:
          START, a\\x1b[31m\\n / b, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (warning): job is ('a\\x1b[31m\\n', 'b')
        """
    )
    assert ran.section("test_none_fits") == ""


def test_lineage_has_jobs_datasets_and_columns(project: Project) -> None:
    project.passes(
        """
        LINEAGE = {
            "_producer": "https://x.example", "_schemaURL":
            "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json"
            "#/$defs/ColumnLineageDatasetFacet",
            "fields": {"total": {"inputFields": [
                {"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "amount"}
            ]}},
        }

        def test_it(intake, send):
            assert intake.lineage.jobs == ()
            send("START", inputs=[dataset("shop.public.orders")],
                 outputs=[dataset("shop.public.sums", schema=schema("total"), columnLineage=LINEAGE)])
            graph = intake.lineage
            assert graph.jobs == [("prod", "load_orders")]
            assert [dataset.name for dataset in graph.datasets] == ["shop.public.orders", "shop.public.sums"]
            assert [(edge.source.name, edge.target.name) for edge in graph.edges] == [
                ("shop.public.orders", "load_orders"), ("load_orders", "shop.public.sums"),
            ]
            ((source, target),) = graph.column_edges
            assert source == (("postgres://db:5432", "shop.public.orders"), "amount")
            assert target == (("postgres://db:5432", "shop.public.sums"), "total")
        """
    )


def test_requests_are_there_as_they_came(project: Project) -> None:
    project.passes(
        """
        def test_it(intake, send):
            intake.set_faults("503,reset")
            for _ in range(3):
                send()
            send(b"no json")
            send("COMPLETE", path="/api/v2/lineage")
            send("COMPLETE", key="0" * 32)
            requests = intake.exchanges
            assert [request.status_code for request in requests] == [503, None, 202, 400, 404]
            assert [request.attempt for request in requests] == [1, 2, 3, None, 1]
            assert [request.accepted for request in requests] == [False, False, True, False, False]
            assert [request.fault for request in requests] == ["503", "reset", None, None, None]
            first = requests[0]
            assert (first.method, first.path, first.query) == ("POST", "/api/v1/lineage", "")
            assert first.json == run_event() and json.loads(first.body) == run_event()
            assert first.headers["authorization"] == "Bearer ****" + intake.api_key[-4:]
            assert first.event_id == intake.event().id
            assert requests[3].json is None
            assert [repr(request) for request in requests[:2]] == [
                "<Exchange POST /api/v1/lineage -> 503>", "<Exchange POST /api/v1/lineage -> no answer (reset)>",
            ]
            # The wrong key came meanwhile, and is nobody's.
            assert [request.status_code for request in intake.refused] == [503, None, 400, 404, 403]
            assert intake.event().attempts == 3
            intake.expect_finding("HT")
        """
    )


def test_findings_are_those_of_events_requests_and_runs(project: Project) -> None:
    project.passes(
        """
        def test_it(intake, send):
            send(job={"namespace": "prod", "name": "load"})
            send(b"no json")
            send("COMPLETE", job={"namespace": "prod", "name": "load"})
            send("COMPLETE", job={"namespace": "prod", "name": "load"}, eventTime="2026-11-01T13:00:00Z")
            codes = sorted({finding.code for finding in intake.findings if finding.severity != "info"})
            assert codes == CODES
            intake.expect_finding("DD101", times=3)
            intake.expect_finding("HT")
        """.replace("CODES", '["DD101", "HT201", "RC104"]')
    )


def test_members_of_enumerations_and_uuids_are_the_texts_they_stand_for(project: Project) -> None:
    project.passes(
        """
        import enum, uuid
        from openlineage.client.event_v2 import RunState

        RUN = uuid.UUID("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d")

        class Jobs(enum.Enum):
            LOAD = "load_orders"
            NAMESPACE = "prod"

        class Words(enum.StrEnum):
            OK = "ok"
            RUN_EVENT = "RunEvent"

        @pytest.mark.intake(fail_on="never")
        def test_it(intake, send):
            send("START"), send("FAIL")
            assert [event.event_type for event in intake.events(event_type=RunState.FAIL)] == ["FAIL"]
            assert len(intake.events(run_id=RUN)) == len(intake.events(run_id=re.compile("^5f0b"))) == 2
            assert len(intake.events(job=Jobs.LOAD, status=Words.OK, kind=Words.RUN_EVENT)) >= 1
            event = intake.event(event_type=RunState.FAIL, run_id=RUN, job=(Jobs.NAMESPACE, Jobs.LOAD))
            assert event.event_type == "FAIL"
            assert intake.run(RUN).run_id == intake.run(re.compile("^5f0b")).run_id == str(RUN)
            assert len(intake.runs(job=Jobs.LOAD)) == 1
            assert len(intake.wait_for(event_type=RunState.FAIL, run_id=RUN)) == 1
            for state in (RunState.FAIL, [RunState.COMPLETE, RunState.FAIL], {RunState.FAIL}):
                assert intake.wait_for_run(RUN, state=state).state == "FAIL"
            with pytest.raises(IntakeFailure, match="one event with event_type='ABORT', run_id='5f0b5ce7-.*'; none"):
                intake.event(event_type=RunState.ABORT, run_id=RUN)
            with pytest.raises(IntakeFailure, match="for a run with run_id='5f0b5ce7-.*' to be COMPLETE"):
                intake.wait_for_run(RUN, state=RunState.COMPLETE, timeout=0)
        """
    )


def test_what_is_no_text_is_refused_at_the_call(project: Project) -> None:
    ran = project.run_tests(
        """
        import enum
        from openlineage.client.event_v2 import RunEvent

        class Number(enum.Enum):
            ONE = 1

        def test_type(intake): intake.events(event_type=["FAIL"])
        def test_type_of_enum(intake): intake.events(event_type=Number.ONE)
        def test_word_of_enum(intake): intake.events(event_type=enum.Enum("E", {"A": "FAILED"}).A)
        def test_run(intake): intake.event(run_id=7)
        def test_job(intake): intake.run(job=("a", "b", "c"))
        def test_job_of_a_pair(intake): intake.runs(job=("a", None))
        def test_status(intake): intake.events(status=b"ok")
        def test_kind(intake): assert intake.events(kind=RunEvent) == []
        """
    )
    assert [re.sub("<class .*>", "CLASS", message) for message in ran.messages] == [
        "TypeError: event_type is a text or a pattern, not ['FAIL']",
        "TypeError: event_type is a text or a pattern, not <Number.ONE: 1>",
        "ValueError: event_type is one of START, RUNNING, COMPLETE, FAIL, ABORT, OTHER, not 'FAILED'",
        "TypeError: run_id is a text, a pattern or a UUID, not 7",
        "TypeError: job is a text, a pattern or (namespace, name), not ('a', 'b', 'c')",
        "TypeError: job is a text, a pattern or (namespace, name), not ('a', None)",
        "TypeError: status is a text or a pattern, not b'ok'",
        "TypeError: kind is a text or a pattern, not CLASS",
    ]
    # The way ends where the test made the mistake.
    assert not re.search(r"^\S*mock_intake_pytest/\S+:\d+: ", ran.output, re.MULTILINE)


def test_a_name_of_before_says_what_it_is_called_now(project: Project) -> None:
    ran = project.run_tests(
        """
        import asyncio

        def test_events(intake): intake.events(type="START")
        def test_event(intake): intake.event(run="x")
        def test_run(intake): intake.run(run="x")
        def test_wait_for(intake): intake.wait_for(type="START")
        def test_wait_for_run(intake): intake.wait_for_run(run="x")
        def test_wait_for_async(intake): asyncio.run(intake.wait_for_async(type="START"))
        def test_wait_for_run_async(intake): asyncio.run(intake.wait_for_run_async(run="x"))

        @pytest.mark.parametrize("name", ["type", "time", "body_"])
        def test_attribute_of_an_event(intake, send, name):
            send()
            getattr(intake.event(), name)

        @pytest.mark.parametrize("name", ["id", "ids"])
        def test_attribute_of_a_run(intake, send, name):
            send()
            getattr(intake.run(), name)
        """
    )
    assert "\n".join(ran.messages) == pinned(
        """
        TypeError: events() has no type: it is called event_type now
        TypeError: event() has no run: it is called run_id now
        TypeError: run() has no run: it is called run_id now
        TypeError: wait_for() has no type: it is called event_type now
        TypeError: wait_for_run() has no run: it is called run_id now
        TypeError: wait_for_async() has no type: it is called event_type now
        TypeError: wait_for_run_async() has no run: it is called run_id now
        AttributeError: event.type is called event_type now
        AttributeError: event.time is called event_time now
        AttributeError: 'Event' object has no attribute 'body_'
        AttributeError: run.id is called run_id now
        AttributeError: 'Run' object has no attribute 'ids'
        """
    )
