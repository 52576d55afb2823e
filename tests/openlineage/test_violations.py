"""A finding says that OpenLineage is violated exactly where the official schemas refuse the event.

The oracle are the official documents that ``OPENLINEAGE_SPEC_DIR`` names, or the record of their verdicts: the
definition of the event's kind in the core version that it names, and for each facet the one that its ``_schemaURL``
names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from mock_intake.body.parsing import parse
from mock_intake.judging.judgement import Judge
from mock_intake.model.event import Entity, Kind
from mock_intake.openlineage.facts import CORES, FACETS, LATEST_CORE
from mock_intake.openlineage.library import FacetLibrary, core_reference, standard_library
from mock_intake.openlineage.schema import documents
from tests.events import FACETS as SPEC
from tests.openlineage.instances import Choose, Generator, changes, seeded
from tests.openlineage.official import UNSEEN, documents_at_hand
from tests.openlineage.verdicts import Asked, is_unseen, judge_of, verdicts_on

CARRIED: dict[Kind, set[str]] = {"RunEvent": {"run", "job"}, "JobEvent": {"job"}, "DatasetEvent": {"dataset"}}
KINDS = [(number, kind) for number, core in CORES.items() for kind in core.kinds]
# For each entity: the key of each facet that belongs there, and where its schema is.
SCHEMAS: dict[Entity, list[tuple[str, str]]] = {"run": [], "job": [], "dataset": [], "input": [], "output": []}
for facet in FACETS:
    for version in facet.versions:
        address = f"{SPEC}/{version.number}/{facet.name}.json"
        if facet.root is None and address not in UNSEEN:
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
# Nothing that they accept, for an event of a kind that its version of the core does not know.
NEVER: Asked = (FacetLibrary.core_target(LATEST_CORE, "RunEvent"), None)


def valid_event(source: Mapping[str, Any], choose: Choose) -> dict[str, Any]:
    """An event of any kind and version, with facets of any version, each under its own key."""
    number, kind = KINDS[choose(len(KINDS))]
    target = FacetLibrary.core_target(number, kind)
    generator = Generator(source, choose)
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


def asked_of(event: dict[str, Any], kind: Kind) -> list[Asked]:
    """All of the event that the official documents have to accept, and the schemas that are to do so."""
    version = LATEST_CORE
    if isinstance(event.get("schemaURL"), str):
        version = core_reference(event["schemaURL"]).version or LATEST_CORE
    if kind not in CORES[version].kinds:
        return [NEVER]
    asked: list[Asked] = [(FacetLibrary.core_target(version, kind), event)]
    for entity, owner, name in facet_places(event):
        facets = owner.get(name, {})
        for key, facet in facets.items() if isinstance(facets, dict) else ():
            # What is no well-known address any more falls back to the key's latest version. What has none, or is no
            # facet, is the core's to refuse.
            address = facet.get("_schemaURL") if isinstance(facet, dict) else None
            schema = standard_library().resolve(entity, key, address).schema if isinstance(address, str) else None
            if schema is not None:
                asked.append((schema.target, facet))
    return asked


def expect_told(event: dict[str, Any], valid: bool) -> None:
    """That our judgement says of an event what the official documents say."""
    violations = [finding for finding in JUDGE.judge(json.dumps(event).encode(), "org").findings if finding.violates]
    told = [f"{finding.code} {finding.pointer} {finding.message}" for finding in violations]
    assert bool(violations) is not valid, f"officially {'valid' if valid else 'refused'}, and told: {told}\n{event}"


def kind_of(event: Any) -> Kind | None:
    """The kind of an event that is clearly of one kind."""
    if not isinstance(event, dict):
        return None
    carried = {name for name in ("run", "job", "dataset") if name in event}
    return next((kind for kind, names in CARRIED.items() if names == carried), None)


def test_violations_are_told_exactly_where_the_official_documents_refuse_an_event() -> None:
    """The same several hundred events on every run, of which many are valid and many are not."""
    events: list[tuple[dict[str, Any], list[Asked]]] = []

    def add(event: Any) -> None:
        if (kind := kind_of(event)) is not None:
            asked = asked_of(parse(json.dumps(event).encode()).value, kind)
            if not any(is_unseen(target) for target, _ in asked):
                events.append((event, asked))

    for seed in range(200):
        choose = seeded(seed)
        event = valid_event(documents(), choose)
        add(event)
        options = list(changes(event))
        for _ in range(3):
            add(options[choose(len(options))].value)
    verdicts = iter(verdicts_on("events", [each for _, asked in events for each in asked]))
    counted: Counter[bool] = Counter()
    for event, asked in events:
        # Not always valid where nothing was changed: the first cores define some facets themselves, and ask more.
        valid = all(list(islice(verdicts, len(asked))))
        expect_told(event, valid)
        counted[valid] += 1
    assert min(counted[True], counted[False]) > 60, counted


@settings(max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_violations_are_told_exactly_where_the_documents_refuse_what_is_sent(data: st.DataObject) -> None:
    """Events made by chance, from the official documents too where these are at hand."""

    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    official = documents_at_hand()
    event = valid_event(official.documents if official and choose(2) else documents(), choose)
    for _ in range(choose(4)):
        options = list(changes(event))
        change = options[choose(len(options))]
        note(f"{change.path} {change.what}")
        event = change.value
        assume(isinstance(event, dict))
    kind = kind_of(event)
    assume(kind is not None)
    assert kind is not None
    asked = asked_of(parse(json.dumps(event).encode()).value, kind)
    expect_told(event, all(judge_of(target)(value) for target, value in asked))


@pytest.mark.parametrize(
    "carried", ["", "run", "job", "dataset", "run job", "job dataset", "run dataset", "run job dataset"]
)
@pytest.mark.parametrize("named", ["RunEvent", "JobEvent", "DatasetEvent"])
def test_an_event_of_two_kinds_or_none_violates_what_the_root_of_the_core_refuses(carried: str, named: Kind) -> None:
    event = {"eventTime": "2026-11-01T12:00:00Z", "producer": "https://github.com/acme/etl"}
    event["schemaURL"] = FacetLibrary.core_target(LATEST_CORE, named)
    entity = {"namespace": "prod", "name": "orders", "runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"}
    body = {**event, **dict.fromkeys(carried.split(), entity)}
    root = f"https://openlineage.io/spec/{LATEST_CORE}/OpenLineage.json"
    [valid] = verdicts_on(f"{named} that carries: {carried}", [(root, body)])
    findings = JUDGE.judge(json.dumps(body).encode(), "org").findings
    assert any(finding.violates for finding in findings) is not valid
