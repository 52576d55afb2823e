"""What is told about API keys, word for word (HT0)."""

from __future__ import annotations

import orjson
import pytest
from msgspec.structs import replace

from mock_intake.datadog.authentication import Keys
from mock_intake.judging.intake import Intake, Settings
from mock_intake.model.exchange import ANONYMOUS, UNATTRIBUTED
from mock_intake.secrets.api_keys import org_of
from tests.rules.examples_judged import REQUESTS, FindingText, only, told
from tests.rules.examples_requests import (
    APPLICATION_KEY,
    BODY,
    GOOD,
    KEY,
    SHORT_KEY,
    Sent,
    at,
    headers,
    with_body,
    with_headers,
    with_key,
)

HEADER = "header:Authorization"
BEARER = "Authorization: Bearer <32 hexadecimal digits>"
SEND_BEARER = "Send the header Authorization: Bearer <DD_API_KEY>."
COPY_THE_KEY = "Copy the key from the API keys page of the organisation, without quotes and blanks."
KEY_SOURCES = "The Python client takes the key from OPENLINEAGE_API_KEY, its Datadog transport from DD_API_KEY."
ABOUT_BASIC = (
    "Send Authorization: Bearer <DD_API_KEY>. Basic comes from a ~/.netrc entry or from a user name in the URL, "
    "which replace the client's own header."
)


def no_key(actual: str) -> FindingText:
    return FindingText(HEADER, "the request has no API key", BEARER, actual, f"{SEND_BEARER} {KEY_SOURCES}")


def not_bearer(message: str, actual: str) -> FindingText:
    return FindingText(HEADER, f"the Authorization header {message}", BEARER, actual, ABOUT_BASIC)


def elsewhere(pointer: str, place: str, actual: str) -> FindingText:
    message = f"the API key stands in {place}, and this intake reads it from Authorization only"
    return FindingText(pointer, message, BEARER, actual, "Send Authorization: Bearer <DD_API_KEY>.")


def unknown(key: str, expected: str) -> FindingText:
    message = f"the API key {key} is not known here"
    return FindingText(
        HEADER, message, expected, key, "Check which key the producer has, and for which site it was made."
    )


def malformed(message: str, characters: int, advice: str = COPY_THE_KEY) -> FindingText:
    return FindingText(HEADER, message, "32 hexadecimal digits", f"{characters} characters", advice)


SET_IT = "Set the variable that the key comes from (DD_API_KEY), and let the producer fail where it is not set."
FILL_IN = "Set the variable that the key comes from (DD_API_KEY); a shell fills it in within double quotes only."
REFUSED: list[tuple[str, int, Sent, FindingText]] = [
    ("HT001", 401, REQUESTS["HT001"][0], no_key("no Authorization header")),
    ("HT001", 401, with_headers(("authorization", " ")), no_key("an empty Authorization header")),
    ("HT002", 401, REQUESTS["HT002"][0], not_bearer("has the scheme Basic", "Authorization: Basic ****")),
    (
        "HT002",
        401,
        with_headers(("authorization", KEY)),
        not_bearer("has a key and no scheme", "Authorization: ****ab1e"),
    ),
    (
        "HT002",
        401,
        with_headers(("authorization", "Bearer")),
        not_bearer("says Bearer, and no key follows", "Authorization: Bearer"),
    ),
    (
        "HT002",
        401,
        with_headers(("authorization", f"{KEY} extra")),
        not_bearer("has the scheme ****", "Authorization: **** ****"),
    ),
    (
        "HT003",
        401,
        REQUESTS["HT003"][0],
        elsewhere("header:dd-api-key", "the header dd-api-key", "dd-api-key: ****ab1e"),
    ),
    (
        "HT003",
        401,
        Sent(replace(GOOD, headers=headers(("authorization", None)), query=f"api_key={KEY}")),
        elsewhere("query:api_key", "the query parameter api_key", "api_key: ****ab1e"),
    ),
    ("HT004", 403, REQUESTS["HT004"][0], unknown("****0ddb", "one of the keys that the intake was given")),
    ("HT004", 403, with_key(SHORT_KEY), unknown("****1ab1", "32 hexadecimal digits")),
    (
        "HT005",
        403,
        with_key(APPLICATION_KEY),
        malformed(
            "the key has 40 hexadecimal digits, so it is an application key; the intake wants an API key",
            40,
            "Use an API key (32 digits). Application keys belong to users and are for Datadog's public API.",
        ),
    ),
    ("HT005", 403, with_key(SHORT_KEY), malformed("the key has 31 digits, an API key has 32", 31)),
    ("HT005", 403, with_key("g" * 32), malformed("the key is not made of hexadecimal digits alone", 32)),
    *(
        (
            "HT005",
            403,
            with_key(key),
            malformed("the key is a placeholder that was never filled in", len(key), FILL_IN),
        )
        for key in ("<DD_API_KEY>", "${DD_API_KEY}", "$DD_API_KEY", "{{ dd_key }}", "%DD_API_KEY%", "YOUR_API_KEY")
    ),
    *(
        (
            "HT005",
            403,
            with_key(key),
            malformed(f"the key is the word {key}: a variable that was not set was made into text", len(key), SET_IT),
        )
        for key in ("None", "null", "undefined", "nil")
    ),
    *(
        (
            "HT005",
            403,
            with_key(key),
            malformed(
                "the word Bearer stands twice, so the key is not read as one",
                len(key),
                "Give the client the key alone: it writes Bearer before it.",
            ),
        )
        for key in ("Bearer", f"Bearer {KEY}")
    ),
    (
        "HT005",
        403,
        with_key(f'"{KEY}"'),
        malformed("the key has quotes or brackets around it, or is a placeholder that was never filled in", 34),
    ),
]


@pytest.mark.parametrize(("code", "status", "sent", "expected"), REFUSED)
def test_a_refusal_says_what_is_wrong_with_the_key(code: str, status: int, sent: Sent, expected: FindingText) -> None:
    exchange = Intake(sent.settings).receive(sent.request)
    assert told(only(exchange.findings, code)) == expected
    assert exchange.response.status_code == status
    assert not exchange.accepted


@pytest.mark.parametrize(("code", "detail"), [("HT001", "API key is missing"), ("HT004", "API key is invalid")])
def test_a_refusal_has_the_form_of_datadogs_other_intakes(code: str, detail: str) -> None:
    sent = REQUESTS[code][0]
    response = Intake(sent.settings).receive(sent.request).response
    title = {401: "Unauthorized", 403: "Forbidden"}[response.status_code]
    error = {"status": str(response.status_code), "title": title, "detail": detail}
    assert orjson.loads(response.body)["errors"] == [error]


TAKEN: list[tuple[str, Sent, FindingText]] = [
    ("HT005", REQUESTS["HT005"][0], malformed("the key has 31 digits, an API key has 32", 31)),
    (
        "HT006",
        REQUESTS["HT006"][0],
        FindingText(
            "query:api_key",
            "the URL carries a key too",
            "no key in the URL",
            "api_key=****ab1e",
            "Take it out of the URL; the header is enough.",
        ),
    ),
    (
        "HT008",
        REQUESTS["HT008"][0],
        FindingText(
            "header:Authorization",
            "the request has 2 Authorization headers that differ, and the first was read",
            "one Authorization header",
            "2 Authorization headers",
            "Find what adds the other one: a client's own key beside a header that was set by hand, a proxy, or "
            "~/.netrc.",
        ),
    ),
    (
        "HT007",
        REQUESTS["HT007"][0],
        FindingText(
            "body",
            "an API key stands in the body; it was masked before the body was kept",
            "no key in the body",
            "****",
            "Find what puts it there (environment variables, arguments, SQL), and replace the key.",
        ),
    ),
]


@pytest.mark.parametrize(("code", "sent", "expected"), TAKEN)
def test_a_key_that_is_taken_all_the_same_is_told_of(code: str, sent: Sent, expected: FindingText) -> None:
    exchange = Intake(sent.settings).receive(sent.request)
    assert told(only(exchange.findings, code)) == expected
    assert exchange.response.status_code == 202
    assert exchange.accepted


def test_an_intake_that_takes_anonymous_requests_has_nothing_against_one() -> None:
    exchange = Intake(Settings(keys=Keys(anonymous=True))).receive(with_headers(("authorization", None)).request)
    assert (exchange.findings, exchange.org) == ((), ANONYMOUS)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(scheme: str) -> None:
    exchange = Intake().receive(with_headers(("authorization", f"{scheme} {KEY}")).request)
    assert (exchange.findings, exchange.org) == ((), org_of(KEY))


@pytest.mark.parametrize(("code", "org"), [("HT001", UNATTRIBUTED), ("HT003", org_of(KEY)), ("HT004", UNATTRIBUTED)])
def test_a_refused_request_belongs_to_the_org_of_a_known_key_only(code: str, org: str) -> None:
    sent = REQUESTS[code][0]
    assert Intake(sent.settings).receive(sent.request).org == org


def test_the_key_in_a_body_is_masked_in_what_is_kept() -> None:
    kept = Intake().receive(REQUESTS["HT007"][0].request)
    assert kept.request.body == BODY.replace(b"load_orders", b"****ab1e")
    assert kept.event is not None
    assert kept.event.job_name == "****ab1e"


def test_the_key_in_a_body_is_told_of_though_the_body_is_refused() -> None:
    findings = Intake().receive(with_body(KEY.encode()).request).findings
    assert [finding.code for finding in findings] == ["HT007", "HT201"]


def test_a_query_without_a_key_is_no_matter() -> None:
    assert Intake().receive(at("/api/v1/lineage", "api-version=2").request).findings == ()
