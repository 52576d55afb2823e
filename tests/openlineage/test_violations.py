"""A finding says that OpenLineage is violated exactly where the official schemas refuse the event.

The oracle are the official documents that ``OPENLINEAGE_SPEC_DIR`` names: the definition of the event's kind
in the core version that it names, and for each facet the definition that its ``_schemaURL`` names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from mock_intake.event import Entity, Kind
from mock_intake.judgement import Judge
from mock_intake.openlineage.facts import CORES, FACETS, LATEST_CORE
from mock_intake.openlineage.library import FacetLibrary, core_reference, standard_library
from mock_intake.openlineage.schema import documents
from mock_intake.parsing import parse
from tests.events import FACETS as SPEC
from tests.openlineage.instances import Choose, Generator, changes, seeded
from tests.openlineage.official import Official, official_documents

CARRIED: dict[Kind, set[str]] = {"RunEvent": {"run", "job"}, "JobEvent": {"job"}, "DatasetEvent": {"dataset"}}
KINDS = [(number, kind) for number, core in CORES.items() for kind in core.kinds]
# For each entity: the key of each facet that belongs there, and where its schema is.
SCHEMAS: dict[Entity, list[tuple[str, str]]] = {"run": [], "job": [], "dataset": [], "input": [], "output": []}
for facet in FACETS:
    for version in facet.versions:
        address = f"{SPEC}/{version.number}/{facet.name}.json"
        if facet.root is None:
            SCHEMAS[facet.entities[0]].append((version.key or facet.key, f"{address}#/$defs/{facet.name}"))
_ON_SEVERAL: list[tuple[Entity, str, str]] = [
    ("job", "lineage", f"{SPEC}/1-0-0/LineageFacet.json#/$defs/LineageJobFacet"),
    ("dataset", "lineage", f"{SPEC}/1-0-0/LineageFacet.json#/$defs/LineageDatasetFacet"),
    ("input", "subset", f"{SPEC}/1-0-0/BaseSubsetDatasetFacet.json#/$defs/InputSubsetInputDatasetFacet"),
    ("output", "subset", f"{SPEC}/1-0-0/BaseSubsetDatasetFacet.json#/$defs/OutputSubsetOutputDatasetFacet"),
]
for entity, key, schema_url in _ON_SEVERAL:
    SCHEMAS[entity].append((key, schema_url))

JUDGE = Judge()


@pytest.fixture(scope="module")
def official() -> Official:
    return official_documents()


def valid_event(official: Official, choose: Choose) -> dict[str, Any]:
    """An event of any kind and version, with facets of any version, each under its own key."""
    number, kind = KINDS[choose(len(KINDS))]
    target = FacetLibrary.core_target(number, kind)
    generator = Generator([official.documents, documents()][choose(2)], choose)
    event: dict[str, Any] = generator.instance(target)
    event["schemaURL"] = target
    for entity, owner, name in facet_places(event):
        facets = {}
        for _ in range(choose(3)):
            key, schema_url = SCHEMAS[entity][choose(len(SCHEMAS[entity]))]
            facets[key] = {**generator.instance(schema_url), "_schemaURL": schema_url}
        owner[name] = facets
    return event


def facet_places(event: dict[str, Any]) -> Iterator[tuple[Entity, dict[str, Any], str]]:
    """Every object of an event that may have facets, and the name that it has them under."""
    single: list[tuple[Entity, str]] = [("run", "run"), ("job", "job"), ("dataset", "dataset")]
    for entity, name in single:
        if isinstance(event.get(name), dict):
            yield entity, event[name], "facets"
    several: list[tuple[Entity, str, str]] = [("input", "inputs", "inputFacets"), ("output", "outputs", "outputFacets")]
    for entity, name, own_facets in several:
        datasets = event.get(name)
        for dataset in datasets if isinstance(datasets, list) else ():
            if isinstance(dataset, dict):
                yield "dataset", dataset, "facets"
                yield entity, dataset, own_facets


def officially_valid(event: dict[str, Any], kind: Kind, official: Official) -> bool:
    version = LATEST_CORE
    if isinstance(event.get("schemaURL"), str):
        version = core_reference(event["schemaURL"]).version or LATEST_CORE
    if kind not in CORES[version].kinds or not official.validator(FacetLibrary.core_target(version, kind))(event):
        return False
    for entity, owner, name in facet_places(event):
        for key, facet in owner.get(name, {}).items():
            # What is no well-known address any more falls back to the key's latest version.
            schema = standard_library().resolve(entity, key, facet["_schemaURL"]).schema
            if schema is not None and not official.validator(schema.target)(facet):
                return False
    return True


def check(event: dict[str, Any], kind: Kind, official: Official) -> bool:
    """Whether the official documents accept the event, once it is clear that our judgement says the same."""
    body = json.dumps(event).encode()
    valid = officially_valid(parse(body).value, kind, official)
    violations = [finding for finding in JUDGE.judge(body, "org").findings if finding.violates == "openlineage"]
    told = [f"{finding.code} {finding.pointer} {finding.message}" for finding in violations]
    assert bool(violations) is not valid, f"officially {'valid' if valid else 'refused'}, and told: {told}\n{event}"
    return valid


def kind_of(event: Any) -> Kind | None:
    """The kind of an event that is clearly of one kind."""
    if not isinstance(event, dict):
        return None
    carried = {name for name in ("run", "job", "dataset") if name in event}
    return next((kind for kind, names in CARRIED.items() if names == carried), None)


def test_violations_are_told_exactly_where_the_official_documents_refuse_an_event(official: Official) -> None:
    """The same several hundred events on every run, of which many are valid and many are not."""
    verdicts: Counter[bool] = Counter()
    for seed in range(200):
        choose = seeded(seed)
        event = valid_event(official, choose)
        kind = kind_of(event)
        assert kind is not None
        # Not always valid: the first cores define some facets themselves, and ask more of them.
        verdicts[check(event, kind, official)] += 1
        options = list(changes(event))
        for _ in range(3):
            changed = options[choose(len(options))].value
            if (changed_kind := kind_of(changed)) is not None:
                verdicts[check(changed, changed_kind, official)] += 1
    assert min(verdicts[True], verdicts[False]) > 60, verdicts


@settings(max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_violations_are_told_exactly_where_the_official_documents_refuse_what_is_sent(
    official: Official, data: st.DataObject
) -> None:
    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    event = valid_event(official, choose)
    for _ in range(choose(4)):
        options = list(changes(event))
        change = options[choose(len(options))]
        note(f"{change.path} {change.what}")
        event = change.value
        assume(isinstance(event, dict))
    kind = kind_of(event)
    assume(kind is not None)
    assert kind is not None
    check(event, kind, official)


@pytest.mark.parametrize(
    "carried", ["", "run", "job", "dataset", "run job", "job dataset", "run dataset", "run job dataset"]
)
@pytest.mark.parametrize("named", ["RunEvent", "JobEvent", "DatasetEvent"])
def test_an_event_of_two_kinds_or_none_violates_what_the_root_of_the_core_refuses(
    official: Official, carried: str, named: Kind
) -> None:
    event = {"eventTime": "2026-11-01T12:00:00Z", "producer": "https://github.com/acme/etl"}
    event["schemaURL"] = FacetLibrary.core_target(LATEST_CORE, named)
    entity = {"namespace": "prod", "name": "orders", "runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"}
    body = {**event, **dict.fromkeys(carried.split(), entity)}
    valid = official.validator(f"https://openlineage.io/spec/{LATEST_CORE}/OpenLineage.json")(body)
    findings = JUDGE.judge(json.dumps(body).encode(), "org").findings
    assert any(finding.violates for finding in findings) is not valid
