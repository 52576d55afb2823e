"""Transports as OpenLineage's configurations hold them: what one leads to, and how one is replaced by ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mock_intake.datadog.sites import INTAKE_HOSTS, SITES_WITH_INTAKE, intake_host

TRANSFORM, COMPOSITE = "transform", "composite"
_DEEPEST = 16
# Of the legs of a composite, the one that ours takes the place of where none leads to Datadog.
_OVER_HTTP = ("datadog", "http", "async_http", TRANSFORM)


def kind_of(transport: Any) -> str:
    """The type of a transport, e.g. ``http``; empty for what is none."""
    kind = transport.get("type") if isinstance(transport, Mapping) else None
    return kind if isinstance(kind, str) else ""


def legs_of(transport: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The transports of a composite, whether they stand there as a list or by name."""
    legs = transport.get("transports")
    found = list(legs.values()) if isinstance(legs, Mapping) else legs if isinstance(legs, list) else []
    return [leg for leg in found if kind_of(leg)]


def in_place_of(transport: Any, ours: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Ours in place of a transport. What transforms events stays around it, also where it is the leg of a composite."""
    if depth < _DEEPEST and kind_of(transport) == TRANSFORM:
        return {**transport, "transport": in_place_of(transport.get("transport"), ours, depth + 1)}
    if depth < _DEEPEST and kind_of(transport) == COMPOSITE and (leg := _leg_to_datadog(transport)) is not None:
        return in_place_of({name: value for name, value in leg.items() if name != "name"}, ours, depth + 1)
    return dict(ours)


def _leg_to_datadog(transport: Mapping[str, Any]) -> Mapping[str, Any] | None:
    legs = legs_of(transport)
    to_datadog = next((leg for leg in legs if real_host(leg) is not None), None)
    return to_datadog or next((leg for leg in legs if kind_of(leg) in _OVER_HTTP), None)


def leaves_of(transport: Any, depth: int = 0) -> list[Mapping[str, Any]]:
    """The transports that send, of whatever stands around them. YAML can hold itself, so there is an end to it."""
    kind = kind_of(transport)
    if not kind or depth > _DEEPEST:
        return []
    if kind == TRANSFORM:
        return leaves_of(transport.get("transport"), depth + 1)
    if kind == COMPOSITE:
        return [leaf for leg in legs_of(transport) for leaf in leaves_of(leg, depth + 1)]
    return [transport]


def addresses_of(transport: Any, site: str = "") -> list[str]:
    """Where a transport leads, as origins of URLs. ``site`` is that of DD_SITE."""
    return [address for leaf in leaves_of(transport) if (address := _address(leaf, site))]


def by_socket(transport: Any) -> bool:
    """Whether a transport leads to a Unix socket (``unix:///run/apm.socket``), as the Java client's can."""
    return any(str(leaf.get("url") or "").startswith("unix:") for leaf in leaves_of(transport))


def _address(leaf: Mapping[str, Any], site: str) -> str:
    if kind_of(leaf) == "datadog":
        place = str(leaf.get("site") or site or SITES_WITH_INTAKE[0])
        return origin(place) if "://" in place else f"https://{intake_host(place)}"
    url = leaf.get("url")
    return origin(url) if isinstance(url, str) else ""


def real_host(transport: Any, site: str = "") -> str | None:
    """The host of a real intake of Datadog's that a transport leads to; None if it leads to none."""
    hosts = (urlsplit(address).hostname for address in addresses_of(transport, site))
    return next((host for host in hosts if host in INTAKE_HOSTS), None)


def origin(url: str) -> str:
    """Scheme, host and port of a URL: without what may hold a secret. Empty for what is no URL."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not parts.scheme or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def in_words(transport: Any, site: str = "") -> str:
    """A transport in a few words, e.g. ``http to https://lineage.example.com``; nothing of it that may be a secret."""
    sending = [f"{kind_of(leaf)}{_to(_address(leaf, site))}" for leaf in leaves_of(transport)]
    kind = kind_of(transport)
    if kind in (TRANSFORM, COMPOSITE):
        return f"{kind} of {', '.join(sending) or 'nothing'}"
    return "".join(sending) or "no type"


def _to(address: str) -> str:
    return f" to {address}" if address else ""
