"""The suite catches each wrong producer by the cases that it should, and by no others; a right one passes all."""

from __future__ import annotations

import json
import os
import re

import pytest

from mock_intake.report.suite import Level, ProducerReport, Verdict
from mock_intake_conformance.cases import CASES
from mock_intake_conformance.scenarios import DEBUG, DISABLED, FAILING, REFUSING, SCENARIOS
from mock_intake_conformance.suite import Plan, Suite
from tests.conformance.wrong import ENDLESS, FAILS, SUCCEEDS, SURVIVAL, WELL_BEHAVED, producer, programs

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
# What has the form of an API key; in a report it can only be one.
KEY = re.compile("(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
# These cases are judged on many scenarios; here is the one that shows it.
_SHOWS = {
    "security/key-not-printed": {"logs_its_key.py": DEBUG, "logs_its_key_on_error.py": REFUSING, "verbose.sh": DEBUG},
    "resilience/not-lost-in-silence": {
        "loses_events_at_exit.py": "slow", "exits_at_once.js": "slow", "takes_all_for_success.py": "403-always",
        "unhandled.js": "500-once",
    },
}  # fmt: skip


def run(name: str, scenarios: frozenset[str] | None, *, slow: bool = False) -> ProducerReport:
    limit = 8.0 if name in ENDLESS else 40.0
    (report,) = Suite(Plan(jobs=4, time_limit=limit, slow=slow, scenarios=scenarios)).run([producer(name)])
    return report


def scenarios_of(name: str) -> frozenset[str]:
    """Those that show what is wrong with a producer, and the ordinary ones."""
    named = {
        scenario
        for case in CASES
        if case.id in FAILS[name]
        for scenario in ([_SHOWS[case.id][name]] if case.id in _SHOWS else case.requirement.scenarios)
    }
    return frozenset(named | {FAILING})


def failed(report: ProducerReport) -> dict[str, str]:
    return {result.case.id: result.message for result in report.results if result.verdict is Verdict.FAILED}


def slow_cases() -> set[str]:
    return {case.id for case in CASES if any(SCENARIOS[name].slow for name in case.requirement.scenarios)}


@pytest.mark.parametrize("name", sorted(FAILS))
def test_a_wrong_producer_is_caught_by_exactly_the_cases_that_it_should_be(name: str) -> None:
    """In CI on the scenarios that show it, in the soak form on all."""
    expected = FAILS[name] if SOAK else FAILS[name] - slow_cases()
    report = run(name, None if SOAK else scenarios_of(name), slow=SOAK)
    found = failed(report)
    assert found.keys() == expected, found
    errored = {result.case.id for result in report.results if result.verdict is Verdict.ERRORED}
    if "delivery/reaches-the-endpoint" not in expected:
        assert errored == (SURVIVAL if SOAK and SUCCEEDS in expected else set())
    assert KEY.search(json.dumps(report.to_dict())) is None, "a key stands in the report"
    must_pass = {case.id for case in CASES if case.requirement.level is Level.MUST}
    assert report.ready == (not expected & must_pass)


@pytest.mark.parametrize("name", WELL_BEHAVED if SOAK else WELL_BEHAVED[:1])
def test_a_well_behaved_producer_passes_everything(name: str) -> None:
    report = run(name, None, slow=SOAK)
    verdicts = {result.case.id: (result.verdict, result.message) for result in report.results}
    for case in CASES:
        verdict, message = verdicts[case.id]
        if case.requirement.level is Level.NOTE:
            assert verdict is Verdict.OBSERVED, (case.id, message)
        elif case.id in slow_cases() and not SOAK:
            assert verdict is Verdict.SKIPPED
        else:
            assert verdict is Verdict.PASSED, (case.id, message)
    assert report.ready


@pytest.mark.parametrize("name", WELL_BEHAVED[1:])
def test_a_well_behaved_producer_in_another_language_passes_what_is_quick(name: str) -> None:
    report = run(name, frozenset((FAILING, DEBUG, DISABLED, "503-once", "reset-once", "lost-answer", "tls")))
    assert failed(report) == {}
    assert report.count(Verdict.PASSED) >= 18
    assert report.count(Verdict.ERRORED) == 0
    assert report.ready


def test_there_is_a_wrong_producer_for_every_case_that_can_fail() -> None:
    can_fail = {case.id for case in CASES if case.requirement.level is not Level.NOTE}
    assert can_fail == frozenset().union(*FAILS.values())


def test_every_program_is_in_the_table() -> None:
    assert programs() == {*FAILS, *WELL_BEHAVED}
    assert len(FAILS) >= 20
