"""All HTTP connections of one server, over all its ports: how they are made, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.types import ASGIApp

from mock_intake.model.exchange import Exchange
from mock_intake.server.http.peers import Peers
from mock_intake.server.http.protocol import HttpProtocol, Shared
from mock_intake.server.limits import Limits, Notices


class HttpServer:
    """The connections of one server while it runs, in one loop. ``record`` puts on record what is no request."""

    def __init__(self, record: Callable[[Exchange], None], peers: Peers, limits: Limits, notices: Notices) -> None:
        self._shared = Shared(record, peers, limits, notices)

    def connections(self, app: ASGIApp) -> HttpConnections:
        """The connections of one port, whose requests ``app`` serves; each port may lead to an app of its own."""
        return HttpConnections(app, self._shared)

    async def end(self, patience: float) -> None:
        """Returns once all connections have ended: those that were told to, within ``patience`` seconds; then the
        others.

        Requests that are not answered then are cancelled, and get no answer.
        """
        shared = self._shared
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while (shared.open or shared.tasks) and (left := until - loop.time()) > 0:
            shared.closed.clear()
            # What is served ends before its connection does, but for the requests of connections that are gone.
            if shared.open:
                with suppress(TimeoutError):
                    await asyncio.wait_for(shared.closed.wait(), left)
            else:
                await asyncio.wait(list(shared.tasks), timeout=left)
        await _cancelled(shared.tasks)
        for connection in list(shared.open):
            connection.transport.abort()
        # What was aborted is closed in the loop's next rounds, and has what it has read put on record.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if shared.tasks:
            await asyncio.wait(list(shared.tasks), timeout=patience)
            await _cancelled(shared.tasks)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)


class HttpConnections:
    """The connections of one port (``mock_intake.server.listen.Connections``). Ports of one app end together."""

    def __init__(self, app: ASGIApp, shared: Shared) -> None:
        self._app = app
        self._shared = shared

    @property
    def limits(self) -> Limits:
        """What all who connect get."""
        return self._shared.limits

    @property
    def notices(self) -> Notices:
        """Where it is told that it was not enough."""
        return self._shared.notices

    def __call__(self) -> HttpProtocol:
        return HttpProtocol(self._app, self._shared)

    def shutdown(self) -> None:
        for connection in list(self._shared.open):
            if connection.app is self._app:
                connection.shutdown()
