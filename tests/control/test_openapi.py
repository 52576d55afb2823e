"""What the OpenAPI document says is what is served: judged by schemathesis, and by hand on real content."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, Config
from schemathesis.generation import GenerationMode
from starlette.routing import Route

from mock_intake import IntakeServer
from mock_intake.server.control import ENDPOINTS, PREFIX
from mock_intake.server.control.endpoints import Endpoint
from tests.control.content import HOSTILE_RUN_IDS, HTTP, ORG, OTHER_ORG, api
from tests.control.openapi import DOCUMENT, conforms

# A stream has no end; imports are attacked in test_moving. All else is judged here.
JUDGED = [endpoint for endpoint in ENDPOINTS if endpoint.name not in ("stream", "import")]
GENERATED = [
    pytest.param(endpoint, mode, id=f"{endpoint.name}-{mode.value}")
    for endpoint in JUDGED
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # An id alone cannot be wrong: whatever it is, it is on record or not.
    if mode is GenerationMode.POSITIVE or endpoint.parameters or endpoint.body
]
CONFIG: dict[str, Any] = {
    # A wait whose time is up was no bad request.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409"]}}
}


def judge(server: IntakeServer, endpoint: Endpoint, mode: GenerationMode) -> int:
    """Has schemathesis call an endpoint, with what its document allows or forbids; says how often it did."""
    config = Config.from_dict({"base-url": server.url, **CONFIG})
    document = HTTP.get(api(server, "/openapi.json")).json()
    operation = schemathesis.openapi.from_dict(document, config=config)[PREFIX + endpoint.path][endpoint.method]
    calls = 0

    @settings(
        max_examples=max(8, settings().max_examples // 8),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        nonlocal calls
        calls += 1
        if endpoint.name == "wait" and isinstance(case.body, dict):
            # A null stays, and so does true: they were made wrong, and are to be refused.
            timeout = case.body.get("timeout", 300)
            if isinstance(timeout, int | float) and timeout is not True and 0.02 < timeout <= 300:
                case.body["timeout"] = 0.02
        case.call_and_validate(session=session, timeout=10)

    with requests.Session() as session:
        session.trust_env = False
        call()
    return calls


@pytest.mark.parametrize(("endpoint", "mode"), [case for case in GENERATED if case.values[0].name != "forget"])  # type: ignore[union-attr]
def test_answers_are_as_documented_whatever_is_asked(
    recorded: IntakeServer, endpoint: Endpoint, mode: GenerationMode
) -> None:
    assert judge(recorded, endpoint, mode) > 0


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_forgetting_answers_as_documented(intake: IntakeServer, mode: GenerationMode) -> None:
    (forget,) = (endpoint for endpoint in ENDPOINTS if endpoint.name == "forget")
    assert judge(intake, forget, mode) > 0


# With ids and orgs that are on record, which generated ones never are.


@pytest.mark.parametrize("org", [None, ORG, OTHER_ORG, "anonymous", "unattributed", "nobody"])
@pytest.mark.parametrize(
    "endpoint", [e for e in JUDGED if e.method == "GET" and e.answer != "Lines"], ids=lambda e: e.name
)
def test_what_is_on_record_is_answered_as_documented(
    recorded: IntakeServer, endpoint: Endpoint, org: str | None
) -> None:
    known = {parameter.name for parameter in endpoint.parameters}
    query: dict[str, str] = {} if org is None or "org" not in known else {"org": org}
    flags: list[dict[str, str]] = [{name: "1"} for name in ("closed", "body") if name in known]
    for flag in ({}, *flags):
        for path in paths(recorded, endpoint):
            response = HTTP.get(api(recorded, path), params={**query, **flag})
            conforms(response, endpoint.path)
            assert response.status_code == 200 or query


def paths(server: IntakeServer, endpoint: Endpoint) -> list[str]:
    """The paths of an endpoint: one, or one for each id on record."""
    if "{id}" not in endpoint.path:
        return [endpoint.path]
    listing = endpoint.path.split("/")[1]
    items = HTTP.get(api(server, f"/{listing}?limit=1000")).json()[listing]
    ids = [item["run_id" if listing == "runs" else "id"] for item in items]
    assert len(ids) >= 4
    return [f"/{listing}/{quote(identity, safe='').replace('.', '%2E')}" for identity in ids]


@pytest.mark.parametrize("endpoint", [e for e in JUDGED if e.parameters], ids=lambda e: e.name)
def test_a_parameter_may_be_given_once(recorded: IntakeServer, endpoint: Endpoint) -> None:
    for parameter in endpoint.parameters:
        value = parameter.values[0] if parameter.values else "1"
        twice = {parameter.name: [value, value]}
        response = HTTP.request(endpoint.method, api(recorded, endpoint.path), params=httpx.QueryParams(twice), json={})
        assert "given twice" in conforms(response, endpoint.path)["error"]


# The document itself.


def test_the_document_names_every_route_and_method_and_nothing_else(recorded: IntakeServer) -> None:
    served = {
        (route.path, method)
        for route in recorded.app.routed.routes
        if isinstance(route, Route) and route.path.startswith(PREFIX)
        for method in route.methods or ()
        if method != "HEAD"
    }
    documented = {(path, method.upper()) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert documented == served
    assert HTTP.get(api(recorded, "/openapi.json")).json() == DOCUMENT


def test_every_parameter_is_documented_and_taken(recorded: IntakeServer) -> None:
    """What is not documented is refused with a list of all that is; that list and the document are one."""
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][PREFIX + endpoint.path][endpoint.method.lower()]
        documented = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
        path = api(recorded, endpoint.path.replace("{id}", "x"))
        response = HTTP.request(endpoint.method, path, params={"no-such-parameter": "1"})
        there = ", ".join(documented) or "none"
        assert (response.status_code, f"there are {there}." in response.json()["error"]) == (400, True)


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        jsonschema_rs.meta.validate(schema)
    used = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                used.add(value["$ref"].removeprefix("#/components/schemas/"))
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    look(DOCUMENT)
    assert used == set(schemas)


def test_hostile_run_ids_are_among_what_was_judged(recorded: IntakeServer) -> None:
    ids = {run["run_id"] for run in HTTP.get(api(recorded, "/runs?limit=1000")).json()["runs"]}
    assert set(HOSTILE_RUN_IDS) < ids
