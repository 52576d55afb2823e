"""Keys are found where producers put them, and are gone from every text afterwards."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import ReceivedRequest
from mock_intake.secrets.api_keys import Credential, Masker, credentials, mask, org_of
from mock_intake.server.http.unreadable import without_keys

KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
APPLICATION_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
ODD_KEYS = {
    "quotes": "key\"with'quotes-1234567",
    "backslash": "key\\with\\backslash-1234567",
    "slash": "key/with/slash-1234567",
    "base64": "a+b/c0KEYKEYKEYKEYKEYKEYKEYKEY==",
    "percent": "key%41with%percent-1234567",
    "ampersand": "key&with=ampersand;1234567",
    "space": "key with a space 1234567",
    "accents": "clé-avec-accents-é-1234567",
    "brackets": "${DD_API_KEY}-[0-9]-1234567",
}
hex_keys = st.text("0123456789abcdef", min_size=32, max_size=32)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=48)


def kept(*headers: tuple[str, str], query: str = "", body: str = "") -> ReceivedRequest:
    """A request as it is kept. The server reads headers as Latin-1, whatever they were sent in."""
    sent = tuple((name, value.encode().decode("latin-1")) for name, value in headers)
    request = ReceivedRequest(
        "x", "POST", INTAKE_PATH, query, sent, body.encode(), datetime(2026, 11, 1, tzinfo=UTC), wire_size=len(body)
    )
    return Intake().receive(request).request


def bearer(key: str) -> tuple[str, str]:
    return "authorization", f"Bearer {key}"


# What is shown of a key.


@given(st.text(min_size=1, max_size=64))
def test_a_mask_shows_four_characters_of_a_long_key_and_none_of_a_short_one(key: str) -> None:
    shown = mask(key)
    assert shown.startswith("****")
    assert shown[4:] == (key[-4:] if len(key) >= 16 else "")


@given(hex_keys)
def test_an_org_is_the_beginning_of_the_keys_digest(key: str) -> None:
    assert org_of(key) == hashlib.sha256(key.encode()).hexdigest()[:12]
    assert org_of(key) not in key


# Where keys are found.


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("Authorization", f"Bearer {KEY}", KEY),
        ("authorization", f"bearer  {KEY} ", KEY),
        ("AUTHORIZATION", KEY, KEY),
        ("Authorization", f"ApiKey {KEY}", KEY),
        ("Proxy-Authorization", f"Bearer {KEY}", KEY),
        ("DD-API-KEY", KEY, KEY),
        ("DD-APPLICATION-KEY", APPLICATION_KEY, APPLICATION_KEY),
        ("X-Api-Key", f" {KEY} ", KEY),
        ("X-Auth-Token", KEY, KEY),
    ],
)
def test_a_header_that_carries_a_key_names_it(name: str, value: str, found: str) -> None:
    assert credentials(((name, value),), "") == [Credential(found, f"header:{name.lower()}")]


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "api-key", "apikey", "dd-api-key", "dd_api_key", "api%5Fkey"])
def test_a_query_parameter_that_carries_a_key_names_it(name: str) -> None:
    assert credentials((), f"a=1&{name}={KEY}&b=2") == [Credential(KEY, f"query:{unquote(name)}")]


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer Bearer {KEY}",
        f'Bearer "{KEY}"',
        f"Bearer '{KEY}'",
        f"Bearer <{KEY}>",
        f"Bearer {KEY},",
        f"Bearer\t{KEY}",
        f"Bearer:{KEY}",
        f"Token token={KEY}",
        f"Basic {b64encode(f'user:{KEY}'.encode()).decode()}",
        f"Basic {b64encode(f'{KEY}:'.encode()).decode()}",
    ],
)
def test_a_key_that_is_wrapped_in_something_is_masked_elsewhere_too(value: str) -> None:
    """The usual mistakes in writing the header; the body may well hold the bare key then."""
    body = kept(("authorization", value), body=json.dumps({"note": f"the key {KEY} in a text"})).body
    assert json.loads(body)["note"].endswith("in a text")
    assert KEY.encode() not in body


def test_a_key_in_a_cookie_is_masked_elsewhere_too() -> None:
    cookie = ("cookie", f"theme=dark; dd_api_key={KEY}; a=b")
    assert KEY.encode() not in kept(cookie, body=f"the key {KEY} in a text").body


@pytest.mark.parametrize("query", ["", "a=1", "api_key=", "api_key", "&&=&", "api-version=2", "%ff=%00"])
def test_a_query_without_a_key_has_no_credentials(query: str) -> None:
    assert credentials((), query) == []


# Masking.


def test_credential_headers_are_masked_and_keep_their_scheme() -> None:
    headers = (
        ("authorization", f"Bearer {KEY}"),
        ("authorization", "Basic dXNlcjpwYXNzd29yZA=="),
        ("authorization", KEY),
        ("authorization", "Bearer"),
        ("dd-api-key", KEY),
        ("cookie", "session=0123456789abcdef0123"),
        ("content-type", "application/json"),
    )
    assert Masker([KEY]).headers(headers) == (
        ("authorization", "Bearer ****e7f8"),
        ("authorization", "Basic ****"),
        ("authorization", "****e7f8"),
        ("authorization", "Bearer"),
        ("dd-api-key", "****e7f8"),
        ("cookie", "****"),
        ("content-type", "application/json"),
    )


@pytest.mark.parametrize("value", [f"{KEY} extra", f"{KEY} {KEY}", f"Bearer {KEY} extra", f"  {KEY}  Bearer"])
def test_a_key_in_the_place_of_the_scheme_is_masked(value: str) -> None:
    assert KEY not in repr(kept(("authorization", value)))


@pytest.mark.parametrize(
    "name",
    [
        "dd-api-key", "dd-application-key", "x-api-key", "x-datadog-application-key", "dd-app-key", "api_key",
        "x-goog-api-key",
        "x-access-token", "token", "set-cookie", "x-forwarded-for", "referer", "content-type", "user-agent", "x-custom",
    ],
)  # fmt: skip
def test_a_well_formed_key_is_masked_in_any_header(name: str) -> None:
    for key in (KEY, APPLICATION_KEY):
        assert key not in repr(kept((name, key)))
        assert key not in repr(kept(bearer("0" * 32), (name, f"<{key}>")))


def test_the_requests_key_is_masked_in_header_names() -> None:
    assert KEY not in repr(kept(bearer(KEY), (f"x-{KEY}", "1")))


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "api-key", "apiKey", "dd_api_key", "DD-API-KEY", "application_key", "application-key",
        "dd_application_key",
        "dd-application-key", "app_key", "appkey", "token", "access_token", "secret", "x", "",
    ],
)  # fmt: skip
def test_a_well_formed_key_is_masked_in_any_query_parameter(name: str) -> None:
    for key in (KEY, APPLICATION_KEY):
        masked = kept(query=f"a=1&{name}={key}&b=2").query
        assert key not in masked
        assert masked.startswith("a=1&")
        assert masked.endswith("&b=2")


@pytest.mark.parametrize("separator", ["&", ";", "&amp;"])
def test_a_key_is_masked_behind_any_separator_of_parameters(separator: str) -> None:
    assert KEY not in kept(query=f"a=1{separator}api_key={KEY}{separator}b=2").query


@given(key=hex_keys, encoded=st.sets(st.integers(0, 31)), name=st.sampled_from(["api_key", "x", "comment"]))
def test_the_requests_key_is_masked_in_the_query_however_it_is_percent_encoded(
    key: str, encoded: set[int], name: str
) -> None:
    text = "".join(f"%{ord(c):02x}" if place in encoded else c for place, c in enumerate(key))
    assert key not in unquote(kept(bearer(key), query=f"{name}={text}").query)


@pytest.mark.parametrize("kind", ODD_KEYS)
def test_an_odd_key_is_masked_in_the_query_in_every_encoding(kind: str) -> None:
    key = ODD_KEYS[kind]
    lower = re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), quote(key, safe=""))
    for text in (quote(key), quote(key, safe=""), quote_plus(key), lower):
        masked = kept(("dd-api-key", key), query=f"x={text}").query
        assert key not in unquote(masked), text
        assert key not in unquote_plus(masked), text


@pytest.mark.parametrize("kind", ODD_KEYS)
@pytest.mark.parametrize("written", ["as it is", "ASCII escapes", "escaped slashes", "escaped by number"])
def test_an_odd_key_is_masked_in_a_json_body_however_it_is_written(kind: str, written: str) -> None:
    key = ODD_KEYS[kind]
    body = json.dumps({"note": f"<{key}>"}, ensure_ascii=written != "as it is")
    if written == "escaped slashes":
        body = body.replace("/", "\\/")
    if written == "escaped by number":
        body = '{"note": "<' + "".join(f"\\u{ord(c):04X}" for c in key) + '>"}'
    masked = json.loads(kept(("dd-api-key", key), body=body).body)
    assert masked == {"note": f"<{mask(key)}>"}


@given(printable, printable.filter(str.strip), st.text(st.characters(max_codepoint=255), max_size=20))
def test_a_key_is_gone_from_text_path_body_and_plain_headers(key: str, other: str, around: str) -> None:
    masker = Masker([key])
    text = f"{around}{key}{around}"
    if key not in mask(key):
        for masked in (masker.text(text), masker.path(text), masker.headers((("x-note", text),))[0][1]):
            # Another copy may only arise where a mask and its surroundings happen to form one.
            assert key not in masked.replace(mask(key), "\n")
        assert key.encode() not in masker.body(text.encode()).replace(mask(key).encode(), b"\n")
    if key not in other:
        assert masker.headers((("x-note", other),)) == (("x-note", other),) or re.search("[0-9A-Fa-f]{32}", other)


def test_the_longer_of_two_keys_is_masked_first() -> None:
    short, long = "0123456789abcdef", "0123456789abcdef-and-more-of-it"
    assert Masker([short, long]).text(long) == mask(long)


def test_short_keys_do_not_eat_the_text() -> None:
    assert Masker(["prod", "a", ""]).text("a prod job") == "a prod job"


def test_keys_that_overlap_are_masked_together() -> None:
    first, second = "0123456789abcdefghijKLMN", "ghijKLMNopqrstuvwxyz"
    assert Masker([first, second]).text(f"<{first[:16]}{second}>") == f"<{mask(first)}>"


def test_a_body_that_is_nothing_but_the_beginning_of_a_key_is_masked() -> None:
    assert Masker([KEY]).begun_at_end_of(KEY[:20].encode())
    assert Masker([KEY]).cut_body(KEY[:20].encode()) == b"****"


def test_each_of_thousands_of_words_in_a_cookie_is_masked_in_the_body() -> None:
    words = [hashlib.sha256(str(number).encode()).hexdigest()[:20] for number in range(3_000)]
    body = kept(("cookie", "; ".join(words)), body=json.dumps({"note": words})).body
    assert json.loads(body) == {"note": [mask(word) for word in words]}


def test_a_body_made_to_be_compared_with_thousands_of_words_is_not_kept() -> None:
    words = [f"{'a' * 16}{number:08}" for number in range(3_000)]
    assert kept(("cookie", "; ".join(words)), body="a" * 100_000).body == b"****"


@pytest.mark.parametrize("length", [1_024, 1_025, 5_000, 15_000])
def test_a_key_of_many_kilobytes_is_masked_and_so_is_its_beginning(length: int) -> None:
    key = "".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(120))
    assert json.loads(kept(bearer(key), body=json.dumps({"note": f"<{key}>"})).body) == {"note": f"<{mask(key)}>"}
    assert json.loads(kept(bearer(key), body=json.dumps([key[:length]])).body) == [mask(key)]


def test_other_texts_stay_as_they_are() -> None:
    masker = Masker([KEY])
    assert masker.query("api-version=2&a=%20b+c&&x") == "api-version=2&a=%20b+c&&x"
    assert masker.path("/api/v1/lineage") == "/api/v1/lineage"
    assert masker.path("/runs/5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d") == "/runs/5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
    # A trace id is 32 hexadecimal digits too, and is no secret.
    trace = (("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),)
    assert masker.headers(trace) == trace
    body = json.dumps({"digest": "d41d8cd98f00b204e9800998ecf8427e"}).encode()
    assert masker.body(body) == body


# Bytes that are no HTTP.


@pytest.mark.parametrize("key", [KEY, APPLICATION_KEY, "not-hexadecimal-key-1234567"])
@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {}", "authorization:bearer {}", "AUTHORIZATION : BEARER  {}", "Authorization: {}",
        "Authorization: Basic {}", "Authorization: Token {}", "Proxy-Authorization: Basic {}", "DD-API-KEY: {}",
        "dd_api_key={}",
        "DD-APPLICATION-KEY: {}", "X-Api-Key:{}", "X-Auth-Token: {}", "Cookie: dd={}", "POST /x?api_key={} HTTP/1.1",
        "POST /x?token={}&a=b HTTP/1.1", 'api_key: "{}"', '"api_key": "{}"', "apikey={}",
    ],
)  # fmt: skip
def test_unreadable_bytes_keep_no_key(line: str, key: str) -> None:
    data = f"\x00GARBAGE\r\n{line.format(key)}\r\n\r\n".encode()
    assert key.encode() not in without_keys(data)


def test_unreadable_bytes_without_a_key_stay_as_they_are() -> None:
    data = b"\x16\x03\x01\x02\x00EHLO mail\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n\xff"
    assert without_keys(data) == data
