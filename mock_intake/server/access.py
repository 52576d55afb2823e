"""Who may use the control API and the pages: the Host check against rebound names, the Origin of writes, the token."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import math
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from mock_intake.server.responses import failure
from mock_intake.system.clock import monotonic
from mock_intake.system.patterns import pattern_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# Between two wrong tokens, in seconds; and how long one waits for its turn at most.
_PER_GUESS = 0.5
_LONGEST_WAIT = 10.0
LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_READING = ("GET", "HEAD", "OPTIONS")
# As browsers write an origin (RFC 6454); "null" and anything odd is nobody's.
_ORIGIN = pattern_of(r"https?://((\[[0-9a-f:.]+\]|[^\s:/@\[\]]+)(:\d+)?)", re.IGNORECASE)
_HOST = pattern_of(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s:/?#@\[\]\\]+))(?::[0-9]{0,5})?")
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


class Guesses:
    """Slows down whoever guesses: of all wrong tokens that a server is shown one is answered every half second.

    Who shows the right one never waits.
    """

    def __init__(self) -> None:
        self._next = 0.0

    async def wait(self) -> bool:
        """Returns when it is this guess's turn; false, at once, where too many wait already."""
        now = monotonic()
        turn = max(now, self._next) + _PER_GUESS
        if turn - now > _LONGEST_WAIT:
            return False
        self._next = turn
        await asyncio.sleep(turn - now)
        return True


class Access(Struct, frozen=True, dict=True):
    """Who may use the control API and the pages.

    ``token`` is what ``Authorization: Bearer`` must carry; None asks for none. ``hosts`` are the names by which they
    may be used beside those of loopback: a page elsewhere that leads a browser here by a name of its own gets nothing.
    """

    token: str | None = None
    hosts: frozenset[str] = frozenset()

    @cached_property
    def _guesses(self) -> Guesses:
        return Guesses()

    async def admit_guess(self) -> bool:
        """Returns when a wrong token may be answered; false, at once, where too many wait already."""
        return await self._guesses.wait()

    async def answer_to(self, request: Request) -> Response | None:
        """As ``refusal`` of ``request``; the answer to a wrong token is late, or tells of too many."""
        refusal = self.refusal(request)
        if refusal is None or refusal.status_code != 401 or "authorization" not in request.headers:
            return refusal
        if await self.admit_guess():
            return refusal
        response = failure(429, "Too many wrong tokens are being tried here. The right one is taken at any time.")
        response.headers["retry-after"] = str(math.ceil(_LONGEST_WAIT))
        return response

    def refusal(self, request: Request) -> Response | None:
        """The answer to a ``request`` that may not use the control API; None if it may."""
        objection = self.objection(request)
        if objection is None:
            return None
        response = failure(*objection)
        if objection.status_code == 401:
            response.headers["www-authenticate"] = 'Bearer realm="mock-intake control API"'
        return response

    def objection(self, request: Request) -> Objection | None:
        """What there is against ``request``, by its Host, its Origin and its token; None if nothing is."""
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
        """Whether ``token`` is the control token; any is, where none is needed. Takes as long for a near one as for
        any.
        """
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
    """The name in ``host``, the value of a Host header, without port and brackets, in lower case."""
    host = host.strip().lower()
    match = _HOST.fullmatch(host)
    # Of what is no host as a whole no part is taken for one.
    return host if match is None else match["address"] or match["name"]


def is_loopback(host: str) -> bool:
    """Whether binding to the address ``host`` is visible on this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
