"""What a step may do to the connection of the request that it hit: the protocol that the server implements.

An action speaks to a ``Wire`` and knows nothing of sockets, TLS or event loops, so that it can be read beside the
words that describe it, and be the same over every kind of connection. By the time it runs, the request was read to
its end, the exchange is on record, and the delay of step and plan is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

from mock_intake.model.exchange import Response


class Wire(Protocol):
    """The connection of one request.

    An action that neither answers nor ends the connection leaves the request without an answer until the client
    leaves. After ``close`` and ``reset`` nothing more goes out.
    """

    @property
    def response(self) -> Response:
        """The answer that is on record; of a step without one, an empty one of status 0."""
        ...

    async def answer(self) -> None:
        """Sends the answer as the server sends any; the connection can carry the next request."""
        ...

    async def answer_in_pieces(self, pieces: AsyncIterable[bytes]) -> None:
        """As ``answer``, but for the body: its ``pieces`` are sent one by one as they come, the head before the first.

        Together they are to be the whole body, whose length the head has promised.
        """
        ...

    def head(self) -> bytes:
        """The head of the answer as bytes, the empty line included.

        It promises the whole body, and of an empty one a byte: also that one can be seen to be cut short.
        """
        ...

    def write(self, data: bytes) -> None:
        """Sends ``data`` past all HTTP: nothing is added, and nobody checks that it is an answer."""
        ...

    async def wait(self, seconds: float) -> None:
        """Lets so many ``seconds`` pass; what was written before goes out meanwhile."""
        ...

    def close(self) -> None:
        """Ends the connection in order (TCP FIN, before it TLS's own end), behind what was written."""
        ...

    def reset(self) -> None:
        """Ends the connection with a TCP RST: what was not sent is thrown away, and the peer hears ECONNRESET."""
        ...


Action = Callable[[Wire], Awaitable[None]]
