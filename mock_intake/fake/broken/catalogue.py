"""Which rules can be broken on purpose, in which form, and which cannot."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from mock_intake.catalogue import RULES
from mock_intake.event import JsonObject
from mock_intake.fake.broken import datadog, openlineage
from mock_intake.fake.broken.requests import REQUESTS, Request, carrying, draw_key, draw_request
from mock_intake.fake.broken.sequences import SEQUENCES

RECIPES = {**openlineage.RECIPES, **datadog.RECIPES}

# Rules that cannot be broken alone, with those that are always broken too.
ALSO: Mapping[str, tuple[str, ...]] = {
    "DD401": ("OL103",),  # the facet's schema wants an array as well
    "HT005": ("HT004",),  # a key that cannot be one is not known either
}
# Rules that nothing in a request can break, and why.
UNBREAKABLE: Mapping[str, str] = {
    "HT004": "which keys are known is up to the intake: start one with --api-key, and any other key breaks the rule",
    "HT106": "it takes a connection that ends before the body does",
    "HT303": "it takes bytes that are no HTTP request, on a connection of their own",
    "HT304": "it is about how the Agent is set up: start the Agent's listener with its forwarder switched off",
    "HT305": "it takes a client that asks the forward proxy for another host",
}


def broken_event(random: Random, rule: str) -> JsonObject:
    """An event that breaks this rule by itself. Raises ``ValueError`` where one event cannot."""
    _known(rule)
    if rule in RECIPES:
        return RECIPES[rule](random)
    if rule in SEQUENCES:
        raise ValueError(f"no event breaks {rule} by itself: broken_events({rule!r}) makes several that do together")
    raise ValueError(f"no event breaks {rule}: broken_requests({rule!r}) makes a request that does")


def broken_events(random: Random, rule: str) -> list[JsonObject]:
    """Events that break this rule together. Raises ``ValueError`` where events cannot."""
    return SEQUENCES[rule](random) if rule in SEQUENCES else [broken_event(random, rule)]


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
