"""No API key in anything that is stored, logged, printed or served, wherever in a request it stood."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import subprocess
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from mock_intake import IntakeServer, Settings
from mock_intake.datadog.authentication import Keys
from mock_intake.secrets.api_keys import Masker
from mock_intake.server.http.unreadable import without_keys
from tests.commands import MOCK_INTAKE, clean_environment, start_command
from tests.events import run_event
from tests.fuzz import chunked, read_answers, recorded, request_bytes, send

# Keys end alike, as four characters of them are shown; the rest is what must not be seen.
KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
OTHER = "5e4d3c2b1a09f8e7d6c5b4a39281706f"
APPLICATION_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
ODD = 'sécret\\key/with "quotes"&+%41=1234567'
STRANGER = "77777777777777777777777777777777"
SECRETS = (KEY, OTHER, APPLICATION_KEY, ODD)
MAX_BODY = 2_000
MAX_DECODED = 4_000

EVENT = json.dumps(run_event()).encode()
PERCENT = "".join(f"%{ord(character):02x}" for character in KEY)


class Place(NamedTuple):
    """A request with a key somewhere in it; ``status`` is what it is answered, as sent in these pieces."""

    pieces: tuple[bytes, ...]
    status: int | None


def event(**more: Any) -> bytes:
    return json.dumps({**run_event(), **more}).encode()


def noted(key: str = KEY) -> bytes:
    """An event with a key in it."""
    return event(note=f"the key is {key}.")


def post(body: bytes = EVENT, *headers: tuple[str, str], status: int | None = 202, **more: Any) -> Place:
    more.setdefault("key", KEY)
    return Place((request_bytes(body, headers, **more),), status)


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def named_gzip(body: bytes, name: str, comment: str = "") -> bytes:
    """A gzip member whose head has the name of a file, and a comment (RFC 1952)."""
    packed = zipped(body)
    flags = 0x08 | 0x10 * bool(comment)
    texts = name.encode() + b"\0" + (comment.encode() + b"\0" if comment else b"")
    return packed[:3] + bytes([flags]) + packed[4:10] + texts + packed[10:]


GZIP = ("Content-Encoding", "gzip")
NOISE = "".join(chr(97 + (number * 7919) % 26) for number in range(MAX_BODY * 3))  # compresses badly
_long_event = event(pad=NOISE, note=KEY)
_at = noted().index(KEY.encode())


def _cut_in_key(kept: int) -> bytes:
    """A body whose first MAX_BODY bytes end within the key."""
    return b" " * (MAX_BODY - _at - kept) + noted() + b" " * MAX_BODY


PLACES: dict[str, Place] = {
    # Credentials, rightly and wrongly given.
    "bearer": post(),
    "bearer of another scheme's case": post(EVENT, ("authorization", f"bEaReR {KEY}"), key=None),
    "no scheme": post(EVENT, ("Authorization", KEY), key=None, status=401),
    "two words, no scheme": post(EVENT, ("Authorization", f"{KEY} {KEY}"), key=None, status=401),
    "basic": post(EVENT, ("Authorization", f"Basic {base64(f'user:{KEY}')}"), key=None, status=401),
    "basic with the plain key": post(EVENT, ("Authorization", f"Basic {KEY}"), key=None, status=401),
    "other scheme": post(EVENT, ("Authorization", f"ApiKey {KEY}"), key=None, status=401),
    "bearer twice": post(noted(), key=f"Bearer {KEY}", status=403),
    "quoted": post(noted(), key=f'"{KEY}"', status=403),
    "tabulator": post(noted(), ("Authorization", f"Bearer\t{KEY}"), key=None, status=401),
    "application key": post(EVENT, key=APPLICATION_KEY, status=403),
    "two Authorization headers": post(EVENT, ("Authorization", f"Bearer {OTHER}")),
    "odd key": post(EVENT, ("Authorization", f"Bearer {ODD.encode().decode('latin-1')}"), key=None),
    "odd key in the body": post(noted(ODD), ("Authorization", f"Bearer {ODD.encode().decode('latin-1')}"), key=None),
    **{
        f"header {name}, alone": post(EVENT, (name, KEY), key=None, status=401)
        for name in ("DD-API-KEY", "X-Api-Key", "X-Custom", "Referer", "Proxy-Authorization")
    },
    **{
        f"header {name}, beside another key": post(EVENT, (name, KEY), key=OTHER)
        for name in ("DD-API-KEY", "DD-APPLICATION-KEY", "X-Api-Key", "X-Auth-Token", "X-Custom", "X-Forwarded-For")
    },
    "application key in a header": post(EVENT, ("DD-APPLICATION-KEY", APPLICATION_KEY)),
    "application key in an unknown header": post(EVENT, ("X-Datadog-Application-Key", APPLICATION_KEY)),
    "cookie": post(noted(), ("Cookie", f"theme=dark; dd_api_key={KEY}; a=b"), key=OTHER),
    "header name": post(EVENT, (f"X-{KEY}", "1")),
    "content type": post(EVENT, ("Content-Type", KEY)),
    "content encoding": post(EVENT, ("Content-Encoding", KEY), status=415),
    # The URL.
    **{
        f"query {name}, alone": post(target=f"/api/v1/lineage?a=1&{name}={KEY}", key=None, status=401)
        for name in ("api_key", "dd-api-key", "application_key", "token", "other")
    },
    **{
        f"query {name}, beside another key": post(target=f"/api/v1/lineage?{name}={KEY}", key=OTHER)
        for name in ("api_key", "app_key", "dd_application_key", "other")
    },
    "query without a name": post(target=f"/api/v1/lineage?{KEY}"),
    "query behind a semicolon": post(target=f"/api/v1/lineage?a=1;api_key={KEY}", key=None, status=401),
    "query, percent-encoded": post(target=f"/api/v1/lineage?api_key={PERCENT}", key=None, status=401),
    "query, percent-encoded elsewhere": post(target=f"/api/v1/lineage?x={PERCENT}"),
    "query, odd key": post(target=f"/api/v1/lineage?api_key={quote(ODD)}", key=None, status=401),
    "path": post(target=f"/v1/input/{KEY}", status=404),
    "path, percent-encoded": post(target=f"/v1/input/{PERCENT}", key=None, status=404),
    "path, of a known org": post(target=f"/v1/input/{OTHER}", key=STRANGER, status=404),
    "user part of the target": post(target=f"http://user:{KEY}@127.0.0.1/api/v1/lineage"),
    # The body.
    "plain body": post(noted()),
    "gzip body": post(zipped(noted()), GZIP),
    "deflate body": post(zlib.compress(noted()), ("Content-Encoding", "deflate")),
    "chunked body, torn in the key": post(
        chunked(noted()[: _at + 9], noted()[_at + 9 :]) + b"0\r\n\r\n", ("Transfer-Encoding", "chunked"), length=-1
    ),
    "key of an object": post(event(**{KEY: {KEY: [KEY]}})),
    "escaped in the body": post(noted().replace(KEY.encode(), f"{KEY[:9]}\\u{ord(KEY[9]):04x}{KEY[10:]}".encode())),
    "array": post(b"[" + noted() + b"]", status=400),
    "string": post(json.dumps(KEY).encode(), status=400),
    "not JSON": post(b"key=" + KEY.encode(), status=400),
    "not UTF-8": post(noted() + b"\xff", status=400),
    "known key of another org": post(noted(OTHER)),
    "known key of another org, gzip": post(zipped(noted(OTHER)), GZIP),
    "known key in the body of a stranger": post(noted(OTHER), key=STRANGER, status=403),
    "name in the head of a gzip body": post(named_gzip(EVENT, KEY), GZIP),
    "name in the head of a second gzip member": post(zipped(EVENT) + named_gzip(b" ", KEY), GZIP),
    "comment in the head of a gzip body": post(named_gzip(EVENT, "", comment=KEY), GZIP),
    "gzip without its header": post(zipped(noted()), status=400),
    "truncated gzip": post(zipped(noted())[:-9], GZIP, status=400),
    "gzip, truncated in the middle": post(zipped(noted())[: len(zipped(noted())) * 4 // 5], GZIP, status=400),
    "gzip with a wrong checksum": post(zipped(noted())[:-8] + b"\0" * 8, GZIP, status=400),
    "gzip behind gzip and a gap": post(zipped(b"{}") + b"\0" + zipped(noted()), GZIP, status=400),
    "gzip that calls itself brotli": post(zipped(noted()), ("Content-Encoding", "br"), status=415),
    "plain that calls itself gzip": post(noted(), GZIP, status=400),
    "plain that calls itself brotli": post(noted(), ("Content-Encoding", "br"), status=415),
    "too large": post(event(note=KEY, pad=NOISE), status=413),
    "too large, cut in the key": post(_cut_in_key(20), status=413),
    "too large, one digit short": post(_cut_in_key(31), status=413),
    "too large, gzip": post(zipped(event(note=KEY, pad=NOISE * 20)), GZIP, status=None),
    "too large when decoded, before the limit": post(zipped(event(note=KEY, pad="x" * 9_000)), GZIP, status=413),
    "too large when decoded, behind the limit": post(zipped(event(pad="x" * 9_000, note=KEY)), GZIP, status=413),
    # Requests that are refused.
    "not found": post(noted(), target="/api/v1/lineage/", status=404),
    "wrong method": post(noted(), method="PUT", status=405),
    "unknown key": post(noted(STRANGER[:-4] + "abcd"), key=STRANGER[:-4] + "abcd", status=403),
    # Requests that are none.
    "malformed": Place((f"POST / HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nbad\0header\r\n\r\n".encode(),), 400),
    "malformed, odd key": Place((f"\0 / HTTP/1.1\r\nAuthorization: Bearer {ODD}\r\n\r\n".encode(),), 400),
    "malformed, torn in the key": Place(
        (f"POST / HTTP/1.1\r\nAuthorization: Bearer {KEY[:14]}".encode(), f"{KEY[14:]}\r\nbad\0\r\n\r\n".encode()), 400
    ),
    "malformed, in the URL": Place((f"POST /\xff?token={KEY} HTTP/1.1\r\n\r\n".encode(),), 400),
    "malformed, JSON": Place((f'{{"api_key": "{KEY}"}}'.encode(),), 400),
    "malformed, long, cut in the key": Place((b"\0" * (4096 - 25) + KEY.encode() + b"\r\n\r\n",), 400),
    "connect through a proxy": Place(
        (f"CONNECT host:443 HTTP/1.1\r\nProxy-Authorization: Basic {base64(ODD)}\r\n\r\n".encode(),), None
    ),
    "badly framed": post(chunked(noted()) + b"ZZ\r\n", ("Transfer-Encoding", "chunked"), length=-1, status=400),
}


def unpacked(body: bytes) -> Iterator[bytes]:
    """A body, and whatever can be inflated out of it from anywhere, however damaged."""
    yield body
    for window, start in [(-15, 10), *((47, match.start()) for match in re.finditer(b"\x1f\x8b|\x78", body))]:
        inflater = zlib.decompressobj(window)
        out = b""
        try:
            for place in range(start, len(body)):
                out += inflater.decompress(body[place : place + 1], 1 << 20)
        except zlib.error:
            pass
        yield out


def spellings(text: str) -> Iterator[str]:
    """A text as it is, and with the escapes of JSON, URLs, base64 and Python's repr undone."""
    yield text
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")
    yield re.sub(r"%([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
    yield text.replace("\\\\", "\\").replace('\\"', '"')


FORMS = {
    form
    for key in SECRETS
    for form in (
        key, key.upper(), key.encode().decode("latin-1"), json.dumps(key)[1:-1], repr(key)[1:-1],
        quote(key), quote(key, safe=""), base64(key), base64(f"user:{key}")[8:],
    )
}  # fmt: skip


def leaks(*texts: bytes | str) -> list[str]:
    """Every key, or more than half of one, that can be read out of these texts."""
    found = []
    for text in texts:
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        for spelling in spellings(text):
            found += [form for form in FORMS if any(form[i : i + 18] in spelling for i in range(len(form) - 17))]
    return sorted(set(found))


@pytest.fixture(scope="module")
def target() -> Iterator[IntakeServer]:
    settings = Settings(Keys(frozenset((KEY, OTHER, ODD))), max_body=MAX_BODY, max_decoded=MAX_DECODED)
    with IntakeServer(settings) as server:
        yield server


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_not_stored_or_served_wherever_it_stood(target: IntakeServer, place: str) -> None:
    before = target.journal.position
    answers = send(target, *PLACES[place].pieces, pause=0.03)
    (exchange,) = recorded(target.journal, before, 1)
    assert exchange.response.status_code == (PLACES[place].status or exchange.response.status_code)
    api = "/api/mock/v1"
    served = [
        send(target, request_bytes(method="GET", target=api + path, key=None))[0]
        for path in (
            f"/exchanges/{exchange.id}",
            "/exchanges?body=1&limit=1",
            "/findings?limit=1",
            "/events?limit=1",
            f"/events/{exchange.event.id if exchange.event else 'none'}",
            "/runs",
        )
    ]
    statuses = [answer.status for answer in served]
    # A refused event is there if it was accepted another time.
    assert statuses in ([200] * 6, [200, 200, 200, 200, 404, 200])
    assert statuses[4] == 200 or not exchange.accepted
    assert leaks(repr(exchange)) == []
    assert leaks(*unpacked(exchange.request.body)) == []
    assert leaks(*(answer.body for answer in answers), exchange.response.body) == []
    assert leaks(*(answer.body for answer in served)) == []


def test_the_search_for_keys_finds_them() -> None:
    """Lest the tests above pass for looking in the wrong way."""
    assert leaks(f"a {KEY} b") == [KEY]
    assert leaks(KEY[2:28].encode()) == [KEY]
    assert leaks("\\u0039" + KEY[1:]) == [KEY]
    assert leaks(PERCENT) == [KEY]
    assert ODD in leaks(json.dumps({"key": ODD}))
    assert ODD in leaks(json.dumps({"key": ODD}, ensure_ascii=False).encode())
    assert leaks(b64encode(f"user:{KEY}".encode())) != []
    for packed in (zipped(noted()), zipped(noted())[:-9], b"\0" + zipped(noted()), zlib.compress(noted())):
        assert leaks(*unpacked(packed)) == [KEY]
    assert leaks("****e7f8", STRANGER) == []


def test_the_command_prints_no_key(tmp_path: Path) -> None:
    """All of it against ``mock-intake serve`` in a process of its own, whose output is searched at the end."""
    ready = tmp_path / "ready.json"
    process = start_command(
        [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready), "--max-body", str(MAX_BODY)]
        + [option for key in (KEY, OTHER, ODD) for option in ("--api-key", key)],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 20
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        address = re.search(r"http://(.+):(\d+)", json.loads(ready.read_text())["url"])
        assert address is not None
        for place in PLACES.values():
            _talk((address[1], int(address[2])), place.pieces)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    # One line of output for each request, so the search is not one of nothing.
    assert out.count(b"\n") > len(PLACES)
    assert leaks(out, err) == []
    assert b"Traceback" not in err


def _talk(address: tuple[str, int], pieces: tuple[bytes, ...]) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)
        assert read_answers(connection, 1)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorisation",
        "DD-API-KEY",
        "api_key",
        "X-Application-Key",
        "auth-token",
        "client_secret",
        "password",
        "passwd",
        "Cookie",
        "x-aws-credential",
    ],
)
def test_what_is_named_a_secret_is_masked_in_a_header_and_where_nothing_can_be_read(name: str) -> None:
    """One list of such words for both."""
    value = "hunter2 and more"
    assert mask_header(name, value) != value
    assert b"hunter2" not in without_keys(f"POST / HTP\r\n{name}: {value}\r\n".encode())


def mask_header(name: str, value: str) -> str:
    ((_, masked),) = Masker(()).headers(((name, value),))
    return masked
