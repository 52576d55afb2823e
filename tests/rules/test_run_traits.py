"""Of which runs a rule is asked: by traits that tell those which may be wrong in its way from all others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.judging import catalogue
from mock_intake.judging.blocks import run_rules
from mock_intake.model.runs import RunEventFact, RunFacts
from mock_intake.rules import OnRun, RunView
from mock_intake.rules.runs import traits_of

RULES = {code: each for family in catalogue.OWN for code, each in family.items()}
GATED = {
    code: [when for when in rule.when if isinstance(when, OnRun)]
    for code, rule in RULES.items()
    if any(isinstance(when, OnRun) and when.traits for when in rule.when)
}
RUN_ID = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"


def fact(
    number: int, event_type: str | None, job: str = "load", parent: str | None = None, upper: bool = False
) -> RunEventFact:
    return RunEventFact(
        f"e{number}",
        event_type,
        f"2026-11-01T12:00:{number:02}Z",
        ("prod", job),
        "BATCH",
        parent,
        None if parent is None else ("prod", "nightly"),
        run_id=RUN_ID.upper() if upper else RUN_ID,
    )


def run_of(*types: str | None) -> RunFacts:
    return RunFacts(RUN_ID, [fact(number, event_type) for number, event_type in enumerate(types)])


EVENTS = st.tuples(
    st.sampled_from(("START", "RUNNING", "OTHER", "COMPLETE", "FAIL", "ABORT", "start", "complete", None)),
    st.sampled_from(("load", "load", "count")),
    st.sampled_from((None, None, "", RUN_ID, "4d1c1a52-5d1e-4b47-9df8-6b0d7a0f9c11")),
    st.booleans(),
)


@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_a_rule_finds_nothing_in_runs_that_it_is_not_asked_of(
    events: Sequence[tuple[str | None, str, str | None, bool]],
) -> None:
    run = RunFacts(RUN_ID, [fact(number, *each) for number, each in enumerate(events)])
    view = RunView(run, runs_of=lambda run_id: [run] if run_id.lower() == RUN_ID else [])
    traits = traits_of(run)
    for code, moments in GATED.items():
        if all(traits.isdisjoint(when.traits) for when in moments):
            assert list(RULES[code].check(view)) == [], (code, traits)


@pytest.mark.parametrize(
    ("types", "traits"),
    [
        (("START", "COMPLETE"), {"completed"}),
        (("START", "RUNNING", "FAIL"), {"failed"}),
        (("START", "ABORT"), set()),
        (("COMPLETE",), {"completed", "unbegun"}),
        (("START", "OTHER"), {"unended"}),
        (("START", "START", "ABORT"), {"disordered"}),
        (("START", "COMPLETE", "FAIL"), {"disordered", "completed", "failed"}),
        (("START", "ABORT", "RUNNING"), {"disordered"}),
        (("start", None), {"unbegun", "unended"}),
        (("START", *["RUNNING"] * 40, "ABORT"), set()),
    ],
)
def test_types_tell_traits(types: tuple[str | None, ...], traits: set[str]) -> None:
    assert traits_of(run_of(*types)) == traits


def test_a_run_changes_with_its_job_and_with_the_case_of_its_id_and_is_a_part_of_its_parent() -> None:
    begin = fact(0, "START")
    assert traits_of(RunFacts(RUN_ID, [begin, fact(1, "ABORT", "count")])) == {"changing"}
    assert traits_of(RunFacts(RUN_ID, [begin, fact(1, "ABORT", upper=True)])) == {"changing"}
    assert traits_of(RunFacts(RUN_ID, [begin, fact(1, "ABORT", parent="")])) == {"a part"}


def test_most_rules_are_not_asked_of_a_run_that_is_as_it_should_be() -> None:
    asked = {run_rules()[number].code for number in run_rules().of(run_of("START", "ABORT"))}
    assert asked.isdisjoint(GATED)
    assert len(GATED) > len(asked)
