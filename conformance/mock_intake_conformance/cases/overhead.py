"""Overhead: what lineage costs, told and not judged."""

from __future__ import annotations

from mock_intake.datadog.sources import ASSUMPTIONS
from mock_intake.report.suite import Requirement
from mock_intake_conformance.cases.judging import ASSUMED, NOTE, Case, Judgement, count, observed
from mock_intake_conformance.observation import Observation, Observations
from mock_intake_conformance.scenarios import DISABLED, HEALTHY, SCENARIOS

_EVERYWHERE = tuple(scenario.id for scenario in SCENARIOS.values() if not scenario.slow and not scenario.failing)


def _size(here: Observation) -> int:
    return sum(exchange.request.wire_size for exchange in here.exchanges)


def _requests(seen: Observations) -> Judgement:
    lines = [
        f"{name}: {count(len(here.exchanges), 'request')}, {_size(here):,} bytes of bodies"
        for name, here in seen.items()
    ]
    healthy = seen[HEALTHY]
    return observed(f"{count(len(healthy.exchanges), 'request')}, {_size(healthy):,} bytes when all is well", *lines)


def _time(seen: Observations) -> Judgement:
    healthy = seen[HEALTHY].outcome.seconds
    lines = [
        f"{name}: {here.outcome.seconds:.1f} s, {here.outcome.seconds - healthy:+.1f} s"
        for name, here in seen.items()
        if name != DISABLED
    ]
    disabled = seen.get(DISABLED)
    message = f"{healthy:.1f} s when all is well"
    if disabled is not None and not disabled.exchanges:
        message += f", {max(0.0, healthy - disabled.outcome.seconds):.1f} s of it because of lineage"
    elif disabled is not None:
        message += "; OPENLINEAGE_DISABLED does not switch lineage off, so its part cannot be told"
    return observed(message, *lines)


CASES = (
    Case(
        Requirement(
            "overhead/requests", "Requests and bytes", NOTE,
            "How many requests lineage makes, and how large they are, in every scenario.",
            "Bodies are paid for in time and in traffic.",
            "Compress bodies (the Datadog transport does), and leave out what nobody reads.",
            ASSUMPTIONS, ASSUMED, tuple(name for name in _EVERYWHERE if name != DISABLED),
        ),
        _requests,
        partial=True,
    ),
    Case(
        Requirement(
            "overhead/time", "Time that the job spends on lineage", NOTE,
            "How much longer the job takes because of lineage, in every scenario.",
            "Sending in the job's own thread makes the job wait for the intake.",
            "Lower time-outs and retries, or use the asynchronous route; weigh that against lost events.",
            ASSUMPTIONS, ASSUMED, _EVERYWHERE,
        ),
        _time,
        partial=True,
    ),
)  # fmt: skip
