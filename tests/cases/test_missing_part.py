"""Kind 1: a missing part changes the yardstick."""

from __future__ import annotations

import pytest

from mock_intake.model.findings import Severity
from mock_intake.rules.examples import ABSENT, Changes, changed
from tests.cases.judged import Body, codes, found_in, of
from tests.events import RUN_ID, base, dataset, dataset_event, job_event, job_type, run_event, schema

_READS_AND_WRITES = {
    "inputs": [dataset("shop.public.orders", schema=schema())],
    "outputs": [dataset("shop.public.daily", schema=schema())],
}


def without_run(event_type: str | None = "COMPLETE", **changes: object) -> Body:
    event = run_event(event_type, **{**_READS_AND_WRITES, **changes})
    del event["run"]
    return event


CLAIMS: list[tuple[Body, str, str]] = [
    (without_run(), "", 'eventType "COMPLETE" and schemaURL say that the event is one of a run'),
    (without_run(Run={"runId": RUN_ID}), "/Run", "Run is not read: write it as the key run."),
    (without_run(runId=RUN_ID), "/runId", "runId is not read: write it as runId in the object run."),
    (without_run(None, run_id=RUN_ID), "/run_id", "run_id is not read: write it as runId in the object run."),
    (without_run(None), "", "schemaURL says that the event is one of a run, and it has no run"),
    (job_event(event_type="START"), "", "event_type says that"),
    (changed(job_event(), {"/job/runId": RUN_ID}), "/job/runId", "job.runId is not read"),
    (dataset_event(schemaURL=run_event()["schemaURL"]), "", "schemaURL says that"),
    (dataset_event(inputs=[], eventType="COMPLETE"), "", 'eventType "COMPLETE" says that'),
]


@pytest.mark.parametrize(("event", "pointer", "words"), CLAIMS, ids=[words for *_, words in CLAIMS])
def test_an_event_that_claims_to_be_one_of_a_run_and_has_none_is_an_error(
    event: Body, pointer: str, words: str
) -> None:
    [finding] = of(found_in(event), "DD106")
    assert (finding.severity, finding.violates, finding.pointer) == (Severity.ERROR, None, pointer)
    assert words in f"{finding.message} {finding.advice}"
    assert "OL011" not in codes(found_in(event)), "nothing is wrong with the schemaURL"


def test_what_is_asked_of_run_events_is_asked_of_it() -> None:
    event = changed(without_run("FAIL", schemaURL=job_event()["schemaURL"]), {"/job/facets/jobType": ABSENT})
    assert codes(found_in(event)) == {"DD101", "DD106"}
    reserved = changed(without_run(), {"/job/facets/jobType": job_type(integration="SPARK", jobType="QUERY")})
    assert codes(found_in(reserved)) == {"DD102", "DD104", "DD106"}


def test_a_core_of_run_events_alone_is_not_to_be_replaced_by_a_later_one() -> None:
    event = without_run(schemaURL="https://openlineage.io/spec/1-0-5/OpenLineage.json#/definitions/RunEvent")
    [finding] = of(found_in(event), "OL013")
    assert (finding.advice, finding.violates) == ("Add the run.", "openlineage")


def test_of_a_run_event_whose_job_was_forgotten_the_dataset_makes_no_dataset_event() -> None:
    event = changed(run_event("COMPLETE", dataset=dataset()), {"/job": ABSENT})
    [finding] = of(found_in(event), "DD106")
    assert finding.message.endswith("and it has no job")
    assert finding.expected == "job with namespace and name"


_NOTHING_MISSING: list[Changes] = [
    {},
    {"/eventType": None},
    {"/eventType": ""},
    {"/runner": "spark"},
    {"/runtime": 7, "/runs": 3},
    {"/Run": None},
    {"/job/facets/documentation": {**base("DocumentationJobFacet", "1-1-0"), "description": "run runId eventType"}},
    {"/schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json"},
]


@pytest.mark.parametrize("changes", _NOTHING_MISSING, ids=str)
def test_a_job_event_that_claims_nothing_else_is_one(changes: Changes) -> None:
    assert codes(found_in(changed(job_event(**_READS_AND_WRITES), changes))) == set()


@pytest.mark.parametrize("event", [dataset_event(), dataset_event(eventType="CREATED"), run_event()], ids=str)
def test_other_events_are_what_they_are(event: Body) -> None:
    assert "DD106" not in codes(found_in(event))


_OPEN_ADDRESS = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_STARTS = run_event("START")


def forgetful(**changes: object) -> Body:
    """The end of the same job, by which nothing says that it is one of a run."""
    return without_run(None, schemaURL=_OPEN_ADDRESS, eventTime="2026-11-01T12:00:09Z", **changes)


@pytest.mark.parametrize(
    "events",
    [
        (_STARTS, forgetful()),
        (forgetful(), _STARTS),
        (_STARTS, {key: value for key, value in forgetful().items() if key != "schemaURL"}),
        (_STARTS, forgetful(), forgetful(outputs=[])),
    ],
)
def test_others_of_the_job_tell_that_a_run_was_forgotten(events: tuple[Body, ...]) -> None:
    [finding] = of(found_in(*events), "DD106")
    assert (finding.severity, finding.subject, finding.violates) == (Severity.ERROR, "run", None)
    assert f"have one, such as run {RUN_ID} of prod / load_orders" in finding.message.replace("others have", "have")
    assert "end schemaURL with #/$defs/JobEvent" in (finding.advice or "")


@pytest.mark.parametrize(
    "events",
    [
        # A job may be described beside its runs, by who says so.
        (_STARTS, job_event(**_READS_AND_WRITES)),
        (_STARTS, changed(forgetful(), {"/job/name": "load_items"})),
        (forgetful(), forgetful(outputs=[])),
        (_STARTS, dataset_event()),
    ],
)
def test_what_is_said_to_be_no_event_of_a_run_is_none(events: tuple[Body, ...]) -> None:
    assert of(found_in(*events), "DD106") == []
