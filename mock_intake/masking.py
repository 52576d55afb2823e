"""Keeps API keys out of everything that is stored, logged or shown.

A request's credentials are found wherever producers are known to put them, rightly or not; each is
replaced by a mask, there and wherever else in the request its text stands. What is left of a key is its
last four characters, as Datadog shows keys, and the org: a digest that cannot be turned back.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_plus

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
# What a request calls its key, though it does not look like one, is masked in its place only: ?key=producer.
_MIN_LENGTH_OF_A_KEY = 16
_MOST_HEADERS = 256
_LONGEST_KNOWN = 1024
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
_HEX_KEY = re.compile(r"(?<![0-9A-Fa-f-])(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})(?![0-9A-Fa-f-])")


class Credential(NamedTuple):
    """A key found in a request: its text, and where it stood (``header:name`` or ``query:name``)."""

    text: str
    place: str


@lru_cache(maxsize=1024)
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
    """An authentication scheme if it reads like one: what stands there may be anything, a key too."""
    return scheme if scheme.isalpha() and len(scheme) <= 12 else "****"


@lru_cache(maxsize=1024)
def _keys_in(text: str) -> frozenset[str]:
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
    return frozenset(found)


def keys_in(headers: Headers, query: str) -> frozenset[str]:
    """All that may be a key in a request's credentials."""
    return frozenset[str]().union(*(_keys_in(credential.text) for credential in credentials(headers, query)))


def masker_of(headers: Headers, query: str, known: frozenset[str] = frozenset()) -> Masker:
    """A masker of all that may be a key in a request's credentials, and of the keys that are known anyway."""
    return _masker(carried(headers), query, known)


def carried(headers: Headers) -> Headers:
    """The headers that carry credentials. A producer sends the same with every request."""
    return tuple([pair for pair in headers if pair[0].lower() in CREDENTIAL_HEADERS])


@lru_cache(maxsize=256)
def _masker(headers: Headers, query: str, known: frozenset[str]) -> Masker:
    return Masker(known | keys_in(headers, query))


class Masker:
    """Replaces the given keys in texts, however they are spelled there.

    Keys are found as they are (in UTF-8, Latin-1 and UTF-16), and with any of their characters escaped as in JSON
    or percent-encoded.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        usable = {key for key in keys if len(key) >= _MIN_LENGTH_ELSEWHERE}
        self._keys = [_Key(key) for key in sorted(usable, key=len, reverse=True)]
        self._shortest = min(map(len, usable), default=0)
        # A producer sends the same headers with every request.
        self._headers: dict[tuple[str, str], tuple[str, str]] = {}

    def text(self, text: str) -> str:
        return self.body(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def found_in(self, body: bytes) -> bool:
        for key in self._keys:  # noqa: SIM110 - any() takes as long as the look itself
            if key.found_in(body):
                return True
        return False

    def body(self, body: bytes) -> bytes:
        if len(body) >= self._shortest:
            for key in self._keys:
                body = key.masked(body)
        return body

    def cut_body(self, body: bytes) -> bytes:
        """A body that was cut off somewhere: also a key of which only the beginning is left is masked."""
        body = self.body(body)
        for key in self._keys:
            if place := key.begun_at_end_of(body):
                body = body[:place] + b"****"
        return body

    def begun_at_end_of(self, body: bytes) -> bool:
        return any(key.begun_at_end_of(body) for key in self._keys)

    def headers(self, headers: Headers) -> Headers:
        return tuple(map(self._masked_header, headers))

    def _masked_header(self, header: tuple[str, str]) -> tuple[str, str]:
        masked = self._headers.get(header)
        if masked is None:
            name, value = header
            masked = (self._latin(name), self._header(name, value))
            if len(self._headers) < _MOST_HEADERS and len(value) <= _LONGEST_KNOWN:
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
        if self._keys and len(text) >= self._shortest:
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


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    return name in CREDENTIAL_HEADERS or _SECRET_NAME.search(name) is not None


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    plain = unquote_plus(value)
    if value and (unquote(name).lower() in CREDENTIAL_PARAMETERS or _SECRET_NAME.search(unquote(name))):
        return f"{name}={_safe_mask(plain)}"
    if "%" in part and _HEX_KEY.search(unquote_plus(part)):
        return f"{name}={_safe_mask(plain)}" if equals and not _HEX_KEY.search(unquote(name)) else "****"
    return part


def _safe_mask(key: str) -> str:
    """A key's mask that can stand in a URL, in JSON and in a header."""
    return mask(key) if re.fullmatch(r"[\w.~=-]{4}", key[-4:], re.ASCII) else "****"


class _Key:
    """One key, and the ways it is spelled. Looking for it costs next to nothing where none of them is likely."""

    def __init__(self, key: str) -> None:
        self._plain = [key.encode("utf-8", "surrogateescape")]
        if not key.isascii() and all(ord(character) < 256 for character in key):
            self._plain.append(key.encode("latin-1"))
        # Looked for only where there is a NUL.
        self._wide = [key.encode(encoding, "surrogatepass") for encoding in ("utf-16-le", "utf-16-be")]
        self._mask = _safe_mask(key).encode()
        self._forms = tuple(map(_forms, key))
        self._has_space = " " in key
        self._is_hex = re.fullmatch("[0-9A-Fa-f]+", key) is not None

    def found_in(self, body: bytes) -> bool:
        for plain in self._plain:
            if plain in body:
                return True
        if b"\0" in body and any(wide in body for wide in self._wide):
            return True
        return self._may_be_escaped_in(body) and _pattern(self._forms).search(body) is not None

    def masked(self, body: bytes) -> bytes:
        for plain in self._plain:
            body = body.replace(plain, self._mask)
        if b"\0" in body:
            for wide in self._wide:
                body = body.replace(wide, b"****")
        if self._may_be_escaped_in(body):
            body = _pattern(self._forms).sub(lambda _: self._mask, body)
        return body

    def begun_at_end_of(self, body: bytes) -> int:
        """Where the beginning of the key stands at a body's end; 0 if it does not."""
        tail = body[-6 * len(self._forms) :]
        for length in range(len(self._forms) - 1, _MIN_LENGTH_ELSEWHERE - 1, -1):
            for plain in self._plain:
                if tail.endswith(plain[:length]):
                    return len(body) - length
        if self._may_be_escaped_in(tail):
            for length in range(len(self._forms) - 1, _MIN_LENGTH_ELSEWHERE - 1, -1):
                found = re.search(b"".join(self._forms[:length]) + rb"(?:\\[\w]{0,5}|%\w?)?\Z", tail)
                if found is not None:
                    return len(body) - len(tail) + found.start()
        return 0

    def _may_be_escaped_in(self, body: bytes) -> bool:
        if self._is_hex:
            # Digits and letters are written as escapes by nobody, so this is nearly always false. A single byte is
            # looked for much faster than several.
            return (b"\\" in body and b"\\u00" in body and _ESCAPED_DIGIT.search(body) is not None) or (
                b"%" in body and _ENCODED_DIGIT.search(body) is not None
            )
        return b"\\" in body or b"%" in body or (self._has_space and b"+" in body)


_ESCAPED_DIGIT = re.compile(rb"\\u00(?:3[0-9]|[46][1-6])")
_ENCODED_DIGIT = re.compile(rb"%(?:3[0-9]|[46][1-6])")


@lru_cache(maxsize=256)
def _pattern(forms: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"".join(forms))


@lru_cache(maxsize=1024)
def _forms(character: str) -> bytes:
    """A pattern of all that can stand for a character of a key."""
    plain = character.encode("utf-8", "surrogateescape")
    wide = character.encode("utf-16-be", "surrogatepass")
    numbered = b"".join(b"\\\\u(?i:%02x%02x)" % (wide[at], wide[at + 1]) for at in range(0, len(wide), 2))
    forms = [numbered, b"".join(b"%%(?i:%02x)" % byte for byte in plain), re.escape(plain)]
    if character in '"\\/':
        forms.insert(0, rb"\\" + re.escape(plain))
    if character == " ":
        forms.append(rb"\+")
    return b"(?:" + b"|".join(forms) + b")"
