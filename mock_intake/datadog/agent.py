"""The Datadog Agent's OpenLineage proxy: what it makes of a request before it sends it on.

Source: the Agent's public code. It listens with the trace agent and forwards to the intake, with its own key.
Pure: requests in, requests out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_intake.datadog import requests as rules
from mock_intake.datadog.sites import AGENT_PATH, INTAKE_PATH, SITES_WITH_INTAKE, intake_host
from mock_intake.exchange import Headers, ReceivedRequest
from mock_intake.findings import Finding

PORT = 8126
MAX_BODY = 25 * 1024 * 1024
OFF = "OpenLineage forwarder is OFF: "


@dataclass(frozen=True)
class AgentSettings:
    """``ol_proxy_config``, and what else of the Agent shows in what it sends on.

    ``dd_url`` is a site or a full URL; None is this very intake. ``additional_endpoints`` maps sites or URLs to
    keys. Without ``api_key``, or with ``enabled`` false, the forwarder is off.
    """

    api_key: str | None
    enabled: bool = True
    dd_url: str | None = None
    additional_endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    api_version: int = 2
    version: str = "7.79.0"
    hostname: str = "localhost"
    env: str = "none"
    container_tags: str | None = None

    @property
    def off(self) -> str | None:
        """Why the forwarder is off; None if it is on."""
        if not self.enabled:
            return OFF + "it is disabled by configuration (ol_proxy_config.enabled)"
        if not self.api_key:
            return OFF + "no API key is configured (ol_proxy_config.api_key)"
        return None

    @property
    def keys(self) -> frozenset[str]:
        """All keys that it sends with."""
        keys = {key for keys in self.additional_endpoints.values() for key in keys}
        return frozenset(keys | {self.api_key} if self.api_key else keys)

    @property
    def query(self) -> str:
        return f"api-version={self.api_version}" if self.api_version >= 2 else ""


def endpoint_url(dd_url: str, query: str) -> str:
    """The URL that the Agent sends to: a site's intake, or a full URL as it is."""
    if dd_url.startswith(("http://", "https://")):
        return dd_url
    host = intake_host(dd_url) if dd_url in SITES_WITH_INTAKE else f"data-obs-intake.{dd_url}"
    return f"https://{host}{INTAKE_PATH}" + (f"?{query}" if query else "")


def forwarded(request: ReceivedRequest, settings: AgentSettings) -> ReceivedRequest:
    """The request as the Agent sends it on: key, Via and tags set, everything else as it came."""
    replaced = {"authorization", "via", "x-datadog-additional-tags", "x-datadog-container-tags"}
    headers = [(name, value) for name, value in request.headers if name.lower() not in replaced]
    if not any(name.lower() == "user-agent" for name, _ in headers):
        headers.append(("user-agent", ""))
    headers += [
        ("authorization", f"Bearer {settings.api_key}"),
        ("via", f"trace-agent {settings.version}"),
        (
            "x-datadog-additional-tags",
            f"host:{settings.hostname},default_env:{settings.env},agent_version:{settings.version}",
        ),
    ]
    if settings.container_tags is not None:
        headers.append(("x-datadog-container-tags", settings.container_tags))
    return request._replace(path=INTAKE_PATH, query=settings.query, headers=_headers(headers))


def _headers(headers: list[tuple[str, str]]) -> Headers:
    return tuple(headers)


def misdirected_to_agent(path: str) -> Finding:
    """The finding for a request to the Agent's port on another path than its OpenLineage endpoint."""
    cause = "it is no path of the Agent's OpenLineage proxy"
    if path.rstrip("/") == INTAKE_PATH:
        cause = "this is the intake's endpoint, and the Agent was reached"
    elif path.rstrip("/") == AGENT_PATH:
        cause = "a slash too many at the end"
    return rules.ENDPOINT_UNKNOWN.found(
        "path",
        f"the Agent takes no events at {path}: {cause}",
        expected=AGENT_PATH,
        actual=path,
        advice=f"Set OPENLINEAGE_URL to the Agent's address and OPENLINEAGE_ENDPOINT to {AGENT_PATH.lstrip('/')}.",
    )
