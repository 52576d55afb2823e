"""What the provider breaks on purpose: the rule asked for, and no other."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from random import Random
from typing import cast

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.fake import Request
from mock_intake.fake.broken import ALSO, UNBREAKABLE, catalogue
from mock_intake.fake.broken.examples import as_in_example
from mock_intake.fake.broken.sequences import SEQUENCES
from mock_intake.judging.catalogue import JUDGING, RULES
from mock_intake.model.findings import Finding
from tests.fake.judging import codes, encoded, found, found_over, seeded

BREAKABLE = [code for code in RULES if code not in UNBREAKABLE]
BY_ONE_EVENT = [code for code in BREAKABLE if RULES[code].subject == "event"]
BY_SEVERAL = [code for code in BREAKABLE if RULES[code].subject in ("run", "dataset")]
BY_REQUEST = [code for code in BREAKABLE if code[:2] == "HT"]
TIMES = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 12


def promised(code: str) -> set[str]:
    return {code, *ALSO.get(code, ())}


def test_every_rule_can_be_broken_or_it_is_said_why_not() -> None:
    assert sorted([*BY_ONE_EVENT, *BY_SEVERAL, *BY_REQUEST, *UNBREAKABLE]) == sorted(RULES)


@pytest.mark.parametrize("code", BY_ONE_EVENT)
def test_a_broken_event_breaks_its_rule_and_no_other(code: str) -> None:
    fake = seeded(1)
    events = [fake.broken_event(code) for _ in range(TIMES)]
    assert len({encoded(event) for event in events}) == TIMES
    for event in events:
        findings = found(event)
        assert codes(findings) == promised(code), findings
        assert severities(findings, code) == {RULES[code].severity}


@pytest.mark.parametrize("code", BY_SEVERAL)
def test_broken_events_break_their_rule_together_and_no_other(code: str) -> None:
    fake = seeded(2)
    for _ in range(TIMES):
        events = fake.broken_events(code)
        findings = found_over(events)
        assert codes(findings) == promised(code), findings
        assert severities(findings, code) == {RULES[code].severity}
        assert {one for event in events for one in codes(found(event))} == set(ALSO.get(code, ()))


def severities(findings: object, code: str) -> set[str]:
    assert isinstance(findings, list | tuple)
    return {finding.severity for finding in findings if finding.code == code}


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.subject != "request"])
def test_a_rule_without_a_recipe_is_broken_as_in_its_example(code: str) -> None:
    random = Random(8)
    examples = [as_in_example(random, JUDGING[code]) for _ in range(5)]
    assert len({encoded(events[0]) for events in examples}) == 5
    for events in examples:
        assert code in codes(found_over(events))


def test_what_has_no_recipe_is_made_from_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = seeded(9)
    monkeypatch.delitem(catalogue.RECIPES, "DD104")
    monkeypatch.delitem(cast("dict[str, object]", SEQUENCES), "RC101")
    assert codes(found(fake.broken_event("DD104"))) == {"DD104"}
    [request] = fake.broken_requests("RC101")
    assert codes(found_over([json.loads(request.body)])) >= {"RC101"}
    with pytest.raises(ValueError, match=r"broken_events\('RC101'\) makes several"):
        fake.broken_event("RC101")


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def told(intake: IntakeServer, client: httpx.Client, request: Request) -> tuple[Finding, ...]:
    """What the intake says about a request sent to it, exactly as it is meant to be sent."""
    seen = intake.journal.position
    client.request(request.method, intake.url + request.target, headers=dict(request.headers), content=request.body)
    [(_, exchange)] = intake.journal.read(seen, 10)
    return exchange.findings


@pytest.mark.parametrize("code", BY_REQUEST)
def test_a_broken_request_breaks_its_rule_and_no_other(code: str, intake: IntakeServer, client: httpx.Client) -> None:
    fake = seeded(3)
    for _ in range(5):
        [request] = fake.broken_requests(code)
        findings = told(intake, client, request)
        assert codes(findings) == promised(code), findings
        assert severities(findings, code) == {RULES[code].severity}


def test_requests_carry_events_in_order_with_one_key(intake: IntakeServer, client: httpx.Client) -> None:
    fake = seeded(4)
    for code in ("OL006", "DD501", "RC103", "DS101"):
        requests = fake.broken_requests(code)
        assert len({request.headers["Authorization"] for request in requests}) == 1
        findings = [finding for request in requests for finding in told(intake, client, request)]
        assert codes(findings) == (promised(code) if code in BY_ONE_EVENT else set())
        assert found_over_bodies(requests) >= promised(code)


def found_over_bodies(requests: list[Request]) -> set[str]:
    return codes(found_over([json.loads(request.body) for request in requests]))


@pytest.mark.parametrize("code", UNBREAKABLE)
def test_what_nothing_sent_can_break_is_refused_with_the_reason(code: str) -> None:
    fake = seeded(5)
    for make in (fake.broken_event, fake.broken_events, fake.broken_requests):
        with pytest.raises(
            ValueError, match=f"{code} cannot be broken .* by what is sent: {re.escape(UNBREAKABLE[code])}"
        ):
            make(code)


def test_the_way_that_can_is_named_where_one_cannot() -> None:
    fake = seeded(6)
    with pytest.raises(ValueError, match=r"broken_events\('RC103'\) makes several that do together"):
        fake.broken_event("RC103")
    for make in (fake.broken_event, fake.broken_events):
        with pytest.raises(ValueError, match=r"broken_requests\('HT001'\) makes a request that does"):
            make("HT001")
    with pytest.raises(ValueError, match="there is no rule 'OL999'; mock-intake rules lists them"):
        fake.broken_event("OL999")
