"""Who sends: reads the API key of a request as Datadog documents it, and says what is wrong with it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mock_intake.datadog.keys import APPLICATION_KEY_LENGTH, KEY_LENGTH, Keys, is_well_formed
from mock_intake.datadog.rules import REQUESTS
from mock_intake.datadog.rules import authentication as rules
from mock_intake.model.exchange import ANONYMOUS, UNATTRIBUTED, Headers, header
from mock_intake.model.findings import Finding
from mock_intake.secrets.api_keys import are_usual, as_meant, carried, credentials, org_of

__all__ = [
    "APPLICATION_KEY_LENGTH",
    "KEY_LENGTH",
    "Authentication",
    "Keys",
    "authenticate",
    "is_well_formed",
]

# The place that is right, and what browsers and proxies add by themselves: no key in the wrong place.
_NOT_ELSEWHERE = ("header:authorization", "header:proxy-authorization", "header:cookie")


class Authentication(NamedTuple):
    """What came of a request's credentials.

    ``refusal`` is the status code (401 or 403) of a request that is refused, with the ``detail`` that
    Datadog's other intakes give.
    """

    org: str
    findings: tuple[Finding, ...]
    refusal: int | None = None
    detail: str = ""


def authenticate(headers: Headers, query: str, keys: Keys) -> Authentication:
    """Reads the key from ``Authorization: Bearer`` in ``headers``; anything else is refused with a word on where it
    belongs.

    A request is refused all the same whose key stands elsewhere, as in ``query``, but whose it was is clear then: it
    has its org. ``keys`` are those that are taken.
    """
    headers = carried(headers)
    read = _remembered if are_usual(headers, query) else _presented
    presented = read(headers, query)
    key = presented.key
    if key is not None:
        if keys.accepts(key):
            return Authentication(org_of(key), (*presented.malformed, *presented.findings))
        unknown = REQUESTS.judge(rules.UNKNOWN, rules.UnknownKey(key, keys.known is None))
        return Authentication(UNATTRIBUTED, (*unknown, *presented.malformed), 403, "API key is invalid")
    if presented.nothing and keys.anonymous:
        return Authentication(ANONYMOUS, ())
    elsewhere = presented.elsewhere
    org = org_of(elsewhere) if elsewhere is not None and keys.accepts(elsewhere) else UNATTRIBUTED
    return Authentication(org, presented.findings, 401, "API key is missing")


class _Presented(NamedTuple):
    """What a request shows of who sends it, as it can be told without knowing any key.

    ``key`` is the one after Bearer, ``malformed`` what is wrong with its form or header, ``elsewhere`` one in a wrong
    place; ``findings`` are about where keys stand. ``nothing``: neither a key nor anything in the place of one.
    """

    key: str | None
    findings: tuple[Finding, ...]
    malformed: tuple[Finding, ...] = ()
    elsewhere: str | None = None
    nothing: bool = False


def _presented(headers: Headers, query: str) -> _Presented:
    sent_values = {value for name, value in headers if name.lower() == "authorization"}
    several = tuple(REQUESTS.judge(rules.SEVERAL, len(sent_values))) if len(sent_values) > 1 else ()
    value = header(headers, "authorization")
    scheme, _, key = (value or "").strip().partition(" ")
    key = as_meant(key.strip())
    if scheme.lower() == "bearer" and key:
        in_url = [
            finding for credential in credentials((), query) for finding in REQUESTS.judge(rules.IN_URL, credential)
        ]
        return _Presented(key, tuple(in_url), (*REQUESTS.judge(rules.BEARER_KEY, key), *several))
    elsewhere = [found for found in credentials(headers, query) if found.place not in _NOT_ELSEWHERE]
    first = elsewhere[0].text if elsewhere else None
    sent = rules.Authorization(value, scheme, key)
    if value is not None and value.strip():
        return _Presented(None, (*REQUESTS.judge(rules.NOT_BEARER, sent), *several), elsewhere=first)
    if elsewhere:
        return _Presented(None, tuple(REQUESTS.judge(rules.ELSEWHERE, elsewhere[0])), elsewhere=first)
    return _Presented(None, tuple(REQUESTS.judge(rules.NO_KEY, sent)), nothing=True)


# A producer presents the same with every request. Which keys are known is asked each time, as more may be issued.
_remembered = lru_cache(maxsize=256)(_presented)
