"""Fault plans as values, and how they are read: their text form, a list of steps, or the long form as an object.

A plan is an ordered list of steps. Every POST to the intake's endpoint takes the first step that is left and that it
matches; an org's own plan goes before the one for all. When nothing is left of a plan, requests are handled as usual
again. Every field is defined here, once: from its description it is parsed, shown and documented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_intake.faults.fields import (
    MAX_WHOLE,
    REQUIRED,
    Body,
    FaultError,
    Flag,
    HeaderValues,
    Number,
    Object,
    Schema,
    Text,
    Whole,
    check_names,
    described,
    fields_of,
    given_properties,
    parsed,
    shown_properties,
    to_json,
    whole,
)
from mock_intake.faults.steps import FOR_EVER, SHORT_WORDS, STEPS, WORDS, RequestFacts, StepKind, kind_of

# Seconds: an hour.
MAX_DELAY = 3600.0
MIN_STATUS, MAX_STATUS = 200, 599
MAX_STEPS = 10_000

_SHORT = f"({'|'.join(SHORT_WORDS)}|[{MIN_STATUS // 100}-{MAX_STATUS // 100}][0-9][0-9])"
_STATUS: Schema = {"type": "integer", "minimum": MIN_STATUS, "maximum": MAX_STATUS}
_SHORT_STEP: Schema = {"anyOf": [_STATUS, {"type": "string", "pattern": f"^{_SHORT}$"}]}
_SECONDS = Number(MAX_DELAY, 0.0, " of seconds")
_LOCATED = " and ".join(f"`{word}`" for word, kind in STEPS.items() if kind.needs_location)


class _StepName:
    """A status number, or the word of a step: text in Python, a number where it is one in JSON."""

    @property
    def given(self) -> Schema:
        # Words that need more are described for themselves: see ``_given_step``.
        return _SHORT_STEP

    @property
    def shown(self) -> Schema:
        return {"anyOf": [_STATUS, {"enum": list(WORDS)}]}

    def parse(self, value: Any, _name: str) -> str:
        number = whole(value)
        text = value.strip().lower() if isinstance(value, str) else "" if number is None else str(number)
        if text in STEPS:
            return text
        # A number of many digits is none of these, and costs much to read.
        if text.isascii() and text.isdigit() and len(text) <= 10 and MIN_STATUS <= int(text) <= MAX_STATUS:
            return str(int(text))
        raise _no_step(value)

    def to_json(self, value: str) -> int | str:
        return int(value) if value.isdigit() else value


def _check_framing(name: str, value: str, body: str | None) -> None:
    """Raises ``FaultError`` for a header that says of the body's length what is not so: that is a step of its own."""
    lower = name.lower()
    wrong = lower == "content-length" and (body is None or value != str(len(body.encode())))
    if wrong or lower == "transfer-encoding":
        raise FaultError(
            f"the header {name} is the server's own, which knows how long the body is: an answer that ends before its "
            "Content-Length is the step truncate"
        )


def _no_step(value: Any) -> FaultError:
    there = f"a status from {MIN_STATUS} to {MAX_STATUS} or one of {', '.join(WORDS)}"
    return FaultError(f"a step is {there}, not {str(value)[:40]!r}")


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a step is for: those that have all of this."""

    event_type: str | None = field(default=None, metadata=described(Text(), "the `eventType` of the event", "any"))
    job: str | None = field(default=None, metadata=described(Text(), "the name of its job", "any"))
    attempt: int | None = field(
        default=None,
        metadata=described(
            Whole("a number from 1", f"a number from 1 to {MAX_WHOLE}", least=1, nullable=True),
            "which attempt at this event it is: 1 is the first time that it is sent",
            "any",
        ),
    )

    @property
    def is_narrow(self) -> bool:
        """Whether there is any event that it is not for."""
        return (self.event_type, self.job, self.attempt) != (None, None, None)

    def matches(self, request: RequestFacts) -> bool:
        return (
            (self.event_type is None or self.event_type == request.event_type)
            and (self.job is None or self.job == request.job)
            and (self.attempt is None or self.attempt == request.attempt)
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, to how many requests, to which.

    ``name`` is a status number as text or a word of the table of steps; 2xx means "accept as usual". ``times`` None
    is for ever. ``delay`` (seconds) comes before the answer. With a ``probability`` each request that takes the step
    is hit or spared by chance, in an order that ``seed`` fixes. Raises ``FaultError`` for a name that is neither.
    """

    name: str = field(
        metadata=described(_StepName(), "what happens: a status number, or the word of a step", REQUIRED, name="step")
    )
    times: int | None = field(
        default=1,
        metadata=described(
            Whole(
                "a number of requests, 1 or more, or null for ever",
                f"at most {MAX_WHOLE}, or null for ever",
                least=1,
                nullable=True,
            ),
            "for how many requests; `null` for ever",
            "`1`; for ever with a `probability`",
        ),
    )
    headers: tuple[tuple[str, str], ...] = field(
        default=(),
        metadata=described(HeaderValues(), 'headers of the answer, such as `{"Retry-After": "1"}`', "none"),
    )
    body: str | None = field(
        default=None,
        metadata=described(Body(), "body of the answer: a text, or a value that is sent as JSON", "the vendor's error"),
    )
    delay: float = field(default=0.0, metadata=described(_SECONDS, "seconds before whatever the step does", "`0`"))
    match: Match = field(
        default=Match(),
        metadata=described(
            Object(Match, '{"event_type": "COMPLETE"}'),
            f"only requests with all of this: {', '.join(f'`{each.name}`' for each in fields_of(Match))}",
            "any request",
        ),
    )
    probability: float | None = field(
        default=None,
        metadata=described(
            Number(1, None), "the chance that a request that takes the step is hit, from 0 to 1", "hit every time"
        ),
    )
    seed: int = field(
        default=0,
        metadata=described(
            Whole("a whole number", f"a whole number from {-MAX_WHOLE} to {MAX_WHOLE}"),
            "fixes the order of hits and misses, so that a run can be repeated",
            "`0`",
        ),
    )
    location: str | None = field(
        default=None,
        metadata=described(
            Text("a URL, without line breaks and in ASCII", printable=True),
            f"the `Location` of the answer: where it leads; a must for {_LOCATED}",
            "none",
        ),
    )

    def __post_init__(self) -> None:
        for name, value in self.headers:
            _check_framing(name, value, self.body)
        if self.name not in STEPS and not self.name.isdigit():
            raise _no_step(self.name)

    @property
    def kind(self) -> StepKind:
        """The entry of the table that says what happens."""
        return kind_of(self.name)

    @property
    def status(self) -> int | None:
        """The status number that the step answers, if it is one of those."""
        return int(self.name) if self.name.isdigit() else None

    def to_dict(self) -> dict[str, Any]:
        """The step in its long form, with all of its fields, as the control API takes and gives it."""
        return to_json(self)


class _StepList:
    """The steps of a plan."""

    @property
    def given(self) -> Schema:
        return {"type": "array", "items": _given_step(), "maxItems": MAX_STEPS}

    @property
    def shown(self) -> Schema:
        return {"type": "array", "items": _closed(shown_properties(Step))}

    def parse(self, value: Any, name: str) -> tuple[Step, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise FaultError(f"{name} is a list of steps")
        if len(value) > MAX_STEPS:
            raise FaultError(
                f"{name} has {MAX_STEPS:,} steps at most, and this one has {len(value):,}: a step that comes again and "
                "again has times"
            )
        return tuple([_step(each) for each in value])

    def to_json(self, value: Sequence[Step]) -> list[dict[str, Any]]:
        return [to_json(step) for step in value]


@dataclass(frozen=True, slots=True)
class Plan:
    """An ordered list of steps. ``delay`` (seconds) comes before every answer while the plan lasts.

    A plan without steps lasts until it is cleared; one with steps ends with the last of them, unless
    ``repeat_last`` makes that one last for ever. ``org`` None is a plan for all.
    """

    sequence: tuple[Step, ...] = field(default=(), metadata=described(_StepList(), "the steps", "none"))
    delay: float = field(
        default=0.0,
        metadata=described(_SECONDS, "seconds before every answer, for as long as the plan lasts", "`0`"),
    )
    repeat_last: bool = field(default=False, metadata=described(Flag(), "the last step goes on for ever", "`false`"))
    org: str | None = field(
        default=None,
        metadata=described(
            Text("the id of an org, or null for all", filled=True), "the org that it is for; `null` for all", "`null`"
        ),
    )

    def to_dict(self) -> dict[str, Any]:
        """The plan in its long form, with all of its fields, as the control API takes and gives it."""
        return to_json(self)


def no_state(org: str | None = None) -> dict[str, Any]:
    """What is answered in place of ``Faults.state`` where ``org`` has no plan: an empty one, nothing of it left."""
    return {**Plan(org=org).to_dict(), "taken": 0, "left": [], "active": False}


def parse_plan(
    value: Any, org: str | None = None, *, delay: float | None = None, repeat_last: bool | None = None
) -> Plan:
    """A plan from its text form (``503,503,reset,202``), a list of steps, or the long form as an object.

    A text may also be the JSON of the other two. ``org`` is that of a plan that names none itself; ``delay`` (seconds)
    and ``repeat_last`` take the place of what the plan says. Raises ``FaultError`` for anything else, with what was
    expected at the place that is wrong.
    """
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, Sequence):
        value = {"sequence": value}
    if not isinstance(value, Mapping):
        raise FaultError('a plan is a text such as "503,reset,202", a list of steps, or an object with a sequence')
    beside = {"delay": delay, "repeat_last": repeat_last}
    given = {"org": org, **value, **{name: each for name, each in beside.items() if each is not None}}
    check_names(given, Plan, "a plan")
    return Plan(**parsed(given, Plan))


def _from_text(text: str) -> Any:
    text = text.strip()
    if text[:1] not in ("{", "["):
        return split_steps(text)
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FaultError(f"the plan looks like JSON, and is none: {error}") from error


def split_steps(text: str) -> list[str]:
    """The steps of a plan in its text form (``text``), without the blanks around them; what they are is not looked at
    yet.
    """
    return [part.strip() for part in text.split(",")]


def _step(value: Any) -> Step:
    if not isinstance(value, Mapping):
        return Step(_name_of(value, None))
    check_names(value, Step, "a step")
    if "step" not in value:
        raise FaultError('a step in its long form has the field "step"')
    _name_of(value["step"], value.get("location"))
    attributes = parsed(value, Step)
    if "times" not in value and attributes.get("probability") is not None:
        # What happens by chance goes on happening, unless a number says for how long.
        attributes["times"] = FOR_EVER
    return Step(**attributes)


def _name_of(value: Any, location: Any) -> str:
    """What a step is called that has this location, or None. Raises ``FaultError``, also where it needs one."""
    name = _StepName().parse(value, "step")
    if kind_of(name).needs_location and not (isinstance(location, str) and location):
        raise FaultError(f'a {name} needs a location: {{"step": "{name}", "location": "http://..."}}')
    return name


# The same as schemas, for the OpenAPI document.


def plan_schema() -> Schema:
    """What a plan may be given as: an object, a list of steps, or its text form."""
    steps = _StepList().given
    text = {"type": "string", "pattern": f"^{_SHORT}(, ?{_SHORT})*$"}
    return {
        "anyOf": [
            {"type": "object", "properties": given_properties(Plan), "additionalProperties": False},
            steps,
            text,
        ]
    }


def state_schema() -> Schema:
    """What is answered of a plan under way: see ``Faults.state``."""
    count = {"type": "integer", "minimum": 0}
    left = {"type": "array", "items": {"type": ["integer", "null"], "minimum": 0}}
    return _closed({**shown_properties(Plan), "taken": count, "left": left, "active": {"type": "boolean"}})


def _given_step() -> Schema:
    """A step in its short form, or its long one; words that need a location have the long one only."""
    return {
        "anyOf": [
            _SHORT_STEP,
            _long_step({}),
            *(
                _long_step({"step": {"const": word}, "location": Text(printable=True).required}, "location")
                for word, kind in STEPS.items()
                if kind.needs_location
            ),
        ]
    }


def _long_step(narrower: dict[str, Schema], *required: str) -> Schema:
    properties = given_properties(Step)
    return {
        "type": "object",
        "properties": properties
        | {name: {**schema, "description": properties[name]["description"]} for name, schema in narrower.items()},
        "required": ["step", *required],
        "additionalProperties": False,
    }


def _closed(properties: dict[str, Schema]) -> Schema:
    """An object with exactly these fields, all of them there."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
