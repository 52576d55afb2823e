"""How to send events here: the exact commands and variables of each way in, with this intake's own address."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.producers.paths import Addresses, variables
from mock_intake.web.query import PageContent, PageQuery

_ANY_KEY = "0123456789abcdef0123456789abcdef"
_GIVEN_KEY = "ONE_OF_THE_KEYS_IT_WAS_STARTED_WITH"


class Way(NamedTuple):
    """A way in: its title, what it is for, and what to type."""

    key: str
    title: str
    words: str
    text: str


def start(query: PageQuery) -> PageContent:
    known = query.sources.settings.keys.known
    return PageContent("start.html", {"ways": ways(query), "any_key": known is None})


def ways(query: PageQuery) -> list[Way]:
    known = query.sources.settings.keys.known
    key = _ANY_KEY if known is None else _GIVEN_KEY
    served = query.sources.addresses() or Addresses(query.base_url, key)
    where = replace(served, url=query.base_url, api_key=key)
    return [
        Way("curl", "curl", "Any HTTP client does the same.", _curl(where)),
        Way("python", "Python client, in code", "The HTTP transport.", _python(where)),
        Way("http", "Python client, by environment", "The HTTP transport.", exports(variables("http", where))),
        Way(
            "datadog",
            "Datadog transport, by environment",
            "openlineage-python 1.37 or later. In production DD_SITE is your site.",
            exports(variables("datadog", where)),
        ),
        Way(
            "async",
            "Datadog transport, its asynchronous route",
            "The route that dbt jobs take, here for every event.",
            exports(variables("async", where)),
        ),
        _agent(where),
        _proxy(where),
        Way(
            "run",
            "One command, with an intake of its own",
            "Not this one: it is started for the command, by any path (--path intercept catches the real site's name "
            "inside a Python process), and prints what came.",
            "mock-intake run --path datadog -- python my_job.py",
        ),
    ]


def _agent(where: Addresses) -> Way:
    title = "Datadog Agent's proxy"
    if where.agent_url is None:
        words = "This intake was started without one. Start it with a port for the Agent, and come back to this page."
        return Way("agent", title, words, "mock-intake serve --agent-port 8126")
    return Way("agent", title, "The Agent has the key.", exports(variables("agent", where)))


def _proxy(where: Addresses) -> Way:
    title = "The real site's name, through the forward proxy"
    if where.proxy_url is None or where.ca_file is None:
        lacking = "a proxy" if where.proxy_url is None else "a file for the CA that clients must trust"
        words = f"This intake was started without {lacking}. Start it with both, and come back to this page."
        return Way("proxy", title, words, "mock-intake serve --proxy-port 8581 --ca-file ca.pem")
    words = "Clients then trust this intake alone, so that none that ignores the proxy delivers to the real site."
    return Way("proxy", title, words, exports(variables("proxy", where)))


def exports(named: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in named.items())


def _curl(where: Addresses) -> str:
    return f"""curl -X POST {shlex.quote(where.url + INTAKE_PATH)} \\
  -H 'Authorization: Bearer {where.api_key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{
    "eventType": "START", "eventTime": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'",
    "producer": "https://example.com/my-job",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {{"runId": "'"$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)"'"}},
    "job": {{"namespace": "default", "name": "my-job", "facets": {{"jobType": {{
      "_producer": "https://example.com/my-job",
      "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
      "processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}}}}}}}}'"""


def _python(where: Addresses) -> str:
    return f"""from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

key = ApiKeyTokenProvider({{"apiKey": {where.api_key!r}}})
client = OpenLineageClient(transport=HttpTransport(HttpConfig(url={where.url!r}, auth=key)))
kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
event = RunEvent(
    eventType=RunState.START,
    eventTime=datetime.now(timezone.utc).isoformat(),
    run=Run(runId=str(generate_new_uuid())),
    job=Job(namespace="default", name="my-job", facets={{"jobType": kind}}),
    producer="https://example.com/my-job",
)
client.emit(event)
client.close()"""
