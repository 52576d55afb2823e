"""The OpenLineage Python client in tests: cut off from the machine's configuration, and events of its own classes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import JobFacet, RunFacet, job_type_job
from openlineage.client.transport import Transport
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

PRODUCER = "https://github.com/acme/etl"
ASYNC_ROUTE = {"*": {"*": True}}
# Variables that could turn a client's events elsewhere, or add to them.
_OUTSIDE = (
    "OPENLINEAGE",
    "AIRFLOW__",
    "DD_",
    "NETRC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "REQUESTS_CA",
    "CURL_CA",
    "GITHUB_",
)


def cut_off(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Takes away every variable that the client reads; home and working directory are ``home``, which is empty."""
    for name in list(os.environ):
        if name.upper().startswith(_OUTSIDE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@contextmanager
def datadog_client(url: str, api_key: str, **options: Any) -> Iterator[OpenLineageClient]:
    """A client with a Datadog transport to a site; options are those of ``DatadogConfig``."""
    with _closing(DatadogTransport(DatadogConfig(apiKey=api_key, site=url, **options))) as client:
        yield client


@contextmanager
def http_client(url: str, api_key: str, **options: Any) -> Iterator[OpenLineageClient]:
    """A client with an HTTP transport; options are those of ``HttpConfig``."""
    auth = ApiKeyTokenProvider({"apiKey": api_key})
    with _closing(HttpTransport(HttpConfig(url=url, auth=auth, **options))) as client:
        yield client


@contextmanager
def _closing(transport: Transport) -> Iterator[OpenLineageClient]:
    client = OpenLineageClient(transport=transport)
    try:
        yield client
    finally:
        assert client.close(), "events were left unsent"


def job_type(integration: str = "CUSTOM") -> job_type_job.JobTypeJobFacet:
    return job_type_job.JobTypeJobFacet(processingType="BATCH", integration=integration, jobType="JOB")


def client_event(
    state: RunState = RunState.START,
    *,
    run_id: str | None = None,
    run_facets: dict[str, RunFacet] | None = None,
    job_facets: dict[str, JobFacet] | None = None,
    inputs: Sequence[InputDataset] = (),
    outputs: Sequence[OutputDataset] = (),
) -> RunEvent:
    """A RunEvent of the client's classes that no rule has anything to say about, and what is added to it."""
    return RunEvent(
        eventType=state,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(run_id or str(uuid.uuid4()), run_facets or {}),
        job=Job("prod", "load_orders", {"jobType": job_type(), **(job_facets or {})}),
        producer=PRODUCER,
        inputs=list(inputs),
        outputs=list(outputs),
    )
