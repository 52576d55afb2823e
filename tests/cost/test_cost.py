"""What a request costs is linear in what was sent.

Every dimension is a line in a table, beside its like: ``heads``, ``bodies``, ``contents``, ``rules``; in ``fields`` a
generator makes them. Another family is another module with ``DIMENSIONS``, named here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from mock_intake import IntakeServer
from tests.cost import bodies, contents, fields, heads, rules
from tests.cost.measuring import Dimension, Measured, growth_of, measured_at
from tests.cost.requests import HEX, TOKEN, filled, some
from tests.fuzz import send

DIMENSIONS = (*heads.DIMENSIONS, *bodies.DIMENSIONS, *contents.DIMENSIONS, *rules.DIMENSIONS, *fields.DIMENSIONS)


def test_dimensions_have_names_of_their_own() -> None:
    assert len({dimension.name for dimension in DIMENSIONS}) == len(DIMENSIONS)


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)
def test_the_cost_is_linear_in(dimension: Dimension) -> None:
    growth = growth_of(dimension)
    if dimension in heads.DIMENSIONS:
        _HEADS[dimension.name] = growth.measured[-1]
    assert not growth.too_steep, str(growth)


# What the longest that was measured of each kind of head has cost: most grow up to their largest size.
_HEADS: dict[str, Measured] = {}
# Most of them take a tenth of that. Where each of thousands of keys was looked for by itself it was ten seconds.
MOST_SECONDS_OF_A_HEAD = 1.5


@pytest.mark.parametrize("dimension", heads.DIMENSIONS, ids=lambda dimension: dimension.name)
def test_no_head_costs_more_than_so_much(dimension: Dimension) -> None:
    """A head has a largest size, and the server has more to do than that one."""
    measured = _HEADS.get(dimension.name)
    if measured is None or 2 * measured.size <= dimension.largest:
        measured = measured_at(dimension, dimension.largest)
    assert measured.seconds < MOST_SECONDS_OF_A_HEAD


# What is no HTTP: of such bytes the server looks at so many.
GARBAGE = 1 << 14
UNREADABLE: dict[str, Callable[[int, Random], str]] = {
    "one word": lambda size, chance: some(size, chance),
    "one word before blanks": lambda size, chance: some(size - 64, chance) + " " * GARBAGE,
    "words": lambda size, chance: some(size, chance, TOKEN + " " * 20),
    "hexadecimal": lambda size, chance: some(size, chance, HEX),
    "names of secrets": lambda size, _: filled("token", size),
    "names of secrets and blanks": lambda size, _: filled("token" + " " * 500, size),
    "colons": lambda size, _: "token:" + ":" * size,
    "schemes": lambda size, _: filled("bearer ", size),
    "lines": lambda size, _: "\n" * size,
    "names of headers": lambda size, _: filled("\na:", size),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_the_cost_of_what_is_no_http_is_linear_in(server: IntakeServer, kind: str) -> None:
    make = UNREADABLE[kind]
    work = lambda size, chance: partial(send, server, f"\0{make(size, chance)}\r\n\r\n".encode())  # noqa: E731
    growth = growth_of(Dimension(kind, work, GARBAGE))
    assert not growth.too_steep, str(growth)
