"""What a request to the control API costs is linear in what was sent, at every endpoint and in each parameter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import pytest

from mock_intake import IntakeServer
from mock_intake.server.control import ENDPOINTS, PREFIX
from tests.cost.measuring import FULL, Dimension, growth_of
from tests.cost.requests import HEAD, filled, some
from tests.events import run_event
from tests.fuzz import request_bytes, send

# What a head may hold beside it.
LONGEST = HEAD - 1024
# Those that answer when something happens have a time limit, and it is theirs that they cost.
WAITING = ("/stream", "/wait")
Target = Callable[[int, Random], str]


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        for number in range(3):
            send(server, request_bytes(json.dumps(run_event(number=number)).encode()))
        yield server


def _targets() -> Iterator[tuple[str, str, Target]]:
    for endpoint in ENDPOINTS:
        if endpoint.path.startswith(WAITING):
            continue
        path = PREFIX + endpoint.path
        named = path.replace("{id}", "x")
        if "{" in path:
            beginning = path.partition("{")[0]
            yield f"{endpoint.method} {path}: the id", endpoint.method, partial(_with_id, beginning)
        for name in (*[parameter.name for parameter in endpoint.parameters], "unknown"):
            yield f"{endpoint.method} {path}: {name}", endpoint.method, partial(_with_value, named, name)
        yield f"{endpoint.method} {path}: parameters", endpoint.method, partial(_with_many, named)


def _with_id(beginning: str, size: int, chance: Random) -> str:
    return beginning + some(size, chance)


def _with_value(path: str, name: str, size: int, chance: Random) -> str:
    return f"{path}?{name}={some(size, chance)}"


def _with_many(path: str, size: int, _chance: Random) -> str:
    return f"{path}?{filled('a=b&', size)}"


# As one test among many some of them are measured; all of them by make cost.
TARGETS = {name: (method, target) for name, method, target in list(_targets())[:: 1 if FULL else 10]}


@pytest.mark.parametrize("name", TARGETS)
def test_the_cost_of_an_endpoint_is_linear_in(intake: IntakeServer, name: str) -> None:
    method, target = TARGETS[name]

    def make(size: int, chance: Random) -> Callable[[], object]:
        return partial(send, intake, request_bytes(method=method, target=target(size, chance), key=None))

    growth = growth_of(Dimension(name, make, LONGEST, 1 << 12))
    assert not growth.too_steep, str(growth)


def _headers(size: int, chance: Random) -> bytes:
    return request_bytes(headers=[(f"X-{some(8, chance)}", "1") for _ in range(size // 16)], method="GET", key=None)


def _plan(size: int, _chance: Random) -> bytes:
    plan = json.dumps({"sequence": [503] * (size // 5)}).encode()
    return request_bytes(plan, method="PUT", target=f"{PREFIX}/faults", key=None)


def _lines(size: int, chance: Random) -> bytes:
    return request_bytes((some(30, chance) + "\n").encode() * (size // 31), target=f"{PREFIX}/import", key=None)


BODIES = {"headers": (_headers, LONGEST), "steps of a plan": (_plan, 1 << 18), "lines of an import": (_lines, 1 << 20)}


@pytest.mark.parametrize("name", BODIES)
def test_the_cost_of_what_is_sent_is_linear_in(intake: IntakeServer, name: str) -> None:
    make, largest = BODIES[name]
    work = lambda size, chance: partial(send, intake, make(size, chance))  # noqa: E731
    growth = growth_of(Dimension(name, work, largest, 1 << 12))
    intake.faults.clear(everything=True)
    assert not growth.too_steep, str(growth)
