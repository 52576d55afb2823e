"""Which rules can be broken on purpose, in which form, and which cannot."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from mock_intake.fake.broken import datadog, openlineage
from mock_intake.fake.broken.examples import as_in_example
from mock_intake.fake.broken.requests import REQUESTS, Request, carrying, draw_key, draw_request
from mock_intake.fake.broken.sequences import SEQUENCES
from mock_intake.judging.catalogue import JUDGING, RULES
from mock_intake.model.event import JsonObject

# Where an event breaks a rule in more ways than its example does; for all others the example is enough.
RECIPES = {**openlineage.RECIPES, **datadog.RECIPES}

# Rules that cannot be broken alone, with those that are always broken too.
ALSO: Mapping[str, tuple[str, ...]] = {
    "DD401": ("OL103",),  # the facet's schema wants an array as well
    "DS107": ("DD208",),  # of the two ways of writing one has the white space
    "HT005": ("HT004",),  # a key that cannot be one is not known either
}
# Rules that nothing in a request can break, and why.
UNBREAKABLE: Mapping[str, str] = {
    "HT004": "which keys are known is up to the intake: start one with --api-key, and any other key breaks the rule",
    "HT008": "it takes two headers of one name",
    "HT106": "it takes a connection that ends before the body does",
    "HT108": "it takes a transfer coding that no library for HTTP sends",
    "HT303": "it takes bytes that are no HTTP request, on a connection of their own",
    "HT304": "it is about how the Agent is set up: start the Agent's listener with its forwarder switched off",
    "HT305": "it takes a client that asks the forward proxy for another host",
    "HT306": "it takes a program under test that connects to a real intake",
}


def broken_event(random: Random, rule: str) -> JsonObject:
    """An event that breaks this rule by itself. Raises ``ValueError`` where one event cannot."""
    _known(rule)
    if rule in RECIPES:
        return RECIPES[rule](random)
    subject = RULES[rule].subject
    if subject == "event":
        return as_in_example(random, JUDGING[rule])[0]
    if subject == "request":
        raise ValueError(f"no event breaks {rule}: broken_requests({rule!r}) makes a request that does")
    raise ValueError(f"no event breaks {rule} by itself: broken_events({rule!r}) makes several that do together")


def broken_events(random: Random, rule: str) -> list[JsonObject]:
    """Events that break this rule together. Raises ``ValueError`` where events cannot."""
    _known(rule)
    if rule in SEQUENCES:
        return SEQUENCES[rule](random)
    if RULES[rule].subject in ("run", "dataset"):
        return as_in_example(random, JUDGING[rule])
    return [broken_event(random, rule)]


def broken_requests(random: Random, rule: str) -> list[Request]:
    """The requests to send, in order, to break this rule. Raises ``ValueError`` where requests cannot."""
    _known(rule)
    if rule in REQUESTS:
        return [draw_request(random, rule)]
    events = broken_events(random, rule)
    key = draw_key(random)
    return [carrying(key, event) for event in events]


def _known(rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}; mock-intake rules lists them")
    if rule in UNBREAKABLE:
        raise ValueError(f"{rule} cannot be broken on purpose by what is sent: {UNBREAKABLE[rule]}")
