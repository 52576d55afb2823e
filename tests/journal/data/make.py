"""Makes a journal as this version of mock-intake writes it, for later versions to be tested with.

Run in a checkout of the version in question, with its own environment:

    python make.py FOLDER VERSION

It writes ``version-N.db``; ``version-N.jsonl``, what ``export --what exchanges`` says of it; and ``version-N.json``,
what the control API says. Only what all versions have is used: a server, HTTP, and the class of the journal.
"""

from __future__ import annotations

import gzip
import json
import socket
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from mock_intake import IntakeServer, Retention, SqliteJournal
from mock_intake.datadog.agent import AgentSettings

API = "/api/mock/v1"
KEY, OTHER_KEY = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
PRODUCER = "https://github.com/acme/etl"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
FACETS = "https://openlineage.io/spec/facets"
RUN, PARENT = "0198f2a4-7c1e-7a3b-9d2f-0242ac120002", "0198f2a4-0000-7a3b-9d2f-0242ac120002"
# What the control API is asked: lists whole, and one of a kind.
ASKED = ("/events", "/exchanges?body=1", "/exchanges?refused=1", "/runs?closed=1", "/orgs", "/statistics")


def facet(name: str, version: str, **content: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}", **content}


def dataset(name: str) -> dict[str, Any]:
    return {"namespace": "postgres://db.acme.example:5432", "name": name}


def run_event(event_type: str, **more: Any) -> dict[str, Any]:
    job_type = facet("JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="CUSTOM", jobType="JOB")
    parent = {"run": {"runId": PARENT}, "job": {"namespace": "prod", "name": "nightly"}}
    return {
        "eventType": event_type,
        "eventTime": "2026-11-01T12:00:00.000Z",
        "producer": PRODUCER,
        "schemaURL": CORE + "RunEvent",
        "run": {"runId": RUN, "facets": {"parent": facet("ParentRunFacet", "1-1-0", **parent)}},
        "job": {"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type}},
        "inputs": [dataset("shop.public.orders"), dataset("shop.public.customers")],
        "outputs": [dataset("shop.public.report")],
        **more,
    }


class Sender:
    """Sends events in all ways that leave something of their own on record."""

    def __init__(self, server: IntakeServer) -> None:
        self._server = server
        self._http = httpx.Client(trust_env=False)

    def __call__(self, event: Any, key: str | None = KEY, path: str = "/api/v1/lineage", base: str = "") -> None:
        headers = {"content-type": "application/json", "x-sent-by": "caf\u00e9"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        if body[:2] == b"\x1f\x8b":
            headers["content-encoding"] = "gzip"
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        with suppress(httpx.TransportError):  # a fault that was asked for
            self._http.post((base or self._server.url) + path, content=body, headers=sent)  # type: ignore[arg-type]

    def no_http(self) -> None:
        with socket.create_connection(self._server.address) as connection:
            connection.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            while connection.recv(4096):
                pass

    def faults(self, plan: list[Any]) -> None:
        self._http.put(f"{self._server.url}{API}/faults", json=plan).raise_for_status()

    def fill(self) -> None:
        self({"eventType": "goes at once, as more than is kept"})
        self(run_event("START"))
        self(gzip.compress(json.dumps(run_event("COMPLETE")).encode(), mtime=0))
        self(run_event("START"))  # again
        self(run_event("RUNNING", job={"namespace": "prod", "name": "a \ud800 b"}, producer="no URI"))
        self({"job": {"namespace": "prod", "name": "of a job"}, "eventTime": "yesterday"}, key=OTHER_KEY)
        self({"dataset": dataset("shop.public.orders"), "eventTime": "2026-11-01T12:00:00Z", "producer": PRODUCER})
        self(run_event("FAIL"), key=None)
        self(run_event("FAIL"), path="/v1/lineage?api_key=" + KEY)
        self(b'{"eventType": "START", ')
        self(b"[]", path="/api/v1/lineage%FF%ED%A0%80")
        self(b"\x1f\x8b no gzip")
        self(run_event("ABORT", note=KEY))
        self.no_http()
        self.faults([503, "reset", {"step": 202, "delay": 0.01}, "lost"])
        for number in range(5):
            self(run_event("OTHER", note=number // 4))
        self(run_event("RUNNING"), "of-the-clients", "/openlineage/api/v1/lineage?a=b", self._server.agent_url)


def make(folder: Path, version: int) -> None:
    file = folder / f"version-{version}.db"
    journal = SqliteJournal(file, retention=Retention(exchanges=19))
    with IntakeServer(journal=journal, agent=AgentSettings(api_key=OTHER_KEY)) as server:
        Sender(server).fill()
        told = {path: httpx.get(f"{server.url}{API}{path}", trust_env=False).json() for path in ASKED}
        lines = httpx.get(f"{server.url}{API}/export?what=exchanges", trust_env=False).content
    journal.close()
    with sqlite3.connect(file) as connection:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    assert found == version, f"this mock-intake writes version {found}"
    file.with_suffix(".jsonl").write_bytes(lines)
    file.with_suffix(".json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
