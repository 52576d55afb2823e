"""Every rule has an example that triggers it and a nearest neighbour that does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mock_intake.judging.catalogue import FAMILIES, RULES
from mock_intake.model.findings import Finding
from tests.rules.examples_judged import EVENTS, EXAMPLES, OVER_SOCKETS, found
from tests.rules.examples_requests import APPLICATION_KEY, KEY, OTHER_KEY, SHORT_KEY

JUDGED = sorted(EXAMPLES)


def test_every_rule_has_a_trigger_and_a_neighbour() -> None:
    assert sorted([*EXAMPLES, *OVER_SOCKETS]) == sorted(RULES)


def test_every_rule_belongs_to_a_family() -> None:
    assert {code[:2] for code in RULES} == set(FAMILIES)


@pytest.mark.parametrize("code", JUDGED)
def test_the_trigger_is_found_once_with_the_severity_of_the_rule(code: str) -> None:
    severities = [finding.severity for finding in found(code, EXAMPLES[code][0]) if finding.code == code]
    assert severities == [RULES[code].severity]


@pytest.mark.parametrize("code", JUDGED)
def test_the_neighbour_is_not_found(code: str) -> None:
    assert code not in [finding.code for finding in found(code, EXAMPLES[code][1])]


@pytest.mark.parametrize("code", sorted(EVENTS))
def test_trigger_and_neighbour_differ_in_one_place(code: str) -> None:
    places = list(places_that_differ(*EXAMPLES[code]))
    # What stands in the wrong place and in the right one makes two.
    assert len(places) == (2 if code == "OL106" else 1), places


def found_in_both(code: str) -> list[Finding]:
    """What is found in the trigger of a rule and in its neighbour."""
    findings = [finding for example in EXAMPLES[code] for finding in found(code, example)]
    assert findings
    return findings


@pytest.mark.parametrize("code", JUDGED)
def test_every_finding_is_of_a_rule_and_says_what_is_wrong_and_what_to_do(code: str) -> None:
    for finding in found_in_both(code):
        rule = RULES[finding.code]
        assert (finding.subject, finding.source, finding.sureness) == (rule.subject, rule.source, rule.sureness)
        assert finding.message.strip()
        assert finding.advice.strip()
        assert finding.source.startswith(("https://", "http://", "mock-intake "))


@pytest.mark.parametrize("code", JUDGED)
def test_no_finding_quotes_a_key(code: str) -> None:
    findings = json.dumps([finding.to_dict() for finding in found_in_both(code)])
    assert not [key for key in (KEY, OTHER_KEY, SHORT_KEY, APPLICATION_KEY) if key in findings]


@pytest.mark.parametrize("code", sorted(EVENTS))
def test_every_pointer_leads_into_the_event(code: str) -> None:
    pointers = [(event, finding.pointer) for event in EXAMPLES[code] for finding in found(code, event)]
    assert pointers
    assert [pointer for event, pointer in pointers if not resolves(event, pointer)] == []


def places_that_differ(one: Any, other: Any, pointer: str = "") -> Iterator[str]:
    """The places of two JSON values that are not the same in both; what one of them lacks is one place."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            if key not in one or key not in other:
                yield f"{pointer}/{key}"
            else:
                yield from places_that_differ(one[key], other[key], f"{pointer}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from places_that_differ(left, right, f"{pointer}/{index}")
    elif one != other:
        yield pointer


def resolves(value: Any, pointer: str) -> bool:
    """Whether a JSON Pointer (RFC 6901) leads to a place in a value."""
    if pointer and not pointer.startswith("/"):
        return False
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False
    return True
