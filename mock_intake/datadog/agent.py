"""The Datadog Agent's OpenLineage proxy: what it makes of a request before it sends it on.

Source: the Agent's public code. It listens with the trace agent and forwards to the intake, with its own key.
Pure: requests in, requests out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from mock_intake.datadog.rules import REQUESTS
from mock_intake.datadog.rules.bodies import BODY_TOO_LARGE, TooLarge
from mock_intake.datadog.rules.endpoint import WRONG_PATH, Astray, is_probe
from mock_intake.datadog.sites import INTAKE_PATH, intake_host
from mock_intake.model.exchange import HOP_BY_HOP, ReceivedRequest
from mock_intake.model.findings import Finding

PORT = 8126
# Of a body that is sent to several endpoints, which the Agent reads first; one that goes to a single one streams by.
MAX_BODY = 25 * 1024 * 1024
OFF = "OpenLineage forwarder is OFF: "


@dataclass(frozen=True)
class AgentSettings:
    """``ol_proxy_config``, and what else of the Agent shows in what it sends on.

    ``dd_url`` is a site or a full URL; None is this very intake. ``additional_endpoints`` maps sites to keys; a full
    URL there, which leads nowhere with the real Agent, is used as it is. Without ``api_key`` it sends with
    ``own_key``, the Agent's own, and that never turns it off. Raises ``ValueError`` where it has neither: no Agent
    starts without a key.
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
    own_key: str | None = None

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("an Agent has a key: api_key (ol_proxy_config.api_key), or own_key (api_key of the Agent)")

    @property
    def key(self) -> str:
        """The key that it sends to the main endpoint with."""
        return self.api_key or self.own_key or ""

    @property
    def off(self) -> str | None:
        """Why the forwarder is off; None if it is on."""
        if not self.enabled:
            return OFF + "it is disabled by configuration (ol_proxy_config.enabled)"
        if self.dd_url is not None and not _parses(self.dd_url):
            return OFF + "the URL of the intake does not parse (ol_proxy_config.dd_url)"
        return None

    @property
    def keys(self) -> frozenset[str]:
        """All keys that it sends with."""
        return frozenset({key for keys in self.additional_endpoints.values() for key in keys} | {self.key})

    @property
    def query(self) -> str:
        """The query that it sends with: ``api-version``, from version 2 on."""
        return f"api-version={self.api_version}" if self.api_version >= 2 else ""

    @property
    def max_body(self) -> int | None:
        """How large (bytes) a body may be that it sends on; None is without a limit."""
        return MAX_BODY if self.additional_endpoints else None


def _parses(dd_url: str) -> bool:
    try:
        parts = urlsplit(dd_url if "://" in dd_url else f"https://{dd_url}")
        return bool(parts.hostname) and parts.port != 0 and dd_url.isprintable() and " " not in dd_url
    except ValueError:
        return False


def endpoint_url(dd_url: str, query: str) -> str:
    """The URL that the Agent sends to: a site's intake, or a full URL as it is, both with the api-version."""
    if not dd_url.startswith(("http://", "https://")):
        return f"https://{intake_host(dd_url)}{INTAKE_PATH}" + (f"?{query}" if query else "")
    if not query:
        return dd_url
    parts = urlsplit(dd_url)
    own = [part for part in parts.query.split("&") if part and not part.startswith("api-version=")]
    return urlunsplit(parts._replace(query="&".join([*own, query])))


def forwarded(request: ReceivedRequest, settings: AgentSettings) -> ReceivedRequest:
    """The request as the Agent sends it on: key, Via, tags and X-Forwarded-For set, everything else as it came.

    A blank User-Agent is not sent at all, nor are headers that are for one connection only.
    """
    named = {word.strip().lower() for value in _values(request, "connection") for word in value.split(",")}
    replaced = {"authorization", "via", "x-datadog-additional-tags", "x-datadog-container-tags", "x-forwarded-for"}
    # As by Go's reverse proxy, which the Agent is.
    dropped = replaced | HOP_BY_HOP | named
    headers = [
        (name, value)
        for name, value in request.headers
        if name.lower() not in dropped and (value or name.lower() != "user-agent")
    ]
    headers += [
        ("authorization", f"Bearer {settings.key}"),
        ("via", f"trace-agent {settings.version}"),
        (
            "x-datadog-additional-tags",
            f"host:{settings.hostname},default_env:{settings.env},agent_version:{settings.version}",
        ),
    ]
    if settings.container_tags:
        headers.append(("x-datadog-container-tags", settings.container_tags))
    # By a Unix socket there is no address to tell.
    came_by = [*_values(request, "x-forwarded-for"), *([_host(request.peer)] if request.peer else [])]
    if came_by:
        headers.append(("x-forwarded-for", ", ".join(came_by)))
    return replace(request, path=INTAKE_PATH, query=settings.query, headers=tuple(headers))


def _values(request: ReceivedRequest, name: str) -> list[str]:
    return [value for each, value in request.headers if each.lower() == name]


def _host(peer: str) -> str:
    return peer.rpartition(":")[0].strip("[]")


def misdirected_to_agent(request: ReceivedRequest, path: str) -> Finding:
    """The finding for a request to the Agent's port on another path than its endpoints; ``path`` as it may be shown."""
    return REQUESTS.reason(WRONG_PATH, Astray(path, at_agent=True, probing=is_probe(request)))


def too_large_for_several(request: ReceivedRequest) -> Finding:
    """The finding for a body that the Agent does not send on, because it would have to send it to several."""
    return REQUESTS.reason(BODY_TOO_LARGE, TooLarge(request.wire_size, MAX_BODY, "on the wire, through the Agent"))
