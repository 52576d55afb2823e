"""The control API as OpenAPI 3.1, made from the table of endpoints that serves it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mock_intake import __version__
from mock_intake.faults import MAX_DELAY, MAX_WHOLE, WORDS
from mock_intake.server.control.endpoints import PREFIX, Endpoint
from mock_intake.server.control.moving import MAX_EVENTS, MAX_WAIT, STATES

Schema = dict[str, Any]

REDIRECT = "redirect"

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"]}
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


_NAMED = _object(namespace=TEXT, name=TEXT)
_JOB = _object(namespace=MAYBE_TEXT, name=MAYBE_TEXT)
_FINDING: dict[str, Schema] = {
    "code": TEXT,
    "severity": {"enum": ["info", "warning", "error"]},
    "subject": {"enum": ["request", "event", "run", "dataset"]},
    "pointer": TEXT,
    "message": TEXT,
    "expected": MAYBE_TEXT,
    "actual": MAYBE_TEXT,
    "advice": TEXT,
    "source": TEXT,
    "sureness": {"enum": ["documented", "source", "measured", "draft", "assumed"]},
    "violates": {"enum": ["openlineage", None]},
}
_ORG: Schema = {"type": "string", "minLength": 1}
_STATUS: Schema = {"enum": ["ok", "warning", "error"]}
_EVENT: dict[str, Schema] = {
    "id": TEXT,
    "org": TEXT,
    "received_at": TIME,
    "last_received_at": TIME,
    "status": _STATUS,
    "kind": {"enum": ["RunEvent", "JobEvent", "DatasetEvent", None]},
    "event_type": MAYBE_TEXT,
    "event_time": MAYBE_TEXT,
    "run_id": MAYBE_TEXT,
    "job": _JOB,
    "inputs": _list(_NAMED),
    "outputs": _list(_NAMED),
    "dataset": {"anyOf": [_NAMED, {"type": "null"}]},
    "producer": MAYBE_TEXT,
    "attempts": COUNT,
    "findings": _list(_ref("Finding")),
}
_HEADERS: Schema = {"type": "object", "additionalProperties": TEXT}
_EXCHANGE: dict[str, Schema] = {
    "id": TEXT,
    "org": TEXT,
    "received_at": TIME,
    "method": TEXT,
    "path": TEXT,
    "query": TEXT,
    "headers": _HEADERS,
    "wire_size": COUNT,
    "decoded_size": MAYBE_COUNT,
    "status_code": MAYBE_COUNT,
    "fault": MAYBE_TEXT,
    "agent": {"anyOf": [_object(path=TEXT, query=TEXT, headers=_HEADERS), {"type": "null"}]},
    "event_id": MAYBE_TEXT,
    "findings": _list(_ref("Finding")),
}
_RUN: dict[str, Schema] = {
    "run_id": TEXT,
    "org": TEXT,
    "job": _JOB,
    "states": _list(MAYBE_TEXT),
    "state": MAYBE_TEXT,
    "started_at": MAYBE_TIME,
    "ended_at": MAYBE_TIME,
    "duration": {"type": ["number", "null"]},
    "parent": MAYBE_TEXT,
    "events": _list(TEXT),
    "findings": _list(_ref("Finding")),
}
_JOB_NODE = _object(
    namespace=TEXT,
    name=TEXT,
    events=COUNT,
    runs=COUNT,
    statuses=_object(ok=COUNT, warning=COUNT, error=COUNT),
    last_event_type=MAYBE_TEXT,
    last_received_at=MAYBE_TIME,
    inputs=_list(_NAMED),
    outputs=_list(_NAMED),
    job_type=MAYBE_TEXT,
    parents=_list(_NAMED),
)
_DATASET_NODE = _object(
    namespace=TEXT,
    name=TEXT,
    platform=MAYBE_TEXT,
    surfaced=FLAG,
    issues=_list(TEXT),
    read_by=_list(_NAMED),
    written_by=_list(_NAMED),
    columns=_list(TEXT),
)
_NODE_REF = _object(type={"enum": ["job", "dataset"]}, namespace=TEXT, name=TEXT)
_COLUMN_REF = _object(namespace=TEXT, name=TEXT, field=TEXT)
_ENTITY: Schema = {"enum": ["run", "job", "dataset", "input", "output"]}
_COVERAGE = _object(
    job=_NAMED,
    events=COUNT,
    facets=_list(_object(entity=_ENTITY, key=TEXT, events=COUNT, produces=MAYBE_TEXT)),
    missing=_list(_object(entity=_ENTITY, key=TEXT, produces=TEXT)),
)
_STATUS_STEP: Schema = {"type": "integer", "minimum": 200, "maximum": 599}
# A redirect needs a location, so it has a long form only.
_SHORT_WORDS = [word for word in WORDS if word != REDIRECT]
_SHORT = f"({'|'.join(_SHORT_WORDS)}|[2-5][0-9][0-9])"
_PLAN_TEXT: Schema = {"type": "string", "pattern": f"^{_SHORT}(, ?{_SHORT})*$"}
_MAYBE_POSITIVE: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_WHOLE}
_SEED: Schema = {"type": "integer", "minimum": -MAX_WHOLE, "maximum": MAX_WHOLE}
_DELAY: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": MAX_DELAY}
_MATCH: Schema = {
    "type": ["object", "null"],
    "properties": {
        "event_type": MAYBE_TEXT,
        "job": MAYBE_TEXT,
        "attempt": _MAYBE_POSITIVE,
    },
    "additionalProperties": False,
}
_PRINTABLE: Schema = {"type": "string", "pattern": "^[ -~]*$"}
_STEP_FIELDS: dict[str, Schema] = {
    "times": _MAYBE_POSITIVE,
    "headers": {
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
        "additionalProperties": {"anyOf": [_PRINTABLE, {"type": "number"}]},
    },
    "body": ANYTHING,
    "delay": _DELAY,
    "match": _MATCH,
    "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "seed": _SEED,
}
_LOCATION: Schema = {"type": "string", "minLength": 1, "pattern": "^[ -~]*$"}


def _long_step(step: Schema, location: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "properties": {"step": step, **_STEP_FIELDS, "location": location},
        "required": ["step", *required],
        "additionalProperties": False,
    }


_SHORT_STEP: Schema = {"anyOf": [_STATUS_STEP, {"type": "string", "pattern": f"^{_SHORT}$"}]}
_STEP: Schema = {
    "anyOf": [
        _SHORT_STEP,
        _long_step(_SHORT_STEP, {"anyOf": [_PRINTABLE, {"type": "null"}]}),
        _long_step({"const": REDIRECT}, _LOCATION, "location"),
    ]
}
_PLAN: dict[str, Schema] = {
    "sequence": _list(_STEP),
    "delay": _DELAY,
    "repeat_last": FLAG,
    "org": {"type": ["string", "null"], "minLength": 1},
}
# A plan as it is told: every step in its long form.
_TOLD_STEP = _object(
    step={"anyOf": [_STATUS_STEP, {"enum": list(WORDS)}]},
    times=_MAYBE_POSITIVE,
    headers={"type": "object", "additionalProperties": TEXT},
    body=MAYBE_TEXT,
    delay=NUMBER,
    match=_MATCH,
    probability={"type": ["number", "null"], "minimum": 0, "maximum": 1},
    seed=_SEED,
    location=MAYBE_TEXT,
)
_TOLD_PLAN: dict[str, Schema] = {**_PLAN, "sequence": _list(_TOLD_STEP), "delay": NUMBER}
_WAITED: dict[str, Schema] = {
    "waited": NUMBER,
    "events": COUNT,
    "matching_runs": COUNT,
    "runs": _list(_object(run_id=TEXT, job=_JOB, state=MAYBE_TEXT)),
    "dropped": COUNT,
}

SCHEMAS: dict[str, Schema] = {
    "Finding": _object(**_FINDING),
    "Event": _object(**_EVENT),
    "WholeEvent": _object(**_EVENT, body=ANYTHING, raw=MAYBE_TEXT),
    "EventList": _page("events", _ref("Event")),
    "Exchange": _object(**_EXCHANGE),
    "WholeExchange": _object(**_EXCHANGE, body=ANYTHING, raw=MAYBE_TEXT),
    "ExchangeList": _page("exchanges", {"anyOf": [_ref("Exchange"), _object(**_EXCHANGE, body=ANYTHING)]}),
    "Forgotten": _object(forgotten=COUNT),
    "Run": _object(**_RUN),
    "WholeRun": _object(**_RUN, dropped=COUNT),
    "RunList": _page("runs", _ref("Run")),
    "JobList": _page("jobs", _JOB_NODE),
    "DatasetList": _page("datasets", _DATASET_NODE),
    "Lineage": _object(
        jobs=_list(_JOB_NODE),
        datasets=_list(_DATASET_NODE),
        edges=_list(_object(**{"from": _NODE_REF, "to": _NODE_REF})),
        column_edges=_list(_object(**{"from": _COLUMN_REF, "to": _COLUMN_REF})),
        findings=_list(_ref("Finding")),
        dropped=COUNT,
    ),
    "CoverageList": _page("jobs", _COVERAGE),
    "FindingList": _page(
        "findings",
        _object(**_FINDING, exchange_id=TEXT, event_id=MAYBE_TEXT, org=TEXT, received_at=TIME),
        run_findings=_list(_object(**_FINDING, run_id=TEXT, org=TEXT)),
        dataset_findings=_list(_ref("Finding")),
    ),
    "OrgList": _object(
        orgs=_list(_object(org=TEXT, exchanges=COUNT, events=COUNT, last_received_at=TIME)), dropped=COUNT
    ),
    "Statistics": _object(
        exchanges=COUNT,
        accepted=COUNT,
        refused=COUNT,
        faulted=COUNT,
        events=COUNT,
        statuses=_object(ok=COUNT, warning=COUNT, error=COUNT),
        bytes=COUNT,
        dropped=COUNT,
    ),
    "FaultPlan": {
        "anyOf": [
            {"type": "object", "properties": _PLAN, "additionalProperties": False},
            _list(_STEP),
            _PLAN_TEXT,
        ]
    },
    "Faults": _object(**_TOLD_PLAN, taken=COUNT, left=_list(MAYBE_COUNT), active=FLAG),
    "Well": _object(active=FLAG),
    "Wait": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "org": _ORG,
            "events": {"type": "integer", "minimum": 0, "maximum": MAX_EVENTS},
            "job": TEXT,
            "run_id": TEXT,
            "state": {"enum": list(STATES)},
            "event_type": TEXT,
            "status": _STATUS,
            "timeout": {"type": "number", "minimum": 0, "maximum": MAX_WAIT},
        },
    },
    "Waited": _object(**_WAITED),
    "Missed": _object(error=TEXT, **_WAITED),
    "Imported": _object(imported=COUNT, known=COUNT, dropped=COUNT),
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
    408: "The time was up; what is there instead.",
    503: "The journal cannot be read or written; the error says why.",
}


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
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
        answers[str(status)] = _answer(_MEANINGS[status], "Missed" if status == 408 else "Failure", "application/json")
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.meaning,
        "parameters": parameters,
        "responses": answers,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {endpoint.body_media: {"schema": _ref(endpoint.body)}},
        }
    return operation


def _answer(meaning: str, schema: str, media: str) -> dict[str, Any]:
    return {"description": meaning, "content": {media: {"schema": _ref(schema)}}}
