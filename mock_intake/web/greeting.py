"""How to send events here: the exact commands and variables of each way in, with this intake's own address."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.paths import Addresses, variables
from mock_intake.web.asked import Asked, Shown

_ANY_KEY = "0123456789abcdef0123456789abcdef"
_GIVEN_KEY = "ONE_OF_THE_KEYS_IT_WAS_STARTED_WITH"


class Way(NamedTuple):
    """A way in: its title, what it is for, and what to type."""

    key: str
    title: str
    words: str
    text: str


def start(asked: Asked) -> Shown:
    known = asked.sources.settings.keys.known
    return Shown("start.html", {"ways": ways(asked), "any_key": known is None})


def ways(asked: Asked) -> list[Way]:
    known = asked.sources.settings.keys.known
    key = _ANY_KEY if known is None else _GIVEN_KEY
    served = asked.sources.addresses() or Addresses(asked.base_url, key)
    where = replace(served, url=asked.base_url, api_key=key)
    found = [
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
            "run",
            "Without leaving anything set",
            "Starts an intake of its own for one command, and prints what came.",
            "mock-intake run --path datadog -- python my_job.py",
        ),
    ]
    if where.agent_url is not None:
        found.append(
            Way("agent", "Datadog Agent's proxy", "The Agent has the key.", exports(variables("agent", where)))
        )
    if where.proxy_url is not None:
        datadog = variables("datadog", replace(where, url="datadoghq.com"))
        through = {name: value for name, value in datadog.items() if name.lower() != "no_proxy"}
        found.append(
            Way(
                "proxy",
                "The real site's name, through the forward proxy",
                "The client must trust the CA of this intake: see --ca-file.",
                exports({**through, "HTTPS_PROXY": where.proxy_url}),
            )
        )
    return found


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
    "run": {{"runId": "3f5e83fa-3480-44ff-99c5-ff943904e5e8"}},
    "job": {{"namespace": "default", "name": "my-job", "facets": {{"jobType": {{
      "_producer": "https://example.com/my-job",
      "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
      "processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}}}}}}}}'"""


def _python(where: Addresses) -> str:
    return f"""from openlineage.client import OpenLineageClient
from openlineage.client.client import OpenLineageClientOptions

client = OpenLineageClient(
    url={where.url!r},
    options=OpenLineageClientOptions(api_key={where.api_key!r}),
)"""
