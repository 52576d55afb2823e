"""Explains why a schema refuses a value, in words that a person can act on.

``jsonschema-rs`` decides whether there is anything to explain (see ``library``); here ``jsonschema`` says
what. Its format checker asks ``jsonschema-rs`` about every single format, so that the two agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs

from mock_intake.openlineage.library import FacetLibrary
from mock_intake.redaction import redact, shown

FORMATS = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
)

# More than anybody reads, and few enough that hostile input cannot make a small event cost minutes.
MAX_ERRORS = 200
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?")
_BRACKETED = re.compile(r".*\[[^\]]*\]\s*")


class Explanation(NamedTuple):
    """One reason for a refusal.

    ``path`` leads to the place (for a missing field, to the object that lacks it); ``keyword`` is the
    JSON Schema keyword that refused and ``detail`` what it asks: the name of the missing field, the
    format, the allowed values.
    """

    path: tuple[str | int, ...]
    keyword: str
    detail: Any
    message: str
    expected: str
    actual: str
    advice: str


@cache
def _format_checker() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name in FORMATS:
        decide = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid

        def check(value: object, decide: Any = decide) -> bool:
            return bool(decide(value))

        checker.checkers[name] = (check, ())
    return checker


class Explainer:
    """Explains refusals by the schemas of a library. Building it is slow, so it is built when first needed."""

    def __init__(self, library: FacetLibrary) -> None:
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        self._registry: Any = Registry().with_resources(
            (uri, Resource.from_contents(document, default_specification=DRAFT202012))
            for uri, document in library.documents.items()
        )
        self._rust_registry = library.registry
        self._validators: dict[str, Any] = {}

    def errors(self, target: str, value: Any) -> list[Any]:
        """What ``jsonschema`` has to say against a value, up to a limit; an empty list if nothing."""
        return list(islice(self._validator(target).iter_errors(value), MAX_ERRORS))

    def explain(self, target: str, value: Any) -> list[Explanation]:
        """Why the schema at ``target`` refuses a value; never empty for a value that it refuses.

        Where ``jsonschema`` finds nothing (a user's schema may hold what the two libraries read
        differently) or the value is nested too deeply for it, the deciding library's words are taken.
        """
        try:
            explanations = [_explanation(error) for error in map(_most_telling, self.errors(target, value))]
        except (RecursionError, re.error):
            explanations = []
        # Several branches of a schema can refuse the same thing for the same reason.
        once = {(explanation.path, explanation.message): explanation for explanation in explanations}
        return list(once.values()) or list(self._in_other_words(target, value))

    def _validator(self, target: str) -> Any:
        from jsonschema import Draft202012Validator

        if target not in self._validators:
            self._validators[target] = Draft202012Validator(
                {"$ref": target}, registry=self._registry, format_checker=_format_checker()
            )
        return self._validators[target]

    def _in_other_words(self, target: str, value: Any) -> Iterator[Explanation]:
        decider = jsonschema_rs.Draft202012Validator(
            {"$ref": target}, registry=self._rust_registry, validate_formats=True, offline=True
        )
        for error in decider.iter_errors(value):
            path = tuple(error.instance_path)
            message = redact(str(error.message))[:300]
            yield Explanation(
                path, error.kind.name, None, message, "what the schema allows", "see the message", "Follow the schema."
            )


def _most_telling(error: Any) -> Any:
    """Of a refusal by oneOf or anyOf: the reason of the alternative that was most likely meant."""
    if error.validator not in ("oneOf", "anyOf") or not error.context:
        return error
    by_option: dict[int, list[Any]] = {}
    for reason in error.context:
        by_option.setdefault(next(iter(reason.schema_path), 0), []).append(reason)
    # An alternative that names its own "type" and is refused only elsewhere is the one that was meant.
    meant = [
        reasons
        for reasons in by_option.values()
        if not any(reason.validator in ("const", "enum") and list(reason.path)[-1:] == ["type"] for reason in reasons)
    ]
    reasons = min(meant or list(by_option.values()), key=len)
    return _most_telling(min(reasons, key=lambda reason: len(reason.path)))


_TYPE_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def type_name(value: Any) -> str:
    return _TYPE_NAMES.get(type(value), "a number")


def _explanation(error: Any) -> Explanation:
    path = tuple(error.absolute_path)
    name = _field_name(path)
    describe = _DESCRIPTIONS.get(error.validator, _describe_other)
    try:
        detail, message, expected, actual, advice = describe(error, name)
    except (TypeError, AttributeError, StopIteration, KeyError):
        # A user's schema may give a keyword a form that ours never have.
        detail, message, expected, actual, advice = _describe_other(error, name)
    return Explanation(path, str(error.validator), detail, message, expected, actual, advice)


def _field_name(path: tuple[str | int, ...]) -> str:
    for index in range(len(path) - 1, -1, -1):
        if isinstance(path[index], str):
            return "".join([str(path[index]), *(f"[{part}]" for part in path[index + 1 :])])
    return "the event" if not path else f"[{path[-1]}]"


_Described = tuple[Any, str, str, str, str]


def _describe_required(error: Any, name: str) -> _Described:
    # jsonschema yields one error for each missing field and names it in the message only.
    missing = next(
        field for field in error.validator_value if field not in error.instance and repr(field) in error.message
    )
    there = ", ".join(list(error.instance)[:12]) or "nothing"
    return missing, f"{name} lacks {missing}", f"the field {missing}", f"fields: {there}", f"Add {missing} to {name}."


def _describe_type(error: Any, name: str) -> _Described:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    article = "an" if kinds[0][0] in "aeiou" else "a"
    asked = f"{article} {' or '.join(kinds)}"
    return (
        wanted,
        f"{name} is {type_name(error.instance)} where the schema has {asked}",
        asked,
        shown(error.instance),
        f"Send {name} as {asked}.",
    )


def _describe_enum(error: Any, name: str) -> _Described:
    values = [value if isinstance(value, str) else shown(value) for value in error.validator_value]
    if not values:
        return _describe_other(error, name)
    wanted = f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    advice = f"Use {wanted}."
    if isinstance(error.instance, str) and error.instance.upper() in values:
        advice = f"Write it in upper case: {error.instance.upper()}."
    return error.validator_value, f"{name} is none of the values that there are", wanted, shown(error.instance), advice


def _describe_const(error: Any, name: str) -> _Described:
    wanted = shown(error.validator_value)
    return error.validator_value, f"{name} is not {wanted}", wanted, shown(error.instance), f"Use {wanted}."


def _describe_closed(error: Any, name: str) -> _Described:
    allowed = list(error.schema.get("properties", {}))
    extra = [key for key in error.instance if key not in allowed]
    return (
        extra,
        f"{name} has fields that its schema does not allow: {', '.join(extra)}",
        f"only {', '.join(allowed)}",
        shown(error.instance),
        f"Remove {', '.join(extra)}.",
    )


def _describe_minimum(error: Any, name: str) -> _Described:
    wanted = f"at least {error.validator_value}"
    return error.validator_value, f"{name} is too small", wanted, shown(error.instance), f"Use {wanted}."


def _describe_together(error: Any, name: str) -> _Described:
    asked: Mapping[str, list[str]] = error.validator_value
    missing = next(other for key, others in asked.items() if key in error.instance for other in others)
    return missing, f"{name} lacks {missing}", "both or neither", shown(error.instance), f"Add {missing} to {name}."


def _describe_not(error: Any, name: str) -> _Described:
    fields = error.validator_value.get("required", [])
    if not fields:
        return _describe_other(error, name)
    together = " and ".join(fields)
    return (
        fields,
        f"{name} carries {together}, which this kind of event must not have",
        f"no {together}",
        f"fields: {', '.join(list(error.instance)[:12])}",
        f"Remove {together}, or send the kind of event that has it.",
    )


_FORMAT_NAMES = {"date-time": "RFC 3339 date-time", "uri": "URI", "uuid": "UUID"}


def _describe_format(error: Any, name: str) -> _Described:
    wanted, advice = describe_format(error.validator_value, error.instance)
    message = f"{name} is no {_FORMAT_NAMES.get(error.validator_value, error.validator_value)}"
    if error.validator_value == "date-time" and is_naive(error.instance):
        message = f"{name} has no UTC offset"
    return error.validator_value, message, wanted, shown(error.instance), advice


def _describe_other(error: Any, name: str) -> _Described:
    if error.validator is None:
        return None, f"{name} is not allowed there", "nothing", shown(error.instance), f"Leave {name} out."
    return (
        error.validator_value,
        f"{name} does not have what its schema asks for by {error.validator}",
        f"{error.validator}: {shown(error.validator_value)}",
        shown(error.instance),
        "Follow the schema.",
    )


_DESCRIPTIONS = {
    "required": _describe_required,
    "type": _describe_type,
    "enum": _describe_enum,
    "const": _describe_const,
    "additionalProperties": _describe_closed,
    "minimum": _describe_minimum,
    "dependentRequired": _describe_together,
    "not": _describe_not,
    "format": _describe_format,
}


def is_naive(value: Any) -> bool:
    """Whether a value is a date and time that lacks nothing but its UTC offset."""
    return isinstance(value, str) and _NAIVE.fullmatch(value) is not None


def describe_format(format_name: str, value: Any) -> tuple[str, str]:
    """What a format asks for, and what to do about a value that does not have it."""
    if format_name == "date-time":
        return "RFC 3339 date-time with a UTC offset", _date_time_advice(value)
    if format_name == "uri":
        return (
            "URI with a scheme, such as https://github.com/acme/etl",
            "Use an absolute URI without spaces, for instance the address of the code that makes the event.",
        )
    if format_name == "uuid":
        return (
            "UUID in its 36-character form",
            "Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5().",
        )
    return f"string of the format {format_name}", f"Send a valid {format_name}."


def _date_time_advice(value: Any) -> str:
    now = "datetime.now(timezone.utc).isoformat()"
    if is_naive(value):
        return f"no UTC offset: add `Z` or use `{now}` (datetime.utcnow() gives none)."
    if isinstance(value, str) and _BRACKETED.fullmatch(value):
        return f"The zone in brackets is Java's, not RFC 3339: keep the offset, drop the brackets, or use `{now}`."
    return f"Write it like 2026-01-31T12:00:00.000Z; in Python `{now}`."
