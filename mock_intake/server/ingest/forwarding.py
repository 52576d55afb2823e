"""Sends events on to another intake: what the Agent does, and what ``serve --forward`` does.

Off unless asked for. Redirects are never followed, no credential goes along but the target's own, and no key is ever
stored: what is recorded of a request is what ``Intake.receive`` made of it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from mock_intake.body.decoding import CorruptBodyError, DecodedTooLargeError, UnsupportedEncodingError, decode
from mock_intake.model.exchange import HOP_BY_HOP, Headers, Response, encode_headers, header
from mock_intake.secrets.api_keys import Masker, is_secret
from mock_intake.server.http import heads

if TYPE_CHECKING:
    import httpx

# Of one connection only, or computed anew.
_NOT_SENT_ON = HOP_BY_HOP | {"host", "content-length", "expect"}
# Names the servers that a request was sent on by, so that none does it twice.
FORWARDED_BY = "x-mock-intake-forwarded-by"
# What is decoded here may be asked for, whatever else the producer understands.
_ACCEPT_ENCODING = "gzip, deflate"
# Every answer gets a Date of our own; and a producer that kept cookies would be told to send them to us.
_NOT_GIVEN_BACK = _NOT_SENT_ON | {"date", "set-cookie"}
_TIMEOUT = 30.0
_MAX_ANSWER = 20 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_log = logging.getLogger("mock_intake")
_PLAIN = ("content-type", "text/plain; charset=utf-8")


class TargetError(ValueError):
    """A URL that events cannot be sent to. The message says why, and never quotes it: there may be a password in it."""


class Target(NamedTuple):
    """Where to send: the whole URL, and the key to send with (None leaves the producer's)."""

    url: str
    api_key: str | None = None

    @property
    def shown(self) -> str:
        """The URL as it may be printed."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=Masker(()).query(parts.query)))


def check_url(url: str) -> None:
    """Raises ``TargetError`` unless events can be sent to the URL with a key of the target's own."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetError("it is no URL") from None
    if parts.scheme not in ("http", "https"):
        raise TargetError("it begins neither with http:// nor with https://")
    if "@" in parts.netloc:
        raise TargetError("it holds a user name or a password, which would be sent in place of the API key")
    if not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise TargetError("it names no host and port that can be reached")


class Forwarder:
    """Sends requests on over one client. Close it when done."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._id = secrets.token_hex(4)

    async def send(self, target: Target, headers: Headers, body: bytes) -> Response:
        """The answer of ``target``; 502 with a word on why where there is none. Never raises.

        ``headers`` and ``body`` are the producer's; a request that has been here before is answered 508: sent on again,
        it would come back for ever.
        """
        import httpx

        before = [value for name, value in headers if name.lower() == FORWARDED_BY]
        if self._id in ", ".join(before).split(", "):
            return _failed(508, "mock-intake was told to forward events to itself: this one came back.")
        if self._client is None:
            # Without a limit, as a target that never answers must not hold up what goes to another.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
            self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=True, limits=limits)
        try:
            # Headers are bytes; as text they are read as Latin-1 (RFC 9110).
            sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._sent(target, headers)]
            # Not by the client's own methods, which add headers and the cookies of earlier answers.
            request = httpx.Request("POST", target.url, headers=sent, content=body)
            async with asyncio.timeout(_TIMEOUT):
                # An Auth that does nothing: otherwise a user name in the URL would take the key's place.
                answer = await self._client.send(request, stream=True, auth=httpx.Auth())
                try:
                    raw = await _read(answer)
                finally:
                    await answer.aclose()
        except _TooLargeError:
            _log.warning("An answer of %s could not be passed on: it is larger than is taken.", target.shown)
            return _failed(502, f"{_NOT_PASSED_ON}it is larger than {_MAX_ANSWER:,} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return _failed(502, f"{_FAILED}{type(error).__name__}")
        if not 200 <= answer.status_code < 600:
            return _failed(502, f"{_FAILED}it was answered {answer.status_code}")
        received = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
        return _given_back(Response(answer.status_code, received, raw), target)

    def _sent(self, target: Target, headers: Headers) -> Headers:
        """What goes along of a request's headers, and what is put in their place."""
        kept = [
            (name, value)
            for name, value in _end_to_end(headers, _NOT_SENT_ON)
            if name.lower() != "accept-encoding" and (name.lower() == "authorization" or not is_secret(name))
        ]
        if target.api_key is not None:
            kept = [(name, value) for name, value in kept if name.lower() != "authorization"]
            kept.append(("authorization", f"Bearer {target.api_key}"))
        return (*kept, ("accept-encoding", _ACCEPT_ENCODING), (FORWARDED_BY, self._id))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class _TooLargeError(ValueError):
    """An answer of another side that is larger than is taken."""


async def _read(answer: httpx.Response) -> bytes:
    """The body of an answer as it came. Raises ``_TooLargeError``."""
    pieces, size = [], 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > _MAX_ANSWER:
            raise _TooLargeError
        pieces.append(piece)
    return b"".join(pieces)


def _end_to_end(headers: Headers, dropped: frozenset[str]) -> Headers:
    """Headers without those that are for one connection only: the usual ones, and those that Connection names."""
    named = {
        word.strip().lower() for name, value in headers if name.lower() == "connection" for word in value.split(",")
    }
    return tuple((name, value) for name, value in headers if name.lower() not in dropped and name.lower() not in named)


def _given_back(answer: Response, target: Target) -> Response:
    """An answer as the producer gets it: decoded, and without the key, should the other side have quoted it."""
    headers = _end_to_end(answer.headers, _NOT_GIVEN_BACK)
    if answer.status_code in _REDIRECTS and header(headers, "location") is not None:
        # A producer that went there would take its own key along.
        headers = tuple((name, value) for name, value in headers if name.lower() != "location")
        _log.warning(
            "%s answers %d: its events are to go elsewhere. The producer was given the answer without the Location.",
            target.shown,
            answer.status_code,
        )
    try:
        for name, value in encode_headers(headers):
            heads.checked_line(name, value)
    except heads.HeaderError as error:
        _log.warning("An answer of %s could not be passed on: %s.", target.shown, error)
        return _failed(502, f"{_NOT_PASSED_ON}{error}")
    body = answer.body
    try:
        body = decode(body, header(headers, "content-encoding"), _MAX_ANSWER) if body else body
    except (UnsupportedEncodingError, CorruptBodyError, DecodedTooLargeError):
        pass  # given back as it came, and with the word on how it is encoded
    else:
        headers = tuple((name, value) for name, value in headers if name.lower() != "content-encoding")
    if target.api_key is None:
        return Response(answer.status_code, headers, body)
    masker = Masker([target.api_key])
    headers = tuple((name, masker.text(value)) for name, value in headers)
    return Response(answer.status_code, headers, masker.body(body))


_FAILED = "mock-intake could not forward the event: "
_NOT_PASSED_ON = "mock-intake could not pass on the answer: "


def is_failure(response: Response) -> bool:
    """Whether ``response`` is ours, for want of one of the other side's."""
    return (
        response.status_code == 502
        and response.headers == (_PLAIN,)
        and response.body.startswith((_FAILED.encode(), _NOT_PASSED_ON.encode()))
    )


def _failed(status: int, text: str) -> Response:
    return Response(status, (_PLAIN,), text.encode())
