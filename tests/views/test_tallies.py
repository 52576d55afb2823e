"""Counts by org and by rule, and views that are read in parts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_intake.journal import MemoryJournal
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Status
from mock_intake.views import Views
from tests.events import dataset, job_event, run_event
from tests.test_views import ORG, OTHER_KEY, OTHER_ORG, Recorder, step


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def without_job_type() -> dict[str, object]:
    return run_event(job={"namespace": "prod", "name": "load_orders"})


def test_exchanges_and_events_are_counted_by_org_and_all_together(recorder: Recorder) -> None:
    recorder.send(step("START"), without_job_type())
    recorder.send(step("START"), key=OTHER_KEY, fault="lost")
    recorder.send(step("START"))  # the same once more
    counted = recorder.views.counts(None, 10)
    assert counted is not None
    assert (counted.counts.exchanges, counted.counts.accepted, counted.counts.faulted) == (4, 4, 1)
    assert (counted.counts.events, counted.counts.refused) == (3, 0)
    assert counted.counts.statuses == {Status.OK: 2, Status.ERROR: 1}
    assert counted.orgs == [ORG, OTHER_ORG]  # the latest heard of first
    of_other = recorder.views.counts(OTHER_ORG, 10)
    assert of_other is not None
    assert (of_other.counts.exchanges, of_other.counts.events) == (1, 1)


def test_events_are_listed_by_the_rules_that_speak_of_them(recorder: Recorder) -> None:
    first = recorder.send(without_job_type())
    second = recorder.send(without_job_type(), key=OTHER_KEY)
    recorder.send(without_job_type())  # the same as the first
    tallies = recorder.views.tallies()
    assert first.event is not None
    assert second.event is not None
    assert tallies.events_with("DD101") == [(ORG, first.event.id), (OTHER_ORG, second.event.id)]
    assert (tallies.events("DD101"), tallies.events("DD101", ORG), tallies.events("OL006")) == (2, 1, 0)


def test_refused_requests_are_counted_apart(recorder: Recorder) -> None:
    refused = recorder.intake.receive(recorder.request(job_event(), "no key"))
    recorder.journal.append([refused])
    tallies = recorder.views.tallies()
    codes = {finding.code for finding in refused.findings}
    assert codes
    assert {code: (tallies.refused(code), tallies.events(code)) for code in codes} == dict.fromkeys(codes, (1, 0))


def test_runs_are_judged_anew_when_they_were_heard_of(recorder: Recorder) -> None:
    recorder.send(step("COMPLETE"))
    assert recorder.views.tallies().runs("RC105") == 0
    recorder.send(step("START"))  # behind its end
    tallies = recorder.views.tallies()
    assert (tallies.runs("RC105"), tallies.runs("RC105", ORG), tallies.runs("RC105", OTHER_ORG)) == (1, 1, 0)
    assert len(tallies.runs_with("RC105")) == 1


def test_what_was_forgotten_is_counted_no_more(recorder: Recorder) -> None:
    recorder.send(step("COMPLETE"), step("START"), without_job_type())
    recorder.send(step("START"), key=OTHER_KEY)
    assert recorder.views.tallies().runs("RC105") == 1
    recorder.journal.forget(ORG)
    tallies = recorder.views.tallies()
    assert (tallies.runs("RC105"), tallies.events("DD101")) == (0, 0)
    counted = recorder.views.counts(None, 10)
    assert counted is not None
    assert (counted.counts.exchanges, counted.orgs) == (1, [OTHER_ORG])


def test_views_are_read_in_parts_and_say_what_is_left(recorder: Recorder) -> None:
    recorder.send(*(step("START", run_id=str(number)) for number in range(500)))
    views = Views(recorder.journal)
    assert views.counts(None, 0.0) is None
    assert views.catch_up(0.0) > 0
    while views.catch_up(0.01):
        pass
    assert views.catch_up(0.0) == 0
    counted = views.counts(None, 0.01)
    assert counted is not None
    assert counted.counts.exchanges == 500


def test_what_is_held_stays_as_it_is(recorder: Recorder) -> None:
    recorder.send(run_event(inputs=[dataset("shop.public.a")]))
    lineage = recorder.views.lineage()[ORG]
    with ThreadPoolExecutor(1) as other:
        with recorder.views.held():
            recorder.send(run_event(inputs=[dataset("shop.public.b")]))
            reading = other.submit(recorder.views.catch_up, 10)
            with pytest.raises(TimeoutError):
                reading.result(0.1)
            assert len(lineage.datasets) == 1
        assert reading.result(10) == 0
    assert len(recorder.views.lineage()[ORG].datasets) == 2


def test_nothing_is_left_where_all_was_forgotten(recorder: Recorder) -> None:
    recorder.send(step("START"))
    recorder.journal.forget()
    assert Views(recorder.journal).catch_up(1.0) == 0


def test_runs_know_those_that_name_them_as_parent(recorder: Recorder) -> None:
    parent = {"run": {"runId": "p"}, "job": {"namespace": "prod", "name": "nightly"}}
    recorder.send(step("START", run_id="p"), step("START", run_id="c1", parent=parent))
    recorder.send(step("START", run_id="c2", parent=parent))
    recorder.send(step("START", run_id="c3", parent=parent), key=OTHER_KEY)
    run = recorder.views.run("p")
    assert run is not None
    assert [child.run_id for child in recorder.views.children(run)] == ["c1", "c2"]
    assert recorder.views.run("c3", ORG) is None
    found = recorder.views.run("c3")
    assert found is not None
    assert found.org == OTHER_ORG


def test_near_misses_name_both_datasets(recorder: Recorder) -> None:
    recorder.send(run_event(inputs=[dataset("shop.public.orders"), dataset("SHOP.public.orders")]))
    [miss] = recorder.views.near_misses(ORG)
    assert (miss.one.name, miss.other.name, miss.finding.code) == ("shop.public.orders", "SHOP.public.orders", "DS101")


class CountingJournal(MemoryJournal):
    """Counts how often it is read, which is a way to a database and back elsewhere."""

    reads = 0

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        self.reads += 1
        return super().read(after, limit)


@pytest.mark.parametrize("closed", [False, True])
def test_many_runs_are_judged_as_each_is_and_the_journal_is_asked_once_for_many(
    recorder: Recorder, closed: bool
) -> None:
    recorder.journal = journal = CountingJournal()
    recorder.views = Views(journal)
    for number in range(250):
        recorder.send(step(("START", "RUNNING", "COMPLETE")[number % 3], run_id=f"a run {number}"))
        recorder.send(step("START", "2026-11-01T12:00:01Z", run_id=f"a run {number}"))
    runs = recorder.views.runs()
    wanted = [(run, recorder.views.run_findings(run, closed=closed)) for run in runs]
    assert len(wanted) == 250
    assert any(findings for _, findings in wanted)
    before = journal.reads
    assert list(recorder.views.judged(runs, closed=closed)) == wanted
    assert journal.reads - before == 2
