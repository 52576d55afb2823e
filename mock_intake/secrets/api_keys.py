"""Keeps API keys out of everything that is stored, logged or shown.

A request's credentials are found wherever producers are known to put them, rightly or not; each is
replaced by a mask, there and wherever else in the request its text stands. What is left of a key is its
last four characters, as Datadog shows keys, and the org: a digest that cannot be turned back.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_plus

from mock_intake.model.exchange import Headers
from mock_intake.secrets.content import redact
from mock_intake.secrets.key_search import ALL, KNOWN_BY, KeySearch
from mock_intake.system.patterns import pattern_of

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
# What a request calls its key, though it does not look like one, is masked in its place only: ?key=producer.
_MIN_LENGTH_OF_A_KEY = 16
# What is remembered, as a producer sends the same with every request: not what is longer, which would fill the memory.
_MOST_HEADERS = 256
_LONGEST_HEADER = 1024
_LONGEST_NAME = 64
_LONGEST_CREDENTIALS = 2048
# By such a word in its name a header, a parameter or a line that is no HTTP is known to hold a secret.
SECRET_WORDS = "|".join(
    (
        *("authori[sz]ation", "api[-_]?key", "app(?:lication)?[-_]?key"),
        *("token", "secret", "passw(?:or)?d", "cookie", "credential"),
    )
)
_SECRET_NAME = re.compile(f"(?i){SECRET_WORDS}")
_WORD = re.compile(r"[^\s,;:=\"'<>()]{16,}={0,2}")
_SHORTEST_HEX = 32
_HEX_KEY = pattern_of(r"(?<![0-9A-Fa-f-])(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})(?![0-9A-Fa-f-])")


class Credential(NamedTuple):
    """A key found in a request: its text, and where it stood (``header:name`` or ``query:name``)."""

    text: str
    place: str


def org_of(key: str) -> str:
    """The org that ``key`` belongs to: the first 12 hex digits of its SHA-256."""
    return _remembered_org(key) if len(key) <= _LONGEST_HEADER else _org_of(key)


def _org_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


_remembered_org = lru_cache(maxsize=1024)(_org_of)


def mask(key: str) -> str:
    """What is shown in place of ``key``: stars, and of a long one the last four characters."""
    return "****" + (key[-4:] if len(key) >= 16 else "")


def credentials(headers: Headers, query: str) -> list[Credential]:
    """All credentials in the ``headers`` and the ``query`` of a request, in order."""
    found = []
    for name, value in headers:
        name = name.lower()
        if name in CREDENTIAL_HEADERS:
            _, space, rest = value.strip().partition(" ")
            text = rest.strip() if space and name in _SCHEMED else value.strip()
            if text:
                found.append(Credential(as_meant(text), f"header:{name}"))
    if query:
        for name, value in parse_qsl(query.replace(";", "&")):
            if name.lower() in CREDENTIAL_PARAMETERS and value:
                found.append(Credential(value, f"query:{name}"))
    return found


def as_meant(text: str) -> str:
    """A header's text, which is read as Latin-1, as its sender meant it: UTF-8 if it can be that."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def known_scheme(scheme: str) -> str:
    """``scheme``, if it reads like one of authentication: what stands there may be anything, a key too."""
    return scheme if scheme.isalpha() and len(scheme) <= 12 else "****"


def _keys_in(text: str) -> set[str]:
    """What may be a key in a credential's text: all of it, and every long word, also one that is base64."""
    found = {text} if len(text) >= _MIN_LENGTH_OF_A_KEY else set()
    for word in _WORD.findall(text):
        found.update((word, word.rstrip("=")))
        try:
            plain = base64.b64decode(word, validate=True).decode("utf-8")
        except ValueError:  # no base64, or no text in it
            continue
        # "user:password" of Basic; whatever else can be read as base64 is no text.
        if plain.isprintable():
            found.update(part for part in (plain, *plain.split(":", 1)) if len(part) >= _MIN_LENGTH_OF_A_KEY)
    return found


def keys_in(headers: Headers, query: str) -> frozenset[str]:
    """All that may be a key in the credentials of ``headers`` and ``query``."""
    return frozenset[str]().union(*(_keys_in(credential.text) for credential in credentials(headers, query)))


def masker_of(headers: Headers, query: str, known: frozenset[str] = frozenset()) -> Masker:
    """A masker of all that may be a key in ``headers`` and ``query``, and of the keys that are ``known`` anyway."""
    headers = carried(headers)
    make = _remembered_masker if are_usual(headers, query) else _masker
    return make(headers, query, known)


def carried(headers: Headers) -> Headers:
    """The headers that carry credentials. A producer sends the same with every request."""
    return tuple([pair for pair in headers if pair[0].lower() in CREDENTIAL_HEADERS])


def are_usual(carried_headers: Headers, query: str) -> bool:
    """Whether what may hold credentials is no longer than a producer's, so that what was made of it can be kept."""
    length = len(query)
    for name, value in carried_headers:
        length += len(name) + len(value)
    return length <= _LONGEST_CREDENTIALS


def _masker(headers: Headers, query: str, known: frozenset[str]) -> Masker:
    return Masker(known | keys_in(headers, query))


_remembered_masker = lru_cache(maxsize=256)(_masker)


class Variables(dict[str, str]):
    """Environment variables by name, as a ``dict``. Its ``repr``, which tests show where they fail, has no key."""

    def __init__(self, variables: Mapping[str, str], key: str) -> None:
        super().__init__(variables)
        self._masker = Masker((key,))

    def __repr__(self) -> str:
        return repr({name: self._masker.text(value) for name, value in self.items()})


class Masker:
    """Replaces the given keys in texts, however they are spelled there (``mock_intake.secrets.key_search``)."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Where a key is part of another, or they overlap, the mask of the longer one takes the place of both.
        usable = sorted({key for key in keys if len(key) >= _MIN_LENGTH_ELSEWHERE}, key=lambda key: (-len(key), key))
        self._search = KeySearch(usable) if usable else None
        self._masks = [_safe_mask(key).encode() for key in usable]
        # No shorter text has a key in it, or as much of one as is searched for.
        self._shortest = min(len(usable[-1]), KNOWN_BY) if usable else 0
        # A producer sends the same headers with every request.
        self._headers: dict[tuple[str, str], tuple[str, str]] = {}

    def text(self, text: str) -> str:
        return self.body(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def found_in(self, body: bytes) -> bool:
        return self._search is not None and self._search.any_in(body)

    def body(self, body: bytes) -> bytes:
        if self._search is None or len(body) < self._shortest:
            return body
        found = self._search.found_in(body)
        if not found:
            return body
        parts: list[bytes] = []
        done = 0
        for start, end, key in found:
            parts += (body[done:start], b"****" if key == ALL else self._masks[key])
            done = end
        return b"".join((*parts, body[done:]))

    def cut_body(self, body: bytes) -> bytes:
        """A body that was cut off somewhere: also a key of which only the beginning is left is masked."""
        body = self.body(body)
        place = None if self._search is None else self._search.begun_at_end_of(body)
        return body if place is None else body[:place] + b"****"

    def begun_at_end_of(self, body: bytes) -> bool:
        return self._search is not None and self._search.begun_at_end_of(body) is not None

    def headers(self, headers: Headers) -> Headers:
        return tuple(map(self._masked_header, headers))

    def _masked_header(self, header: tuple[str, str]) -> tuple[str, str]:
        masked = self._headers.get(header)
        if masked is None:
            name, value = header
            masked = (self._latin(name), self._header(name, value))
            if len(self._headers) < _MOST_HEADERS and len(name) + len(value) <= _LONGEST_HEADER:
                self._headers[header] = masked
        return masked

    def _header(self, name: str, value: str) -> str:
        name = name.lower()
        if not is_secret(name):
            return self._latin(value)
        if name == "cookie" or not value.strip():
            return value and mask("")
        if name not in _SCHEMED:
            return mask(value.strip())
        scheme, space, rest = value.strip().partition(" ")
        if not space or not rest:
            # One word: a scheme without a key, or a key without a scheme.
            return value if value.strip().lower() in ("bearer", "basic") else mask(value.strip())
        # The end of what other schemes carry is the end of a password.
        return f"{scheme} {mask(rest.strip())}" if scheme.lower() == "bearer" else f"{known_scheme(scheme)} ****"

    def _latin(self, text: str) -> str:
        """A text read as Latin-1 with the keys masked, and with anything else in it that has the form of a key."""
        if self._search is not None and len(text) >= self._shortest:
            text = self.body(text.encode("latin-1", "replace")).decode("latin-1")
        return _HEX_KEY.sub(lambda match: mask(match.group()), text) if len(text) >= _SHORTEST_HEX else text

    def query(self, query: str) -> str:
        """The query with credentials masked; parameters that hold none stay as they were sent."""
        if not query:
            return query
        return self._latin("".join(_parameter(part) for part in re.split("([&;])", query)))

    def path(self, path: str) -> str:
        """The path with the request's keys masked, and with anything else in it that has the form of a key."""
        if len(path) < self._shortest and len(path) < _SHORTEST_HEX:
            return path
        return _HEX_KEY.sub(lambda match: mask(match.group()), self.text(path))


def is_secret(name: str) -> bool:
    """Whether a header of this ``name`` (in lower case) is known to hold a secret."""
    return _is_secret(name) if len(name) <= _LONGEST_NAME else _SECRET_NAME.search(name) is not None


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return name in CREDENTIAL_HEADERS or _SECRET_NAME.search(name) is not None


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    plain = unquote_plus(value)
    if value and (unquote(name).lower() in CREDENTIAL_PARAMETERS or _SECRET_NAME.search(unquote(name))):
        return f"{name}={_safe_mask(plain)}"
    if "%" in part and _HEX_KEY.search(unquote_plus(part)):
        return f"{name}={_safe_mask(plain)}" if equals and not _HEX_KEY.search(unquote(name)) else "****"
    # Written so, a secret of another kind would be seen by nobody who shows the query, but by whoever reads that.
    if "%" in part and redact(whole := unquote_plus(part)) != whole:
        return f"{name}=****" if equals and redact(unquote(name)) == unquote(name) else "****"
    return part


def _safe_mask(key: str) -> str:
    """A key's mask that can stand in a URL, in JSON and in a header."""
    return mask(key) if re.fullmatch(r"[\w.~=-]{4}", key[-4:], re.ASCII) else "****"
