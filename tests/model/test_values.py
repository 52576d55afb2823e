"""Values: frozen, cheap, passed over by the collector, the same after every way out and back."""

from __future__ import annotations

import gc
import json
import os
import pickle
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, ValidationError
from msgspec.structs import asdict, replace

from mock_intake.journal.protocol import EventRecord, OrgStatistics
from mock_intake.judging.catalogue import RULES
from mock_intake.model import shapes
from mock_intake.model.answers import Answer, Errors, Problem, Refusal
from mock_intake.model.encoding import to_json
from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import EventSummary, Exchange, Hop, ReceivedRequest, Response, new_exchange_id
from mock_intake.model.findings import Finding, Rule, Severity, Status, Sureness
from mock_intake.model.schemas import schema_of
from tests.journal.exchanges import ANY_TEXTS, LATER_MOMENTS, MOMENTS, TEXTS, exchanges_of

PAIR = DatasetId("s3://bucket", "path")
FINDING = Finding(
    "OL001", Severity.ERROR, "event", "/run", "message", None, "b", "advice", "source", Sureness.DRAFT, "openlineage"
)
SUMMARY = EventSummary(
    "e", Status.OK, "RunEvent", "START", "now", "r", "n", "j", (PAIR,), (), PAIR, None, None, None, ("n", "p")
)
REQUEST = ReceivedRequest("x", "POST", "/", "", (("a", "b"),), b"{}", datetime(2026, 11, 1, tzinfo=UTC))
HOP = Hop("/", "", (("a", "b"),), None)
EXCHANGE = Exchange(REQUEST, "org", Response(202, (), b""), True, SUMMARY, (FINDING,), 2, "503", HOP)
PROBLEM = Problem("400", "Bad Request", "why")
VALUES: list[Any] = [
    PAIR, FINDING, SUMMARY, REQUEST, HOP, EXCHANGE, EXCHANGE.response, RULES["OL001"], PROBLEM,
    Answer("e", Status.WARNING, (FINDING,)), Errors((PROBLEM,)), Refusal((PROBLEM,), None, Status.ERROR, (FINDING,)),
    EventRecord(SUMMARY, "org", REQUEST.received_at, REQUEST.received_at, 1, (FINDING,), "x"),
    OrgStatistics("org", 1, 1, REQUEST.received_at),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_frozen_and_no_business_of_the_collector(value: Struct) -> None:
    name = value.__struct_fields__[0]
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, name, None)
    assert not gc.is_tracked(value)
    assert value.__struct_config__.gc is False
    assert replace(value) == value
    assert hash(replace(value)) == hash(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_go_to_other_processes_and_come_back(value: Struct) -> None:
    again = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    assert (type(again), again) == (type(value), value)


@given(exchange=exchanges_of(ANY_TEXTS, MOMENTS))
def test_any_exchange_goes_to_other_processes_and_comes_back(exchange: Exchange) -> None:
    assert pickle.loads(pickle.dumps(exchange)) == exchange  # noqa: S301 - our own


def test_a_forked_process_gives_ids_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, new_exchange_id().encode())
        finally:
            os._exit(0)
    os.close(writing)
    made = os.read(reading, 100).decode()
    os.close(reading)
    assert made
    assert made[:12] != new_exchange_id()[:12]
    os.waitpid(child, 0)


def test_a_finding_comes_back_from_its_json_form() -> None:
    shown = FINDING.to_dict()
    assert list(shown) == list(Finding.__struct_fields__)
    again = Finding.from_dict(json.loads(json.dumps(shown)))
    assert again == FINDING
    assert type(again.severity) is Severity
    assert type(again.sureness) is Sureness
    for name, wrong in (("severity", "fatal"), ("subject", "job"), ("code", 1), ("violates", "datadog")):
        with pytest.raises(ValidationError, match=name):
            Finding.from_dict({**shown, name: wrong})
    with pytest.raises(ValidationError, match="advice"):
        Finding.from_dict({name: value for name, value in shown.items() if name != "advice"})


def test_a_dataset_unpacks_into_namespace_and_name() -> None:
    namespace, name = PAIR
    assert (namespace, name) == ("s3://bucket", "path")
    assert DatasetId(*PAIR) == PAIR
    assert str(PAIR) == "s3://bucket path"


# JSON.


class Everything(Struct):
    """A value of builtins."""

    content: Any


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(content=JSON)
def test_json_of_values_is_that_of_builtins(content: Any) -> None:
    assert orjson.loads(to_json(Everything(content))) == orjson.loads(orjson.dumps({"content": content}))


@given(text=TEXTS | st.text())
def test_texts_are_written_as_they_are_wherever_that_is_done(text: str) -> None:
    assert to_json(text) == orjson.dumps(text)


@given(exchange=exchanges_of(ANY_TEXTS, MOMENTS))
def test_lone_surrogates_are_written_as_escapes(exchange: Exchange) -> None:
    for finding in exchange.findings:
        written = to_json(finding)
        assert json.loads(written) == finding.to_dict()
        if not written.isascii():
            assert to_json(finding) == orjson.dumps(finding.to_dict())


def test_what_is_no_number_in_json_is_null_and_bytes_are_base64() -> None:
    assert to_json(Everything(float("nan"))) == b'{"content":null}'
    assert to_json(Everything(b"\0\xff")) == b'{"content":"AP8="}'


# Shapes.

SHAPES: dict[Any, Any] = {EventRecord: shapes.Event, OrgStatistics: shapes.Org, Rule: shapes.Rule}


def is_in_shape(shown: Any, shape: Any) -> bool:
    """Whether something is as its shape says, to the order of fields."""
    schema = schema_of(shape)
    valid = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(json.loads(json.dumps(shown)))
    return valid and list(shown) == list(schema["properties"])


@given(exchange=exchanges_of(TEXTS, LATER_MOMENTS))
def test_exchanges_are_shown_in_their_shape(exchange: Exchange) -> None:
    assert is_in_shape(exchange.to_dict(), shapes.BareExchange)


@pytest.mark.parametrize("value", [value for value in VALUES if type(value) in SHAPES], ids=lambda v: type(v).__name__)
def test_values_are_shown_in_their_shape(value: Any) -> None:
    assert is_in_shape(value.to_dict(), SHAPES[type(value)])
    assert not is_in_shape({**value.to_dict(), "more": 1}, SHAPES[type(value)])


def test_a_finding_is_shown_with_all_that_it_has() -> None:
    """The one shape whose fields are spelled out beside the value's, as types cannot be derived from it."""
    assert schema_of(shapes.Finding) == schema_of(Finding)
    rule = schema_of(Rule)
    shown = schema_of(shapes.Rule)
    assert shown["properties"].pop("documentation") == {"type": "string"}
    assert shown["properties"] == rule["properties"]
    assert {"enum": list(Status)} == schema_of(Status) == schema_of(shapes.Status)
    assert list(schema_of(shapes.Statuses)["properties"]) == list(Status)


def test_all_fields_of_a_rule_are_listed() -> None:
    for rule in RULES.values():
        assert {**asdict(rule), "documentation": f"docs/rules.md#{rule.code.lower()}"} == rule.to_dict()
