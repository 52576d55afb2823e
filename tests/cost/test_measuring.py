"""The judge of costs, tried on work of which it is known how it grows."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.cost.measuring import ENOUGH, FLOOR, Dimension, growth_of, measured_at


def made_up(cost: Callable[[int], float]) -> Dimension:
    """Work that takes so many seconds for an input of a size, by a clock of its own."""
    now = 0.0

    def work(size: int) -> None:
        nonlocal now
        now += cost(size)

    return Dimension("made up", lambda size, _: lambda: work(size), largest=1 << 20, smallest=1, clock=lambda: now)


@pytest.mark.parametrize(
    "cost",
    [
        lambda _: 0.0,
        lambda _: 0.01,
        lambda n: 0.002 * n,
        lambda n: 0.04 + 0.0005 * n,
        lambda n: 0.001 * n * (2 if n > 32 else 1),
        lambda n: 0.0002 * n * n.bit_length(),
    ],
    ids=["nothing", "constant", "linear", "linear beside something else", "linear with a step", "n log n"],
)
def test_what_is_linear_or_hardly_more_is_taken(cost: Callable[[int], float]) -> None:
    assert not growth_of(made_up(cost)).too_steep


@pytest.mark.parametrize(
    "cost",
    [
        lambda n: 0.0005 * n**2,
        lambda n: 0.0003 * n**3,
        lambda n: 0.001 * 2**n,
        lambda n: 0.001 * n + 0.0001 * n**2,
    ],
    ids=["quadratic", "cubic", "exponential", "quadratic beside linear"],
)
def test_what_grows_faster_is_found_before_it_costs_minutes(cost: Callable[[int], float]) -> None:
    growth = growth_of(made_up(cost))
    assert growth.too_steep
    sizes = [size for size, _ in growth.measured]
    assert sizes == [2**power for power in range(len(sizes))]
    assert growth.measured[-1].seconds < 40 * FLOOR
    assert f"{sizes[-1]:,}: " in str(growth)


def test_the_clock_is_that_of_the_processor() -> None:
    def seconds(work: Callable[[], object]) -> float:
        return measured_at(Dimension("", lambda _size, _chance: work, largest=1), 1).seconds

    assert seconds(lambda: time.sleep(0.2)) < 0.1
    assert seconds(lambda: sum(range(1_000_000))) > 0.001


def test_what_is_quadratic_is_found_where_no_larger_input_is_taken() -> None:
    growth = growth_of(made_up(lambda n: 0.00004 * n**2)._replace(largest=64))
    assert growth.too_steep
    assert growth.measured[-1].size == 64


def test_what_is_quadratic_beside_linear_is_found_there_too() -> None:
    growth = growth_of(made_up(lambda n: 0.0002 * n + 0.00001 * n**2)._replace(largest=64))
    assert growth.too_steep
    assert growth.measured[-1].size == 64


def test_what_no_longer_fits_into_a_cache_is_no_growth() -> None:
    """As once seen in CI: of a million bytes, the largest input, 65,536 keys made two doublings steep."""
    seen = [3.4, 0.4, 0.6, 0.6, 1.7, 2.6, 2.8, 3.7, 6.3, 8.1, 21.3, 57.8]
    growth = growth_of(made_up(lambda n: seen[n.bit_length() - 1] / 1000)._replace(largest=1 << 11))
    assert not growth.too_steep
    assert growth.measured[-1].seconds == pytest.approx(0.0578)


def test_a_few_sizes_above_the_floor_are_enough() -> None:
    growth = growth_of(made_up(lambda n: 0.002 * n))
    assert [seconds > FLOOR for _, seconds in growth.measured].count(True) == ENOUGH
    assert growth.measured[-1].size < 1 << 10


@pytest.mark.parametrize(
    "turns",
    [
        [0.0, 0.0, 0.3],
        # As once seen in CI: a size cost 2.53 times as much as the one before, all five times.
        [0.014, 0.028, 0.0568, 0.1436, *[0.0568, 0.1436] * 4, 0.25, *[0.1436, 0.25] * 4],
        [0.014, 0.028, 0.055, 0.200, *[0.100, 0.200] * 4],
    ],
    ids=["a single turn", "a size", "a machine that becomes slower"],
)
def test_slow_turns_are_no_growth(turns: list[float]) -> None:
    # They were seen where the floor was at 30 ms.
    left = iter([*(FLOOR / 0.03 * seconds for seconds in turns), *[0.0] * 100])
    assert not growth_of(made_up(lambda _: next(left))).too_steep
