"""The client is whole and typed: every endpoint, every parameter, every field, for blocking and awaiting alike."""

from __future__ import annotations

import inspect
import typing
from typing import Any, NotRequired, cast

import pytest

from mock_intake.client import AsyncClient, Client, EventQuery, types
from mock_intake.model import shapes
from mock_intake.server.control import ENDPOINTS
from mock_intake.server.control.openapi import SCHEMAS


def public(kind: type) -> dict[str, Any]:
    return {name: member for name, member in vars(kind).items() if inspect.isfunction(member) and name[0] != "_"}


def test_both_clients_have_the_same_methods_with_the_same_types() -> None:
    blocking, awaiting = public(Client), public(AsyncClient)
    assert list(blocking) == list(awaiting)
    for name, method in blocking.items():
        one, other = inspect.signature(method), inspect.signature(awaiting[name])
        assert one.parameters == other.parameters
        assert one.return_annotation == str(other.return_annotation).replace("AsyncIterator", "Iterator")
        assert inspect.iscoroutinefunction(awaiting[name]) or inspect.isasyncgenfunction(awaiting[name])


def test_every_method_says_what_it_is_for() -> None:
    for name, method in public(Client).items():
        assert len(inspect.getdoc(method) or "") > 20, name
        assert inspect.getdoc(method) == inspect.getdoc(public(AsyncClient)[name]), name


def test_every_endpoint_and_parameter_has_its_place_in_the_client() -> None:
    names = {
        "list_events": "events", "get_event": "event", "list_exchanges": "exchanges", "get_exchange": "exchange",
        "list_runs": "runs", "get_run": "run", "list_jobs": "jobs", "list_datasets": "datasets",
        "get_lineage": "lineage", "list_coverage": "coverage", "list_findings": "findings", "list_orgs": "orgs",
        "get_statistics": "statistics", "get_faults": "faults", "import": "import_",
    }  # fmt: skip
    methods = public(Client)
    wait = set(SCHEMAS["Wait"]["properties"])
    assert wait <= set(inspect.signature(methods["wait"]).parameters)
    assert typing.get_args(types.State) == tuple(SCHEMAS["Wait"]["properties"]["state"]["enum"])
    for endpoint in ENDPOINTS:
        taken = set(inspect.signature(methods[names.get(endpoint.name, endpoint.name)]).parameters)
        if endpoint.name == "list_events":
            taken |= set(EventQuery.__annotations__)
        assert {parameter.name for parameter in endpoint.parameters} <= taken, endpoint.name


TYPES: dict[str, Any] = {
    "Finding": types.Finding,
    "Event": types.Event,
    "WholeEvent": types.WholeEvent,
    "Exchange": types.Exchange,
    "WholeExchange": types.WholeExchange,
    "Run": types.Run,
    "WholeRun": types.WholeRun,
    "Lineage": types.Lineage,
    "FindingList": types.FindingPage,
    "Statistics": types.Statistics,
    "Faults": types.Faults,
    "Waited": types.Waited,
    "Imported": types.Imported,
}


def test_the_client_hands_on_every_shape_of_the_api() -> None:
    """All but what others are made of, and what a command alone writes."""
    of_others = {"BareExchange", "Counts", "Graph"}
    defined = {name for name, kind in vars(shapes).items() if typing.is_typeddict(kind)} - of_others - {"Rule"}
    assert defined <= set(types.__all__)
    for name in defined:
        assert getattr(types, name) is getattr(shapes, name)
    assert {name for name, kind in vars(types).items() if typing.is_typeddict(kind)} <= set(types.__all__)


def schema_of(name: str, items: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = SCHEMAS[name]
    return cast("dict[str, Any]", schema["properties"][items]["items"]) if items else schema


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        *((schema_of(name), kind) for name, kind in TYPES.items()),
        (schema_of("JobList", "jobs"), types.Job),
        (schema_of("DatasetList", "datasets"), types.Dataset),
        (schema_of("CoverageList", "jobs"), types.Coverage),
        (schema_of("OrgList", "orgs"), types.Org),
        (schema_of("FindingList", "findings"), types.ExchangeFinding),
        (schema_of("FindingList", "run_findings"), types.RunFinding),
        (schema_of("Faults", "sequence"), types.FaultStep),
        (schema_of("Waited", "runs"), types.WaitedRun),
        (schema_of("Lineage", "edges"), types.Edge),
        (schema_of("Lineage", "column_edges"), types.ColumnEdge),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_types_are_those_of_the_document(schema: dict[str, Any], kind: Any) -> None:
    hints = typing.get_type_hints(kind, include_extras=True)
    optional = {name for name, hint in hints.items() if typing.get_origin(hint) is NotRequired}
    documented = schema["properties"]
    assert set(hints) - optional <= set(documented) <= set(hints)
    for name, field in documented.items():
        allowed = field.get("type", field.get("enum", [part.get("type") for part in field.get("anyOf", ())]))
        nullable = "null" in allowed or None in field.get("enum", ())
        assert nullable == (type(None) in typing.get_args(hints[name])), name
