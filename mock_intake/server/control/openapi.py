"""The control API as OpenAPI 3.1, made from the table of endpoints that serves it, and from the shapes of its answers
(``mock_intake.model.shapes``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mock_intake import __version__
from mock_intake.faults import plan_schema, state_schema
from mock_intake.model import shapes
from mock_intake.model.findings import Finding
from mock_intake.model.schemas import Schema, schema_of
from mock_intake.server.control.endpoints import PREFIX, Endpoint
from mock_intake.server.control.waiting import MAX_EVENTS, MAX_WAIT, TIME_IS_UP

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
NUMBER: Schema = {"type": "number", "minimum": 0}


def _object(**fields: Schema) -> Schema:
    """An object with exactly these fields, all of them there."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(name: str, of: Schema, **more: Schema) -> Schema:
    return _object(**{name: _list(of)}, **more, next=MAYBE_TEXT, dropped=COUNT)


def _of(shape: Any) -> Schema:
    """The schema of a shape; findings have a place of their own."""
    return schema_of(shape, {shapes.Finding: _ref("Finding")["$ref"]})


def _fields(shape: Any) -> dict[str, Schema]:
    fields: dict[str, Schema] = _of(shape)["properties"]
    return fields


SCHEMAS: dict[str, Schema] = {
    "Finding": _of(Finding),
    "Event": _of(shapes.Event),
    "WholeEvent": _of(shapes.WholeEvent),
    "EventList": _page("events", _ref("Event")),
    "Exchange": _of(shapes.BareExchange),
    "WholeExchange": _of(shapes.WholeExchange),
    "ExchangeList": _page(
        "exchanges", {"anyOf": [_ref("Exchange"), _object(**_fields(shapes.BareExchange), body=ANYTHING)]}
    ),
    "Forgotten": _object(forgotten=COUNT),
    "Run": _of(shapes.Run),
    "WholeRun": _of(shapes.WholeRun),
    "RunList": _page("runs", _ref("Run")),
    "JobList": _page("jobs", _of(shapes.Job)),
    "DatasetList": _page("datasets", _of(shapes.Dataset)),
    "Lineage": _of(shapes.Lineage),
    "CoverageList": _page("jobs", _of(shapes.Coverage)),
    "FindingList": _of(shapes.FindingPage),
    "OrgList": _object(orgs=_list(_of(shapes.Org)), dropped=COUNT),
    "Statistics": _of(shapes.Statistics),
    "FaultPlan": plan_schema(),
    "Faults": state_schema(),
    "ClearedFaults": _object(active=FLAG),
    "Wait": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "org": {"type": "string", "minLength": 1},
            "events": {"type": "integer", "minimum": 0, "maximum": MAX_EVENTS},
            "job": TEXT,
            "run_id": TEXT,
            "state": schema_of(shapes.State),
            "event_type": TEXT,
            "status": schema_of(shapes.Status),
            "timeout": {"type": "number", "minimum": 0, "maximum": MAX_WAIT},
        },
    },
    "Waited": _of(shapes.Waited),
    "Missed": _object(error=TEXT, **_fields(shapes.Waited)),
    "Imported": _of(shapes.Imported),
    "Lines": TEXT,
    "Stream": TEXT,
    "OpenApi": {"type": "object"},
    "Failure": _object(error=TEXT),
}
_MEANINGS = {
    400: "The request cannot be answered; the error says what would be right.",
    401: "The control token is missing or wrong.",
    403: "The host name is not one of the control API's, or a page of another site asks for a write.",
    404: "There is no such thing on record.",
    TIME_IS_UP: "The time was up; what is there instead.",
    503: "The journal cannot be read or written; the error says why.",
}


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document of ``endpoints``."""
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(PREFIX + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mock-intake control API",
            "version": __version__,
            "description": "What an intake has on record, and how it is told to misbehave.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters = [parameter.to_openapi() for parameter in endpoint.parameters]
    if "{id}" in endpoint.path:
        parameters.insert(0, {"name": "id", "in": "path", "required": True, "schema": TEXT})
    answers: dict[str, Any] = {"200": _answer(endpoint.meaning, endpoint.answer, endpoint.media)}
    for status in (*endpoint.failures, 401, 403, 503):
        schema = "Missed" if status == TIME_IS_UP else "Failure"
        answers[str(status)] = _answer(_MEANINGS[status], schema, "application/json")
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.meaning,
        "parameters": parameters,
        "responses": answers,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {endpoint.body.media: {"schema": _ref(endpoint.body.schema)}},
        }
    return operation


def _answer(meaning: str, schema: str, media: str) -> dict[str, Any]:
    return {"description": meaning, "content": {media: {"schema": _ref(schema)}}}
