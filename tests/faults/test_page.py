"""The page on misbehaviour is true: it has every word and field, and every plan on it is understood."""

from __future__ import annotations

import json
import re

import pytest

from mock_intake.faults import WORDS, Faults, Match, Plan, parse_plan
from mock_intake.faults.fields import fields_of
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "paths.md"
HOW_TO = (REPOSITORY / "docs" / "how-to" / "misbehave.md").read_text(encoding="utf-8")
FIRST_CELL = re.compile(r"^\| `([\w-]+)` \|", re.MULTILINE)


def section(title: str) -> str:
    return HOW_TO.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_word_is_described() -> None:
    assert set(FIRST_CELL.findall(section("The steps"))) == set(WORDS)


def test_every_field_is_described() -> None:
    (step,) = Plan(parse_plan("503").sequence).to_dict()["sequence"]
    state = Faults()
    state.set(parse_plan("503"))
    told = state.state() or {}
    plan = Plan().to_dict()
    assert set(FIRST_CELL.findall(section("The long form"))) == {
        *step,
        *plan,
        *(field.name for field in fields_of(Match)),
    }
    assert all(f"`{name}`" in HOW_TO for name in set(told) - set(plan))


PLANS = [
    *re.findall(r"\| `([\[{].*)` \|$", section("Useful plans"), re.MULTILINE),
    *re.findall(r"--fault '?([^' ]+|[{].*?[}])'?(?: --|$)", section("From the command line"), re.MULTILINE),
    *re.findall(r"\| `([{].*)` \| \d", PAGE.read_text(encoding="utf-8")),
]


def test_plans_are_found_on_the_pages() -> None:
    assert len(PLANS) >= 7 + 3 + 20


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_on_the_pages_is_understood(plan: str) -> None:
    parsed = parse_plan(plan)
    assert parsed.sequence or parsed.delay
    if plan[0] in "[{":
        assert parse_plan(json.loads(plan)) == parsed
