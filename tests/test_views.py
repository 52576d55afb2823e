"""Runs and datasets as folded from the journal, against examples worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from mock_intake.journal import EventFilter, MemoryJournal
from mock_intake.judging.intake import Intake, Settings
from mock_intake.judging.judgement import event_id
from mock_intake.model.exchange import Exchange, ReceivedRequest, new_exchange_id
from mock_intake.model.findings import Finding, Selection, Severity
from mock_intake.secrets.api_keys import org_of
from mock_intake.views import Run, Views, run_to_dict
from tests.events import RUN_ID, base, dataset, dataset_event, job_event, run_event

KEY, OTHER_KEY = "a" * 32, "b" * 32
ORG, OTHER_ORG = org_of(KEY), org_of(OTHER_KEY)
OTHER_RUN_ID = "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"
PARENT_RUN_ID = "c3e1f0a2-54d7-4f0e-9b1d-2a6c8e7f9b10"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

Body = dict[str, Any]


class Recorder:
    """A journal that real requests are received into, one a second, and the views of it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.intake = Intake(settings)
        self.journal = MemoryJournal()
        self.views = Views(self.journal, self.intake.settings.selection)
        self.received = 0

    def send(self, *bodies: Body, key: str = KEY, fault: str | None = None) -> Exchange:
        """Has events received; ``fault`` is the step that hit them. Gives the last exchange."""
        for body in bodies:
            exchange = replace(self.intake.receive(self.request(body, key)), fault=fault)
            self.journal.append([exchange])
        return exchange

    def request(self, body: Body, key: str) -> ReceivedRequest:
        self.received += 1
        wire = orjson.dumps(body)
        return ReceivedRequest(
            id=new_exchange_id(),
            method="POST",
            path="/api/v1/lineage",
            query="",
            headers=(("authorization", f"Bearer {key}"), ("content-type", "application/json")),
            body=wire,
            received_at=NOON + timedelta(seconds=self.received),
            wire_size=len(wire),
        )

    def run(self) -> Run:
        """The one run that there is."""
        [run] = self.views.runs()
        return run

    def shown(self, *, closed: bool = True) -> Body:
        run = self.run()
        return {**run_to_dict(run, self.views.run_findings(run, closed=closed))}

    def findings(self, *, closed: bool = True) -> list[Finding]:
        return [finding for run in self.views.runs() for finding in self.views.run_findings(run, closed=closed)]

    def codes(self, *, closed: bool = True) -> list[str]:
        return [finding.code for finding in self.findings(closed=closed)]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def step(event_type: str | None, time: str = "2026-11-01T12:00:00Z", run_id: str = RUN_ID, **run_facets: Any) -> Body:
    return run_event(event_type, eventTime=time, run={"runId": run_id, "facets": run_facets})


def parent(run_id: str = PARENT_RUN_ID) -> Body:
    job = {"namespace": "prod", "name": "nightly"}
    return {**base("ParentRunFacet", "1-1-0"), "run": {"runId": run_id}, "job": job}


# A whole run, as it is shown.


def test_a_run_is_shown_with_its_states_times_and_events(recorder: Recorder) -> None:
    bodies = [
        step("START", "2026-11-01T12:00:00Z", parent=parent()),
        step("RUNNING", "2026-11-01T12:00:30Z"),
        step("COMPLETE", "2026-11-01T12:01:30.5Z"),
    ]
    recorder.send(*bodies)
    shown = recorder.shown()
    [finding] = shown.pop("findings")
    assert shown == {
        "run_id": RUN_ID,
        "org": ORG,
        "job": {"namespace": "prod", "name": "load_orders"},
        "states": ["START", "RUNNING", "COMPLETE"],
        "state": "COMPLETE",
        "started_at": "2026-11-01T12:00:00Z",
        "ended_at": "2026-11-01T12:01:30.5Z",
        "duration": 90.5,
        "parent": PARENT_RUN_ID,
        "events": [event_id(ORG, orjson.dumps(body)) for body in bodies],
    }
    assert finding["code"] == "RC401"


def test_a_finding_of_a_run_has_the_shape_that_findings_have_everywhere(recorder: Recorder) -> None:
    recorder.send(step("COMPLETE"))
    [finding] = recorder.shown()["findings"]
    assert list(finding) == [
        *("code", "severity", "subject", "pointer", "message", "expected", "actual"),
        *("advice", "source", "sureness", "violates"),
    ]
    assert orjson.loads(orjson.dumps(finding)) == {
        "code": "RC101",
        "severity": "warning",
        "subject": "run",
        "pointer": "",
        "message": f"run {RUN_ID} of prod / load_orders has no START",
        "expected": "START first",
        "actual": "COMPLETE",
        "advice": "Emit START before the work begins; look whether it was refused or got lost on the way.",
        "source": "https://openlineage.io/docs/spec/run-cycle",
        "sureness": "documented",
        "violates": None,
    }


def test_what_a_parent_facet_names_is_on_record_one_that_names_nothing_and_the_root_included(
    recorder: Recorder,
) -> None:
    job = {"namespace": "outer", "name": "all"}
    root = {"run": {"runId": OTHER_RUN_ID}, "job": job}
    named = recorder.send(step("START", parent={**parent(), "root": root})).event
    assert named is not None
    assert (named.parent_run_id, named.root_run_id, named.root_job) == (PARENT_RUN_ID, OTHER_RUN_ID, ("outer", "all"))
    for facet, run_id in (({}, ""), ({"run": {"runId": 7}}, ""), (None, None)):
        event = recorder.send(step("RUNNING", parent=facet)).event
        assert event is not None
        assert (event.parent_run_id, event.root_run_id, event.root_job) == (run_id, None, None)


# States.


@pytest.mark.parametrize(
    ("types", "state"),
    [
        (["START"], "START"),
        (["START", "RUNNING"], "RUNNING"),
        (["RUNNING", "START"], "RUNNING"),
        (["START", "OTHER"], "START"),
        (["OTHER"], "OTHER"),
        ([None], None),
        (["START", "RUNNING", "COMPLETE"], "COMPLETE"),
        (["START", "FAIL"], "FAIL"),
        (["START", "ABORT", "OTHER"], "ABORT"),
        (["COMPLETE", "START"], "COMPLETE"),
        (["START", "FAIL", "COMPLETE"], "FAIL"),
    ],
)
def test_the_state_is_the_first_end_else_how_far_the_run_has_come(
    recorder: Recorder, types: list[str | None], state: str | None
) -> None:
    recorder.send(*(step(event_type, f"2026-11-01T12:00:0{second}Z") for second, event_type in enumerate(types)))
    shown = recorder.shown()
    assert (shown["state"], shown["states"]) == (state, types)


# Times.

DURATIONS: list[tuple[str, str, float | None]] = [
    ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00Z", 0.0),
    ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00.250Z", 0.25),
    ("2026-11-01T12:00:00+00:00", "2026-11-01T14:00:01+02:00", 1.0),
    ("2026-11-01T23:30:00-05:00", "2026-11-02T04:31:00Z", 60.0),
    ("2026-11-01T12:00:00", "2026-11-01T12:00:05", 5.0),
    ("2026-11-01T12:00:00", "2026-11-01T12:00:05Z", None),
    ("2026-11-01T12:00:00Z", "2026-11-01T12:00:05", None),
    ("yesterday", "2026-11-01T12:00:05Z", None),
    ("2026-11-01T12:00:00Z", "", None),
    ("2026-11-01T12:00:09Z", "2026-11-01T12:00:05Z", -4.0),
    ("2026-11-01T12:00:00.123456789Z", "2026-11-01T12:00:01.123456789Z", 1.0),
    ("2026-11-01t12:00:00z", "2026-11-01T12:00:05Z", 5.0),
]


@pytest.mark.parametrize(("start", "end", "duration"), DURATIONS)
def test_the_duration_is_from_start_to_end_where_both_can_be_compared(
    recorder: Recorder, start: str, end: str, duration: float | None
) -> None:
    recorder.send(step("START", start), step("COMPLETE", end))
    assert recorder.shown()["duration"] == duration


TIMES: list[tuple[str, str | None]] = [
    *(
        (time, time)
        for time in (
            "2026-11-01T12:00:00Z",
            "2026-11-01T12:00:00.250Z",
            "2026-11-01T14:00:00+02:00",
            "2026-11-01T12:00:00.123456789Z",
            # What RFC 3339 also allows, and the schemas with it.
            "2026-11-01t12:00:00z",
            "2026-12-31T23:59:60Z",
        )
    ),
    ("2026-11-01T12:00:00", "2026-11-01T12:00:00Z"),
    ("2026-11-01T12:00:00.25", "2026-11-01T12:00:00.25Z"),
    ("2026-11-01 12:00:00", "2026-11-01T12:00:00Z"),
    ("yesterday", None),
    ("", None),
    ("2026-11-31T12:00:00Z", None),
    ("2026-11-01T12:00:00+01:00[Europe/Paris]", None),
]


@pytest.mark.parametrize(("sent", "expected"), TIMES)
def test_times_are_shown_as_sent_or_as_utc_and_not_where_they_cannot_be_read(
    recorder: Recorder, sent: str, expected: str | None
) -> None:
    recorder.send(step("START", sent), step("COMPLETE", sent))
    shown = recorder.shown()
    assert (shown["started_at"], shown["ended_at"]) == (expected, expected)


def test_a_time_that_is_no_string_is_not_shown(recorder: Recorder) -> None:
    recorder.send(step("START") | {"eventTime": 1_793_534_400})
    shown = recorder.shown()
    assert (shown["states"], shown["started_at"], shown["duration"]) == (["START"], None, None)


def test_a_run_that_has_not_ended_has_no_end_and_no_duration(recorder: Recorder) -> None:
    recorder.send(step("START"), step("RUNNING", "2026-11-01T12:05:00Z"))
    shown = recorder.shown()
    assert (shown["started_at"], shown["ended_at"], shown["duration"]) == ("2026-11-01T12:00:00Z", None, None)


def test_a_run_without_a_start_has_an_end_and_no_duration(recorder: Recorder) -> None:
    recorder.send(step("FAIL", "2026-11-01T12:05:00Z"))
    shown = recorder.shown()
    assert (shown["started_at"], shown["ended_at"], shown["duration"]) == (None, "2026-11-01T12:05:00Z", None)


def test_the_first_start_and_the_first_end_count(recorder: Recorder) -> None:
    seconds = {"START": (0, 1), "COMPLETE": (5,), "FAIL": (8,)}
    for event_type, times in seconds.items():
        recorder.send(*(step(event_type, f"2026-11-01T12:00:0{second}Z") for second in times))
    assert recorder.shown()["duration"] == 5.0


# Identity.


def test_the_job_is_that_of_the_first_event(recorder: Recorder) -> None:
    renamed = step("COMPLETE")
    renamed["job"]["name"] = "load_order"
    recorder.send(step("START"), renamed)
    assert recorder.shown()["job"] == {"namespace": "prod", "name": "load_orders"}


def test_the_parent_may_come_with_any_event(recorder: Recorder) -> None:
    recorder.send(step("START"))
    assert recorder.shown()["parent"] is None
    recorder.send(step("RUNNING", parent=parent()))
    assert recorder.shown()["parent"] == PARENT_RUN_ID


def test_a_parent_that_sends_events_too_is_no_matter(recorder: Recorder) -> None:
    recorder.send(step("START", parent=parent()), step("COMPLETE"))
    assert recorder.codes() == ["RC401"]
    nightly = {**run_event()["job"], "name": "nightly"}
    recorder.send(*({**step(kind, run_id=PARENT_RUN_ID), "job": nightly} for kind in ("START", "COMPLETE")))
    assert recorder.codes() == []


def test_a_parent_of_another_org_is_not_seen(recorder: Recorder) -> None:
    recorder.send(step("START", run_id=PARENT_RUN_ID), step("COMPLETE", run_id=PARENT_RUN_ID), key=OTHER_KEY)
    recorder.send(step("START", parent=parent()), step("COMPLETE"))
    assert recorder.codes() == ["RC401"]


def test_events_without_a_run_make_none(recorder: Recorder) -> None:
    recorder.send(job_event(), dataset_event())
    assert recorder.views.runs() == []


def test_an_event_in_error_counts_for_its_run_all_the_same(recorder: Recorder) -> None:
    event = step("START")
    del event["job"]["facets"]
    recorder.send(event)
    assert recorder.shown()["states"] == ["START"]


def test_a_run_id_that_is_no_uuid_makes_a_run_all_the_same(recorder: Recorder) -> None:
    recorder.send(step("START", run_id="nightly-1"))
    assert recorder.run().run_id == "nightly-1"


def test_a_refused_event_makes_no_run() -> None:
    recorder = Recorder(Settings(strict=True))
    event = step("START")
    del event["job"]["facets"]
    assert not recorder.send(event).accepted
    assert recorder.views.runs() == []
    recorder.send(step("START"))
    assert recorder.shown()["states"] == ["START"]


# Listing.


def test_the_run_that_was_heard_of_last_is_listed_first(recorder: Recorder) -> None:
    recorder.send(step("START", run_id=RUN_ID), step("START", run_id=OTHER_RUN_ID))
    assert [run.run_id for run in recorder.views.runs()] == [OTHER_RUN_ID, RUN_ID]
    recorder.send(step("COMPLETE", run_id=RUN_ID))
    assert [run.run_id for run in recorder.views.runs()] == [RUN_ID, OTHER_RUN_ID]
    recorder.send(step("START", run_id=OTHER_RUN_ID))
    assert [run.run_id for run in recorder.views.runs()] == [OTHER_RUN_ID, RUN_ID]


def test_orgs_with_the_same_run_id_have_a_run_each(recorder: Recorder) -> None:
    recorder.send(step("START"), key=KEY)
    recorder.send(step("START"), step("FAIL"), key=OTHER_KEY)
    assert [(run.org, len(run.events)) for run in recorder.views.runs()] == [(OTHER_ORG, 2), (ORG, 1)]
    assert [run.org for run in recorder.views.runs(ORG)] == [ORG]
    assert recorder.views.runs("nobody") == []
    assert "RC301" not in recorder.codes()


def test_forgetting_an_org_leaves_the_others_runs_and_datasets(recorder: Recorder) -> None:
    for key in (KEY, OTHER_KEY):
        recorder.send(
            run_event("START", outputs=[dataset("a.b.c")]), run_event("RUNNING", outputs=[dataset("a.b.C")]), key=key
        )
    assert len(recorder.views.dataset_findings()) == 2
    recorder.journal.forget(ORG)
    assert [run.org for run in recorder.views.runs()] == [OTHER_ORG]
    assert recorder.views.dataset_findings(ORG) == ()
    assert len(recorder.views.dataset_findings()) == 1


def test_after_forgetting_the_same_event_is_a_first_one_again(recorder: Recorder) -> None:
    recorder.send(step("START"), step("COMPLETE"))
    assert recorder.codes() == []
    recorder.journal.forget()
    assert recorder.views.runs() == []
    recorder.send(step("START"), step("COMPLETE"))
    assert recorder.codes() == []
    assert recorder.shown()["states"] == ["START", "COMPLETE"]


def test_views_show_the_same_whether_read_often_or_late(recorder: Recorder) -> None:
    for event_type in ("START", "RUNNING", "COMPLETE"):
        recorder.send(step(event_type))
        assert recorder.shown()["state"] == event_type
    late = Views(recorder.journal)
    [run] = late.runs()
    assert run_to_dict(run, late.run_findings(run, closed=True)) == recorder.shown()


# The same event twice.


def again(event_type: str, severity: Severity) -> list[tuple[str, Severity, str]]:
    excuse = " after a lost answer" if severity is Severity.INFO else ""
    identity = event_id(ORG, orjson.dumps(step(event_type)))
    return [("RC301", severity, f"the same {event_type} was accepted again{excuse} ({identity})")]


def told(recorder: Recorder) -> list[tuple[str, Severity, str]]:
    return [(finding.code, finding.severity, finding.message) for finding in recorder.findings(closed=False)]


def test_the_same_event_twice_is_one_event_and_a_finding(recorder: Recorder) -> None:
    recorder.send(step("START"), step("START"))
    assert recorder.shown()["states"] == ["START"]
    assert told(recorder) == again("START", Severity.WARNING)


def test_the_same_event_after_a_lost_answer_is_no_more_than_an_info(recorder: Recorder) -> None:
    recorder.send(step("START"), fault="lost")
    recorder.send(step("START"))
    assert recorder.shown()["states"] == ["START"]
    assert told(recorder) == again("START", Severity.INFO)


def test_a_third_time_after_a_good_answer_is_a_finding_again(recorder: Recorder) -> None:
    recorder.send(step("START"), fault="lost")
    recorder.send(step("START"), step("START"))
    assert told(recorder) == again("START", Severity.INFO) + again("START", Severity.WARNING)


def test_a_fault_that_hits_the_second_attempt_does_not_excuse_it(recorder: Recorder) -> None:
    recorder.send(step("START"))
    recorder.send(step("START"), fault="lost")
    assert told(recorder) == again("START", Severity.WARNING)


def test_a_fault_that_hit_another_event_excuses_nothing(recorder: Recorder) -> None:
    recorder.send(step("START"))
    recorder.send(step("RUNNING"), fault="lost")
    recorder.send(step("START"))
    assert told(recorder) == again("START", Severity.WARNING)


def test_an_attempt_that_was_refused_makes_no_repeat(recorder: Recorder) -> None:
    refused = replace(recorder.intake.receive(recorder.request(step("START"), KEY)), accepted=False, fault="503")
    recorder.journal.append([refused])
    recorder.send(step("START"))
    assert recorder.shown()["states"] == ["START"]
    assert told(recorder) == []


def test_the_same_run_again_later_is_a_repeat_of_each_event(recorder: Recorder) -> None:
    recorder.send(step("START"), step("COMPLETE"), step("START"), step("COMPLETE"))
    assert told(recorder) == again("START", Severity.WARNING) + again("COMPLETE", Severity.WARNING)


def test_attempts_are_counted_and_the_event_is_listed_once(recorder: Recorder) -> None:
    recorder.send(step("START"), fault="lost")
    recorder.send(step("RUNNING"))
    recorder.send(step("START"))
    [first, second] = recorder.journal.events(EventFilter(), 10).items
    assert (first.summary.event_type, first.attempts) == ("START", 2)
    assert (first.received_at, first.last_received_at) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=3))
    assert (second.summary.event_type, second.attempts) == ("RUNNING", 1)


# Datasets.


def test_datasets_of_all_kinds_of_events_are_compared(recorder: Recorder) -> None:
    recorder.send(
        run_event("START", outputs=[dataset("a.b.c")]),
        job_event(inputs=[dataset("a.b.C")]),
        dataset_event(dataset=dataset("A.b.c")),
    )
    findings = recorder.views.dataset_findings()
    assert [finding.actual for finding in findings] == ["postgres://db:5432 a.b.C", "postgres://db:5432 A.b.c"]


def test_datasets_of_different_orgs_are_not_compared(recorder: Recorder) -> None:
    recorder.send(run_event("START", outputs=[dataset("a.b.c")]), key=KEY)
    recorder.send(run_event("START", outputs=[dataset("a.b.C")]), key=OTHER_KEY)
    assert recorder.views.dataset_findings() == ()
    assert recorder.views.dataset_findings(ORG) == ()


def test_the_users_say_over_rules_holds_for_runs_and_datasets() -> None:
    selection = Selection(ignore=frozenset({"RC101", "DD502"}), severity={"DS": Severity.INFO})
    recorder = Recorder(Settings(selection=selection))
    recorder.send(run_event("COMPLETE", inputs=[dataset("a.b.c"), dataset("a.b.C")]))
    assert recorder.codes() == []
    assert [finding.severity for finding in recorder.views.dataset_findings()] == [Severity.INFO]
