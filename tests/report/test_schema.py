"""The published schema of the JSON form: every report fits it, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from mock_intake.model.findings import Severity, Sureness
from mock_intake.report.formats import to_json
from mock_intake.report.suite import Level, Verdict
from mock_intake.report.suite_renderers import json_schema
from tests.report.samples import Recorded, hostile, samples

VALIDATOR = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
# The same verdict in a tenth of the time, for what is asked a thousand times.
DECIDER = jsonschema_rs.Draft202012Validator(json_schema(), validate_formats=True)
NAMES = (
    "not ready", "ready", "accepted", "several", "measured", "no results", "no producers", "nothing",
)  # fmt: skip
# Objects of which a user chooses the names.
OPEN = {"headers"}


def as_data(recorded: Recorded, name: str) -> Any:
    return json.loads(to_json(samples(recorded)[name]))


@pytest.fixture
def whole(recorded: Recorded) -> Any:
    """A report in which every object of the schema occurs, and not often."""
    data = as_data(recorded, "not ready")
    (producer,) = data["producers"]
    (first, *_) = producer["executions"]
    with_findings = [request for request in first["requests"] if request["exchange"]["findings"]]
    first["requests"] = with_findings[:1]
    first["requests"][0]["exchange"]["agent"] = {"path": "/", "query": "", "headers": {}}
    producer["executions"] = [first]
    for part in producer["lineage"].values():
        if isinstance(part, list):
            del part[1:]
    producer["lineage"].pop("dropped")
    producer["lineage"].pop("findings")
    return data


def objects(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield name, value
        for key, part in value.items():
            yield from objects(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from objects(part, name)


def test_the_samples_are_all() -> None:
    assert set(NAMES) == set(samples(Recorded([], [], {})))


@pytest.mark.parametrize("name", NAMES)
def test_every_report_fits(recorded: Recorded, name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_data(recorded, name))] == []


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_nothing_may_be_missing_and_nothing_may_be_added(whole: Any) -> None:
    assert VALIDATOR.is_valid(whole)
    assert DECIDER.is_valid(whole)
    tried = 0
    for name, part in list(objects(whole)):
        if name in OPEN:
            continue
        for key, value in list(part.items()):
            del part[key]
            assert not DECIDER.is_valid(whole), f"{name} without {key}"
            part[key] = value
            tried += 1
        part["more"] = 1
        assert not DECIDER.is_valid(whole), f"{name} with more"
        del part["more"]
    assert tried > 150
    assert DECIDER.is_valid(whole), "each change was undone before the next"


def test_no_value_may_be_of_another_type(whole: Any) -> None:
    wrong: dict[str, Any] = {"bool": 1, "str": 1, "int": "1", "float": "1", "list": {}, "dict": [], "NoneType": [1]}
    for name, part in list(objects(whole)):
        for key, value in list(part.items()):
            part[key] = wrong[type(value).__name__]
            assert not DECIDER.is_valid(whole), f"{name} with another {key}"
            part[key] = value
    assert DECIDER.is_valid(whole), "each change was undone before the next"


def test_words_are_those_of_the_model() -> None:
    schema = json_schema()
    definitions = schema["$defs"]
    assert definitions["verdict"]["enum"] == list(Verdict)
    assert definitions["sureness"]["enum"] == list(Sureness)
    assert definitions["case"]["properties"]["level"]["enum"] == list(Level)
    assert definitions["finding"]["properties"]["severity"]["enum"] == list(Severity)
    assert list(definitions["producer"]["properties"]["counts"]["properties"]) == list(Verdict)


def test_any_text_may_stand_in_a_report() -> None:
    data = json.loads(to_json(hostile("\ud800\x00<script>")))
    data["producers"][0]["lineage"] = {}
    assert VALIDATOR.is_valid(data)
