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
# Without ::1, which some versions of httpx cannot read there.
_NO_PROXY = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


@dataclass(frozen=True)
class Addresses:
    """Where an intake is to be found, and what it takes to be let in; None for what it does not serve."""

    url: str
    api_key: str
    agent_url: str | None = None
    proxy_url: str | None = None
    https_address: tuple[str, int] | None = None
    ca_file: Path | None = None


def interferes(name: str) -> bool:
    """Whether a variable of the environment would lead a producer somewhere else."""
    return name.startswith(("OPENLINEAGE", "DD_", "MOCK_INTAKE_")) or name.lower() in _PROXIES


def variables(path: PathName, where: Addresses, site: str = REAL_SITE) -> dict[str, str]:
    """What to set for a path. ``site`` is the real site of the paths that keep it."""
    datadog = {"OPENLINEAGE__TRANSPORT__TYPE": "datadog", "DD_API_KEY": where.api_key}
    match path:
        case "http":
            return {"OPENLINEAGE_URL": where.url, "OPENLINEAGE_API_KEY": where.api_key, **_NO_PROXY}
        case "datadog":
            return {**datadog, "DD_SITE": where.url, **_NO_PROXY}
        case "async":
            rules = '{"*": {"*": true}}'
            return {
                **datadog,
                "DD_SITE": where.url,
                "OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES": rules,
                **_NO_PROXY,
            }
        case "agent":
            assert where.agent_url is not None
            return {
                "OPENLINEAGE_URL": where.agent_url,
                "OPENLINEAGE_ENDPOINT": AGENT_PATH.lstrip("/"),
                "DD_TRACE_AGENT_URL": where.agent_url,
                **_NO_PROXY,
            }
        case "proxy":
            assert where.proxy_url is not None
            proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), where.proxy_url)
            return {**datadog, "DD_SITE": site, **proxies, **_NO_PROXY, **_trusting_only(where.ca_file)}
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


def _trusting_only(ca_file: Path | None) -> dict[str, str]:
    """Trust in the intake's CA, and in no other: not in the machine's either.

    A client that ignores proxies (the Datadog transport's asynchronous engine, which takes dbt jobs) connects to the
    real intake. With the machine's CAs it would deliver there, and a test would have written into production; with
    this one alone it refuses the certificate before it sends anything. Nothing else is lost: every client that obeys
    the proxy is refused any other host. Steering the transport to its other engine (ASYNC_TRANSPORT_RULES) would not
    do: a producer with settings in its code does not hear of it, and it would no longer be the setting that goes live.
    """
    assert ca_file is not None
    files = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(ca_file))
    # OpenSSL looks into a directory besides, by default the machine's, for files named by hashes; here are none.
    return {**files, "SSL_CERT_DIR": str(ca_file.parent)}


def _first_on_path(directory: Path) -> str:
    inherited = os.environ.get("PYTHONPATH")
    return str(directory) + (os.pathsep + inherited if inherited else "")
