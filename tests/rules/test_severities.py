"""How much each rule matters, and the findings that matter less than their rule."""

from __future__ import annotations

import inspect
import re

import pytest

from mock_intake.judging.catalogue import JUDGING, RULES
from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Severity
from tests.events import FACETS, dataset, job_type, run_event
from tests.rules.examples_judged import EVENTS, encoded, found_in_event, only
from tests.rules.examples_openlineage import with_job_facet, without

# Those of Datadog's events are decided beside their words: test_datadog_findings.py.
ERRORS = {
    *("HT001", "HT002", "HT003", "HT004"),
    *("HT102", "HT103", "HT104", "HT106", "HT107", "HT108"),
    *("HT201", "HT202", "HT203", "HT204", "HT205", "HT206"),
    *("HT301", "HT302", "HT303", "HT304", "HT305", "HT306"),
    *("OL001", "OL002", "OL003", "OL004", "OL005", "OL006", "OL007", "OL013", "OL101"),
}
INFOS = {
    *("HT105", "OL012", "OL105", "OL107", "OL111"),
    *("OL401", "OL402", "OL403", "OL404", "OL405", "OL406", "OL407", "OL409", "OL113"),
    *("RC108", "RC401"),
}


def test_severities_are_as_decided() -> None:
    decided = {code: rule.severity for code, rule in RULES.items() if not code.startswith("DD")}
    assert {code for code, severity in decided.items() if severity is Severity.ERROR} == ERRORS
    assert {code for code, severity in decided.items() if severity is Severity.INFO} == INFOS


def test_runs_and_datasets_are_never_in_error() -> None:
    of_many = [rule for rule in RULES.values() if rule.subject in ("run", "dataset")]
    assert of_many
    assert [rule.code for rule in of_many if rule.severity is Severity.ERROR] == []


@pytest.mark.parametrize("code", JUDGING)
def test_a_rule_with_milder_findings_says_so(code: str) -> None:
    """Where the function gives a finding another severity than the rule's, the words tell when."""
    rule = JUDGING[code]
    body = inspect.getsource(rule.function).partition("\ndef ")[2]
    milder = re.findall(r"severity=.*?Severity\.(\w+)", body)
    assert [word for word in milder if word.lower() not in rule.words.because] == []


def test_some_rules_have_milder_findings() -> None:
    assert re.search(r"severity=.*?Severity\.INFO", inspect.getsource(JUDGING["OL104"].function))


def test_the_three_violations_that_the_vendors_examples_show_are_warnings() -> None:
    event = without(run_event(producer="acme-etl", eventTime="2026-11-01T12:00:00"), "schemaURL")
    findings = found_in_event(event)
    assert sorted(finding.code for finding in findings) == ["OL008", "OL009", "OL010"]
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert {finding.violates for finding in findings} == {"openlineage"}


@pytest.mark.parametrize("code", sorted(EVENTS))
def test_the_worst_finding_makes_the_status_and_info_never_changes_it(code: str) -> None:
    judgement = Judge().judge(encoded(EVENTS[code][0]), "org")
    severities = {finding.severity for finding in judgement.findings}
    expected = "error" if "error" in severities else "warning" if "warning" in severities else "ok"
    assert judgement.event is not None
    assert judgement.event.status == expected


def test_a_run_event_that_carries_a_dataset_too_is_a_warning_since_the_core_takes_it() -> None:
    finding = only(found_in_event(run_event(dataset=dataset())), "OL002")
    assert (finding.severity, finding.violates) == (Severity.WARNING, None)
    assert finding.message == "the event carries run and job and dataset; it is taken as a RunEvent"


def test_a_dataset_event_that_carries_a_run_too_is_a_warning_since_the_core_takes_it() -> None:
    event = without(run_event(dataset=dataset()), "job")
    finding = only(found_in_event(event), "OL002")
    assert (finding.severity, finding.violates) == (Severity.WARNING, None)
    assert finding.message == "the event carries run and dataset; it is taken as a DatasetEvent"


def test_a_facet_version_later_than_the_latest_known_is_no_more_than_an_info() -> None:
    later = job_type(_schemaURL=f"{FACETS}/99-0-0/JobTypeJobFacet.json")
    finding = only(found_in_event(with_job_facet("jobType", later)), "OL104")
    assert finding.severity is Severity.INFO
    assert "later version than the latest one known here" in finding.message
