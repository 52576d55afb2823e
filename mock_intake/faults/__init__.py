"""Misbehaviour on demand: the table of steps, plans as values, who takes which step, and what the exchange becomes.

Nothing here does I/O: ``mock_intake.server.http`` implements ``Wire``, the protocol that the actions of steps use.

Plans, and what they are read by, are loaded with the first look at them: most servers are never given one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mock_intake.faults.outcomes import BODILESS, apply
from mock_intake.faults.progress import Faults, Taken
from mock_intake.faults.shared import PlanChange, PlanStore, SharedFaults
from mock_intake.faults.steps import (
    FAILURE,
    FOR_EVER,
    SHORT_WORDS,
    STEPS,
    SUCCESS,
    WORDS,
    Outcome,
    RequestFacts,
    StepKind,
)
from mock_intake.faults.wire import Action, Wire

if TYPE_CHECKING:
    from mock_intake.faults.fields import FaultError
    from mock_intake.faults.plans import (
        MAX_DELAY,
        MAX_STATUS,
        MIN_STATUS,
        Match,
        Plan,
        Step,
        no_state,
        parse_plan,
        plan_schema,
        split_steps,
        state_schema,
    )

__all__ = [
    "BODILESS",
    "FAILURE",
    "FOR_EVER",
    "MAX_DELAY",
    "MAX_STATUS",
    "MIN_STATUS",
    "SHORT_WORDS",
    "STEPS",
    "SUCCESS",
    "WORDS",
    "Action",
    "FaultError",
    "Faults",
    "Match",
    "Outcome",
    "Plan",
    "PlanChange",
    "PlanStore",
    "RequestFacts",
    "SharedFaults",
    "Step",
    "StepKind",
    "Taken",
    "Wire",
    "apply",
    "no_state",
    "parse_plan",
    "plan_schema",
    "split_steps",
    "state_schema",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("mock_intake.faults.plans"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
