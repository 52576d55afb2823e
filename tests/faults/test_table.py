"""The table of steps: an entry is whole or cannot be written, and all that is said of steps comes from it."""

from __future__ import annotations

from typing import Any

import click
import jsonschema_rs
import pytest
from hypothesis import given

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.faults import (
    SHORT_WORDS,
    STEPS,
    WORDS,
    FaultError,
    Faults,
    Outcome,
    Plan,
    RequestFacts,
    Step,
    StepKind,
    Wire,
    parse_plan,
    plan_schema,
    state_schema,
)
from mock_intake.faults.steps import by_word
from tests.conftest import REPOSITORY
from tests.faults.expected import EXPECTED, LOCATION
from tests.faults.plans import plans
from tests.web.looking import look


async def _nothing(_: Wire) -> None: ...


ENTRY: dict[str, Any] = {
    "word": "slow-close",
    "help": "Nothing, and then the end.",
    "outcome": Outcome.UNANSWERED,
    "agent_status": 502,
    "action": _nothing,
}


# What cannot be written.


def test_an_entry_that_is_whole_makes_a_step() -> None:
    assert by_word([StepKind(**ENTRY)]) == {"slow-close": StepKind(**ENTRY)}


@pytest.mark.parametrize("missing", ENTRY)
def test_an_entry_cannot_leave_out_what_happens(missing: str) -> None:
    """There is no default: a word without an action would be answered as something else."""
    with pytest.raises(TypeError, match=missing):
        StepKind(**{name: value for name, value in ENTRY.items() if name != missing})


@pytest.mark.parametrize(
    "wrong",
    [
        {"word": "503"},
        {"word": "two words"},
        {"word": "one,two"},
        {"word": "Close"},
        {"word": ""},
        {"help": "no sentence"},
        {"outcome": Outcome.REFUSED},
        {"status": 307},
        {"outcome": Outcome.AS_USUAL, "status": 307},
    ],
    ids=str,
)
def test_an_entry_that_says_too_little_or_two_things_is_no_part_of_a_table(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"slow-close|word"):
        by_word([StepKind(**{**ENTRY, **wrong})])


def test_a_word_has_one_entry() -> None:
    with pytest.raises(ValueError, match="is one already"):
        by_word([StepKind(**ENTRY), StepKind(**ENTRY)])


def test_a_step_that_is_not_in_the_table_cannot_be_made() -> None:
    with pytest.raises(FaultError, match="not 'explode'"):
        Step("explode")


# What is said of the steps.


def test_every_word_has_expectations_and_every_expectation_a_word() -> None:
    assert list(EXPECTED) == list(WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_the_table_says_what_is_expected(word: str) -> None:
    kind, expected = STEPS[word], EXPECTED[word]
    assert (kind.taken, kind.answered) == (expected.accepted, expected.status_code is not None)
    assert kind.agent_status == expected.through_agent


@pytest.mark.parametrize("word", WORDS)
def test_a_word_can_stand_in_a_plan(word: str) -> None:
    (step,) = parse_plan([{"step": word.upper(), "location": LOCATION}]).sequence
    assert step.name == word
    if word in SHORT_WORDS:
        assert parse_plan(f"503,{word}").sequence == (Step("503"), Step(word))
    else:
        with pytest.raises(FaultError, match=f"a {word} needs a location"):
            parse_plan(f"503,{word}")


@pytest.mark.parametrize("name", ["serve", "run"])
@pytest.mark.parametrize("word", WORDS)
def test_the_help_of_a_command_with_fault_explains_every_word(word: str, name: str) -> None:
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    lines = command.get_help(click.Context(command, info_name=name, max_content_width=200)).splitlines()
    (line,) = (line for line in lines if line.startswith(f"    {word} "))
    assert STEPS[word].help in line


@pytest.mark.parametrize("word", WORDS)
def test_the_pages_on_faults_explain_every_word(word: str) -> None:
    how_to = (REPOSITORY / "docs" / "how-to" / "misbehave.md").read_text(encoding="utf-8")
    reference = (REPOSITORY / "docs" / "reference" / "pytest-plugin.md").read_text(encoding="utf-8")
    row = f"| `{word}` | {STEPS[word].help} |"
    assert row in how_to, "make docs"
    assert row in reference, "make docs"


def test_the_form_explains_every_word() -> None:
    with IntakeServer() as server:
        page = look(server, "/mock/faults")
    assert [one.text for one in page.all("dt")] == list(WORDS)
    assert [one.text for one in page.all("dd")] == [kind.help for kind in STEPS.values()]
    assert f"Status numbers and {', '.join(SHORT_WORDS)}, separated by commas" in page.text


# The fields of plans, and the schemas that come from them.


PLAN_SCHEMA = jsonschema_rs.Draft202012Validator(plan_schema())
STATE_SCHEMA = jsonschema_rs.Draft202012Validator(state_schema())


@given(plans)
def test_any_plan_is_one_by_its_schema_as_it_is_given_and_as_it_is_shown(plan: Plan) -> None:
    PLAN_SCHEMA.validate(plan.to_dict())
    PLAN_SCHEMA.validate(plan.to_dict()["sequence"])
    faults = Faults()
    faults.set(plan)
    faults.take(plan.org or "0" * 12, RequestFacts())
    STATE_SCHEMA.validate(faults.state(plan.org))


@pytest.mark.parametrize("word", WORDS)
def test_the_schema_takes_a_word_where_the_parser_does(word: str) -> None:
    forms: list[Any] = [word, f"503, {word}", [word], [{"step": word}], [{"step": word, "location": LOCATION}]]
    for form in forms:
        try:
            parse_plan(form)
            taken = True
        except FaultError:
            taken = False
        assert PLAN_SCHEMA.is_valid(form) is taken, form


@pytest.mark.parametrize(
    "form",
    [
        "slow", ["slow"], [{"step": "slow"}], [199], [600], [{}], {"steps": []}, {"delay": -1}, {"delay": 3601},
        {"repeat_last": None}, {"org": ""}, {"org": 5}, [{"step": 503, "times": 0}], [{"step": 503, "times": 2**53}],
        [{"step": 503, "seed": None}], [{"step": 503, "seed": 2**53}], [{"step": 503, "probability": 1.1}],
        [{"step": 503, "headers": {"a b": "1"}}], [{"step": 503, "headers": {"a": None}}],
        [{"step": 503, "headers": {"a": "b\n"}}], [{"step": 503, "match": {"type": "a"}}],
        [{"step": 503, "match": {"attempt": 0}}], [{"step": 503, "match": {"job": 1}}],
        [{"step": 503, "location": "\n"}], [{"step": "redirect", "location": ""}], None, 503, True,
    ],
    ids=repr,
)  # fmt: skip
def test_what_the_parser_refuses_the_schema_refuses(form: Any) -> None:
    with pytest.raises(FaultError):
        parse_plan(form)
    assert not PLAN_SCHEMA.is_valid(form)


def test_every_field_that_can_be_given_says_what_it_means() -> None:
    plan, steps, _ = plan_schema()["anyOf"]
    objects = [plan, *(step for step in steps["items"]["anyOf"] if step.get("type") == "object")]
    objects += [step["properties"]["match"] for step in objects[1:]]
    assert len(objects) >= 5
    for each in objects:
        for name, schema in each["properties"].items():
            assert len(schema["description"]) > 10, name
