"""Sends events on to another intake: what the Agent does, and what ``serve --forward`` does.

Off unless asked for. Redirects are never followed, and no key is ever stored: what is recorded of a request is
what ``Intake.receive`` made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mock_intake.exchange import Headers, Response

if TYPE_CHECKING:
    import httpx

# Of one connection only, so not sent on (RFC 9110), or computed anew.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "expect",
    )
)
# The client decodes answers, so what says how they were encoded is not passed on.
_ENCODED = ("content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive")
_TIMEOUT = 30.0


class Target(NamedTuple):
    """Where to send: the whole URL, and the key to send with (None leaves the producer's)."""

    url: str
    api_key: str | None = None


class Forwarder:
    """Sends requests on over one client. Close it when done."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def send(self, target: Target, headers: Headers, body: bytes) -> Response:
        """The other side's answer; 502 with a word on why where there is none. Never raises."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=True)
        sent = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        if target.api_key is not None:
            sent = [(name, value) for name, value in sent if name.lower() != "authorization"]
            sent.append(("authorization", f"Bearer {target.api_key}"))
        try:
            # Headers are bytes; as text they are read as Latin-1 (RFC 9110).
            encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent]
            answer = await self._client.post(target.url, content=body, headers=encoded)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            text = f"mock-intake could not forward the event: {type(error).__name__}"
            return Response(502, (("content-type", "text/plain; charset=utf-8"),), text.encode())
        passed = tuple((name, value) for name, value in answer.headers.items() if name.lower() not in _ENCODED)
        return Response(answer.status_code, passed, answer.content)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None
