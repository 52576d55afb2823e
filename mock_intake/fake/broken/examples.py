"""Events that break a rule as its own example does: for rules without a recipe, such as those of other packages."""

from __future__ import annotations

from random import Random
from typing import Any, cast, get_args

from mock_intake.fake.broken.making import run_event
from mock_intake.fake.runs import EventType
from mock_intake.model.event import JsonObject
from mock_intake.rules.definition import JudgingRule
from mock_intake.rules.examples import example_events


def as_in_example(random: Random, rule: JudgingRule[Any]) -> list[JsonObject]:
    """The events of a rule's trigger, made from a made-up event in place of the plain one.

    Other rules can be broken too, where the example leaves out what goes with what it changes.
    """
    changes = {**rule.given, **rule.trigger} if rule.words.subject == "event" else rule.given
    named = changes.get("/eventType")
    event_type = cast("EventType", named) if named in get_args(EventType) else "START"
    return example_events(rule, rule.trigger, run_event(random, event_type))
