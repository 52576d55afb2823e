"""What the product would show of runs: no success that it would not hear of, findings of events too, a job's record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import MemoryJournal
from mock_intake.judging.intake import Settings
from mock_intake.model.findings import Selection, Severity
from mock_intake.report.outcomes import runs_of_job
from mock_intake.views import Views
from tests.control.content import id_of, run_of, send
from tests.web.looking import look

BARE: dict[str, Any] = {"namespace": "prod", "name": "bare"}


def at(second: int) -> str:
    return f"2026-11-22T12:00:{second:02}.000Z"


@pytest.fixture(scope="module")
def judged() -> Iterator[IntakeServer]:
    """A run without jobType, one whose end lacks it, one that is well; and a job with five runs."""
    with IntakeServer() as server:
        for event_type in ("START", "COMPLETE"):
            send(server, run_of("unseen", event_type, job=BARE))
        send(server, run_of("partly", "START", eventTime=at(0)))
        send(server, run_of("partly", "COMPLETE", eventTime=at(1), job={"namespace": "prod", "name": "load_orders"}))
        job = run_of("x")["job"] | {"name": "nightly"}
        for number, end in enumerate(("COMPLETE", "COMPLETE", "COMPLETE", "FAIL", None)):
            send(server, run_of(f"nightly {number}", "START", eventTime=at(0), job=job))
            if end is not None:
                send(server, run_of(f"nightly {number}", end, eventTime=at(number + 1), job=job))
        yield server


def row_of(server: IntakeServer, job: str, query: str = "") -> list[str]:
    [row] = [row for row in look(server, f"/mock/runs{query}").rows() if row[0].startswith(job)]
    return row


def test_a_run_whose_events_would_not_be_processed_is_no_success(judged: IntakeServer) -> None:
    row = row_of(judged, "bare")
    assert row[1] == "COMPLETE would not show: DD101"
    assert "DD101 \u00d72" in row[-1]
    listed = look(judged, "/mock/runs")
    states = {(one.text, one.attributes["class"]) for one in listed.all("span", class_="state")}
    assert {look for text, look in states if text == "COMPLETE"} == {"state ok", "state warning"}
    page = look(judged, f"/mock/run?id={id_of('unseen')}")
    assert "Would not show: Datadog would process none of its events, for DD101." in page.text
    assert "state ok" not in {one.attributes["class"] for one in page.all("span", class_="state")}


def test_a_run_of_which_a_part_would_be_processed_says_how_much(judged: IntakeServer) -> None:
    assert row_of(judged, "load_orders")[1] == "COMPLETE 1 of 2 events would not be processed: DD101"
    page = look(judged, f"/mock/run?id={id_of('partly')}")
    assert "1 of 2 events would not be processed by Datadog, for DD101." in page.text


def test_a_run_that_is_well_says_nothing_of_it(judged: IntakeServer) -> None:
    page = look(judged, f"/mock/run?id={id_of('nightly 0')}")
    assert "would not" not in page.text
    assert {"state ok"} == {one.attributes["class"] for one in page.all("span", class_="state")}


def test_a_rule_finds_the_runs_whose_events_it_speaks_of(judged: IntakeServer) -> None:
    found = look(judged, "/mock/runs?rule=dd101").rows()
    assert {row[0].split()[0] for row in found} == {"bare", "load_orders"}
    assert look(judged, "/mock/runs?rule=DD107").rows() == []


def test_a_job_has_its_runs_states_durations_and_rate_of_success(judged: IntakeServer) -> None:
    page = look(judged, "/mock/job?namespace=prod&name=nightly")
    text = " ".join(page.text.split())
    assert "Runs5: 3 COMPLETE, 1 START, 1 FAIL" in text
    assert "Rate of success75% 3 of 4 that ended" in text
    assert "Duration2.5 s in the median, 4.0 s at most" in text
    runs = [row for row in page.rows() if row[0].startswith("…") and len(row) == 5][:5]
    assert [row[1] for row in runs] == ["START", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert [row[3] for row in runs] == ["", "4.0 s", "3.0 s", "2.0 s", "1.0 s"]


def test_a_job_without_runs_has_no_rate(judged: IntakeServer) -> None:
    numbers = runs_of_job(Views(MemoryJournal()).runs())
    assert (numbers.looked, numbers.rate, numbers.median) == (0, "", None)


def test_the_severity_that_the_user_wants_is_that_of_the_column() -> None:
    settings = Settings(selection=Selection(severity={"DD101": Severity.INFO}))
    with IntakeServer(settings) as server:
        send(server, run_of("mild", "START", job=BARE))
        row = row_of(server, "bare")
        assert row[1] == "START"
        page = look(server, "/mock/runs")
        assert [one.attributes["title"] for one in page.all("a", class_="code") if one.text == "DD101"] == [
            "info: Every run event carries the jobType job facet."
        ]
