"""Fault plans that hold for several servers: kept where all of them find them, changed by one at a time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from mock_intake.faults.progress import Faults, Progress, Taken
from mock_intake.faults.steps import RequestFacts

if TYPE_CHECKING:
    from mock_intake.faults.plans import Plan

T = TypeVar("T")


class PlanChange(NamedTuple):
    """Plans as they are to be kept, and whether others must know of it before whoever changed them goes on."""

    plans: bytes
    is_announced: bool


class PlanStore(Protocol):
    """Keeps the plans of several servers, as bytes (none at first). Safe to use from several threads.

    What goes wrong with it is raised as the store's own errors.
    """

    def read(self) -> bytes:
        """The plans as they are now."""

    def change(self, work: Callable[[bytes], PlanChange]) -> None:
        """Puts what ``work`` makes of the plans in their place; nobody else changes them meanwhile.

        Where it says so, this returns once the other servers have heard of it.
        """

    def watch(self, changed: Callable[[], None]) -> None:
        """Has ``changed`` called, from any thread, whenever another server has changed the plans."""


class SharedFaults(Faults):
    """The plans of all servers that share a store. What was set holds at each of them when ``set`` returns, and each
    step is taken once, wherever.

    All but ``any`` and ``look_at_events``, which go by what was heard last, ask the store, and raise its errors.
    """

    blocking = True

    def __init__(self, store: PlanStore) -> None:
        super().__init__()
        self._store = store
        store.watch(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Looks at what the plans are now."""
        self._plans = _decoded(self._store.read())

    @property
    def any(self) -> bool:
        """Whether any plan has something left: of one that has come to its end, nothing is to be asked."""
        return self.active

    def set(self, plan: Plan) -> None:
        self._change(lambda held: held.set(plan), lambda _: True)

    def clear(self, org: str | None = None, *, everything: bool = False) -> None:
        self._change(lambda held: held.clear(org, everything=everything), lambda _: True)

    def take(self, org: str, request: RequestFacts) -> Taken | None:
        taken = self._change(lambda held: held.take(org, request), lambda taken: taken is not None and taken.ended)
        self._ended += taken is not None and taken.ended
        return taken

    def state(self, org: str | None = None) -> dict[str, Any] | None:
        self.refresh()
        return super().state(org)

    def states(self) -> list[dict[str, Any]]:
        self.refresh()
        return super().states()

    def _change(self, work: Callable[[Faults], T], is_announced: Callable[[T], bool]) -> T:
        given: list[T] = []
        left: dict[str | None, Progress] = {}

        def change(plans: bytes) -> PlanChange:
            held = Faults()
            held._plans = _decoded(plans)
            given[:] = [work(held)]
            left.clear()
            left.update(held._plans)
            return PlanChange(_encoded(left), is_announced(given[0]))

        self._store.change(change)
        self._plans = left
        return given[0]


def _encoded(plans: dict[str | None, Progress]) -> bytes:
    return json.dumps(
        [
            {"plan": each.plan.to_dict(), "left": each.left, "taken": each.taken, "draws": each.draws}
            for each in plans.values()
        ]
    ).encode()


def _decoded(data: bytes) -> dict[str | None, Progress]:
    from mock_intake.faults.plans import parse_plan

    plans: dict[str | None, Progress] = {}
    for each in json.loads(data) if data else ():
        progress = Progress.begin(parse_plan(each["plan"]))
        progress.left, progress.taken, progress.draws = each["left"], each["taken"], each["draws"]
        for chance, draws in zip(progress.chances, progress.draws, strict=True):
            _go_on(chance, draws)
        plans[progress.plan.org] = progress
    return plans


def _go_on(chance: random.Random, draws: int) -> None:
    """Brings a chance to where it stood after so many draws: the next one is that of the plan's seed."""
    for _ in range(draws):
        chance.random()
