"""What is nearly right: facets and fields that nobody reads under the names that they have (OL014, OL110 to OL112)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mock_intake.model.event import EventView, plain
from mock_intake.openlineage.moments import (
    BASE_FIELDS,
    OTHER_KEY,
    UNKNOWN_KEYS,
    UNUSUAL_FIELDS,
    ResolvedFacet,
)
from mock_intake.openlineage.schema import facet_id
from mock_intake.openlineage.shapes import CORE_KEYS
from mock_intake.openlineage.sources import CORE_SCHEMA, FACETS
from mock_intake.rules import ABSENT, Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import dataset, facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted, quoted_list, quoted_pointer

_LONGEST_NEAR = 64
_MOST_KEYS = 200
_PARENT = facet("ParentRunFacet", "1-1-0", run={"runId": "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"},
                job={"namespace": "prod", "name": "nightly"})  # fmt: skip
_STATISTICS = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=1)
_ROLE_FACETS = {"input": ("outputFacets", "inputFacets"), "output": ("inputFacets", "outputFacets")}


@rule(
    "OL014",
    "field-nearly-right",
    severity=Severity.WARNING,
    requirement="What the core schema has a field for stands under the name of that field.",
    because="Any other field is allowed and read by nobody: what it says is lost without a word.",
    advice="Write the field as the message names it.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=UNKNOWN_KEYS,
    trigger={"/Inputs": [dataset("shop.public.orders")]},
    neighbour={},
)
def field_nearly_right(rule: Rule, event: EventView) -> Iterator[Finding]:
    for pointer, place, fields in _places(event):
        for key, right in _near_misses(fields, CORE_KEYS[place]):
            at = pointer + quoted_pointer(key)
            if at not in event.claims:  # of which DD106 tells
                yield rule.found(
                    at,
                    f"{quoted(key)} is read by nobody: the field is {right}",
                    expected=right,
                    actual=quoted(key),
                    advice=f"Write it as {right}.",
                )
        wrong, right = _ROLE_FACETS.get(place, ("", ""))
        if fields.get(wrong):
            yield rule.found(
                f"{pointer}/{wrong}",
                f"{wrong} of an {place} are read by nobody: an {place} has {right}",
                expected=right,
                actual=wrong,
                advice=f"Write them as {right}, or put the dataset among the {wrong.removesuffix('Facets')}s.",
            )


@rule(
    "OL110",
    "facet-under-another-key",
    severity=Severity.WARNING,
    requirement="A facet of the standard stands under the key that the standard has for it.",
    because="Consumers look for the key: under another one it is a custom facet that nobody reads.",
    advice="Put it under the key that the message names.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=OTHER_KEY,
    given={"/run/facets/parentRun": _PARENT},
    trigger={"/run/facets/parent": ABSENT},
    neighbour={"/run/facets/parent": _PARENT},
)
def facet_under_another_key(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    right = str(of.right_key)
    beside = of.group.facets.get(right)
    if type(beside) is dict and _content(beside) == _content(of.content):
        return  # both on purpose, for consumers of either
    also = f", and under {right} stands another content" if type(beside) is dict else ""
    yield rule.found(
        of.pointer,
        f"{of.name} is read by nobody: the standard has this facet under the key {right}{also}",
        expected=f"the key {right}",
        actual=f"the key {of.name}, _schemaURL: {shown(of.url)}",
        advice=f"Put it under the key {right}."
        + ("" if of.resolution.schema is None else f" Its schema is {_address_of(of)}."),
    )


@rule(
    "OL111",
    "facet-says-nothing",
    severity=Severity.INFO,
    requirement="A facet of the standard has content in the fields that the standard gives it.",
    because="An empty list or text says as little as no facet, and replaces what earlier events of the run said; "
    "fields of one's own are free, and no consumer knows them.",
    advice="Leave the facet out, or fill it.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=UNUSUAL_FIELDS,
    given={"/job/facets/tags": facet("TagsJobFacet", "1-0-0")},
    trigger={"/job/facets/tags/tags": []},
    neighbour={"/job/facets/tags/tags": [{"key": "team", "value": "data", "source": "USER"}]},
)
def facet_says_nothing(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    content, known = _content(of.content), of.schema.fields or ()
    if not content or of.content.get("_deleted") is True or of.schema.own:
        return
    if not any(says_something(value) for key, value in content.items() if key in known):
        foreign = [key for key in content if key not in known]
        yield rule.found(
            of.pointer,
            f"the {of.name} facet says nothing: "
            + ("none of its fields is the standard's" if foreign else "what it has is empty"),
            expected="content in " + quoted_list(sorted(name for name in known if not name.startswith("_"))),
            actual=f"fields: {quoted_list(content)}",
        )


@rule(
    "OL112",
    "facet-field-nearly-right",
    severity=Severity.WARNING,
    requirement="What a facet of the standard has a field for stands under the name of that field.",
    because="Fields of one's own are free, and no consumer knows them: what they say is lost without a word.",
    advice="Write the field as the message names it.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=UNUSUAL_FIELDS,
    given={"/outputs": [{**dataset("shop.public.daily"), "outputFacets": {"outputStatistics": _STATISTICS}}]},
    trigger={"/outputs/0/outputFacets/outputStatistics/file_count": 3},
    neighbour={},
)
def facet_field_nearly_right(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    own = ((), of.content, of.schema.fields or frozenset[str]())
    for path, fields, known in (own, *of.schema.shape.objects_in(of.content)):
        for key, right in _near_misses(fields, known):
            yield rule.found(
                of.pointer + quoted_pointer(*path, key),
                f"{quoted(key)} in the {of.name} facet is read by nobody: the field is {right}",
                expected=right,
                actual=quoted(key),
                advice=f"Write it as {right}.",
            )


def says_something(value: Any) -> bool:
    """Whether a value is content: no null, and no text, list or object that is empty. Nought and false are some."""
    return value is not None and value != "" and value != [] and value != {}


def _near_misses(fields: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Fields that are none of the known ones and nearly are, with their right names; silent where these say it too."""
    names: dict[str, str] | None = None
    for number, (key, value) in enumerate(fields.items()):
        if key in known or len(key) > _LONGEST_NEAR or number >= _MOST_KEYS:
            continue
        if names is None:
            names = {plain(name): name for name in known}
        right = names.get(plain(key))
        if right is not None and says_something(value) and fields.get(right) != value:
            yield key, right


def _places(event: EventView) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The places of an event whose keys the core schema has, with their pointers."""
    body = event.body
    yield "", "event", body
    for place in ("run", "job", "dataset"):
        if type(body.get(place)) is dict:
            yield f"/{place}", place, body[place]
    for role in ("input", "output"):
        entries = body.get(f"{role}s")
        for index, entry in enumerate(entries if type(entries) is list else ()):
            if type(entry) is dict:
                yield f"/{role}s/{index}", role, entry


def _content(facet: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facet.items() if key not in BASE_FIELDS}


def _address_of(of: ResolvedFacet) -> str:
    return facet_id(of.schema.name, of.schema.version)
