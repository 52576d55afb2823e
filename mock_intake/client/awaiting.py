"""The awaiting client of the control API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Literal, TypeVar

import httpx

from mock_intake.client import requests
from mock_intake.client.requests import PREFIX, ControlRequest, Json, Lines, ServerSentEvents, Step, headers_of
from mock_intake.client.types import (
    Coverage,
    Dataset,
    Event,
    EventQuery,
    Exchange,
    Faults,
    FindingPage,
    Imported,
    Job,
    Lineage,
    Listing,
    Org,
    Run,
    Statistics,
    Status,
    Streamed,
    Waited,
    WholeEvent,
    WholeExchange,
    WholeRun,
)

T = TypeVar("T")


class AsyncClient:
    """``Client`` for coroutines: the same methods, awaited."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        self._url = url.rstrip("/")
        with requests.trouble(self._url):
            # The intake is named by its URL: proxies of the environment are for others.
            self._http = httpx.AsyncClient(
                base_url=self._url + PREFIX, headers=headers_of(token), timeout=timeout, trust_env=False
            )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, request: ControlRequest[T]) -> T:
        with requests.trouble(self._url):
            response = await self._http.send(request.to_httpx(self._http))
        return request.answer(response)

    @asynccontextmanager
    async def _opened(self, request: ControlRequest[Json]) -> AsyncIterator[httpx.Response]:
        """A good answer, its body not read yet."""
        with requests.trouble(self._url):
            response = await self._http.send(request.to_httpx(self._http), stream=True)
        try:
            if not response.is_success:
                await response.aread()
            request.check(response)
            yield response
        finally:
            await response.aclose()

    async def events(
        self, query: EventQuery | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Event]:
        return await self._send(requests.events(query, limit, cursor))

    async def event(self, event_id: str) -> WholeEvent:
        return await self._send(requests.event(event_id))

    async def exchanges(
        self,
        *,
        org: str | None = None,
        event_id: str | None = None,
        body: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Exchange]:
        return await self._send(requests.exchanges(org, event_id, body, limit, cursor))

    async def exchange(self, exchange_id: str) -> WholeExchange:
        return await self._send(requests.exchange(exchange_id))

    async def runs(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Run]:
        return await self._send(requests.runs(org, closed, limit, cursor))

    async def run(self, run_id: str = "latest", *, org: str | None = None, closed: bool = False) -> WholeRun:
        return await self._send(requests.run(run_id, org, closed))

    async def jobs(
        self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Job]:
        return await self._send(requests.jobs(org, limit, cursor))

    async def datasets(
        self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Dataset]:
        return await self._send(requests.datasets(org, limit, cursor))

    async def lineage(self, *, org: str | None = None) -> Lineage:
        return await self._send(requests.lineage(org))

    async def coverage(
        self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Coverage]:
        return await self._send(requests.coverage(org, limit, cursor))

    async def findings(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> FindingPage:
        return await self._send(requests.findings(org, closed, limit, cursor))

    async def orgs(self) -> list[Org]:
        return await self._send(requests.orgs())

    async def statistics(self, *, org: str | None = None) -> Statistics:
        return await self._send(requests.statistics(org))

    async def faults(self, *, org: str | None = None) -> Faults:
        return await self._send(requests.faults(org))

    async def set_faults(
        self, sequence: Sequence[Step] = (), *, delay: float = 0.0, repeat_last: bool = False, org: str | None = None
    ) -> Faults:
        return await self._send(requests.set_faults(sequence, delay, repeat_last, org))

    async def end_faults(self, *, org: str | None = None) -> None:
        await self._send(requests.end_faults(org))

    async def wait(
        self,
        *,
        events: int | None = None,
        org: str | None = None,
        job: str | None = None,
        run_id: str | None = None,
        state: str | None = None,
        event_type: str | None = None,
        status: Status | None = None,
        timeout: float = 10.0,
    ) -> Waited:
        """Returns when so many events, or a run in the state, are there. Raises ``WaitTimeoutError``."""
        return await self._send(requests.wait(events, org, job, run_id, state, event_type, status, timeout))

    async def forget(self, *, org: str | None = None) -> int:
        """Takes the exchanges of an org, or all, off the record; says how many there were."""
        return await self._send(requests.forget(org))

    async def import_(self, lines: bytes) -> Imported:
        """Puts exported exchanges on record: how many were ``imported``, how many ``known`` already."""
        return await self._send(requests.import_(lines))

    async def openapi(self) -> Json:
        return await self._send(requests.openapi())

    async def export(
        self, what: Literal["events", "exchanges"] = "events", *, org: str | None = None
    ) -> AsyncIterator[bytes]:
        """The lines of an export, without their newlines."""
        lines = Lines()
        async with self._opened(requests.export(what, org)) as response:
            with requests.trouble(self._url):
                async for chunk in response.aiter_bytes():
                    for line in lines.feed(chunk):
                        yield line

    async def stream(self, *, org: str | None = None, after: str | None = None) -> AsyncIterator[Streamed]:
        """New exchanges as they come in, without end; close the iterator to stop.

        ``after`` is the id of the exchange to go on behind.
        """
        lines, events = Lines(), ServerSentEvents()
        async with self._opened(requests.stream(org, after)) as response:
            with requests.trouble(self._url):
                async for chunk in response.aiter_bytes():
                    for line in lines.feed(chunk):
                        streamed = events.feed(line)
                        if streamed is not None:
                            yield streamed
