"""Keeps API keys out of everything that is stored, logged or shown.

A request's credentials are found wherever producers are known to put them, rightly or not; each is
replaced by a mask, there and wherever else in the request its text stands. What is left of a key is its
last four characters, as Datadog shows keys, and the org: a digest that cannot be turned back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from mock_intake.exchange import Headers

# Headers that carry credentials, with the value's scheme before them or not.
CREDENTIAL_HEADERS = frozenset(
    (
        "authorization",
        "proxy-authorization",
        "dd-api-key",
        "dd-application-key",
        "dd_api_key",
        "x-api-key",
        "x-dd-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "x-datadog-api-key",
        "cookie",
    )
)
CREDENTIAL_PARAMETERS = frozenset(
    ("api_key", "api-key", "apikey", "dd-api-key", "dd_api_key", "key", "token", "access_token", "application_key")
)
_SCHEMED = ("authorization", "proxy-authorization")
# Shorter ones are masked where they stand as credentials only: replaced everywhere they would eat the text.
_MIN_LENGTH_ELSEWHERE = 8
_HEX_KEY = re.compile(r"(?<![0-9A-Fa-f-])(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})(?![0-9A-Fa-f-])")


class Credential(NamedTuple):
    """A key found in a request: its text, and where it stood (``header:name`` or ``query:name``)."""

    text: str
    place: str


def org_of(key: str) -> str:
    """The org that a key belongs to: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def mask(key: str) -> str:
    """What is shown in place of a key."""
    return "****" + (key[-4:] if len(key) >= 16 else "")


def credentials(headers: Headers, query: str) -> list[Credential]:
    """All credentials in a request's headers and query, in order."""
    found = []
    for name, value in headers:
        name = name.lower()
        if name in CREDENTIAL_HEADERS:
            _, space, rest = value.strip().partition(" ")
            text = rest.strip() if space and name in _SCHEMED else value.strip()
            if text:
                found.append(Credential(text, f"header:{name}"))
    if query:
        for name, value in parse_qsl(query):
            if name.lower() in CREDENTIAL_PARAMETERS and value:
                found.append(Credential(value, f"query:{name}"))
    return found


def known_scheme(scheme: str) -> str:
    """An authentication scheme if it reads like one: what stands there may be anything, a key too."""
    return scheme if scheme.isalpha() and len(scheme) <= 12 else "****"


class Masker:
    """Replaces the given keys in texts, whatever form they have there (plain or percent-encoded)."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys: list[tuple[str, str]] = []
        for key in sorted(set(keys), key=len, reverse=True):
            if len(key) >= _MIN_LENGTH_ELSEWHERE:
                self._keys.append((key, mask(key)))
                if (quoted := quote(key, safe="")) != key:
                    self._keys.append((quoted, mask(key)))

    def text(self, text: str) -> str:
        for key, replacement in self._keys:
            if key in text:
                text = text.replace(key, replacement)
        return text

    def found_in(self, body: bytes) -> bool:
        return any(key.encode("utf-8", "surrogateescape") in body for key, _ in self._keys)

    def body(self, body: bytes) -> bytes:
        for key, replacement in self._keys:
            body = body.replace(key.encode("utf-8", "surrogateescape"), replacement.encode())
        return body

    def headers(self, headers: Headers) -> Headers:
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        name = name.lower()
        if name not in CREDENTIAL_HEADERS:
            return self.text(value)
        if name == "cookie":
            return mask("")
        if name not in _SCHEMED:
            return mask(value.strip())
        scheme, space, rest = value.strip().partition(" ")
        if not space or not rest:
            # One word: a scheme without a key, or a key without a scheme.
            return value if value.strip().lower() in ("bearer", "basic") else mask(value.strip())
        # The end of what other schemes carry is the end of a password.
        return f"{scheme} {mask(rest.strip())}" if scheme.lower() == "bearer" else f"{known_scheme(scheme)} ****"

    def query(self, query: str) -> str:
        """The query with credentials masked; parameters that hold none stay as they were sent."""
        if not query:
            return query
        parts = []
        for part in query.split("&"):
            name, equals, value = part.partition("=")
            if equals and value and unquote(name).lower() in CREDENTIAL_PARAMETERS:
                part = f"{name}={mask(unquote(value))}"
            parts.append(self.text(part))
        return "&".join(parts)

    def path(self, path: str) -> str:
        """The path with the request's keys masked, and with anything else in it that has the form of a key."""
        return _HEX_KEY.sub(lambda match: mask(match.group()), self.text(path))
