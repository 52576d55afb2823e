"""Who may use the control API and the pages: the Host check against rebound names, the Origin of writes, the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from mock_intake.server.answers import failure

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_READING = ("GET", "HEAD", "OPTIONS")
# As browsers write an origin (RFC 6454); "null" and anything odd is nobody's.
_ORIGIN = re.compile(r"https?://((\[[0-9a-f:.]+\]|[^\s:/@\[\]]+)(:\d+)?)", re.IGNORECASE)
# What Sec-Fetch-Site says of a request that no page of another origin has made.
_OWN_REQUESTS = ("same-origin", "none")


class Objection(NamedTuple):
    """Why a request is turned away; 401 where a token would let it in."""

    status_code: int
    reason: str


class Cookie(NamedTuple):
    """What a browser shows once it has logged in."""

    name: str
    value: str


@dataclass(frozen=True)
class Access:
    """``token``: what ``Authorization: Bearer`` must carry, if set. ``hosts``: names beside loopback's."""

    token: str | None = None
    hosts: frozenset[str] = field(default_factory=frozenset)

    def refusal(self, request: Request) -> Response | None:
        """The answer to a request that may not use the control API; None if it may."""
        objection = self.objection(request)
        if objection is None:
            return None
        response = failure(*objection)
        if objection.status_code == 401:
            response.headers["www-authenticate"] = 'Bearer realm="mock-intake control API"'
        return response

    def objection(self, request: Request) -> Objection | None:
        """What there is against a request; None if nothing is."""
        host = host_name(request.headers.get("host", ""))
        if not self._is_ours(host):
            return Objection(
                403,
                f"The control API is not open to the host name {host!r}: a page of another site could be behind it. "
                f"Start with --allow-host {host or 'NAME'} if it is yours.",
            )
        if request.method not in _READING and (page := self._foreign_page(request)) is not None:
            return Objection(
                403,
                f"The control API takes no writes from pages of another site ({page[:60]!r}). "
                f"Start with --allow-host NAME if it is yours.",
            )
        if self.token is not None and not self._is_logged_in(request):
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self.admits(given.strip()):
                wrong = "this is another one" if given else "there is none"
                needed = f"The control API needs its token (Authorization: Bearer <control token>), and {wrong}."
                return Objection(401, needed)
        return None

    def admits(self, token: str) -> bool:
        """Whether this is the control token; any is, where none is needed."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())

    @property
    def cookie(self) -> Cookie | None:
        """The cookie of those who have logged in, where that is needed.

        It is made from the token and does not tell it. Cookies are not kept apart by port, so its name is the
        token's own: two servers of one machine can be looked at side by side.
        """
        if self.token is None:
            return None
        name, value = (hmac.digest(self.token.encode(), use, "sha256").hex() for use in (b"cookie name", b"cookie"))
        return Cookie(f"mock-intake-{name[:12]}", value)

    def _is_logged_in(self, request: Request) -> bool:
        """Whether the request has the cookie; a write must say beside it which page it comes from."""
        cookie = self.cookie
        if cookie is None or (request.method not in _READING and "origin" not in request.headers):
            return False
        return hmac.compare_digest(request.cookies.get(cookie.name, "").encode(), cookie.value.encode())

    def _foreign_page(self, request: Request) -> str | None:
        """What a browser says of the page that asks, if it is neither one of this server nor of an allowed name.

        A page of another origin can have a browser send a write here, though it would not see the answer. Another
        port of this machine is another origin too.
        """
        origins = request.headers.getlist("origin")
        for origin in origins:
            match = _ORIGIN.fullmatch(origin)
            if match is None or not (
                _place(match[1]) == _place(request.headers.get("host", "")) or host_name(match[1]) in self.hosts
            ):
                return origin
        site = request.headers.get("sec-fetch-site", "none")
        return None if origins or site.strip().lower() in _OWN_REQUESTS else site

    def _is_ours(self, name: str) -> bool:
        return name in LOOPBACK_NAMES or name in self.hosts


def _place(host: str) -> str:
    """Name and port as they can be compared; whether there is TLS in front of this server is not known here."""
    return re.sub(r":(80|443)$", "", host.strip().lower())


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Whether binding to this address is visible on this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
