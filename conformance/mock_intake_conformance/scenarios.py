"""Scenarios: in what way an intake behaves while a producer runs once. Values only; ``execution`` carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_intake.producers.paths import PathName
from mock_intake.server.http.tls import Flaw

Path = PathName

HEALTHY = "healthy"
DEBUG = "debug"
DISABLED = "disabled"
FAILING = "failing"
REFUSING = "refusing"
TLS = "tls"
REDIRECT = "redirect"

# By then (seconds) clients that have a time-out have used it: 5 s in those of OpenLineage, 10 s in many others.
_TIME_OUTS = 12.0

_NO_TLS = "The Agent listens with plain HTTP: there is no certificate for the producer to check."
_NO_KEY = "With the Agent the producer has no key that it could take along."


@dataclass(frozen=True)
class Scenario:
    """One way to behave.

    ``plan`` is a fault plan as ``mock_intake.faults`` parses it. ``listens`` is false where connections are
    refused. ``tls`` serves the intake with https, its certificate with a ``flaw`` if there is one; ``redirects`` sends
    every request on to another origin. ``failing`` runs the producer's failing command; ``environment`` is set beside
    the path's. ``patience`` ends the producer so many seconds after twice the time that it needs with an intake that
    is healthy, where all is seen by then; else the time limit of the suite does. ``slow`` ones run if asked for only.
    ``not_with_agent`` says why it makes no sense there.
    """

    id: str
    title: str
    plan: Any = None
    listens: bool = True
    tls: bool = False
    flaw: Flaw | None = None
    redirects: bool = False
    failing: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float | None = None
    slow: bool = False
    not_with_agent: str | None = None

    def makes_no_sense(self, path: Path) -> str | None:
        """Why the scenario says nothing about a producer of this path; None if it does."""
        return self.not_with_agent if path == "agent" else None


# What is known to turn on debug logging: in the OpenLineage clients, and by the conventions of many programs.
DEBUG_LOGGING = {
    "OPENLINEAGE_CLIENT_LOGGING": "DEBUG",
    "LOG_LEVEL": "DEBUG",
    "LOGLEVEL": "DEBUG",
    "DEBUG": "1",
}


def _always(status: int, title: str) -> Scenario:
    plan = {"sequence": [status], "repeat_last": True}
    return Scenario(f"{status}-always", f"The intake answers {title} to every request.", plan, patience=15)


def _flawed(flaw: Flaw, title: str) -> Scenario:
    return Scenario(f"tls-{flaw}", title, tls=True, flaw=flaw, patience=10, not_with_agent=_NO_TLS)


_LIST = (
    Scenario(HEALTHY, "The intake is healthy."),
    Scenario(DEBUG, "The intake is healthy, and the producer is told to log for debugging.", environment=DEBUG_LOGGING),
    Scenario(
        DISABLED, "Lineage is switched off in the OpenLineage client.", environment={"OPENLINEAGE_DISABLED": "true"}
    ),
    Scenario(FAILING, "The intake is healthy, and the job fails.", failing=True),
    Scenario("500-once", "The first request is answered 500 Internal Server Error.", [500]),
    Scenario("502-once", "The first request is answered 502 Bad Gateway.", [502]),
    Scenario("503-once", "The first request is answered 503 Service Unavailable.", [503]),
    Scenario("504-once", "The first request is answered 504 Gateway Timeout.", [504]),
    Scenario("reset-once", "The connection is reset in place of the first answer; the event is not taken.", ["reset"]),
    Scenario("lost-answer", "The first event is taken, and the connection reset before the answer is sent.", ["lost"]),
    Scenario(
        "429-once",
        "The first request is answered 429 Too Many Requests, with Retry-After: 1.",
        [{"step": 429, "headers": {"Retry-After": "1"}}],
    ),
    Scenario("slow", "Every answer takes one second.", {"delay": 1}),
    Scenario(REFUSING, "Connections to the intake are refused.", listens=False),
    Scenario("hang-once", "The first request is never answered; the intake is healthy after that.", ["hang"],
             patience=_TIME_OUTS),
    Scenario(
        "hang-for-ever",
        "START is never answered, however often it is sent.",
        [{"step": "hang", "times": None, "match": {"event_type": "START"}}],
        slow=True,
    ),
    Scenario(
        "503-hour",
        "The first request is answered 503 Service Unavailable, with Retry-After: 3600.",
        [{"step": 503, "headers": {"Retry-After": "3600"}}],
        patience=20,
        slow=True,
    ),
    Scenario(
        "301-once",
        "The first request is answered 301 Moved Permanently, to another place at this origin.",
        [{"step": 301, "headers": {"Location": "/moved"}}],
    ),
    Scenario("304-once", "The first request is answered 304 Not Modified.", [304]),
    _always(400, "400 Bad Request"),
    _always(403, "403 Forbidden"),
    _always(413, "413 Payload Too Large"),
    Scenario(TLS, "The intake is healthy and serves https with a certificate that is right.", tls=True,
             not_with_agent=_NO_TLS),
    _flawed("untrusted", "The intake's certificate is of an authority that nobody trusts."),
    _flawed("expired", "The intake's certificate has expired."),
    _flawed("wrong-host", "The intake's certificate is for another host."),
    Scenario(
        REDIRECT,
        "Every request is answered with a redirect (307) to another origin.",
        redirects=True, patience=15, not_with_agent=_NO_KEY,
    ),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = {scenario.id: scenario for scenario in _LIST}
"""All scenarios by id; the first one is what all others are compared with."""
