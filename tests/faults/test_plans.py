"""Plans as values: their text form, list form and long form, and what is said of those that cannot be understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.faults import (
    FAILURE,
    STEPS,
    SUCCESS,
    WORDS,
    FaultError,
    Faults,
    Match,
    Plan,
    RequestFacts,
    Step,
    parse_plan,
)
from mock_intake.faults.plans import MAX_STEPS
from tests.faults.plans import names, plans

ANY = RequestFacts()

# The three forms.


@pytest.mark.parametrize(
    "form",
    [
        "503,503,reset,202",
        " 503, 503 ,RESET,202 ",
        [503, 503, "reset", 202],
        ["503", 503, "Reset", "202"],
        (503, 503, "reset", 202),
        {"sequence": [503, 503, "reset", 202]},
        {"sequence": [{"step": 503}, {"step": "503"}, {"step": "reset"}, 202]},
        '[503, 503, "reset", 202]',
        '  {"sequence": [503, 503, "reset", 202], "delay": 0, "repeat_last": false, "org": null}',
    ],
    ids=str,
)
def test_all_forms_mean_the_same(form: Any) -> None:
    assert parse_plan(form) == Plan((Step("503"), Step("503"), Step("reset"), Step("202")))


def test_the_long_form_has_everything() -> None:
    step = {
        "step": 429,
        "times": 3,
        "headers": {"Retry-After": 1, "X-A": "b"},
        "body": "slow down",
        "delay": 0.5,
        "match": {"event_type": "COMPLETE", "job": "load_orders", "attempt": 2},
        "probability": 0.25,
        "seed": 7,
        "location": "/elsewhere",
    }
    plan = parse_plan({"sequence": [step], "delay": 2, "repeat_last": True, "org": "0123456789ab"})
    assert plan == Plan(
        (
            Step(
                "429",
                times=3,
                headers=(("Retry-After", "1"), ("X-A", "b")),
                body="slow down",
                delay=0.5,
                match=Match("COMPLETE", "load_orders", 2),
                probability=0.25,
                seed=7,
                location="/elsewhere",
            ),
        ),
        delay=2.0,
        repeat_last=True,
        org="0123456789ab",
    )


def test_a_step_is_for_one_request_unless_it_says_otherwise() -> None:
    plan = parse_plan([503, {"step": 503}, {"step": 503, "times": 5}, {"step": 503, "times": None}])
    assert [step.times for step in plan.sequence] == [1, 1, 5, None]


def test_numbers_are_whole_as_in_json_whatever_their_form() -> None:
    """1.0 and 1 are one number there; a plan says what the same plan with integers says."""
    form = '[{"step": %s, "times": %s, "seed": %s, "match": {"attempt": %s}}, %s]'
    assert parse_plan(form % ("503.0", "3.0", "-7.0", "1e0", "394.0")) == parse_plan(form % (503, 3, -7, 1, 394))


def test_numbers_go_as_far_as_all_readers_of_json_agree() -> None:
    largest = 2**53 - 1
    (last,) = parse_plan([{"step": 503, "times": largest, "seed": -largest, "match": {"attempt": largest}}]).sequence
    assert (last.times, last.seed, last.match.attempt) == (largest, -largest, largest)


def test_what_happens_by_chance_goes_on_unless_it_says_otherwise() -> None:
    chance = {"step": 503, "probability": 0.5}
    plan = parse_plan([chance, {**chance, "times": 2}])
    assert [step.times for step in plan.sequence] == [None, 2]


def test_a_body_that_is_no_text_is_written_as_json() -> None:
    (step,) = parse_plan([{"step": 500, "body": {"errors": ["no"]}}]).sequence
    assert json.loads(step.body or "") == {"errors": ["no"]}


@pytest.mark.parametrize("form", ["503", [503], {"sequence": [503]}, "[503]"])
def test_the_org_can_be_named_beside_the_plan(form: Any) -> None:
    assert parse_plan(form, "0123456789ab").org == "0123456789ab"


def test_the_org_that_a_plan_names_goes_before() -> None:
    assert parse_plan({"sequence": [503], "org": "a" * 12}, "b" * 12).org == "a" * 12
    assert parse_plan({"sequence": [503], "org": None}, "b" * 12).org is None


def test_a_plan_can_be_a_delay_alone() -> None:
    assert parse_plan({"delay": 0.5}) == Plan(delay=0.5)


@given(plans)
def test_what_a_plan_says_of_itself_is_that_plan(plan: Plan) -> None:
    assert parse_plan(plan.to_dict()) == plan
    assert parse_plan(json.dumps(plan.to_dict())) == plan


@given(plans)
def test_what_is_told_of_a_plan_under_way_has_the_plan_in_it(plan: Plan) -> None:
    faults = Faults()
    faults.set(plan)
    faults.take(plan.org or "0" * 12, ANY)
    state = faults.state(plan.org)
    assert state is not None
    assert parse_plan({name: state[name] for name in ("sequence", "delay", "repeat_last", "org")}) == plan


@given(st.lists(names, min_size=1, max_size=6))
def test_the_text_form_is_the_steps_with_commas(wanted: list[str]) -> None:
    assert [step.name for step in parse_plan(",".join(wanted)).sequence] == wanted


def test_a_status_is_a_number_however_it_is_written() -> None:
    """With zeros before it it is the same status, and a success as much as any."""
    (step,) = parse_plan("0202").sequence
    assert step == Step("202")
    assert step.kind is SUCCESS


@pytest.mark.parametrize("status", [200, 202, 299, 300, 400, 599])
def test_a_status_of_the_two_hundreds_is_a_success(status: int) -> None:
    (step,) = parse_plan([status]).sequence
    assert step.status == status
    assert step.kind is (SUCCESS if status < 300 else FAILURE)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_no_status_and_has_an_entry_of_its_own(word: str) -> None:
    (step,) = parse_plan([{"step": word, "location": "/"}]).sequence
    assert (step.status, step.kind.word) == (None, word)
    assert step.kind is STEPS[word]


# What cannot be understood.

NO_STEP = f"a step is a status from 200 to 599 or one of {', '.join(WORDS)}, not "
NO_PLAN = 'a plan is a text such as "503,reset,202", a list of steps, or an object with a sequence'
NEEDS_LOCATION = 'a redirect needs a location: {"step": "redirect", "location": "http://..."}'
STEP_FIELDS = "step, times, headers, body, delay, match, probability, seed, location"
NO_TIMES = "times is a number of requests, 1 or more, or null for ever"
NO_DELAY = "delay is a number of seconds from 0 to 3600"
NO_PROBABILITY = "probability is a number from 0 to 1"


def step(**fields: Any) -> list[Any]:
    return [{"step": 503, **fields}]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("", NO_STEP + "''"),
        ("503,,202", NO_STEP + "''"),
        ("503;202", NO_STEP + "'503;202'"),
        ("slow", NO_STEP + "'slow'"),
        ("199", NO_STEP + "'199'"),
        ("600", NO_STEP + "'600'"),
        ("-503", NO_STEP + "'-503'"),
        ("\u0665\u0660\u0663", NO_STEP + "'\u0665\u0660\u0663'"),
        ("x" * 100, NO_STEP + repr("x" * 40)),
        ([None], NO_STEP + "'None'"),
        ([True], NO_STEP + "'True'"),
        ([503.5], NO_STEP + "'503.5'"),
        ([[503]], NO_STEP + "'[503]'"),
        ([{"step": None}], NO_STEP + "'None'"),
        (None, NO_PLAN),
        (503, NO_PLAN),
        (True, NO_PLAN),
        ("{", "the plan looks like JSON, and is none: Expecting property name"),
        ("[503", "the plan looks like JSON, and is none: Expecting ',' delimiter"),
        ("redirect", NEEDS_LOCATION),
        ([{"step": "redirect"}], NEEDS_LOCATION),
        ([{"step": "redirect", "location": ""}], NEEDS_LOCATION),
        ([{"step": "redirect", "location": 1}], NEEDS_LOCATION),
        ([{}], 'a step in its long form has the field "step"'),
        ([{"status": 503}], f"a step has no field 'status'; there are {STEP_FIELDS}"),
        (step(delay_ms=5), f"a step has no field 'delay_ms'; there are {STEP_FIELDS}"),
        ({"steps": [503]}, "a plan has no field 'steps'; there are sequence, delay, repeat_last, org"),
        ({"sequence": "503,202"}, "sequence is a list of steps"),
        ({"sequence": {"step": 503}}, "sequence is a list of steps"),
        ({"sequence": None}, "sequence is a list of steps"),
        ({"repeat_last": 1}, "repeat_last is true or false"),
        ({"org": 5}, "org is the id of an org, or null for all"),
        ({"delay": "1"}, NO_DELAY),
        ({"delay": -0.1}, NO_DELAY),
        ({"delay": 3600.1}, NO_DELAY),
        ({"delay": True}, NO_DELAY),
        ('{"delay": NaN}', NO_DELAY),
        ('{"delay": Infinity}', NO_DELAY),
        (step(delay=[]), NO_DELAY),
        (step(times=0), NO_TIMES),
        (step(times=-1), NO_TIMES),
        (step(times=1.5), NO_TIMES),
        (step(times="2"), NO_TIMES),
        (step(times=True), NO_TIMES),
        (step(probability=-0.1), NO_PROBABILITY),
        (step(probability=1.1), NO_PROBABILITY),
        (step(probability="0.5"), NO_PROBABILITY),
        (step(probability=True), NO_PROBABILITY),
        ('[{"step": 503, "probability": NaN}]', NO_PROBABILITY),
        (step(seed=0.5), "seed is a whole number"),
        (step(seed=True), "seed is a whole number"),
        (step(times=2**53), f"times is at most {2**53 - 1}, or null for ever"),
        (step(times=2.0**60), f"times is at most {2**53 - 1}, or null for ever"),
        (step(times=float("inf")), NO_TIMES),
        (step(seed=2**53), f"seed is a whole number from {1 - 2**53} to {2**53 - 1}"),
        (step(seed=-(2**200)), f"seed is a whole number from {1 - 2**53} to {2**53 - 1}"),
        (step(seed=None), "seed is a whole number"),
        (step(match={"attempt": 2**53}), f"attempt is a number from 1 to {2**53 - 1}"),
        (step(headers={"X-A": None}), "the header 'X-A' is a text or a number"),
        (step(headers={"X-A": True}), "the header 'X-A' is a text or a number"),
        (step(headers={"X-A": ["a"]}), "the header 'X-A' is a text or a number"),
        (step(headers=["Retry-After: 1"]), 'headers is an object such as {"Retry-After": "1"}'),
        (step(headers={"X-A": "a\r\nX-B: b"}), "the header 'X-A' has characters that no header can have"),
        (step(headers={"X-A": "\u20ac"}), "the header 'X-A' has characters that no header can have"),
        (step(headers={"": "a"}), "the header '' has characters that no header can have"),
        (step(match="COMPLETE"), 'match is an object such as {"event_type": "COMPLETE"}'),
        (step(match={"type": "START"}), "match has no field 'type'; there are event_type, job, attempt"),
        (step(match={"attempt": 0}), "attempt is a number from 1"),
        (step(match={"attempt": "1"}), "attempt is a number from 1"),
        (step(match={"attempt": True}), "attempt is a number from 1"),
        (step(match={"event_type": 1}), "event_type is a text"),
        (step(match={"job": ["a"]}), "job is a text"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else repr(value)[:60],
)
def test_a_plan_that_cannot_be_understood_is_explained(form: Any, told: str) -> None:
    with pytest.raises(FaultError) as raised:
        parse_plan(form)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("name", ["a b", "a:b", "a(b)", "a\tb", '"a"'])
def test_a_header_name_that_http_does_not_know_is_refused(name: str) -> None:
    """It would break the answer in another way than was asked for."""
    with pytest.raises(FaultError, match="header"):
        parse_plan(step(headers={name: "1"}))


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": "99"}, {"content-length": 3}, {"Transfer-Encoding": "chunked"}, {"TRANSFER-ENCODING": "x"}],
    ids=str,
)
def test_a_header_that_says_another_length_is_refused(headers: dict[str, Any]) -> None:
    """Where an answer ends is the server's own to say, or the business of a step that gets it wrong on purpose."""
    for more in ({}, {"body": "four"}):
        with pytest.raises(FaultError, match=r"is the server's own, .* is the step truncate"):
            parse_plan(step(headers=headers, **more))
    (taken,) = parse_plan(step(headers={"Content-Length": "3"}, body="\u20ac")).sequence
    assert taken.headers == (("Content-Length", "3"),)


def test_a_plan_has_so_many_steps() -> None:
    """Each is shown in its long form, in every answer that shows the plan."""
    assert len(parse_plan([503] * MAX_STEPS).sequence) == MAX_STEPS
    for form in ([503] * (MAX_STEPS + 1), "503," * MAX_STEPS + "503"):
        with pytest.raises(FaultError, match=r"has 10,000 steps at most, and this one has 10,001: .* has times"):
            parse_plan(form)


@pytest.mark.parametrize("location", ["http://x/\r\nX-Evil: 1", "http://x/\n", "http://x/\u20ac"])
def test_a_location_that_no_header_can_carry_is_refused(location: str) -> None:
    with pytest.raises(FaultError, match="location"):
        parse_plan([{"step": "redirect", "location": location}])


@pytest.mark.parametrize("location", [5, {"a": 1}, ["/"]])
def test_a_location_of_any_step_is_a_text(location: Any) -> None:
    with pytest.raises(FaultError, match="location"):
        parse_plan(step(location=location))


def test_a_body_that_has_no_bytes_is_refused() -> None:
    """A lone surrogate cannot be encoded: the plan would fail when its turn comes."""
    with pytest.raises(FaultError, match="body"):
        parse_plan(step(body="\ud800"))


def test_json_nested_too_deeply_is_a_plan_that_cannot_be_understood() -> None:
    with pytest.raises(FaultError):
        parse_plan("[" * 100_000)


_fields = st.sampled_from(
    ["sequence", "delay", "repeat_last", "org", "step", "times", "headers", "body", "match", "probability", "seed",
     "location", "event_type", "job", "attempt", "other"]
)  # fmt: skip
_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([503, 202, "reset", "redirect", "503,202", "[", "{}", "\ud800"])
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_fields, inner, max_size=5),
    max_leaves=12,
)


@given(_values)
def test_whatever_is_given_is_a_plan_or_is_explained(value: Any) -> None:
    try:
        plan = parse_plan(value)
    except FaultError:
        return
    assert parse_plan(plan.to_dict()) == plan
