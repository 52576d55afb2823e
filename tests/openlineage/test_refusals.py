"""What the deciding library says of a refusal is used where it suffices, and left to others where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mock_intake.judging.judgement import Judge
from mock_intake.openlineage.facts import LATEST_CORE
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.openlineage.refusals import Refusals
from tests.events import FACETS, base, run_event

TARGET = FacetLibrary.core_target(LATEST_CORE, "RunEvent")
LIBRARY = FacetLibrary()
SUBSET = f"{FACETS}/1-0-0/BaseSubsetDatasetFacet.json#/$defs/InputSubsetInputDatasetFacet"


@pytest.mark.parametrize(
    ("changed", "keyword", "path"),
    [
        ({"eventTime": "2026-11-01T12:00:00"}, "format", ("eventTime",)),
        ({"eventType": "start"}, "enum", ("eventType",)),
        ({"producer": 3}, "type", ("producer",)),
        ({"run": {"runId": "1"}}, "format", ("run", "runId")),
        ({"run": {}}, "required", ("run",)),
        ({"inputs": [{"namespace": "a", "name": "b"}, {"namespace": "a"}]}, "required", ("inputs", 1)),
    ],
)
def test_a_refusal_by_the_core_is_told_by_who_decided(
    changed: dict[str, Any], keyword: str, path: tuple[str | int, ...]
) -> None:
    reasons = Refusals(LIBRARY).reasons(TARGET, run_event(**changed))
    assert reasons is not None
    assert [(reason.validator, reason.absolute_path) for reason in reasons] == [(keyword, path)]


def test_what_an_event_lacks_is_told_without_a_copy_of_it() -> None:
    event = run_event()
    del event["producer"], event["eventTime"]
    reasons = Refusals(LIBRARY).reasons(TARGET, event)
    assert reasons is not None
    assert [reason.validator_value for reason in reasons] == [["eventTime"], ["producer"]]
    assert all(reason.instance is event for reason in reasons)


def test_of_what_is_no_refusal_there_are_no_reasons() -> None:
    assert Refusals(LIBRARY).reasons(TARGET, run_event()) == []


def test_alternatives_and_more_than_anybody_reads_are_for_others_to_explain() -> None:
    refusals = Refusals(LIBRARY)
    neither = {**base("BaseSubsetDatasetFacet", "1-0-0"), "inputCondition": {"type": "location", "locations": [3]}}
    assert refusals.reasons(SUBSET, neither) is None
    assert refusals.reasons(TARGET, run_event(inputs=[{}] * 30)) is None
    assert refusals.reasons("https://acme.example/own.json#/properties/own", {}) is None


def _documented(key: str = "documentation", **content: Any) -> dict[str, Any]:
    return run_event(job={"namespace": "prod", "name": "load", "facets": {key: _facet(**content)}})


def _facet(**content: Any) -> dict[str, Any]:
    return {**base("DocumentationJobFacet", "1-1-0"), **content}


def _on(index: int, **content: Any) -> dict[str, Any]:
    facets = {"documentation": {**base("DocumentationDatasetFacet", "1-1-0"), **content}}
    names = [{"namespace": "postgres://db:5432", "name": f"shop.public.orders_{number}"} for number in range(3)]
    return run_event(inputs=[{**name, "facets": facets} if at == index else name for at, name in enumerate(names)])


def _without_run(**changed: Any) -> dict[str, Any]:
    event = run_event(schemaURL="no uri", **changed)
    del event["run"], event["eventType"]
    return event


def _without(*fields: str, **changed: Any) -> dict[str, Any]:
    return {field: value for field, value in run_event(**changed).items() if field not in fields}


TIMES: list[Any] = [
    *("2026-11-01T12:00:00", "2026-11-01 12:00", "2026-11-01t12:00:00.5", "2026-11-02T12:00:00.123456"),
    *("2026-11-31T12:00:00Z", "yesterday", "", "2026-11-01T12:00:00+0100", "2026-11-01T12:00:00Z[UTC]", "1" * 300),
    *(1793534400, 1.5, None, True, ["2026-11-01T12:00:00"], "2026-11-01T12:00:00Z"),
]
IDS: list[Any] = ["run-1", "run-2", "{5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d}", "5f0b5ce79a8c4f5bb6a40a7d3f1c2b3d", ""]


def _nominal(**content: Any) -> dict[str, Any]:
    return run_event(
        run={
            "runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d",
            "facets": {"nominalTime": {**base("NominalTimeRunFacet", "1-0-1"), **content}},
        }
    )


def _from_columns(*columns: str) -> dict[str, Any]:
    source = {"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "id"}
    fields = {column: {"inputFields": [source], "transformationDescription": 3} for column in columns}
    facets = {"columnLineage": {**base("ColumnLineageDatasetFacet", "1-0-2"), "fields": fields}}
    return run_event(outputs=[{"namespace": "postgres://db:5432", "name": "shop.public.daily", "facets": facets}])


NEARLY_ALIKE: list[dict[str, Any]] = [
    *[_from_columns("a"), _from_columns("b", "a"), _from_columns("a", "b"), _from_columns("c", "b", "a")],
    *[run_event(eventTime=value) for value in TIMES],
    *[run_event(eventTime=value, producer="etl") for value in TIMES[:6]],
    *[run_event(eventTime=value, run={"runId": own}) for value, own in zip(TIMES, IDS, strict=False)],
    *[run_event(eventTime=value, eventType=None) for value in TIMES[:3]],
    *[_nominal(nominalStartTime=value) for value in TIMES],
    *[_nominal(nominalStartTime=value, nominalEndTime=value) for value in TIMES[:6]],
    *[run_event(run={"runId": value}) for value in IDS],
    *[run_event(eventType=value) for value in (1, True, 1.0, 0, False, None, "1", "start", "Start")],
    *[run_event(producer=value) for value in ("etl", "ETL", "e tl", "e" * 600, "e" * 601)],
    *[run_event(run={"runId": value}) for value in ("1", "2", 1, None)],
    *[run_event(run={key: "x"}) for key in ("id", "facet", "runid")],
    *[_documented(description=value) for value in (17, 17.0, True, 1, None)],
    *[_documented(description=value) for value in ({"a": 1}, {"a": 2}, {})],
    *[_documented(), _documented(_deleted=True), _documented(_deleted=1), _documented(other=1)],
    *[_documented("documentation2", description=17), _documented("sql", description=17)],
    *[_on(index, description=value) for index in (0, 1, 2) for value in (17, 18)],
    *[_without("schemaURL", eventTime=value) for value in TIMES[:4]],
    *[_without("schemaURL"), _without("schemaURL", "producer"), _without("eventTime", "schemaURL", "producer")],
    *[_without("schemaURL", eventType="start"), _without("schemaURL", other=1), _without("producer", inputs=[{}])],
    *[_without("job"), _without("job", "schemaURL"), _without("job", eventType="start", producer="etl")],
    *[_without_run(), _without_run(Run={"runId": "1"}), _without_run(eventtype="START")],
]


def test_what_was_told_of_one_event_is_not_told_of_another() -> None:
    """A judge remembers what it told; one that judged nothing before tells the same."""
    bodies = [json.dumps(event).encode() for event in NEARLY_ALIKE]
    alone = [Judge().judge(body, "org") for body in bodies]
    assert len({judgement.findings for judgement in alone}) > len(bodies) / 2
    judge = Judge()
    for _ in range(2):
        assert [judge.judge(body, "org") for body in bodies] == alone
    assert [judge.judge(body, "org") for body in reversed(bodies)] == alone[::-1]
