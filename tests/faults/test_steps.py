"""Who takes which step: order, counts, matching, orgs, chance; and each planned step once, however many ask at once."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.faults import Faults, Match, Plan, RequestFacts, Step, Taken, parse_plan
from tests.faults.plans import EVENT_TYPES, JOBS, matches, names

ORG, OTHER = "a" * 12, "b" * 12
ANY = RequestFacts()


def begun(plan: Any, org: str | None = None) -> Faults:
    faults = Faults()
    faults.set(parse_plan(plan, org))
    return faults


def name_of(taken: Taken | None) -> str | None:
    return None if taken is None or taken.step is None else taken.step.name


def take(faults: Faults, times: int, facts: RequestFacts = ANY, org: str = ORG) -> list[str | None]:
    return [name_of(faults.take(org, facts)) for _ in range(times)]


# Order and counts.


def test_without_a_plan_the_intake_is_well() -> None:
    faults = Faults()
    assert faults.take(ORG, ANY) is None
    assert (faults.any, faults.active, faults.state(), faults.states()) == (False, False, None, [])


def test_steps_are_taken_in_order_and_then_the_intake_is_well_again() -> None:
    faults = begun("503,500,reset,202")
    assert faults.active
    assert take(faults, 6) == ["503", "500", "reset", "202", None, None]
    assert not faults.active
    assert faults.take(ORG, ANY) is None


def test_the_end_is_told_with_the_last_step() -> None:
    faults = begun("503,reset")
    taken = [faults.take(ORG, ANY) for _ in range(2)]
    assert [one.ended for one in taken if one] == [False, True]


def test_a_step_is_taken_so_many_times() -> None:
    faults = begun([{"step": 503, "times": 3}, "reset"])
    assert take(faults, 5) == ["503", "503", "503", "reset", None]


def test_a_step_for_ever_never_ends() -> None:
    faults = begun([500, {"step": 503, "times": None}, "reset"])
    assert take(faults, 100) == ["500", *["503"] * 99]
    assert faults.active


def test_the_last_step_can_be_repeated_for_ever() -> None:
    faults = begun({"sequence": [500, {"step": 503, "times": 2}], "repeat_last": True})
    assert take(faults, 50) == ["500", *["503"] * 49]
    assert faults.active


def test_a_delay_alone_lasts_until_it_is_taken_away() -> None:
    faults = begun({"delay": 0.5})
    assert [faults.take(ORG, ANY) for _ in range(50)] == [Taken(None, 0.5, False)] * 50
    faults.clear()
    assert faults.take(ORG, ANY) is None


def test_delays_of_plan_and_step_add_up_and_end_with_the_plan() -> None:
    faults = begun({"sequence": [{"step": 503, "delay": 0.25}, 202], "delay": 0.5})
    taken = [faults.take(ORG, ANY) for _ in range(3)]
    assert [one and one.delay for one in taken] == [0.75, 0.5, None]


def test_a_new_plan_begins_anew() -> None:
    faults = begun("503,500")
    take(faults, 1)
    faults.set(parse_plan("429,428"))
    assert take(faults, 3) == ["429", "428", None]
    faults.set(parse_plan("429,428"))
    assert take(faults, 1) == ["429"]


def test_the_position_is_told() -> None:
    faults = begun({"sequence": [{"step": 503, "times": 2}, "reset", {"step": 500, "times": None}]})
    positions = []
    for _ in range(4):
        state = faults.state()
        assert state is not None
        positions.append((state["taken"], state["left"], state["active"]))
        faults.take(ORG, ANY)
    assert positions == [
        (0, [2, 1, None], True),
        (1, [1, 1, None], True),
        (2, [0, 1, None], True),
        (3, [0, 0, None], True),
    ]


def test_the_position_of_a_plan_that_has_ended_stays() -> None:
    faults = begun("503")
    take(faults, 5)
    state = faults.state()
    assert state is not None
    assert (state["taken"], state["left"], state["active"]) == (1, [0], False)


@given(st.lists(st.tuples(names, st.integers(1, 4)), min_size=1, max_size=6), st.booleans(), st.integers(0, 30))
def test_any_plan_is_taken_step_by_step(parts: list[tuple[str, int]], repeat_last: bool, requests: int) -> None:
    plan = Plan(tuple(Step(name, times=times) for name, times in parts), repeat_last=repeat_last)
    faults = Faults()
    faults.set(plan)
    planned: Any = itertools.chain.from_iterable([name] * times for name, times in parts)
    rest = itertools.repeat(parts[-1][0] if repeat_last else None)
    assert take(faults, requests) == list(itertools.islice(itertools.chain(planned, rest), requests))


# Matching.


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ({"event_type": "COMPLETE"}, [False, True, True, False]),
        ({"job": "load_orders"}, [True, True, False, False]),
        ({"attempt": 2}, [False, False, True, False]),
        ({"event_type": "COMPLETE", "job": "load_orders"}, [False, True, False, False]),
        ({}, [True, True, True, True]),
        (None, [True, True, True, True]),
    ],
)
def test_a_step_is_for_the_requests_that_it_matches(match: Any, hits: list[bool]) -> None:
    faults = begun([{"step": 503, "match": match, "times": None}])
    requests = [
        RequestFacts("START", "load_orders", 1),
        RequestFacts("COMPLETE", "load_orders", 1),
        RequestFacts("COMPLETE", "load_items", 2),
        RequestFacts(),
    ]
    assert [name_of(faults.take(ORG, facts)) == "503" for facts in requests] == hits


def test_a_request_takes_the_first_step_that_it_matches_and_leaves_the_others() -> None:
    faults = begun([{"step": 500, "match": {"event_type": "COMPLETE"}}, 503, {"step": 429, "match": {"job": "b"}}])
    start, complete = RequestFacts("START", "a", 1), RequestFacts("COMPLETE", "a", 1)
    assert take(faults, 1, start) == ["503"]
    assert take(faults, 1, start) == [None], "nothing is left that it matches"
    assert take(faults, 2, complete) == ["500", None]
    assert faults.active, "a step is left, for a job that has not come yet"
    assert take(faults, 2, RequestFacts("START", "b", 1)) == ["429", None]
    assert not faults.active


def test_a_request_that_matches_nothing_still_has_the_delay_of_the_plan() -> None:
    faults = begun({"sequence": [{"step": 503, "match": {"job": "a"}}], "delay": 0.5})
    assert faults.take(ORG, RequestFacts("START", "b", 1)) == Taken(None, 0.5, False)


class Oracle:
    """The same by the simplest means: a list from which what is taken is removed."""

    def __init__(self, steps: list[Step]) -> None:
        self._left = [step for step in steps for _ in range(step.times or 0)]

    def take(self, facts: RequestFacts) -> str | None:
        for step in self._left:
            wanted = (step.match.event_type, step.match.job, step.match.attempt)
            if all(want in (None, has) for want, has in zip(wanted, facts, strict=True)):
                self._left.remove(step)
                return step.name
        return None


_facts = st.builds(
    RequestFacts,
    st.none() | st.sampled_from(EVENT_TYPES),
    st.none() | st.sampled_from(JOBS),
    st.none() | st.integers(1, 3),
)


@given(
    st.lists(st.builds(Step, name=names, times=st.integers(1, 3), match=matches), min_size=1, max_size=6),
    st.lists(_facts, max_size=25),
)
def test_any_plan_with_matches_is_taken_as_said(steps: list[Step], requests: list[RequestFacts]) -> None:
    faults, oracle = Faults(), Oracle(steps)
    faults.set(Plan(tuple(steps)))
    for facts in requests:
        assert name_of(faults.take(ORG, facts)) == oracle.take(facts)


# Orgs.


def test_a_plan_of_an_org_is_for_that_org_only() -> None:
    faults = begun("503,500", ORG)
    assert take(faults, 1, org=OTHER) == [None]
    assert take(faults, 3, org=ORG) == ["503", "500", None]


def test_an_orgs_own_plan_goes_before_the_one_for_all() -> None:
    faults = begun("503,500")
    faults.set(parse_plan("429", ORG))
    assert take(faults, 3, org=ORG) == ["429", "503", "500"]
    assert take(faults, 1, org=OTHER) == [None]


def test_the_plan_for_all_is_shared_by_all() -> None:
    faults = begun("503,500,429")
    assert [take(faults, 1, org=org)[0] for org in (ORG, OTHER, ORG, OTHER)] == ["503", "500", "429", None]


def test_while_an_orgs_plan_lasts_the_one_for_all_is_not_asked() -> None:
    faults = begun("503")
    faults.set(parse_plan([{"step": 429, "match": {"job": "a"}}], ORG))
    assert take(faults, 1, RequestFacts("START", "b", 1), ORG) == [None]
    assert take(faults, 1, RequestFacts("START", "a", 1), ORG) == ["429"]
    assert take(faults, 1, RequestFacts("START", "b", 1), ORG) == ["503"]


def test_an_org_can_be_made_well_alone() -> None:
    faults = begun("503,503")
    faults.set(parse_plan("429", ORG))
    faults.clear(ORG)
    assert take(faults, 1, org=ORG) == ["503"]
    faults.set(parse_plan("429", ORG))
    faults.clear()
    assert take(faults, 2, org=ORG) == ["429", None]
    assert faults.state() is None


def test_everything_can_be_made_well() -> None:
    faults = begun("503")
    faults.set(parse_plan("429", ORG))
    assert [state["org"] for state in faults.states()] == [None, ORG]
    faults.clear(everything=True)
    assert take(faults, 1, org=ORG) == [None]
    assert faults.states() == []


# Chance.


def test_chance_repeats_with_its_seed() -> None:
    def hits(seed: int) -> list[str | None]:
        return take(begun([{"step": 503, "probability": 0.3, "seed": seed}]), 200)

    assert hits(1) == hits(1)
    assert len({tuple(hits(seed)) for seed in range(10)}) == 10
    assert hits(0) == take(begun([{"step": 503, "probability": 0.3}]), 200)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_chance_is_what_was_asked_for(probability: float) -> None:
    counts = Counter(take(begun([{"step": 503, "probability": probability, "seed": 3}]), 5_000))
    # Six standard deviations at most.
    assert abs(counts["503"] / 5_000 - probability) < 0.043


def test_no_chance_and_certainty() -> None:
    assert set(take(begun([{"step": 503, "probability": 0}]), 300)) == {None}
    assert set(take(begun([{"step": 503, "probability": 1}]), 300)) == {"503"}


def test_a_request_that_was_spared_has_taken_its_step() -> None:
    faults = begun({"sequence": [{"step": 503, "probability": 0, "times": 2, "delay": 9}, 500], "delay": 0.5})
    assert [faults.take(ORG, ANY) for _ in range(2)] == [Taken(None, 0.5, False)] * 2
    assert take(faults, 2) == ["500", None]


def test_chances_of_steps_do_not_disturb_each_other() -> None:
    """A request of another job leaves the chance of this one where it was."""
    one = {"step": 503, "probability": 0.5, "seed": 5, "match": {"job": "a"}}
    two = {"step": 500, "probability": 0.5, "seed": 5, "match": {"job": "b"}}
    alone = take(begun([one]), 50, RequestFacts(job="a"))
    faults = begun([one, two])
    mixed = []
    for _ in range(50):
        take(faults, 3, RequestFacts(job="b"))
        mixed += take(faults, 1, RequestFacts(job="a"))
    assert mixed == alone


# Many at once.


def together(threads: int, work: Any) -> None:
    """Runs ``work(number)`` in so many threads that all begin at the same moment."""
    barrier = threading.Barrier(threads)

    def begin(number: int) -> None:
        barrier.wait()
        work(number)

    running = [threading.Thread(target=begin, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_many_threads_take_each_planned_step_exactly_once() -> None:
    planned = {str(status): 1 + status % 7 for status in range(400, 600)}
    faults = begun([{"step": int(name), "times": times} for name, times in planned.items()])
    wanted = sum(planned.values())
    taken: list[list[Taken | None]] = [[] for _ in range(16)]

    def work(number: int) -> None:
        for _ in range(wanted // 16 + 10):
            taken[number].append(faults.take(ORG, ANY))

    together(16, work)
    everything = [one for by_thread in taken for one in by_thread]
    assert Counter(name_of(one) for one in everything if one is not None) == planned
    assert sum(one is None for one in everything) == len(everything) - wanted
    assert sum(one.ended for one in everything if one is not None) == 1, "one request, and only one, ends the plan"


def test_many_threads_of_many_orgs_take_the_steps_of_their_own_plans_and_share_the_rest() -> None:
    faults = begun([{"step": 503, "times": 500}])
    orgs = [f"{number:012x}" for number in range(8)]
    for org in orgs:
        faults.set(Plan((Step("429", times=50),), org=org))
    taken: dict[int, list[str | None]] = {}

    def work(number: int) -> None:
        taken[number] = take(faults, 100, org=orgs[number % len(orgs)])

    together(16, work)
    counts = Counter(itertools.chain.from_iterable(taken.values()))
    assert counts == {"429": 8 * 50, "503": 500, None: 1600 - 900}


def test_a_match_is_exact_among_many_threads() -> None:
    faults = Faults()
    faults.set(Plan((Step("503", times=40, match=Match(job="a")), Step("500", times=60, match=Match(job="b")))))
    taken: dict[int, list[str | None]] = {}

    def work(number: int) -> None:
        taken[number] = take(faults, 50, RequestFacts(job="ab"[number % 2]))

    together(8, work)
    assert Counter(itertools.chain.from_iterable(taken[number] for number in range(0, 8, 2)))["503"] == 40
    assert Counter(itertools.chain.from_iterable(taken[number] for number in range(1, 8, 2)))["500"] == 60
