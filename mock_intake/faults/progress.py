"""Who takes which step: the plans of one intake, and how far they have come."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from mock_intake.faults.steps import FOR_EVER, RequestFacts

if TYPE_CHECKING:
    from mock_intake.faults.plans import Plan, Step


class Taken(NamedTuple):
    """The step that a request took, or None for the delay alone.

    ``delay`` (seconds) is that of step and plan together; ``ended`` is true of the request that ended the plan.
    """

    step: Step | None
    delay: float
    ended: bool


class Progress(Struct):
    """How far a plan has come: what is left of every step, the chance of those that have one, and how often it was
    drawn.
    """

    plan: Plan
    left: list[int | None] = field(default_factory=list)
    chances: list[random.Random] = field(default_factory=list)
    taken: int = 0
    draws: list[int] = field(default_factory=list)

    @classmethod
    def begin(cls, plan: Plan) -> Progress:
        left = [step.times for step in plan.sequence]
        if plan.repeat_last and left:
            left[-1] = FOR_EVER
        chances = [random.Random(step.seed) for step in plan.sequence]  # noqa: S311 - no secrecy
        return cls(plan, left, chances, draws=[0] * len(left))

    @property
    def is_over(self) -> bool:
        return bool(self.left) and all(left == 0 for left in self.left)

    def take(self, request: RequestFacts) -> Taken:
        for index, step in enumerate(self.plan.sequence):
            left = self.left[index]
            if left == 0 or not step.match.matches(request):
                continue
            self.taken += 1
            if left is not FOR_EVER:
                self.left[index] = left - 1
            # A request that chance spares has taken its step all the same.
            if step.probability is not None:
                self.draws[index] += 1
                if self.chances[index].random() >= step.probability:
                    return Taken(None, self.plan.delay, self.is_over)
            return Taken(step, self.plan.delay + step.delay, self.is_over)
        return Taken(None, self.plan.delay, self.is_over)

    def to_dict(self) -> dict[str, Any]:
        return {**self.plan.to_dict(), "taken": self.taken, "left": list(self.left), "active": not self.is_over}


class Faults:
    """The plans of one intake and how far they have come. Safe to use from several threads.

    ``blocking`` tells that all but ``any`` and ``look_at_events`` may wait for others, so that a server does it beside
    its loop.
    """

    blocking = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[str | None, Progress] = {}
        self._ended = 0

    @property
    def ended(self) -> int:
        """How many plans have come to their end."""
        return self._ended

    def set(self, plan: Plan) -> None:
        """Sets ``plan``, in place of the one that its org (or all) had; it begins with its first step."""
        with self._lock:
            self._plans[plan.org] = Progress.begin(plan)

    def clear(self, org: str | None = None, *, everything: bool = False) -> None:
        """Takes away the plan of ``org``, the one for all that have none of their own (None), or (``everything``) all
        there are.

        Where there is none nothing happens. Requests that have taken a step already go on with it.
        """
        with self._lock:
            if everything:
                self._plans.clear()
            else:
                self._plans.pop(org, None)

    @property
    def any(self) -> bool:
        """Whether there is any plan, ended ones included."""
        return bool(self._plans)

    @property
    def look_at_events(self) -> bool:
        """Whether any step is for some events only, so that nothing can be said of a request before it is read."""
        with self._lock:
            plans = [progress.plan for progress in self._plans.values()]
        return any(step.match.is_narrow for plan in plans for step in plan.sequence)

    @property
    def active(self) -> bool:
        """Whether any plan has something left."""
        with self._lock:
            return any(not progress.is_over for progress in self._plans.values())

    def take(self, org: str, request: RequestFacts) -> Taken | None:
        """The step for a request of ``org``, each planned one exactly once; None if no plan is under way for it.

        A plan of the org's own goes before the one for all. ``request`` is what steps for some requests only
        (``match``) are compared with; one that no step fits gets the plan's delay alone.
        """
        with self._lock:
            for owner in (org, None):
                progress = self._plans.get(owner)
                if progress is not None and not progress.is_over:
                    taken = progress.take(request)
                    self._ended += taken.ended
                    return taken
            return None

    def state(self, org: str | None = None) -> dict[str, Any] | None:
        """The plan of ``org`` (None: the one for all) with its position, as JSON (see ``state_schema``); None if there
        is none.
        """
        with self._lock:
            progress = self._plans.get(org)
            return None if progress is None else progress.to_dict()

    def states(self) -> list[dict[str, Any]]:
        """All plans with their positions, in the order in which their orgs first had one."""
        with self._lock:
            return [progress.to_dict() for progress in self._plans.values()]
