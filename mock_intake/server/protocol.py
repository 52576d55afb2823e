"""uvicorn's HTTP protocol, taught to put on record what it cannot read as HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_intake.exchange import Exchange, ReceivedRequest, new_exchange_id
from mock_intake.intake import not_http
from mock_intake.masking import mask
from mock_intake.server.misbehaviour import CONNECTION
from mock_intake.server.proxy import Peers

_KEPT = 4096
_KEYS = re.compile(
    rb"(?i)(?P<before>bearer\s+|basic\s+|api[_-]?key\s*[:=]\s*|authorization\s*:\s*)(?P<key>[^\s&]+)"
    rb"|(?P<hex>[0-9a-f]{32,})"
)


def without_keys(data: bytes) -> bytes:
    """Raw bytes of a request that could not be parsed, with all that looks like a key masked."""

    def masked(match: re.Match[bytes]) -> bytes:
        if match["hex"]:
            return mask(match["hex"].decode()).encode()
        if match["key"].lower() in (b"bearer", b"basic"):
            return match.group()
        return match["before"] + mask(match["key"].decode("latin-1")).encode("latin-1")

    # Twice: behind "Authorization:" stands the scheme, and only behind that the key.
    return _KEYS.sub(masked, _KEYS.sub(masked, data))


def recording_protocol(record: Callable[[Exchange], None], peers: Peers) -> type[HttpToolsProtocol]:
    """A protocol class for one server, with the place where exchanges are put on record."""

    class RecordingProtocol(HttpToolsProtocol):
        _data = b""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.client = peers.real(self.client)
            self._data = b""

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

        def data_received(self, data: bytes) -> None:
            self._data = data
            super().data_received(data)

        def send_400_response(self, msg: str) -> None:
            answered = self.cycle is None or self.cycle.response_complete
            if answered:
                exchange = self._unreadable()
                record(exchange)
                self._write(exchange)
            else:
                # The request was read so far that the endpoint has it: it will find the body incomplete.
                super().send_400_response(msg)

        def _unreadable(self) -> Exchange:
            data = without_keys(self._data[:_KEPT])
            peer = f"{self.client[0]}:{self.client[1]}" if self.client else None
            request = ReceivedRequest(
                id=new_exchange_id(),
                method="",
                path="",
                query="",
                headers=(),
                body=data,
                received_at=datetime.now(UTC),
                peer=peer,
                wire_size=len(self._data),
            )
            return not_http(request)

        def _write(self, exchange: Exchange) -> None:
            response = exchange.response
            head: list[Any] = ["HTTP/1.1 400 Bad Request", "connection: close"]
            head += [f"{name}: {value}" for name, value in response.headers]
            head += [f"content-length: {len(response.body)}", "", ""]
            self.transport.write("\r\n".join(head).encode("latin-1") + response.body)
            self.transport.close()

    return RecordingProtocol
