"""Who sends: which key a request has, in which form and where (HT001 to HT008)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mock_intake.datadog.keys import APPLICATION_KEY_LENGTH, HEX, KEY_LENGTH, is_well_formed
from mock_intake.datadog.sources import API_KEYS, ASSUMPTIONS, CUSTOM_JOBS
from mock_intake.rules import ABSENT, Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import Stage
from mock_intake.rules.examples import KEY, OTHER_KEY
from mock_intake.secrets.api_keys import Credential, known_scheme, mask
from mock_intake.system.patterns import pattern_of

# What languages make of nothing when they write it as text.
_NOTHING = frozenset(("none", "null", "undefined", "nil", "nan", "false", "true"))
_SCHEMES = frozenset(("bearer", "token", "basic", "apikey"))
_UNFILLED = pattern_of(
    r"\$\{?\w{1,100}\}?|\$?\{\{[^{}]{1,100}\}\}|<[^<>]{1,100}>|%\w{1,100}%|(?:your|my)[-_ ]?(?:dd[-_ ]?)?api[-_ ]?key"
    r"|changeme|dd_api_key|api[-_]key|xxx+",
    re.IGNORECASE,
)
_HEADER = "Authorization: Bearer <DD_API_KEY>"
_EXPECTED = "Authorization: Bearer <32 hexadecimal digits>"
_AUTHORIZATION = "header:Authorization"
_SHORT_KEY = KEY[:-1]


class Authorization(NamedTuple):
    """The Authorization header of a request, None where there is none, and the two parts of what it says."""

    value: str | None
    scheme: str
    key: str


class UnknownKey(NamedTuple):
    """A key that an intake does not know; ``any_is_known``: it would know every key that is one."""

    key: str
    any_is_known: bool


NO_KEY: Stage[Authorization] = Stage("a request without any key", "request")
NOT_BEARER: Stage[Authorization] = Stage("an Authorization header that is not read", "request")
ELSEWHERE: Stage[Credential] = Stage("a request whose key stands in another place", "request")
UNKNOWN: Stage[UnknownKey] = Stage("a key that is not known", "request")
BEARER_KEY: Stage[str] = Stage("a key in the right place", "request")
IN_URL: Stage[Credential] = Stage("a key in the URL beside the one in the header", "request")
SEVERAL: Stage[int] = Stage("a request with several Authorization headers that differ", "request")
IN_BODY: Stage[None] = Stage("a body that had the key in it", "request")


@rule(
    "HT001",
    "key-missing",
    severity=Severity.ERROR,
    requirement=f"Every request carries {_HEADER}.",
    because="Without it the intake does not know whose event it is.",
    advice=f"Send the header {_HEADER}. The Python client takes the key from OPENLINEAGE_API_KEY, its Datadog "
    "transport from DD_API_KEY.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=NO_KEY,
    trigger={_AUTHORIZATION: ABSENT},
    neighbour={_AUTHORIZATION: f"Bearer {KEY}"},
)
def key_missing(rule: Rule, header: Authorization) -> Iterator[Finding]:
    yield rule.found(
        _AUTHORIZATION,
        "the request has no API key",
        expected=_EXPECTED,
        actual="no Authorization header" if header.value is None else "an empty Authorization header",
    )


@rule(
    "HT002",
    "not-bearer",
    severity=Severity.ERROR,
    requirement="The Authorization header has the scheme Bearer.",
    because="Another scheme is not read.",
    advice=f"Send {_HEADER}. Basic comes from a ~/.netrc entry or from a user name in the URL, which replace the "
    "client's own header.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=NOT_BEARER,
    trigger={_AUTHORIZATION: f"Basic {KEY}"},
    neighbour={_AUTHORIZATION: f"Bearer {KEY}"},
)
def not_bearer(rule: Rule, header: Authorization) -> Iterator[Finding]:
    _, scheme, key = header
    is_bearer = scheme.lower() == "bearer"
    if key:
        message, shown = f"has the scheme {known_scheme(scheme)}", f"{known_scheme(scheme)} ****"
    elif is_bearer:
        message, shown = "says Bearer, and no key follows", "Bearer"
    else:
        message, shown = "has a key and no scheme", mask(scheme)
    yield rule.found(
        _AUTHORIZATION,
        f"the Authorization header {message}",
        expected=_EXPECTED,
        actual=f"Authorization: {shown}",
    )


@rule(
    "HT003",
    "key-in-wrong-place",
    severity=Severity.ERROR,
    requirement="The API key stands in the Authorization header.",
    because="Other Datadog intakes take it elsewhere (DD-API-KEY, a query parameter), this one is documented with "
    "Bearer only.",
    advice=f"Send {_HEADER}.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=ELSEWHERE,
    trigger={_AUTHORIZATION: ABSENT, "header:DD-API-KEY": KEY},
    neighbour={_AUTHORIZATION: f"Bearer {KEY}"},
)
def key_in_wrong_place(rule: Rule, credential: Credential) -> Iterator[Finding]:
    where, _, name = credential.place.partition(":")
    place = f"the header {name}" if where == "header" else f"the query parameter {name}"
    yield rule.found(
        credential.place,
        f"the API key stands in {place}, and this intake reads it from Authorization only",
        expected=_EXPECTED,
        actual=f"{name}: {mask(credential.text)}",
    )


@rule(
    "HT004",
    "key-unknown",
    severity=Severity.ERROR,
    requirement="The API key is a valid one.",
    because="Other Datadog intakes answer 403 to a wrong key, and the event is not taken.",
    advice="Check which key the producer has, and for which site it was made.",
    source=API_KEYS,
    sureness=Sureness.SOURCE,
    when=UNKNOWN,
    given={"intake:keys": (KEY,)},
    trigger={_AUTHORIZATION: f"Bearer {OTHER_KEY}"},
    neighbour={_AUTHORIZATION: f"Bearer {KEY}"},
)
def key_unknown(rule: Rule, unknown: UnknownKey) -> Iterator[Finding]:
    yield rule.found(
        _AUTHORIZATION,
        f"the API key {mask(unknown.key)} is not known here",
        expected="32 hexadecimal digits" if unknown.any_is_known else "one of the keys that the intake was given",
        actual=mask(unknown.key),
    )


@rule(
    "HT005",
    "key-malformed",
    severity=Severity.WARNING,
    requirement="An API key is 32 hexadecimal digits.",
    because="A key of another form is no API key, and would be refused in production.",
    advice="Copy the key from the API keys page of the organisation, without quotes and blanks.",
    source=API_KEYS,
    sureness=Sureness.DOCUMENTED,
    when=BEARER_KEY,
    given={"intake:keys": (KEY, _SHORT_KEY)},
    trigger={_AUTHORIZATION: f"Bearer {_SHORT_KEY}"},
    neighbour={_AUTHORIZATION: f"Bearer {KEY}"},
)
def key_malformed(rule: Rule, key: str) -> Iterator[Finding]:
    if is_well_formed(key):
        return
    advice = None
    if key.lower() in _NOTHING:
        message = f"the key is the word {key}: a variable that was not set was made into text"
        advice = "Set the variable that the key comes from (DD_API_KEY), and let the producer fail where it is not set."
    elif key.partition(" ")[0].lower() in _SCHEMES or key.lower() == "bearer":
        message = "the word Bearer stands twice, so the key is not read as one"
        advice = "Give the client the key alone: it writes Bearer before it."
    elif _UNFILLED.fullmatch(key):
        message = "the key is a placeholder that was never filled in"
        advice = "Set the variable that the key comes from (DD_API_KEY); a shell fills it in within double quotes only."
    elif len(key) == APPLICATION_KEY_LENGTH and HEX.fullmatch(key):
        message = "the key has 40 hexadecimal digits, so it is an application key; the intake wants an API key"
        advice = "Use an API key (32 digits). Application keys belong to users and are for Datadog's public API."
    elif len(key) != KEY_LENGTH and HEX.fullmatch(key):
        message = f"the key has {len(key)} digits, an API key has {KEY_LENGTH}"
    elif key.strip("\"'<>${}") != key:
        message = "the key has quotes or brackets around it, or is a placeholder that was never filled in"
    else:
        message = "the key is not made of hexadecimal digits alone"
    yield rule.found(
        _AUTHORIZATION, message, expected="32 hexadecimal digits", actual=f"{len(key)} characters", advice=advice
    )


@rule(
    "HT006",
    "key-in-url",
    severity=Severity.WARNING,
    requirement="The API key is not in the URL.",
    because="URLs are logged by every proxy on the way.",
    advice="Take it out of the URL; the header is enough.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=IN_URL,
    trigger={"query": f"api_key={KEY}"},
    neighbour={"query": "api-version=2"},
)
def key_in_url(rule: Rule, credential: Credential) -> Iterator[Finding]:
    yield rule.found(
        credential.place,
        "the URL carries a key too",
        expected="no key in the URL",
        actual=f"{credential.place.partition(':')[2]}={mask(credential.text)}",
    )


@rule(
    "HT007",
    "key-in-body",
    severity=Severity.WARNING,
    requirement="The API key is not in the event.",
    because="Events are shown to everybody with access to the product, and kept. It has been masked here.",
    advice="Find what puts it there (environment variables, arguments, SQL), and replace the key.",
    source=API_KEYS,
    sureness=Sureness.ASSUMED,
    when=IN_BODY,
    trigger={"/job/name": KEY},
    neighbour={"/job/name": OTHER_KEY},
)
def key_in_body(rule: Rule, _: None) -> Iterator[Finding]:
    yield rule.found(
        "body",
        "an API key stands in the body; it was masked before the body was kept",
        expected="no key in the body",
        actual="****",
    )


@rule(
    "HT008",
    "several-authorizations",
    severity=Severity.WARNING,
    requirement="A request has one Authorization header.",
    because="Which of several is read is up to whoever reads it: a proxy may go by the first and the intake by the "
    "last. Here the first is.",
    advice="Find what adds the other one: a client's own key beside a header that was set by hand, a proxy, or "
    "~/.netrc.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=SEVERAL,
    trigger={_AUTHORIZATION: (f"Bearer {KEY}", f"Bearer {OTHER_KEY}")},
    neighbour={_AUTHORIZATION: (f"Bearer {KEY}", f"Bearer {KEY}")},
)
def several_authorizations(rule: Rule, number: int) -> Iterator[Finding]:
    yield rule.found(
        _AUTHORIZATION,
        f"the request has {number} Authorization headers that differ, and the first was read",
        expected="one Authorization header",
        actual=f"{number} Authorization headers",
    )
