"""What is fuzzed holds for the inputs that the fuzzer begins with, and for some that are near them."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzzing.targets import targets

DAMAGED = 40


def damaged(data: bytes, chance: Random) -> bytes:
    """An input with a few bytes changed, left out or said twice."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(made))
        length = chance.randint(0, 8)
        made[place : place + length] = chance.choice(
            (
                chance.randbytes(length),
                made[place : place + length] * 2,
                b"",
                chance.choice((b'"', b"[", b"\xff", b"0")),
            )
        )
    return bytes(made)


@pytest.mark.parametrize("name", targets())
def test_a_target_holds_for_what_is_near_its_seeds(name: str) -> None:
    target, chance = targets()[name], Random(name)
    for seed in target.seeds:
        target.run(seed)
        for _ in range(DAMAGED):
            target.run(damaged(seed, chance))
