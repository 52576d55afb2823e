"""The library that decides and the one that explains hold the same verdict, whatever is sent."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from mock_intake.body.parsing import parse, without_surrogates
from mock_intake.openlineage.explain import FORMATS, Explainer, Explanation
from mock_intake.openlineage.facet_schema import decider
from mock_intake.openlineage.facts import CORES, LATEST_CORE
from mock_intake.openlineage.library import FacetLibrary, standard_library
from mock_intake.openlineage.schema import documents
from tests.events import FACETS, base, run_event
from tests.openlineage.instances import Generator, changes

_DIGITS = st.integers(0, 99).map("{:02}".format)
_FULLWIDTH = "\uff12\uff10\uff12\uff16"  # digits to Python, but not to RFC 3339
_YEARS = st.sampled_from(["0000", "0001", "1900", "1998", "2000", "2016", "9999", "10000", "-001", _FULLWIDTH])
_ENDS = ("", "\n", "\r\n", " ", "\x00", "\u2028", "\ufffd", "\ud800", "[Europe/Berlin]")
_OFFSETS = ("", "Z", "z", "+00:00", "-08:00", "+23:59", "+24:00", "+0200", "+02", "-00:00", "\u221202:00")
# What the two libraries may well read differently: Python's types, its regular expressions, its numbers.
AWKWARD: tuple[Any, ...] = (
    "2016-12-31T23:59:60Z",
    "2016-12-31T22:59:60Z",
    "0000-01-01T00:00:00Z",
    "2026-11-01T12:00:00Z\n",
    "https://acme.example/\n",
    "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d\n",
    "START\n",
    "\ud83d",
    "a\ud800b",
    "\x00",
    True,
    False,
    1.0,
    -0.0,
    0.9999999999999999,
    1e300,
    -1e300,
    5e-324,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**300,
)


def received(value: Any) -> Any:
    """A value as the validators get to see it: sent, parsed, lone surrogates replaced."""
    return without_surrogates(parse(json.dumps(value).encode()).value)


@cache
def explainer() -> Explainer:
    return Explainer(standard_library())


def explained_by_who_decides(target: str, value: Any) -> list[Explanation]:
    """The explanations by the errors of the library that decides; by those of the other one where it has none."""
    return explainer().explain(target, value, explainer().refusals.reasons(target, value))


@cache
def targets() -> list[str]:
    """Every schema that something is judged by, and every document as a whole."""
    found = list(documents())
    for address, document in documents().items():
        definitions = "definitions" if "definitions" in document else "$defs"
        found += [f"{address}#/{definitions}/{name}" for name in document[definitions] if name.endswith("Facet")]
    found += [FacetLibrary.core_target(number, kind) for number, core in CORES.items() for kind in core.kinds]
    return found


def verdicts(target: str, value: Any) -> tuple[bool, bool]:
    """Who accepts a value: the library that decides, the one that explains."""
    decides = decider({"$ref": target}, standard_library().registry)(value)
    return decides, not explainer().errors(target, value)


@settings(max_examples=3 * settings().max_examples)
@given(data=st.data())
def test_both_libraries_agree_on_values_that_are_nearly_valid(data: st.DataObject) -> None:
    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    target = data.draw(st.sampled_from(targets()))
    value = Generator(documents(), choose).instance(target)
    for _ in range(choose(4)):
        options = list(changes(value, AWKWARD))
        change = options[choose(len(options))]
        note(f"{change.path} {change.what}")
        value = change.value
    value = received(value)
    decides, explains = verdicts(target, value)
    assert decides is explains
    if not decides:
        explanations = explainer().explain(target, value)
        assert explanations
        assert explained_by_who_decides(target, value) == explanations
        for explanation in explanations:
            place = value
            for part in explanation.path:
                place = place[part]


@pytest.mark.parametrize("awkward", AWKWARD, ids=ascii)
@pytest.mark.parametrize(
    ("name", "version", "fields"),
    [
        ("NominalTimeRunFacet", "1-0-1", ["nominalStartTime", "nominalEndTime"]),
        ("DatasourceDatasetFacet", "1-0-1", ["name", "uri"]),
        ("ParentRunFacet", "1-0-1", ["run", "job"]),
        ("OutputStatisticsOutputDatasetFacet", "1-0-2", ["rowCount", "size"]),
        ("IcebergScanReportInputDatasetFacet", "1-0-1", ["snapshotId", "schemaId"]),
        ("JobTypeJobFacet", "2-0-4", ["integration", "emissionPattern"]),
        ("LifecycleStateChangeDatasetFacet", "1-0-1", ["lifecycleStateChange"]),
        ("DataQualityAssertionsDatasetFacet", "1-1-0", ["assertions"]),
    ],
)
def test_both_libraries_agree_on_awkward_values(name: str, version: str, fields: list[str], awkward: Any) -> None:
    """As the field itself and as the first thing inside it, where it holds objects."""
    target = f"{FACETS}/{version}/{name}.json#/$defs/{name}"
    plain = Generator(documents(), lambda _: 0, full=True).instance(target)
    for field in fields:
        for value in (awkward, [awkward], _filled(plain[field], awkward)):
            decides, explains = verdicts(target, received({**plain, field: value}))
            assert decides is explains, value


@pytest.mark.parametrize("key", ["", "0", "01", "+1", "-1", "1.5", "a/b", "~1", "%20", "\u0661", "items", "properties"])
@pytest.mark.parametrize("levels", [1, 2])
def test_a_mistake_under_any_key_is_explained_alike(key: str, levels: int) -> None:
    """Where the library that decides loses a key, or takes it for a number, its path is not gone by."""
    target = FacetLibrary.core_target(LATEST_CORE, "RunEvent")
    entry: Any = {"inputFields": [{"namespace": "postgres://db:5432", "name": 3, "field": "id"}]}
    facet = {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {key: entry, "other": {"inputFields": {}}}}
    of_facet = f"{FACETS}/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
    event = run_event(outputs=[{"namespace": "postgres://db:5432", "name": "a.b.c", "facets": {key: {"a": 1}, "x": 2}}])
    nested: dict[str, Any] = {key: {key: {}}} if levels == 2 else {key: None}
    event["run"]["facets"] = nested
    for address, value in ((of_facet, facet), (target, event)):
        explanations = explained_by_who_decides(address, value)
        assert explanations == explainer().explain(address, value)
        assert any(key in explanation.path for explanation in explanations)


def test_reasons_come_in_the_order_of_the_schema() -> None:
    """So what is told first does not depend on who tells it; each of the standard's keywords is among them."""
    event = run_event(eventType="start", eventTime="today", outputs={}, inputs=[3, {"name": 1}])
    del event["producer"]
    event["job"] = {"namespace": None, "facets": {"own": {"_producer": "no uri"}, "sql": []}}
    target = FacetLibrary.core_target(LATEST_CORE, "RunEvent")
    explanations = explained_by_who_decides(target, event)
    assert explanations == explainer().explain(target, event)
    assert len(explanations) > 8
    told = [explanations[0].path, explanations[-1].path]
    event = dict(reversed(event.items()))
    assert [explained_by_who_decides(target, event)[index].path for index in (0, -1)] == told


def _filled(value: Any, leaf: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, leaf) for key, item in value.items()}
    return [_filled(item, leaf) for item in value] if isinstance(value, list) else leaf


@st.composite
def times(draw: st.DrawFn) -> str:
    """Texts that look like date-times, many of them impossible ones."""
    parts = [draw(_DIGITS) for _ in range(5)]
    year, letter = draw(_YEARS), draw(st.sampled_from(["T", "t", " ", ""]))
    fraction = draw(st.sampled_from(["", ".5", ".123456789012", ".", ",5"]))
    time = f"{year}-{parts[0]}-{parts[1]}{letter}{parts[2]}:{parts[3]}:{parts[4]}{fraction}"
    return time + draw(st.sampled_from(_OFFSETS)) + draw(st.sampled_from(_ENDS))


@given(text=st.one_of(times(), st.text(), st.sampled_from([text for text in AWKWARD if isinstance(text, str)])))
@example(text="1998-12-31T15:59:60.123-08:00")
@example(text="0000-02-29T00:00:00Z")
def test_both_libraries_agree_on_every_format(text: str) -> None:
    for name in FORMATS:
        library = _library_of_format(name)
        decides = decider({"$ref": _format_schema(name)}, library.registry)(received(text))
        assert (not _format_explainer(name).errors(_format_schema(name), received(text))) is decides, name


def _format_schema(name: str) -> str:
    return f"https://acme.example/{name}.json#/properties/it"


@cache
def _library_of_format(name: str) -> FacetLibrary:
    document = {"$id": f"https://acme.example/{name}.json", "properties": {"it": {"format": name}}}
    return FacetLibrary([("format", document)])


@cache
def _format_explainer(name: str) -> Explainer:
    return Explainer(_library_of_format(name))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1998-12-31T23:59:60Z", True),  # a leap second, as in RFC 3339's own examples
        ("1998-12-31T15:59:60.123-08:00", True),
        ("1998-12-31T22:59:60Z", False),
        ("1998-12-31T23:59:61Z", False),
        ("0000-01-01T00:00:00Z", True),
        ("2026-11-01t12:00:00z", True),
        ("2026-11-01T12:00:00-00:00", True),
        ("2000-02-29T00:00:00Z", True),
        ("1900-02-29T00:00:00Z", False),
        ("2026-11-01T12:00:00", False),
        ("2026-11-01 12:00:00Z", False),
        ("2026-11-01T12:00:00Z\n", False),
        ("2026-11-01T12:00Z", False),
        ("2026-11-01T24:00:00Z", False),
        ("2026-11-01T12:00:00+0200", False),
        ("2026-11-01T12:00:00+24:00", False),
        ("2026-11-01T12:00:00,5Z", False),
        (_FULLWIDTH + "-11-01T12:00:00Z", False),
        ("10000-01-01T00:00:00Z", False),
    ],
)
def test_date_times_are_those_of_rfc_3339(text: str, valid: bool) -> None:
    facet = {**base("NominalTimeRunFacet", "1-0-1"), "nominalStartTime": text}
    target = f"{FACETS}/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet"
    assert verdicts(target, facet) == (valid, valid)


@pytest.mark.parametrize("levels", [1, 90, 150, 200, 400])
def test_a_mistake_deep_inside_is_explained(levels: int) -> None:
    fields: list[Any] = [{"name": 3}]
    for _ in range(levels):
        fields = [{"name": "outer", "fields": fields}]
    target = f"{FACETS}/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
    facet = {**base("SchemaDatasetFacet", "1-1-1"), "fields": fields}
    assert not decider({"$ref": target}, standard_library().registry)(facet)
    (explanation,) = explainer().explain(target, facet)
    assert explanation.path == (*("fields", 0) * (levels + 1), "name")
    assert explanation.keyword == "type"


@pytest.mark.parametrize("levels", [1, 30, 100, 180])
def test_a_mistake_deep_inside_alternatives_is_explained(levels: int) -> None:
    plain: Any = {"type": "location", "locations": ["here"]}
    condition: Any = {"type": "location", "locations": [3]}
    for _ in range(levels):
        condition = {"type": "binary", "operator": "AND", "left": condition, "right": plain}
    target = f"{FACETS}/1-0-0/BaseSubsetDatasetFacet.json#/$defs/InputSubsetInputDatasetFacet"
    facet = {**base("BaseSubsetDatasetFacet", "1-0-0"), "inputCondition": condition}
    assert not decider({"$ref": target}, standard_library().registry)(facet)
    explanations = explainer().explain(target, facet)
    assert explanations
    if levels <= 100:  # beyond, only the outermost alternatives are named
        assert [explanation.keyword for explanation in explanations] == ["type"]
        assert explanations[0].path == ("inputCondition", *("left",) * levels, "locations", 0)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^\\d+$"}, "٣"),  # a digit to Python's re, none to ECMA 262
        ({"pattern": "^\\p{Lu}"}, "lower"),  # no expression that Python's re knows
        ({"pattern": "^a$"}, "a\n"),
    ],
    ids=["digits", "property", "newline"],
)
def test_a_refusal_is_explained_where_the_two_libraries_read_a_users_schema_differently(
    schema: dict[str, Any], value: str
) -> None:
    target = "https://acme.example/own.json#/properties/own"
    document = {"$id": "https://acme.example/own.json", "properties": {"own": {"properties": {"it": schema}}}}
    library = FacetLibrary([("own.json", document)])
    assert not decider({"$ref": target}, library.registry)({"it": value})
    (explanation,) = Explainer(library).explain(target, {"it": value})
    assert explanation.path == ("it",)
    assert explanation.message
