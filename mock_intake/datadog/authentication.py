"""Who sends: reads the API key of a request as Datadog documents it, and says what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mock_intake.datadog import requests as rules
from mock_intake.exchange import ANONYMOUS, UNATTRIBUTED, Headers, header
from mock_intake.findings import Finding
from mock_intake.masking import Credential, as_meant, carried, credentials, known_scheme, mask, org_of

_HEX = re.compile(r"[0-9A-Fa-f]*")
# The place that is right, and what browsers and proxies add by themselves: no key in the wrong place.
_NOT_ELSEWHERE = ("header:authorization", "header:proxy-authorization", "header:cookie")
KEY_LENGTH = 32
APPLICATION_KEY_LENGTH = 40


@dataclass(frozen=True)
class Keys:
    """Which API keys the intake knows.

    ``known`` names them; where it is None, every well-formed key is known. ``anonymous`` also takes
    requests without any key.
    """

    known: frozenset[str] | None = None
    anonymous: bool = False

    def accepts(self, key: str) -> bool:
        return is_well_formed(key) if self.known is None else key in self.known


class Authentication(NamedTuple):
    """What came of a request's credentials.

    ``refusal`` is the status code (401 or 403) of a request that is refused, with the ``detail`` that
    Datadog's other intakes give.
    """

    org: str
    findings: tuple[Finding, ...]
    refusal: int | None = None
    detail: str = ""


def is_well_formed(key: str) -> bool:
    return len(key) == KEY_LENGTH and _HEX.fullmatch(key) is not None


def authenticate(headers: Headers, query: str, keys: Keys) -> Authentication:
    """Reads the key from ``Authorization: Bearer``; anything else is refused with a word on where it belongs.

    A request is refused all the same whose key stands elsewhere, but whose it was is clear then: it has its org.
    """
    return _authenticated(carried(headers), query, keys)


@lru_cache(maxsize=256)
def _authenticated(headers: Headers, query: str, keys: Keys) -> Authentication:
    value = header(headers, "authorization")
    scheme, _, key = (value or "").strip().partition(" ")
    key = as_meant(key.strip())
    if scheme.lower() == "bearer" and key:
        return _with_key(key, query, keys)
    elsewhere = [found for found in credentials(headers, query) if found.place not in _NOT_ELSEWHERE]
    org = org_of(elsewhere[0].text) if elsewhere and keys.accepts(elsewhere[0].text) else UNATTRIBUTED
    if value is not None and value.strip():
        refusal = rules.NOT_BEARER.found(
            "header:Authorization",
            _not_bearer_message(scheme, key),
            expected="Authorization: Bearer <32 hexadecimal digits>",
            actual=f"Authorization: {_shown(scheme, key)}",
        )
        return Authentication(org, (refusal,), 401, "API key is missing")
    if elsewhere:
        return Authentication(org, (_elsewhere(elsewhere[0]),), 401, "API key is missing")
    if keys.anonymous:
        return Authentication(ANONYMOUS, ())
    refusal = rules.KEY_MISSING.found(
        "header:Authorization",
        "the request has no API key",
        expected="Authorization: Bearer <32 hexadecimal digits>",
        actual="no Authorization header" if value is None else "an empty Authorization header",
    )
    return Authentication(UNATTRIBUTED, (refusal,), 401, "API key is missing")


def _with_key(key: str, query: str, keys: Keys) -> Authentication:
    findings = []
    if not is_well_formed(key):
        findings.append(_malformed(key))
    if not keys.accepts(key):
        unknown = rules.KEY_UNKNOWN.found(
            "header:Authorization",
            f"the API key {mask(key)} is not known here",
            expected="32 hexadecimal digits" if keys.known is None else "one of the keys that the intake was given",
            actual=mask(key),
        )
        return Authentication(UNATTRIBUTED, (unknown, *findings), 403, "API key is invalid")
    findings += [
        rules.KEY_IN_URL.found(
            credential.place,
            "the URL carries a key too",
            expected="no key in the URL",
            actual=f"{credential.place.partition(':')[2]}={mask(credential.text)}",
        )
        for credential in credentials((), query)
    ]
    return Authentication(org_of(key), tuple(findings))


def _elsewhere(credential: Credential) -> Finding:
    where, _, name = credential.place.partition(":")
    place = f"the header {name}" if where == "header" else f"the query parameter {name}"
    return rules.KEY_ELSEWHERE.found(
        credential.place,
        f"the API key stands in {place}, and this intake reads it from Authorization only",
        expected="Authorization: Bearer <32 hexadecimal digits>",
        actual=f"{name}: {mask(credential.text)}",
    )


def _malformed(key: str) -> Finding:
    advice = None
    if len(key) == APPLICATION_KEY_LENGTH and _HEX.fullmatch(key):
        message = "the key has 40 hexadecimal digits, so it is an application key; the intake wants an API key"
        advice = "Use an API key (32 digits). Application keys belong to users and are for Datadog's public API."
    elif len(key) != KEY_LENGTH and _HEX.fullmatch(key):
        message = f"the key has {len(key)} digits, an API key has {KEY_LENGTH}"
    elif key.strip("\"'<>${}") != key:
        message = "the key has quotes or brackets around it, or is a placeholder that was never filled in"
    else:
        message = "the key is not made of hexadecimal digits alone"
    return rules.KEY_MALFORMED.found(
        "header:Authorization",
        message,
        expected="32 hexadecimal digits",
        actual=f"{len(key)} characters",
        advice=advice,
    )


def _not_bearer_message(scheme: str, key: str) -> str:
    if not key:
        if scheme.lower() == "bearer":
            return "the Authorization header says Bearer, and no key follows"
        return "the Authorization header has a key and no scheme"
    return f"the Authorization header has the scheme {known_scheme(scheme)}"


def _shown(scheme: str, key: str) -> str:
    if not key:
        return "Bearer" if scheme.lower() == "bearer" else mask(scheme)
    return f"{known_scheme(scheme)} ****"
