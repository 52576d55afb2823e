"""Heads of requests: credentials, queries, paths and headers of which there is much."""

from __future__ import annotations

from random import Random

from tests.cost.measuring import Dimension, Work
from tests.cost.requests import HEAD, HEX, LETTERS, TOKEN, event, filled, received, some, token, words

# A body beside what a head is made of.
_MEDIUM = 100_000


def _body(chance: Random, alphabet: str = TOKEN) -> str:
    return event(some(_MEDIUM, chance, alphabet) + "\\ %41 \n")


# Keys that are long.


def _long_key(size: int, chance: Random) -> Work:
    return received(_body(chance), key=token(size, chance), cut=True)


def _long_key_begun(size: int, chance: Random) -> Work:
    key = token(size, chance)
    return received(_body(chance) + key[: size // 2], key=key, cut=True)


def _long_key_not_cut(size: int, chance: Random) -> Work:
    return received(_body(chance), key=token(size, chance))


def _long_basic(size: int, chance: Random) -> Work:
    return received(_body(chance), ("authorization", f"Basic {some(size // 4 * 4, chance)}"), key="x", cut=True)


def _one_letter(size: int, chance: Random) -> Work:
    letter = some(1, chance)
    return received(event(letter * _MEDIUM + "\\"), key=letter * size + "!", cut=True)


def _one_letter_first(size: int, chance: Random) -> Work:
    letter = some(1, chance)
    return received(event(letter * _MEDIUM), key="!" + letter * size, cut=True)


def _backslashes(size: int, chance: Random) -> Work:
    return received("\\" * (2 * size) + "x", key="\\" * size + some(8, chance), cut=True)


def _percent_signs(size: int, chance: Random) -> Work:
    return received("%25" * size + "x", key=filled("%25", size) + some(8, chance), cut=True)


def _escapes(size: int, chance: Random) -> Work:
    key = some(size, chance)
    return received("".join(f"\\u{ord(letter):04x}" for letter in key[:-1]), key=key, cut=True)


def _spaces(size: int, chance: Random) -> Work:
    return received("+" * _MEDIUM, key=f"{some(8, chance)}{' ' * size}{some(8, chance)}", cut=True)


def _no_scheme(size: int, chance: Random) -> Work:
    return received(_body(chance), ("authorization", some(size, chance)), key="", cut=True)


# Keys that are many.


def _cookie(size: int, chance: Random) -> Work:
    return received(_body(chance), ("cookie", "; ".join(words(size // 20, chance))), chance=chance)


def _cookie_and_body(size: int, chance: Random) -> Work:
    body = event(some(16 * size, chance, TOKEN))
    return received(body, ("cookie", "; ".join(words(size // 20, chance))), chance=chance)


def _cookie_cut(size: int, chance: Random) -> Work:
    return received(_body(chance), ("cookie", "; ".join(words(size // 20, chance))), chance=chance, cut=True)


def _cookie_of_one_beginning(size: int, chance: Random) -> Work:
    letter = some(1, chance)
    cookie = "; ".join(letter * 16 + word for word in words(size // 20, chance, length=8))
    return received(event(letter * _MEDIUM), ("cookie", cookie), chance=chance)


def _cookie_in_body(size: int, chance: Random) -> Work:
    cookie = words(size // 20, chance)
    return received(event(" ".join(cookie)), ("cookie", "; ".join(cookie)), chance=chance)


def _credential_headers(size: int, chance: Random) -> Work:
    headers = [("x-api-key", word) for word in words(size // 32, chance)]
    return received(_body(chance), *headers, chance=chance, cut=True)


def _authorizations(size: int, chance: Random) -> Work:
    headers = [("authorization", f"Bearer {word}") for word in words(size // 32, chance)]
    return received(_body(chance), *headers, key="x", cut=True)


def _long_credential_headers(size: int, chance: Random) -> Work:
    headers = [("x-api-key", some(size // 20, chance)) for _ in range(20)]
    return received(_body(chance), *headers, chance=chance, cut=True)


# Queries and paths.


def _keys_in_query(size: int, chance: Random) -> Work:
    query = "&".join(f"api_key={word}" for word in words(size // 28, chance, LETTERS))
    return received(_body(chance), query=query, chance=chance)


def _keys_in_query_alone(size: int, chance: Random) -> Work:
    query = "&".join(f"api_key={word}" for word in words(size // 28, chance, LETTERS))
    return received(_body(chance), ("authorization", ""), query=query, key="")


def _encoded_keys_in_query(size: int, chance: Random) -> Work:
    query = ";".join(
        "token=" + "".join(f"%{ord(letter):02x}" for letter in word) for word in words(size // 54, chance, length=16)
    )
    return received(_body(chance), query=query, chance=chance)


def _long_parameter(size: int, chance: Random) -> Work:
    return received(event(), query=f"a={some(size, chance, HEX)}", chance=chance)


def _encoded_parameter(size: int, chance: Random) -> Work:
    return received(event(), query="a=" + "".join(f"%{ord(c):02x}" for c in some(size, chance, HEX)), chance=chance)


def _parameters(size: int, chance: Random) -> Work:
    return received(event(), query="&" * size, chance=chance)


def _path_of_hex(size: int, chance: Random) -> Work:
    return received(event(), path="/" + some(size, chance, HEX), chance=chance)


def _path_of_keys(size: int, chance: Random) -> Work:
    return received(event(), path="/".join(["", *words(size // 32, chance, HEX, length=32)]), chance=chance)


def _path_of_slashes(size: int, chance: Random) -> Work:
    return received(event(), path="/" * size, chance=chance)


# Headers.


def _headers(size: int, chance: Random) -> Work:
    headers = [(f"x-{some(6, chance)}", some(8, chance)) for _ in range(size // 16)]
    return received(event(), *headers, chance=chance)


def _headers_and_cookie(size: int, chance: Random) -> Work:
    headers = [(f"x-{some(16, chance)}", some(16, chance)) for _ in range(size // 80)]
    return received(event(), *headers, ("cookie", "; ".join(words(size // 40, chance))), chance=chance)


def _long_header(size: int, chance: Random) -> Work:
    return received(event(), ("x-note", some(size, chance, HEX)), chance=chance)


def _long_header_name(size: int, chance: Random) -> Work:
    return received(event(), (some(size, chance, HEX), "1"), chance=chance)


def _content_encodings(size: int, chance: Random) -> Work:
    return received(event(), ("content-encoding", filled("identity, ", size) + some(8, chance)), chance=chance)


def _content_type(size: int, chance: Random) -> Work:
    return received(event(), ("content-type", ";" * size), chance=chance)


DIMENSIONS = tuple(
    Dimension(f"head: {name}", make, largest)
    for name, make, largest in (
        ("the length of a key", _long_key, HEAD),
        ("the length of a key that begins in the body", _long_key_begun, HEAD),
        ("the length of a key, before a whole body", _long_key_not_cut, HEAD),
        ("the length of what is in base64", _long_basic, HEAD),
        ("the length of a key of one letter", _one_letter, HEAD),
        ("the length of a key of one letter behind another", _one_letter_first, HEAD),
        ("the backslashes in a key", _backslashes, HEAD),
        ("the percent signs in a key", _percent_signs, HEAD),
        ("the length of a key that is escaped in the body", _escapes, HEAD),
        ("the spaces in a key", _spaces, HEAD),
        ("the length of a key without a scheme", _no_scheme, HEAD),
        ("the words in a Cookie", _cookie, HEAD),
        ("the words in a Cookie and the length of the body", _cookie_and_body, HEAD),
        ("the words in a Cookie, before a body that was cut off", _cookie_cut, HEAD),
        ("the words in a Cookie that begin alike", _cookie_of_one_beginning, HEAD),
        ("the words in a Cookie that stand in the body", _cookie_in_body, HEAD),
        ("the headers with a key", _credential_headers, HEAD),
        ("the Authorization headers", _authorizations, HEAD),
        ("the length of headers with keys", _long_credential_headers, HEAD),
        ("the keys in the query", _keys_in_query, HEAD),
        ("the keys in the query, with none elsewhere", _keys_in_query_alone, HEAD),
        ("the percent-encoded keys in the query", _encoded_keys_in_query, HEAD),
        ("the length of a parameter", _long_parameter, HEAD),
        ("the length of a percent-encoded parameter", _encoded_parameter, HEAD // 3),
        ("the parameters without a name", _parameters, HEAD),
        ("the length of a path", _path_of_hex, HEAD),
        ("the keys in a path", _path_of_keys, HEAD),
        ("the slashes in a path", _path_of_slashes, HEAD),
        ("the headers", _headers, HEAD),
        ("the headers beside a Cookie", _headers_and_cookie, HEAD),
        ("the length of a header", _long_header, HEAD),
        ("the length of a header's name", _long_header_name, HEAD),
        ("the names in Content-Encoding", _content_encodings, HEAD),
        ("the length of Content-Type", _content_type, HEAD),
    )
)
