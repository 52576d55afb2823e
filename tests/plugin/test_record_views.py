"""The views of a test's journal: judged once, and anew when something has arrived."""

from __future__ import annotations

from mock_intake_pytest.record_views import RecordViews
from tests.events import run_event
from tests.test_views import Recorder


def recorder() -> Recorder:
    made = Recorder()
    made.views = RecordViews(made.journal, made.intake.settings.selection)
    return made


def test_a_run_is_judged_once_until_something_arrives() -> None:
    record = recorder()
    record.send(run_event("START"))
    run = record.run()
    first = record.views.run_findings(run, closed=True)
    assert [finding.code for finding in first] == ["RC102"]
    assert record.views.run_findings(run, closed=True) is first
    assert record.codes(closed=False) == []
    assert record.views.run_findings(run, closed=True) is first

    record.send(run_event("COMPLETE", eventTime="2026-11-01T12:05:00Z"))
    assert record.codes() == []


def test_another_run_in_between_is_heard_of() -> None:
    record = recorder()
    parent = {"run": {"runId": "c3e1f0a2-54d7-4f0e-9b1d-2a6c8e7f9b10"}, "job": {"namespace": "prod", "name": "parent"}}
    record.send(run_event("START"))
    assert record.codes() == ["RC102"]
    record.send(run_event("START", **parent))
    assert record.codes() == ["RC102", "RC102"]


def test_what_was_forgotten_is_judged_no_longer() -> None:
    record = recorder()
    record.send(run_event("START"), run_event("COMPLETE", eventTime="2026-11-01T12:05:00Z"))
    assert record.codes() == []
    record.journal.forget()
    record.send(run_event("START"))
    assert record.codes() == ["RC102"]
