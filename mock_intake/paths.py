"""The ways in: which variables a producer's environment needs for each documented path.

Used by ``mock-intake run``; values only, nothing is set here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mock_intake.datadog.sites import AGENT_PATH, INTAKE_HOSTS

PathName = Literal["http", "datadog", "async", "agent", "proxy", "intercept"]
PATHS: Mapping[PathName, str] = {
    "http": "the Python client's HTTP transport",
    "datadog": "the Python client's Datadog transport",
    "async": "the Datadog transport, every event on its asynchronous route",
    "agent": "the Datadog Agent's OpenLineage proxy, which has the key",
    "proxy": "the real site's name and https, through a forward proxy (any client that obeys HTTPS_PROXY)",
    "intercept": "the real site's name and https, caught inside a Python process (any Python client)",
}
REAL_SITE = "datadoghq.com"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Addresses:
    """Where an intake is to be found, and what it takes to be let in; None for what it does not serve."""

    url: str
    api_key: str
    agent_url: str | None = None
    proxy_url: str | None = None
    https_address: tuple[str, int] | None = None
    ca_file: Path | None = None
    ca_bundle: Path | None = None


def interferes(name: str) -> bool:
    """Whether a variable of the environment would lead a producer somewhere else."""
    return name.startswith(("OPENLINEAGE", "DD_", "MOCK_INTAKE_")) or name.lower() in _PROXIES


def variables(path: PathName, where: Addresses, site: str = REAL_SITE) -> dict[str, str]:
    """What to set for a path. ``site`` is the real site of the paths that keep it."""
    datadog = {"OPENLINEAGE__TRANSPORT__TYPE": "datadog", "DD_API_KEY": where.api_key}
    local = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    match path:
        case "http":
            return {"OPENLINEAGE_URL": where.url, "OPENLINEAGE_API_KEY": where.api_key, **local}
        case "datadog":
            return {**datadog, "DD_SITE": where.url, **local}
        case "async":
            rules = '{"*": {"*": true}}'
            return {**datadog, "DD_SITE": where.url, "OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES": rules, **local}
        case "agent":
            assert where.agent_url is not None
            return {
                "OPENLINEAGE_URL": where.agent_url,
                "OPENLINEAGE_ENDPOINT": AGENT_PATH.lstrip("/"),
                "DD_TRACE_AGENT_URL": where.agent_url,
                **local,
            }
        case "proxy":
            assert where.proxy_url is not None
            proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), where.proxy_url)
            bundle = dict.fromkeys(_CA_VARIABLES, str(where.ca_bundle))
            return {**datadog, "DD_SITE": site, **proxies, **bundle}
        case "intercept":
            assert where.https_address is not None
            from mock_intake.interception import SITE_DIRECTORY

            host, port = where.https_address
            return {
                **datadog,
                "DD_SITE": site,
                "PYTHONPATH": _first_on_path(SITE_DIRECTORY),
                "MOCK_INTAKE_REDIRECT": f"{host}:{port}",
                "MOCK_INTAKE_REDIRECT_CA": str(where.ca_file),
                "MOCK_INTAKE_REDIRECT_HOSTS": ",".join(sorted(INTAKE_HOSTS)),
            }


def _first_on_path(directory: Path) -> str:
    inherited = os.environ.get("PYTHONPATH")
    return str(directory) + (os.pathsep + inherited if inherited else "")
