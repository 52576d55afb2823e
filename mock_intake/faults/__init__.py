"""Misbehaviour on demand: the table of steps, plans as values, who takes which step, and what the exchange becomes.

Nothing here does I/O: ``mock_intake.server.http`` implements ``Wire``, the protocol that the actions of steps use.
"""

from __future__ import annotations

from mock_intake.faults.fields import FaultError
from mock_intake.faults.outcomes import BODILESS, apply
from mock_intake.faults.plans import (
    FOR_EVER,
    MAX_DELAY,
    MAX_STATUS,
    MIN_STATUS,
    Match,
    Plan,
    RequestFacts,
    Step,
    parse_plan,
    plan_schema,
    split_steps,
    state_schema,
)
from mock_intake.faults.progress import Faults, Taken, no_state
from mock_intake.faults.shared import PlanChange, PlanStore, SharedFaults
from mock_intake.faults.steps import FAILURE, SHORT_WORDS, STEPS, SUCCESS, WORDS, Outcome, StepKind
from mock_intake.faults.wire import Action, Wire

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
