"""What is passed over because it is usual is what nothing would be said of, were it looked at."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from mock_intake.judging.judgement import Judge
from mock_intake.model.event import EventView
from mock_intake.openlineage.facet_schema import Validator
from mock_intake.openlineage.facts import FACETS, LATEST_CORE, Entity, Facet, Kind, Version
from mock_intake.openlineage.facts.core import ALL_KINDS
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.openlineage.schema import documents, facet_id
from tests.events import run_event
from tests.openlineage.instances import Generator, changes, seeded

_VERSIONS = [(facet, version) for facet in FACETS for version in facet.versions]
_CHANGED = 2
# A facet that is usual on each entity: its key, its class and its content.
USUAL: dict[Entity, tuple[str, str, dict[str, Any]]] = {
    "run": ("externalQuery", "ExternalQueryRunFacet", {"externalQueryId": "q1", "source": "bigquery"}),
    "job": ("ownership", "OwnershipJobFacet", {"owners": [{"name": "team:data", "type": "MAINTAINER"}]}),
    "dataset": ("documentation", "DocumentationDatasetFacet", {"description": "Orders."}),
    "input": ("inputStatistics", "InputStatisticsInputDatasetFacet", {"rowCount": 3}),
    "output": ("outputStatistics", "OutputStatisticsOutputDatasetFacet", {"rowCount": 3}),
}


class Unhurried(FacetLibrary):
    """The standard's library, with which every facet is looked at closely."""

    def usual(self, *_: object) -> Validator:
        return lambda _: False

    def has_base(self, *_: object) -> Validator:
        # So the core is asked for all that it asks.
        return lambda _: False


HURRIED, UNHURRIED = Judge(FacetLibrary()), Judge(Unhurried())


def bodies(facet: Facet, version: Version) -> list[bytes]:
    """Events with a facet that is as its schema has it, and with some that nearly are; in its place and in others."""
    address = facet_id(facet.name, version.number)
    choose = seeded(len(address))
    made: list[dict[str, Any]] = []
    for name in documents()[address]["$defs"]:
        if not name.endswith("Facet"):
            continue
        value = Generator(documents(), choose, full=True).instance(f"{address}#/$defs/{name}")
        value |= {"_producer": "https://github.com/acme/etl", "_schemaURL": f"{address}#/$defs/{facet.name}"}
        options = list(changes(value))
        some = [options[choose(len(options))].value for _ in range(_CHANGED)]
        for content in (value, {**value, "own": 1}, *some):
            made += [carrying(entity, version.key or facet.key, content) for entity in (facet.entities[0], "dataset")]
    return [json.dumps(event).encode() for event in made]


def carrying(entity: str, key: str, facet: Any) -> dict[str, Any]:
    """An event with a facet on one of its entities."""
    event = run_event()
    dataset: dict[str, Any] = {"namespace": "postgres://db:5432", "name": "shop.public.orders"}
    if entity in ("run", "job"):
        event[entity]["facets"] = {**event[entity].get("facets", {}), key: facet}
    elif entity == "input":
        event["inputs"] = [{**dataset, "inputFacets": {key: facet}}]
    else:
        event["outputs"] = [{**dataset, "facets" if entity == "dataset" else "outputFacets": {key: facet}}]
    return event


@pytest.mark.parametrize(
    ("facet", "version"), _VERSIONS, ids=[f"{facet.name}-{version.number}" for facet, version in _VERSIONS]
)
def test_nothing_is_lost_by_passing_over_what_is_usual(facet: Facet, version: Version) -> None:
    for body in bodies(facet, version):
        assert HURRIED.judge(body, "org") == UNHURRIED.judge(body, "org"), body


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_nothing_is_lost_by_not_asking_the_core_about_usual_facets(kind: Kind) -> None:
    """Whatever is wrong at one place of an event that has such facets on all that may have some."""
    event = Generator(documents(), seeded(1), full=True).instance(FacetLibrary.core_target(LATEST_CORE, kind))
    for group in EventView(event).facet_groups():
        key, name, content = USUAL[group.entity]
        address = f"{facet_id(name, '1-0-0')}#/$defs/{name}"
        facet = {"_producer": "https://github.com/acme/etl", "_schemaURL": address, **content}
        assert FacetLibrary().usual(group.entity, key, address)(facet)
        cast("dict[str, Any]", group.facets).clear()
        cast("dict[str, Any]", group.facets)[key] = facet
    changed = [change.value for change in changes(event, ("RunEvent", "START", "start"))]
    assert len(changed) > 200
    for value in (event, *changed):
        body = json.dumps(value).encode()
        assert HURRIED.judge(body, "org") == UNHURRIED.judge(body, "org"), body


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_what_came_first_makes_no_other_address_usual(first: int) -> None:
    addresses = [
        f"{facet_id('SQLJobFacet', '1-1-0')}#/$defs/SQLJobFacet",
        f"{facet_id('SQLJobFacet', '1-0-0')}#/$defs/SQLJobFacet",
        FacetLibrary.core_target("1-0-5", "RunEvent"),
        "https://acme.example/SQLJobFacet.json",
    ]
    hurried, found = Judge(FacetLibrary()), set()
    for address in (addresses[first], *addresses):
        facet = {"_producer": "https://github.com/acme/etl", "_schemaURL": address, "query": "SELECT 1"}
        body = json.dumps(carrying("job", "sql", facet)).encode()
        judged = hurried.judge(body, "org")
        assert judged == UNHURRIED.judge(body, "org")
        found |= {finding.code for finding in judged.findings}
    assert found


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_all_documents_are_compiled_for_what_is_unusual_and_not_before(kind: Kind) -> None:
    """They are a hundred, which a first test would wait for."""
    event: dict[str, Any] = {**run_event(), "schemaURL": FacetLibrary.core_target(LATEST_CORE, kind)}
    of_runs, of_jobs = ("run", "eventType"), ("job", "inputs", "outputs")
    for name in {"RunEvent": (), "JobEvent": of_runs, "DatasetEvent": of_runs + of_jobs}[kind]:
        del event[name]
    if kind == "DatasetEvent":
        event["dataset"] = {"namespace": "postgres://db:5432", "name": "shop.public.orders", "facets": {}}
    library = FacetLibrary()
    judge = Judge(library)
    judge.judge(json.dumps(event).encode(), "org")
    assert "registry" not in vars(library)
    event["dataset" if kind == "DatasetEvent" else "job"].setdefault("facets", {})["documentation"] = {"own": 1}
    judge.judge(json.dumps(event).encode(), "org")
    assert "registry" in vars(library)


@pytest.mark.parametrize(
    ("facet", "version"), _VERSIONS, ids=[f"{facet.name}-{version.number}" for facet, version in _VERSIONS]
)
def test_what_is_usual_is_told_by_the_core_alone(facet: Facet, version: Version) -> None:
    """Else a validator for it would look for a document that it does not have."""
    library = FacetLibrary()
    address = f"{facet_id(facet.name, version.number)}#/$defs/{facet.name}"
    schema = library.resolve(facet.entities[0], version.key or facet.key, address).schema
    assert schema is not None
    if schema.compile_closed is not None:
        assert not schema.usual_at(address)({})
        assert not schema.is_usual({})
        assert "registry" not in vars(library)


def test_some_facets_are_usual() -> None:
    """Else the test above would compare nothing."""
    facet = {
        "_producer": "https://github.com/acme/etl",
        "_schemaURL": "https://openlineage.io/spec/facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet",
        "query": "SELECT 1",
    }
    usual = FacetLibrary().usual("job", "sql", facet["_schemaURL"])
    assert usual(facet)
    assert not usual({**facet, "query": ""})
    assert not usual({**facet, "own": 1})
    assert not FacetLibrary().usual("run", "sql", facet["_schemaURL"])(facet)
