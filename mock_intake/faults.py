"""Misbehaviour on demand: fault plans as values, and who takes which step.

A plan is an ordered list of steps. Every POST to the intake's endpoint takes the first step that is left and
that it matches; an org's own plan goes before the one for all. When nothing is left of a plan, the intake is
well again. Nothing here does I/O: the server carries out what a step says.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from mock_intake.exchange import LATE, NO_ANSWER, Exchange, Headers, Response

# What a step can be, beside a status number.
WORDS = ("close", "reset", "lost", "truncate", "drip", "garbage", "hang", "redirect")
# Steps after which the event has been taken all the same.
TAKEN = ("lost", "truncate", "drip")
# Steps that give no answer that has a status.
UNANSWERED = ("close", "reset", "garbage", "hang")
FOR_EVER = None
REDIRECT_STATUS = 307
# Answers that have no body, by RFC 9110.
BODILESS = (204, 205, 304)
MAX_DELAY = 3600.0
# The whole numbers that all readers of JSON agree on (RFC 8259, section 6).
MAX_WHOLE = 2**53 - 1

# A header's name, by RFC 9110.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STEP_FIELDS = ("step", "times", "headers", "body", "delay", "match", "probability", "seed", "location")
_PLAN_FIELDS = ("sequence", "delay", "repeat_last", "org")
_MATCH_FIELDS = ("event_type", "job", "attempt")


class FaultError(ValueError):
    """A plan that cannot be understood; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a step is for: by event type, job name, or the how-manieth attempt of an event it is."""

    event_type: str | None = None
    job: str | None = None
    attempt: int | None = None

    def matches(self, request: RequestFacts) -> bool:
        return (
            (self.event_type is None or self.event_type == request.event_type)
            and (self.job is None or self.job == request.job)
            and (self.attempt is None or self.attempt == request.attempt)
        )


class RequestFacts(NamedTuple):
    """What a step can match: None where the request has no readable event. Attempts count from 1."""

    event_type: str | None = None
    job: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, to how many requests, to which.

    ``name`` is a status number as text or one of ``WORDS``; 2xx means "accept as usual". ``times`` None is for
    ever. ``delay`` (seconds) comes before the answer. With a ``probability`` each request that takes the step is
    hit or spared by chance, in an order that ``seed`` fixes.
    """

    name: str
    times: int | None = 1
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    delay: float = 0.0
    match: Match = Match()
    probability: float | None = None
    seed: int = 0
    location: str | None = None

    @property
    def status(self) -> int | None:
        """The status number that the step answers, if it is one of those."""
        return int(self.name) if self.name.isdigit() else None

    @property
    def is_well(self) -> bool:
        """Whether the request is handled as if there were no fault, but for a delay."""
        return self.name.isdigit() and self.name.startswith("2")

    def to_dict(self) -> dict[str, Any]:
        match = {name: getattr(self.match, name) for name in _MATCH_FIELDS if getattr(self.match, name) is not None}
        return {
            "step": int(self.name) if self.name.isdigit() else self.name,
            "times": self.times,
            "headers": dict(self.headers),
            "body": self.body,
            "delay": self.delay,
            "match": match or None,
            "probability": self.probability,
            "seed": self.seed,
            "location": self.location,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """An ordered list of steps. ``delay`` (seconds) comes before every answer while the plan lasts.

    A plan without steps lasts until it is removed; one with steps ends with the last of them, unless
    ``repeat_last`` makes that one last for ever. ``org`` None is a plan for all.
    """

    sequence: tuple[Step, ...] = ()
    delay: float = 0.0
    repeat_last: bool = False
    org: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "sequence": [step.to_dict() for step in self.sequence],
            "delay": self.delay,
            "repeat_last": self.repeat_last,
            "org": self.org,
        }


class Taken(NamedTuple):
    """The step that a request took, or None for the delay alone; ``delay`` is that of step and plan together."""

    step: Step | None
    delay: float
    ended: bool


@dataclass(slots=True)
class _Progress:
    """How far a plan has come: what is left of every step, and the chance of those that have one."""

    plan: Plan
    left: list[int | None] = field(default_factory=list)
    chances: list[random.Random] = field(default_factory=list)
    taken: int = 0

    @classmethod
    def begin(cls, plan: Plan) -> _Progress:
        left = [step.times for step in plan.sequence]
        if plan.repeat_last and left:
            left[-1] = FOR_EVER
        return cls(plan, left, [random.Random(step.seed) for step in plan.sequence])  # noqa: S311 - no secrecy

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
            if step.probability is not None and self.chances[index].random() >= step.probability:
                return Taken(None, self.plan.delay, self.is_over)
            return Taken(step, self.plan.delay + step.delay, self.is_over)
        return Taken(None, self.plan.delay, self.is_over)

    def to_dict(self) -> dict[str, Any]:
        return {**self.plan.to_dict(), "taken": self.taken, "left": list(self.left), "active": not self.is_over}


class Faults:
    """The plans of one intake and how far they have come. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[str | None, _Progress] = {}
        self._ended = 0

    @property
    def ended(self) -> int:
        """How many plans have come to their end."""
        return self._ended

    def set(self, plan: Plan) -> None:
        """Begins a plan, in place of the one that its org (or all) had."""
        with self._lock:
            self._plans[plan.org] = _Progress.begin(plan)

    def clear(self, org: str | None = None, *, everything: bool = False) -> None:
        """Makes the intake well: for one org, for all that have no plan of their own, or altogether."""
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
    def active(self) -> bool:
        """Whether any plan has something left."""
        with self._lock:
            return any(not progress.is_over for progress in self._plans.values())

    def take(self, org: str, request: RequestFacts) -> Taken | None:
        """The step for a request, each planned one exactly once; None if the intake is well."""
        with self._lock:
            for owner in (org, None):
                progress = self._plans.get(owner)
                if progress is not None and not progress.is_over:
                    taken = progress.take(request)
                    self._ended += taken.ended
                    return taken
            return None

    def state(self, org: str | None = None) -> dict[str, Any] | None:
        """The plan of an org (or for all) with its position, as JSON; None if there is none."""
        with self._lock:
            progress = self._plans.get(org)
            return None if progress is None else progress.to_dict()

    def states(self) -> list[dict[str, Any]]:
        with self._lock:
            return [progress.to_dict() for progress in self._plans.values()]


def apply(exchange: Exchange, step: Step) -> Exchange:
    """The exchange as it is with a step carried out: its answer, and whether the event is taken.

    ``Intake.receive`` has judged the request as ever; what was found stays.
    """
    hit = exchange._replace(fault=LATE if step.is_well and step.delay else step.name)
    if step.name in UNANSWERED:
        return hit._replace(accepted=False, response=Response(NO_ANSWER, (), b""))
    if step.is_well or step.name in TAKEN:
        return hit._replace(response=_as_usual(exchange, step))
    status = step.status or REDIRECT_STATUS
    headers = _with(step.headers, (("content-type", "application/json"),))
    if step.location is not None:
        headers = _with((("location", step.location),), headers)
    body = _vendor_error(status) if step.body is None else step.body.encode("utf-8")
    return hit._replace(accepted=False, response=Response(status, headers, body))


def _as_usual(exchange: Exchange, step: Step) -> Response:
    """The answer that there would have been, with what the step says of a success, if it was one."""
    response = exchange.response
    headers = _with(step.headers, response.headers)
    if not exchange.accepted:
        return response._replace(headers=headers)
    status = step.status or response.status_code
    body = response.body if step.body is None else step.body.encode("utf-8")
    return Response(status, headers, b"" if status in BODILESS else body)


def _with(new: Headers, old: Headers) -> Headers:
    """Headers with others on top: each takes the place of those with the same name."""
    names = {name.lower() for name, _ in new}
    return (*((name, value) for name, value in old if name.lower() not in names), *new)


def _vendor_error(status: int) -> bytes:
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    error = {"status": str(status), "title": title, "detail": "mock-intake was told to answer so"}
    return json.dumps({"errors": [error]}).encode()


def parse_plan(value: Any, org: str | None = None) -> Plan:
    """A plan from its text form (``503,503,reset,202``), a list of steps, or the long form as an object.

    Raises ``FaultError``.
    """
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("{", "["):
            try:
                return parse_plan(json.loads(text), org)
            except (json.JSONDecodeError, RecursionError) as error:
                raise FaultError(f"the plan looks like JSON, and is none: {error}") from error
        value = [part.strip() for part in text.split(",")]
    if isinstance(value, Sequence):
        return Plan(_steps(value), org=org)
    if not isinstance(value, Mapping):
        raise FaultError('a plan is a text such as "503,reset,202", a list of steps, or an object with a sequence')
    _known(value, _PLAN_FIELDS, "a plan")
    owner = value.get("org", org)
    if owner is not None and not (isinstance(owner, str) and owner):
        raise FaultError("org is the id of an org, or null for all")
    repeat_last = value.get("repeat_last", False)
    if not isinstance(repeat_last, bool):
        raise FaultError("repeat_last is true or false")
    sequence = value.get("sequence", [])
    if not isinstance(sequence, Sequence) or isinstance(sequence, str):
        raise FaultError("sequence is a list of steps")
    return Plan(_steps(sequence), _seconds(value.get("delay"), "delay"), repeat_last, owner)


def _steps(values: Sequence[Any]) -> tuple[Step, ...]:
    return tuple(_step(value) for value in values)


def _step(value: Any) -> Step:
    if not isinstance(value, Mapping):
        name = _name(value)
        if name == "redirect":
            raise FaultError('a redirect needs a location: {"step": "redirect", "location": "http://..."}')
        return Step(name)
    _known(value, _STEP_FIELDS, "a step")
    if "step" not in value:
        raise FaultError('a step in its long form has the field "step"')
    name = _name(value["step"])
    probability = value.get("probability")
    if probability is not None and (not _is_number(probability) or not 0 <= probability <= 1):
        raise FaultError("probability is a number from 0 to 1")
    seed = _whole(value.get("seed", 0))
    if seed is None:
        raise FaultError("seed is a whole number")
    if abs(seed) > MAX_WHOLE:
        raise FaultError(f"seed is a whole number from {-MAX_WHOLE} to {MAX_WHOLE}")
    location = value.get("location")
    if name == "redirect" and not (isinstance(location, str) and location):
        raise FaultError('a redirect needs a location: {"step": "redirect", "location": "http://..."}')
    if location is not None and not (isinstance(location, str) and _is_header_text(location)):
        raise FaultError("location is a URL, without line breaks and in ASCII")
    body = value.get("body")
    if isinstance(body, str) and not _has_bytes(body):
        raise FaultError("body has characters that cannot be sent")
    return Step(
        name,
        _times(value, probability),
        _headers(value.get("headers")),
        body if body is None or isinstance(body, str) else json.dumps(body),
        _seconds(value.get("delay"), "delay"),
        _match(value.get("match")),
        None if probability is None else float(probability),
        seed,
        location,
    )


def _name(value: Any) -> str:
    whole = _whole(value)
    text = value.strip().lower() if isinstance(value, str) else "" if whole is None else str(whole)
    if text in WORDS:
        return text
    if text.isascii() and text.isdigit() and len(text) <= 10 and 200 <= int(text) <= 599:
        return str(int(text))
    raise FaultError(f"a step is a status from 200 to 599 or one of {', '.join(WORDS)}, not {str(value)[:40]!r}")


def _times(value: Mapping[str, Any], probability: Any) -> int | None:
    # What happens by chance goes on happening, unless a number says for how long.
    given: Any = value.get("times", FOR_EVER if probability is not None else 1)
    if given is None:
        return FOR_EVER
    times = _whole(given)
    if times is None or times < 1:
        raise FaultError("times is a number of requests, 1 or more, or null for ever")
    if times > MAX_WHOLE:
        raise FaultError(f"times is at most {MAX_WHOLE}, or null for ever")
    return times


def _seconds(value: Any, name: str) -> float:
    if value is None:
        return 0.0
    if not _is_number(value) or not 0 <= value <= MAX_DELAY:
        raise FaultError(f"{name} is a number of seconds from 0 to {MAX_DELAY:g}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> int | None:
    """A whole number as such, None if it is none; 3.0 is one in JSON."""
    return int(value) if _is_number(value) and value == value // 1 else None


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise FaultError('headers is an object such as {"Retry-After": "1"}')
    headers = []
    for name, content in value.items():
        if not isinstance(content, str) and not _is_number(content):
            raise FaultError(f"the header {str(name)[:40]!r} is a text or a number")
        if not _TOKEN.fullmatch(str(name)) or not _is_header_text(str(content)):
            raise FaultError(f"the header {str(name)[:40]!r} has characters that no header can have")
        headers.append((str(name), str(content)))
    return tuple(headers)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _has_bytes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _match(value: Any) -> Match:
    if value is None:
        return Match()
    if not isinstance(value, Mapping):
        raise FaultError('match is an object such as {"event_type": "COMPLETE"}')
    _known(value, _MATCH_FIELDS, "match")
    attempt = None
    if value.get("attempt") is not None:
        attempt = _whole(value["attempt"])
        if attempt is None or attempt < 1:
            raise FaultError("attempt is a number from 1")
        if attempt > MAX_WHOLE:
            raise FaultError(f"attempt is a number from 1 to {MAX_WHOLE}")
    for name in ("event_type", "job"):
        if value.get(name) is not None and not isinstance(value[name], str):
            raise FaultError(f"{name} is a text")
    return Match(value.get("event_type"), value.get("job"), attempt)


def _known(value: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    for name in value:
        if name not in names:
            raise FaultError(f"{what} has no field {str(name)[:40]!r}; there are {', '.join(names)}")
