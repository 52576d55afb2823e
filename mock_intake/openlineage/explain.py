"""Explains why a schema refuses a value, in words that a person can act on.

``jsonschema-rs`` decides whether there is anything to explain (see ``library``), and says what, where the standard
refuses (see ``refusals``). ``jsonschema`` says what users' own schemas and alternatives refuse, and what is refused in
large values. Its format checker asks ``jsonschema-rs`` about every single format, so that the two agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs
from msgspec.structs import replace

from mock_intake.model.findings import Finding
from mock_intake.openlineage import meant
from mock_intake.openlineage.formats import describe_format, is_naive
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.openlineage.refusals import Path, Reason, Refusals
from mock_intake.openlineage.schema import DIALECT
from mock_intake.secrets.content import redact, shown
from mock_intake.secrets.quoting import MOST_QUOTED, quoted, quoted_list

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


class Explanation(NamedTuple):
    """One reason for a refusal.

    ``path`` leads to the place (for a missing field, to the object that lacks it); ``keyword`` is the
    JSON Schema keyword that refused and ``detail`` what it asks: the name of the missing field, the
    format, the allowed values. ``value`` is what was refused.
    """

    path: Path
    keyword: str
    detail: Any
    message: str
    expected: str
    actual: str
    advice: str
    value: Any


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


@cache
def _ordered_validator() -> Any:
    """The validator of the dialect that goes through the fields of an object in their order.

    That of the library takes the fields that ``additionalProperties`` is about from a set: what it says of several
    would come in another order in every process.
    """
    from jsonschema import Draft202012Validator, validators

    # jsonschema's own types say nothing of it.
    extend: Any = validators.extend
    as_it_is = Draft202012Validator.VALIDATORS["additionalProperties"]

    def in_order(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, dict) or not isinstance(wanted, dict):
            yield from as_it_is(validator, wanted, instance, schema)
            return
        named, patterns = schema.get("properties", {}), list(schema.get("patternProperties", {}))
        for field, value in instance.items():
            if field not in named and not any(re.search(pattern, field) for pattern in patterns):
                yield from validator.descend(value, wanted, path=field)

    return extend(Draft202012Validator, {"additionalProperties": in_order})


def _in_our_dialect(document: Any) -> Any:
    """A schema that does not name the dialect which every schema has unless it says otherwise.

    Where it is named, the library goes on with its own validator.
    """
    if isinstance(document, dict) and document.get("$schema") == DIALECT:
        return {key: value for key, value in document.items() if key != "$schema"}
    return document


class Explainer:
    """Explains refusals by the schemas of a library."""

    def __init__(self, library: FacetLibrary) -> None:
        self.refusals = Refusals(library)
        self._library = library
        self._validators: dict[str, Any] = {}

    @cached_property
    def _registry(self) -> Any:
        # Slow to build, and most of what is refused is explained without it.
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        return Registry().with_resources(
            (uri, Resource.from_contents(_in_our_dialect(document), default_specification=DRAFT202012))
            for uri, document in self._library.documents.items()
        )

    def errors(self, target: str, value: Any) -> list[Any]:
        """What ``jsonschema`` has to say against ``value`` by the schema ``target``, up to a limit; an empty list if
        nothing.
        """
        return list(islice(self._validator(target).iter_errors(value), MAX_ERRORS))

    def explain(self, target: str, value: Any, reasons: list[Reason] | None = None) -> list[Explanation]:
        """Why the schema at ``target`` refuses a value; never empty for a value that it refuses.

        The ``reasons`` are those that ``refusals`` has, where it has them and the value is not large. Else
        ``jsonschema`` is asked. Where that finds nothing (a user's schema may hold what the two libraries read
        differently) or the value is nested too deeply for it, the deciding library's words are taken.
        """
        if reasons is not None:
            return self._distinct(target, value, map(_explanation, reasons), at_once=True)
        try:
            explanations = [_explanation(_most_specific(error)) for error in self.errors(target, value)]
        except (RecursionError, re.error):
            explanations = []
        return self._distinct(target, value, explanations) or list(self._in_other_words(target, value))

    @staticmethod
    def of_another(finding: Finding, reason: Reason) -> Finding:
        """``finding``, about a text that was not in its format, as it is about another one at the same place.

        What was expected there is the same; the reason tells what was there.
        """
        value = reason.instance
        _, advice = describe_format(reason.validator_value, value, str(reason.absolute_path[-1]))
        return replace(finding, actual=shown(value), advice=advice)

    def _distinct(
        self, target: str, value: Any, explanations: Iterable[Explanation], *, at_once: bool = False
    ) -> list[Explanation]:
        # Several branches of a schema can refuse the same thing for the same reason.
        once = {(explanation.path, explanation.message): explanation for explanation in explanations}
        distinct = list(once.values())
        if any(_is_null(explanation) for explanation in distinct):
            distinct = self._with_nulls_left_out(target, value, distinct, at_once=at_once)
        return distinct

    def _with_nulls_left_out(
        self, target: str, value: Any, explanations: list[Explanation], *, at_once: bool
    ) -> list[Explanation]:
        """The explanations, those of nulls in optional places with the advice to leave them out.

        Optional is what nobody misses once it is gone.
        """
        bare = _without(value, [explanation.path for explanation in explanations if _is_null(explanation)])
        errors: Iterable[Any] | None = self.refusals.reasons(target, bare) if at_once else None
        if errors is None:
            errors = map(_most_specific, self.errors(target, bare))
        missed = {
            (tuple(error.absolute_path), field)
            for error in errors
            if error.validator == "required"
            for field in error.validator_value
            if field not in error.instance
        }
        return [
            explanation._replace(
                advice=f"Leave {_field_name(explanation.path)} out: where there is nothing to say, "
                "the standard has no null."
            )
            if _is_null(explanation) and (explanation.path[:-1], explanation.path[-1]) not in missed
            else explanation
            for explanation in explanations
        ]

    def _validator(self, target: str) -> Any:
        if target not in self._validators:
            self._validators[target] = _ordered_validator()(
                {"$ref": target}, registry=self._registry, format_checker=_format_checker()
            )
        return self._validators[target]

    def _in_other_words(self, target: str, value: Any) -> Iterator[Explanation]:
        decider = jsonschema_rs.Draft202012Validator(
            {"$ref": target}, registry=self._library.registry, validate_formats=True, offline=True
        )
        for error in decider.iter_errors(value):
            path = tuple(error.instance_path)
            message = redact(str(error.message))[:300]
            yield Explanation(
                path,
                error.kind.name,
                None,
                message,
                "what the schema allows",
                "see the message",
                "Follow the schema.",
                error.instance,
            )


def _most_specific(error: Any) -> Any:
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
    return _most_specific(min(reasons, key=lambda reason: len(reason.path)))


def _is_null(explanation: Explanation) -> bool:
    return explanation.keyword == "type" and explanation.value is None and bool(explanation.path)


def _without(value: Any, paths: list[Path]) -> Any:
    """A value without some fields of objects in it, everything else being the same.

    Elements of arrays stay, as the places of others would change. Only what leads to the fields is copied.
    """
    bare = value.copy()
    deeper: dict[str | int, list[Path]] = {}
    for first, *rest in paths:
        if rest:
            deeper.setdefault(first, []).append(tuple(rest))
        elif type(bare) is dict:
            bare.pop(first, None)
    for part, others in deeper.items():
        bare[part] = _without(bare[part], others)
    return bare


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
    return Explanation(path, str(error.validator), detail, message, expected, actual, advice, error.instance)


def _field_name(path: tuple[str | int, ...]) -> str:
    for index in range(len(path) - 1, -1, -1):
        if isinstance(path[index], str):
            return "".join([quoted(str(path[index])), *(f"[{part}]" for part in path[index + 1 :])])
    return "the event" if not path else f"[{path[-1]}]"


_Described = tuple[Any, str, str, str, str]


def _describe_required(error: Any, name: str) -> _Described:
    # jsonschema yields one error for each missing field and names it in the message only.
    missing = next(
        field for field in error.validator_value if field not in error.instance and repr(field) in error.message
    )
    there = quoted_list(error.instance) or "nothing"
    return missing, f"{name} lacks {missing}", f"the field {missing}", f"fields: {there}", f"Add {missing} to {name}."


def _describe_type(error: Any, name: str) -> _Described:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    article = "an" if kinds[0][0] in "aeiou" else "a"
    wanted = f"{article} {' or '.join(kinds)}"
    is_time = error.schema.get("format") == "date-time"
    right = meant.time_of(error.instance) if is_time else meant.of_type(error.instance, kinds)
    return (
        wanted,
        f"{name} is {type_name(error.instance)} where the schema has {wanted}",
        wanted,
        shown(error.instance),
        f"Send {name} as {wanted}: {redact(right)}." if right else f"Send {name} as {wanted}.",
    )


def _describe_enum(error: Any, name: str) -> _Described:
    values = [value if isinstance(value, str) else shown(value) for value in error.validator_value]
    if not values:
        return _describe_other(error, name)
    wanted = f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    advice = f"Use {wanted}."
    if isinstance(error.instance, str) and error.instance.upper() in values:
        advice = f"Write it in upper case: {error.instance.upper()}."
    elif isinstance(error.instance, str) and (state := meant.state(error.instance)) in values:
        advice = f"Write {state}."
    return error.validator_value, f"{name} is none of the values that there are", wanted, shown(error.instance), advice


def _describe_const(error: Any, name: str) -> _Described:
    wanted = shown(error.validator_value)
    return error.validator_value, f"{name} is not {wanted}", wanted, shown(error.instance), f"Use {wanted}."


def _describe_closed(error: Any, name: str) -> _Described:
    allowed = list(error.schema.get("properties", {}))
    extra = [key for key in error.instance if key not in allowed]
    named = quoted_list(extra) + (f" and {len(extra) - MOST_QUOTED} more" if len(extra) > MOST_QUOTED else "")
    return (
        extra,
        f"{name} has fields that its schema does not allow: {named}",
        f"only {', '.join(allowed)}",
        shown(error.instance),
        f"Remove {named}.",
    )


def _describe_minimum(error: Any, name: str) -> _Described:
    wanted = f"at least {error.validator_value}"
    return error.validator_value, f"{name} is too small", wanted, shown(error.instance), f"Use {wanted}."


def _describe_together(error: Any, name: str) -> _Described:
    dependencies: Mapping[str, list[str]] = error.validator_value
    missing = next(other for key, others in dependencies.items() if key in error.instance for other in others)
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
        f"fields: {quoted_list(error.instance)}",
        f"Remove {together}, or send the kind of event that has it.",
    )


_FORMAT_NAMES = {"date-time": "RFC 3339 date-time", "uri": "URI", "uuid": "UUID"}


def _describe_format(error: Any, name: str) -> _Described:
    wanted, advice = describe_format(
        error.validator_value, error.instance, str(error.absolute_path[-1]) if error.absolute_path else ""
    )
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
