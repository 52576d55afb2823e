"""Servers of both back ends, and what a record holds after a day's work: all kinds of events, refusals, faults."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults.plans import parse_plan
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.secrets.api_keys import org_of
from tests.events import base, dataset, dataset_event, job_event, job_type, run_event, schema

MakeJournal = Callable[[Path], Journal]
JOURNALS: dict[str, MakeJournal] = {
    "memory": lambda _folder: MemoryJournal(),
    "sqlite": lambda folder: SqliteJournal(folder / "journal.db"),
}
KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"
ORG, OTHER_ORG = org_of(KEY), org_of(OTHER_KEY)
PREFIX = "/api/mock/v1"
# One client for all tests, since making one reads certificates; every request has a connection of its own.
HTTP = httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))

# Ids and names that producers choose, and that must not be taken for anything else.
HOSTILE_RUN_IDS = (
    "a/b",
    "../../etc/passwd",
    "x?closed=1",
    "x#y",
    "a b",
    "ü\u2028é",
    "%41",
    "<script>",
    "new\nline",
    "nul\x00",
)


def api(server: IntakeServer, path: str = "") -> str:
    return f"{server.url}{PREFIX}{path}"


def send(server: IntakeServer, body: Any, *, key: str | None = KEY, **headers: str) -> httpx.Response:
    """Posts an event, or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    headers.setdefault("content-type", "application/json")
    return HTTP.post(server.url + INTAKE_PATH, content=content, headers=headers)


def run_called(run_id: str, event_type: str = "START", **changes: Any) -> dict[str, Any]:
    """An event of a run with this id, whatever it is."""
    return run_event(event_type, run={"runId": run_id, "facets": {}}, **changes)


def id_of(name: str) -> str:
    """A run id as it should be, for a run that a test calls so."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def run_of(name: str, event_type: str = "START", **changes: Any) -> dict[str, Any]:
    return run_called(id_of(name), event_type, **changes)


def column_lineage(**fields: list[tuple[str, str, str]]) -> dict[str, Any]:
    """A columnLineage facet: each column with the (namespace, dataset, column) that it is made of."""
    made_of = {
        name: {"inputFields": [{"namespace": n, "name": d, "field": f} for n, d, f in sources]}
        for name, sources in fields.items()
    }
    return {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": made_of}


def fill(server: IntakeServer) -> None:
    """Two orgs, runs that end well and badly, lineage over two jobs, all that can go wrong."""
    database = "postgres://db:5432"
    raw = dataset("shop.public.raw", schema=schema("id", "cents"))
    orders = dataset(
        "shop.public.orders",
        schema=schema("id", "amount"),
        columnLineage=column_lineage(
            id=[(database, "shop.public.raw", "id")], amount=[(database, "shop.public.raw", "cents")]
        ),
    )
    odd = dataset("Orders", "nowhere", schema=schema("id"))
    second = {"namespace": "prod", "name": "report_orders", "facets": {"jobType": job_type()}}
    send(server, run_of("first", "START", inputs=[raw]))
    send(server, run_of("first", "COMPLETE", inputs=[raw], outputs=[orders]))
    send(server, run_of("second", "START", job=second, inputs=[orders]))
    send(server, run_of("second", "FAIL", job=second, inputs=[orders], outputs=[odd]))
    send(server, job_event())
    send(server, dataset_event())
    send(server, dataset_event(dataset=dataset("SHOP.public.orders")))
    for run_id in HOSTILE_RUN_IDS:
        send(server, run_called(run_id, "COMPLETE", job={"namespace": "ns|`", "name": f"job of {run_id}"}))
    send(server, b'{"run": {"runId": "\\ud800"}, "job": {"namespace": "\\udfff", "name": "x\\u0000"}}')
    send(server, run_of("first", "COMPLETE", inputs=[raw], outputs=[orders]))  # the same once more
    send(server, run_of("first"), key=OTHER_KEY)
    send(server, run_of("first"), key=None)
    send(server, b"no JSON")
    send(server, b"\x1f\x8bnot gzip", **{"content-encoding": "gzip"})
    HTTP.get(server.url + "/somewhere/else")
    server.faults.set(parse_plan([503, {"step": 429, "headers": {"Retry-After": "0"}}, "lost", 202]))
    for number in range(4):
        try:
            send(server, job_event(number=number))
        except httpx.HTTPError:
            continue
    server.faults.clear(everything=True)
