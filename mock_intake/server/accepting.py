"""Takes connections for the TLS intake and makes their handshakes.

In place of the loop's own server, which tells nobody of a handshake that is under way, nor of one that failed. At the
end those under way must be dropped (uvloop cannot close a loop that has any), and a client that does not trust the
certificate is worth a word: its events never become requests.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

_HANDSHAKE_TIMEOUT = 30.0
_PAUSE = 0.1


async def accept_tls(
    listening: socket.socket,
    context: ssl.SSLContext,
    protocol: Callable[[], asyncio.Protocol],
    broken_off: Callable[[], None],
) -> None:
    """Accepts until it is cancelled, then drops what has not shaken hands yet and closes the listening socket.

    ``broken_off`` is called when a client ends a connection before the handshake is done. Not every client that
    distrusts the certificate says so first: what runs on asyncio is just gone.
    """
    loop = asyncio.get_running_loop()
    listening.setblocking(False)
    handshakes: set[asyncio.Task[None]] = set()

    async def shake_hands(accepted: socket.socket) -> None:
        try:
            await loop.connect_accepted_socket(
                protocol, accepted, ssl=context, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT
            )
        except ssl.SSLError as error:
            if "ALERT" in (error.reason or ""):  # else what came is no TLS
                broken_off()
        except ConnectionResetError:
            broken_off()
        except OSError:
            pass  # it was too slow

    try:
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_PAUSE)  # too many open files, for instance: they may become fewer
                continue
            task = loop.create_task(shake_hands(accepted))
            handshakes.add(task)
            task.add_done_callback(handshakes.discard)
    finally:
        listening.close()
        for task in handshakes:
            task.cancel()
        await asyncio.gather(*handshakes, return_exceptions=True)
