"""Users' own facets: a directory of JSON Schema files beside the standard's schemas."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from mock_intake.judging.judgement import Judge
from mock_intake.openlineage.library import FacetLibrary, Match, UserSchemaError
from mock_intake.openlineage.schema import DIALECT, core_id
from tests.events import PRODUCER, RUN_ID, run_event

ADDRESS = "https://acme.example/facets/1-0-0/CostRunFacet.json"
RUN_FACET = f"{core_id('2-0-2')}#/$defs/RunFacet"


def own_schema(key: str = "acme_cost", address: str = ADDRESS, **fields: Any) -> dict[str, Any]:
    """A facet as the standard's own are written: built on the core's base facet."""
    fields = fields or {"amount": {"type": "number"}}
    facet = {"allOf": [{"$ref": RUN_FACET}, {"type": "object", "properties": fields, "required": list(fields)}]}
    return {"$id": address, "$defs": {"CostRunFacet": facet}, "properties": {key: {"$ref": "#/$defs/CostRunFacet"}}}


def facet(**fields: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{ADDRESS}#/$defs/CostRunFacet", **fields}


def directory_with(path: Path, *documents: Any) -> Path:
    for index, document in enumerate(documents):
        (path / f"{index}.json").write_text(json.dumps(document), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserSchemaError) as caught:
        FacetLibrary.from_directory(path)
    return str(caught.value)


def test_an_own_facet_is_matched_by_its_id(tmp_path: Path) -> None:
    library = FacetLibrary.from_directory(directory_with(tmp_path, own_schema()))
    for url in (ADDRESS, ADDRESS + "#", ADDRESS + "#/$defs/CostRunFacet", ADDRESS + "#/$defs/Whatever"):
        schema, match, entities = library.resolve("run", "another_key", url)
        assert schema is not None
        assert (schema.title, schema.own, match, entities) == ("CostRunFacet", True, Match.EXACT, ())


@pytest.mark.parametrize("url", [None, "https://acme.example/elsewhere.json", "no url", RUN_FACET])
def test_an_own_facet_is_matched_by_its_key(tmp_path: Path, url: str | None) -> None:
    library = FacetLibrary.from_directory(directory_with(tmp_path, own_schema()))
    schema, match, _ = library.resolve("run", "acme_cost", url)
    assert schema is not None
    assert (schema.title, match) == ("CostRunFacet", Match.KEY)


def test_an_own_facet_may_build_on_the_base_facet_of_the_core(tmp_path: Path) -> None:
    library = FacetLibrary.from_directory(directory_with(tmp_path, own_schema()))
    schema = library.resolve("run", "acme_cost", None).schema
    assert schema is not None
    assert schema.is_valid(facet(amount=3.5))
    assert not schema.is_valid(facet(amount="much"))
    assert not schema.is_valid({"amount": 3.5})
    assert not schema.is_valid({**facet(amount=3.5), "_producer": "no uri"})


def test_own_schemas_may_refer_to_each_other(tmp_path: Path) -> None:
    money = {"$id": "https://acme.example/facets/1-0-0/Money.json", "properties": {"money": {"type": "number"}}}
    cost = own_schema(amount={"$ref": "Money.json#/properties/money"})
    library = FacetLibrary.from_directory(directory_with(tmp_path, cost, money))
    schema = library.resolve("run", "acme_cost", None).schema
    assert schema is not None
    assert schema.is_valid(facet(amount=3.5))
    assert not schema.is_valid(facet(amount="much"))


def test_an_own_schema_takes_a_key_of_the_standard_but_not_a_url_of_it(tmp_path: Path) -> None:
    library = FacetLibrary.from_directory(directory_with(tmp_path, own_schema("nominalTime")))
    own, match, entities = library.resolve("run", "nominalTime", None)
    assert own is not None
    assert (own.own, match, entities) == (True, Match.KEY, ("run",))
    url = "https://openlineage.io/spec/facets/1-0-0/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet"
    standard, match, _ = library.resolve("run", "nominalTime", url)
    assert standard is not None
    assert (standard.title, match) == ("NominalTimeRunFacet 1-0-0", Match.EXACT)


def test_a_wrong_own_facet_is_a_finding_that_does_not_speak_for_the_standard(tmp_path: Path) -> None:
    judge = Judge(FacetLibrary.from_directory(directory_with(tmp_path, own_schema())))
    event = run_event(run={"runId": RUN_ID, "facets": {"acme_cost": facet(amount="much")}})
    (finding,) = judge.judge(json.dumps(event).encode(), "org").findings
    assert (finding.code, finding.pointer) == ("OL103", "/run/facets/acme_cost/amount")
    assert finding.message == "the acme_cost facet: amount is a string where the schema has a number (CostRunFacet)"
    assert (finding.expected, finding.actual, finding.violates) == ("a number", '"much"', None)


def test_a_right_own_facet_is_no_finding(tmp_path: Path) -> None:
    judge = Judge(FacetLibrary.from_directory(directory_with(tmp_path, own_schema())))
    event = run_event(run={"runId": RUN_ID, "facets": {"acme_cost": facet(amount=3)}})
    assert judge.judge(json.dumps(event).encode(), "org").findings == ()


@pytest.mark.parametrize("key", ["acme/cost", "acme~cost", "acme%2Fcost", "acme cost", "kösten", "acme#cost", ""])
def test_an_own_facet_may_stand_under_any_key(tmp_path: Path, key: str) -> None:
    library = FacetLibrary.from_directory(directory_with(tmp_path, own_schema(key)))
    schema = library.resolve("run", key, None).schema
    assert schema is not None
    assert schema.is_valid(facet(amount=3.5))
    assert not schema.is_valid(facet(amount="much"))


def test_a_directory_without_schemas_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("{}", encoding="utf-8")
    assert refusal(tmp_path) == f"{tmp_path}: no *.json file there; facet schemas are read from such files"
    assert refusal(tmp_path / "missing").startswith(f"{tmp_path / 'missing'}: no *.json file there")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"$id": "\xe4"}', "'utf-8' codec can't decode byte 0xe4 in position 9: invalid continuation byte"),
    ],
    ids=["broken", "empty", "latin-1"],
)
def test_a_file_that_is_no_json_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "cost.json").write_bytes(content)
    assert refusal(tmp_path) == f"{tmp_path / 'cost.json'}: {reason}"


def test_a_file_without_end_of_depth_is_named(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    assert refusal(tmp_path) == f"{tmp_path / 'deep.json'}: nested too deeply to be a schema"


@pytest.mark.parametrize("document", [[], "text", 3, None, True])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, document: Any) -> None:
    directory_with(tmp_path, document)
    assert refusal(tmp_path) == f"{tmp_path / '0.json'}: a JSON Schema is an object"


@pytest.mark.parametrize("address", [None, 3, "", "CostRunFacet.json", "/facets/CostRunFacet.json", "acme.example/x"])
def test_a_schema_needs_an_absolute_id(tmp_path: Path, address: Any) -> None:
    document = {name: value for name, value in own_schema().items() if name != "$id"}
    directory_with(tmp_path, document if address is None else {**document, "$id": address})
    reason = 'needs an "$id" (the absolute URI that _schemaURL will name)'
    assert refusal(tmp_path) == f"{tmp_path / '0.json'}: {reason}"


@pytest.mark.parametrize("end", ["", "#"])
def test_a_schema_may_not_take_an_id_of_the_standard(tmp_path: Path, end: str) -> None:
    address = "https://openlineage.io/spec/facets/1-1-0/SQLJobFacet.json" + end
    directory_with(tmp_path, own_schema(address=address))
    reason = f'its "$id" {address} is one of the standard\'s own schemas'
    assert refusal(tmp_path) == f"{tmp_path / '0.json'}: {reason}"


@pytest.mark.parametrize(
    ("fields", "excerpt"),
    [
        ({"amount": {"type": "decimal"}}, '"decimal" is not valid'),
        ({"amount": {"required": "amount"}}, '"amount" is not of type "array"'),
        ({"amount": {"pattern": "("}}, '"(" is not a "regex"'),
    ],
)
def test_a_schema_that_is_not_valid_is_refused_with_the_reason(
    tmp_path: Path, fields: dict[str, Any], excerpt: str
) -> None:
    directory_with(tmp_path, own_schema(**fields))
    told = refusal(tmp_path)
    assert told.startswith(f"{tmp_path / '0.json'}: ")
    assert excerpt in told


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({}, "this one has 0 (none)"),
        ({"acme_cost": {}, "acme_price": {}}, "this one has 2 (acme_cost, acme_price)"),
    ],
)
def test_a_schema_names_exactly_one_key(tmp_path: Path, properties: dict[str, Any], told: str) -> None:
    directory_with(tmp_path, {"$id": ADDRESS, "properties": properties})
    rule = "a facet schema names the facet's key as its one property, as the standard's do; "
    assert refusal(tmp_path) == f"{tmp_path / '0.json'}: {rule}{told}"
    directory_with(tmp_path, {"$id": ADDRESS})
    assert refusal(tmp_path) == f"{tmp_path / '0.json'}: {rule}this one has 0 (none)"


def test_a_reference_to_a_document_that_is_not_there_is_refused(tmp_path: Path) -> None:
    directory_with(tmp_path, own_schema(amount={"$ref": "https://acme.example/facets/1-0-0/Money.json"}))
    told = refusal(tmp_path)
    assert told.startswith("a facet schema refers to a document that is not at hand: ")
    assert "https://acme.example/facets/1-0-0/Money.json" in told
    assert told.endswith("References are never fetched: put the document into the same directory.")


def test_a_reference_to_nothing_within_a_document_is_refused(tmp_path: Path) -> None:
    directory_with(tmp_path, own_schema(amount={"$ref": "#/$defs/Money"}))
    told = refusal(tmp_path)
    assert told.startswith(f"{tmp_path / '0.json'}: ")
    assert "/$defs/Money" in told


def test_two_files_with_the_same_id_are_refused(tmp_path: Path) -> None:
    directory_with(tmp_path, own_schema("acme_cost"), own_schema("acme_price"))
    told = refusal(tmp_path)
    assert ADDRESS in told
    assert "0.json" in told
    assert "1.json" in told


class Listener:
    """Counts the connections that are made to a free port of the loopback interface."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/meta.json"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.mark.parametrize("place", ["$schema", "$ref"])
def test_nothing_that_a_schema_refers_to_is_ever_fetched(tmp_path: Path, place: str) -> None:
    listener = Listener()
    try:
        document = own_schema(amount={"$ref": listener.url}) if place == "$ref" else own_schema()
        directory_with(tmp_path, document | ({"$schema": listener.url} if place == "$schema" else {}))
        told = refusal(tmp_path)
    finally:
        listener.close()
    assert listener.url in told
    assert listener.connections == 0


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (False, 1),
        ({"type": ["string", "null"]}, 1),
        ({"type": ["integer", "boolean"]}, "x"),
        ({"enum": [1, None, {"a": 1}]}, "x"),
        ({"enum": []}, "x"),
        ({"const": {"a": [1]}}, "x"),
        ({"const": None}, 0),
        ({"not": {"required": ["x"]}}, 1),
        ({"not": {"required": ["x"]}}, {"x": 1}),
        ({"not": {"type": "string"}}, "x"),
        ({"not": {}}, 1),
        ({"not": True}, {"x": 1}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, None),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "both"),
        ({"oneOf": [False, False]}, 1),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}),
        ({"anyOf": [False]}, 1),
        ({"allOf": [{"type": "string"}, {"maxLength": 2}]}, "long"),
        ({"if": {"type": "string"}, "then": {"minLength": 3}}, "x"),
        ({"if": {"type": "string"}, "else": False}, 1),
        ({"properties": {"x": False}}, {"x": 1}),
        ({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False}, {"a": "1", "b": 2}),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}),
        ({"additionalProperties": False}, {"a": 1}),
        ({"unevaluatedProperties": False}, {"a": 1}),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}),
        ({"minProperties": 1}, {}),
        ({"maxProperties": 0}, {"a": 1}),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "b": 1}),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}),
        ({"required": ["it's", 'a "b"', "c"]}, {"c": 1}),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1]),
        ({"contains": {"type": "string"}, "minContains": 2}, ["a", 1]),
        ({"uniqueItems": True}, [1, 1.0]),
        ({"minItems": 1}, []),
        ({"maxItems": 0}, [1]),
        ({"unevaluatedItems": False}, [1]),
        ({"minimum": 1}, 0),
        ({"maximum": 1}, 2),
        ({"exclusiveMinimum": 1}, 1),
        ({"exclusiveMaximum": 1}, 1),
        ({"multipleOf": 0.1}, 0.25),
        ({"minLength": 2}, "a"),
        ({"maxLength": 0}, "a"),
        ({"pattern": "^a$"}, "b"),
        ({"format": "ipv4"}, "300.1.1.1"),
        ({"$ref": RUN_FACET}, 1),
        ({"$ref": "#/$defs/CostRunFacet"}, {"amount": 1}),
    ],
    ids=str,
)
def test_whatever_an_own_schema_refuses_is_explained(tmp_path: Path, schema: Any, value: Any) -> None:
    """Users write any JSON Schema: none of its keywords may bring the judge down."""
    judge = Judge(FacetLibrary.from_directory(directory_with(tmp_path, own_schema(amount=schema))))
    event = run_event(run={"runId": RUN_ID, "facets": {"acme_cost": facet(amount=value)}})
    findings = judge.judge(json.dumps(event).encode(), "org").findings
    assert {finding.code for finding in findings} == {"OL103"}
    for finding in findings:
        assert finding.pointer.startswith("/run/facets/acme_cost")
        assert finding.message.startswith("the acme_cost facet: ")
        told = f"{finding.message} {finding.expected} {finding.advice}"
        assert "['" not in told, "a Python list in a text for people"
        assert "None" not in told, "a Python constant in a text for people"


@pytest.mark.parametrize("dialect", [None, DIALECT])
def test_what_is_wrong_with_several_fields_is_told_in_their_order(tmp_path: Path, dialect: str | None) -> None:
    document = own_schema(costs={"type": "object", "additionalProperties": {"type": "number"}})
    names = [f"acme_{number}" for number in (5, 2, 9, 1, 7, 0, 8, 3)]
    named = {} if dialect is None else {"$schema": dialect}
    library = FacetLibrary.from_directory(directory_with(tmp_path, {**document, **named}))
    body = run_event(run={"runId": RUN_ID, "facets": {"acme_cost": facet(costs=dict.fromkeys(names, "much"))}})
    findings = Judge(library).judge(json.dumps(body).encode(), "org").findings
    assert [finding.pointer for finding in findings] == [f"/run/facets/acme_cost/costs/{name}" for name in names]
