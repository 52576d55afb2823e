"""A client of the control API (httpx), for tests and tools in other processes than the server's.

``Client`` blocks, ``AsyncClient`` awaits; both have the same methods with the same types. Raises
``ControlError`` with the server's own words when a request cannot be answered.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypedDict

import httpx

PREFIX = "/api/mock/v1"
_EXTRA_SECONDS = 10.0
Json = dict[str, Any]
Step = int | str | Mapping[str, Any]


class ControlError(RuntimeError):
    """The control API refused; ``status_code`` is 0 where there was no answer at all."""

    def __init__(self, message: str, status_code: int = 0) -> None:
        super().__init__(message)
        self.status_code = status_code


class WaitTimeoutError(ControlError):
    """What was waited for did not come in time; ``there`` says what is there instead."""

    def __init__(self, message: str, there: Json) -> None:
        super().__init__(message, 408)
        self.there = there


class Listing(NamedTuple):
    """A page of a listing. ``next`` is the cursor of the following page; ``dropped`` what retention let go."""

    items: list[Json]
    next: str | None
    dropped: int


class EventQuery(TypedDict, total=False):
    """Which events are asked for."""

    org: str
    status: Literal["ok", "warning", "error"]
    kind: Literal["RunEvent", "JobEvent", "DatasetEvent"]
    event_type: str
    job_namespace: str
    job_name: str
    run_id: str


class _Request(NamedTuple):
    """A request to the control API, not sent yet."""

    method: str
    path: str
    query: Json
    body: Any = None
    content: bytes | None = None
    timeout: float | None = None


def _listed(name: str, query: Mapping[str, Any], limit: int | None, cursor: str | None) -> _Request:
    paging = {"limit": limit, "cursor": cursor}
    return _Request("GET", f"/{name}", {key: value for key, value in {**query, **paging}.items() if value is not None})


def _wait(
    events: int | None,
    org: str | None,
    job: str | None,
    run_id: str | None,
    state: str | None,
    event_type: str | None,
    timeout: float,
) -> _Request:
    wanted = {
        "events": events,
        "org": org,
        "job": job,
        "run_id": run_id,
        "state": state,
        "event_type": event_type,
        "timeout": timeout,
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    return _Request("POST", "/wait", {}, body, timeout=timeout + _EXTRA_SECONDS)


def _plan(sequence: Sequence[Step], delay: float, repeat_last: bool, org: str | None) -> _Request:
    plan = {"sequence": list(sequence), "delay": delay, "repeat_last": repeat_last, "org": org}
    return _Request("PUT", "/faults", {}, plan)


def _org(org: str | None) -> Json:
    return {} if org is None else {"org": org}


def _answer(response: httpx.Response) -> Any:
    """The JSON of a good answer; raises what a bad one says."""
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success:
        return content
    message = content.get("error") if isinstance(content, dict) else None
    if response.status_code == 408 and isinstance(content, dict):
        raise WaitTimeoutError(str(message), content)
    raise ControlError(str(message or f"the server answered {response.status_code}"), response.status_code)


def _listing(name: str, content: Json) -> Listing:
    return Listing(content[name], content["next"], content["dropped"])


def _headers(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _no_answer(url: str, error: httpx.HTTPError) -> ControlError:
    return ControlError(f"{url} does not answer: {type(error).__name__}: {error}")


class Client:
    """A blocking client of the intake at ``url`` (``http://127.0.0.1:8580``); ``token`` is the control token."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        self._url = url.rstrip("/")
        # The intake is named by its URL: proxies of the environment are for others.
        self._http = httpx.Client(
            base_url=self._url + PREFIX, headers=_headers(token), timeout=timeout, trust_env=False
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _send(self, request: _Request) -> Any:
        timeout = httpx.USE_CLIENT_DEFAULT if request.timeout is None else request.timeout
        try:
            response = self._http.request(
                request.method,
                request.path,
                params=request.query,
                json=request.body,
                content=request.content,
                timeout=timeout,
            )
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error
        return _answer(response)

    def _list(self, name: str, query: Mapping[str, Any], limit: int | None, cursor: str | None) -> Listing:
        return _listing(name, self._send(_listed(name, query, limit, cursor)))

    def events(
        self, query: EventQuery | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Listing:
        return self._list("events", query or {}, limit, cursor)

    def event(self, event_id: str) -> Json:
        return dict(self._send(_Request("GET", f"/events/{event_id}", {})))

    def exchanges(
        self,
        *,
        org: str | None = None,
        event_id: str | None = None,
        body: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing:
        query = {"org": org, "event_id": event_id, "body": "1" if body else None}
        return self._list("exchanges", query, limit, cursor)

    def exchange(self, exchange_id: str) -> Json:
        return dict(self._send(_Request("GET", f"/exchanges/{exchange_id}", {})))

    def runs(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> Listing:
        return self._list("runs", {"org": org, "closed": "1" if closed else None}, limit, cursor)

    def run(self, run_id: str = "latest", *, org: str | None = None, closed: bool = False) -> Json:
        query = {**_org(org), **({"closed": "1"} if closed else {})}
        return dict(self._send(_Request("GET", f"/runs/{run_id}", query)))

    def jobs(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return self._list("jobs", {"org": org}, limit, cursor)

    def datasets(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return self._list("datasets", {"org": org}, limit, cursor)

    def lineage(self, *, org: str | None = None) -> Json:
        return dict(self._send(_Request("GET", "/lineage", _org(org))))

    def coverage(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return _listing("jobs", self._send(_listed("coverage", {"org": org}, limit, cursor)))

    def findings(self, *, org: str | None = None, closed: bool = False, cursor: str | None = None) -> Json:
        query = {"org": org, "closed": "1" if closed else None}
        return dict(self._send(_listed("findings", query, None, cursor)))

    def orgs(self) -> list[Json]:
        return list(self._send(_Request("GET", "/orgs", {}))["orgs"])

    def statistics(self, *, org: str | None = None) -> Json:
        return dict(self._send(_Request("GET", "/statistics", _org(org))))

    def faults(self, *, org: str | None = None) -> Json:
        return dict(self._send(_Request("GET", "/faults", _org(org))))

    def set_faults(
        self, sequence: Sequence[Step] = (), *, delay: float = 0.0, repeat_last: bool = False, org: str | None = None
    ) -> Json:
        return dict(self._send(_plan(sequence, delay, repeat_last, org)))

    def end_faults(self, *, org: str | None = None) -> None:
        self._send(_Request("DELETE", "/faults", _org(org)))

    def wait(
        self,
        *,
        events: int | None = None,
        org: str | None = None,
        job: str | None = None,
        run_id: str | None = None,
        state: str | None = None,
        event_type: str | None = None,
        timeout: float = 10.0,
    ) -> Json:
        """Returns when so many events, or a run in the state, are there. Raises ``WaitTimeoutError``."""
        return dict(self._send(_wait(events, org, job, run_id, state, event_type, timeout)))

    def forget(self, *, org: str | None = None) -> int:
        return int(self._send(_Request("DELETE", "/exchanges", _org(org)))["forgotten"])

    def export(self, what: Literal["events", "exchanges"] = "events", *, org: str | None = None) -> Iterator[bytes]:
        """The lines of an export, without their newlines."""
        try:
            with self._http.stream("GET", "/export", params={"what": what, **_org(org)}) as response:
                if not response.is_success:
                    response.read()
                    _answer(response)
                yield from (line.encode() for line in response.iter_lines() if line)
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error

    def import_(self, lines: bytes) -> Json:
        """Puts exported exchanges on record: how many were ``imported``, how many ``known`` already."""
        return dict(self._send(_Request("POST", "/import", {}, content=lines)))

    def stream(self, *, org: str | None = None) -> Iterator[Json]:
        """New exchanges as they come in, without end; close the iterator to stop."""
        try:
            with self._http.stream("GET", "/stream", params=_org(org), timeout=None) as response:
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error

    def openapi(self) -> Json:
        return dict(self._send(_Request("GET", "/openapi.json", {})))


class AsyncClient:
    """``Client`` for coroutines: the same methods, awaited."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self._url + PREFIX, headers=_headers(token), timeout=timeout, trust_env=False
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, request: _Request) -> Any:
        timeout = httpx.USE_CLIENT_DEFAULT if request.timeout is None else request.timeout
        try:
            response = await self._http.request(
                request.method,
                request.path,
                params=request.query,
                json=request.body,
                content=request.content,
                timeout=timeout,
            )
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error
        return _answer(response)

    async def _list(self, name: str, query: Mapping[str, Any], limit: int | None, cursor: str | None) -> Listing:
        return _listing(name, await self._send(_listed(name, query, limit, cursor)))

    async def events(
        self, query: EventQuery | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Listing:
        return await self._list("events", query or {}, limit, cursor)

    async def event(self, event_id: str) -> Json:
        return dict(await self._send(_Request("GET", f"/events/{event_id}", {})))

    async def exchanges(
        self,
        *,
        org: str | None = None,
        event_id: str | None = None,
        body: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing:
        query = {"org": org, "event_id": event_id, "body": "1" if body else None}
        return await self._list("exchanges", query, limit, cursor)

    async def exchange(self, exchange_id: str) -> Json:
        return dict(await self._send(_Request("GET", f"/exchanges/{exchange_id}", {})))

    async def runs(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> Listing:
        return await self._list("runs", {"org": org, "closed": "1" if closed else None}, limit, cursor)

    async def run(self, run_id: str = "latest", *, org: str | None = None, closed: bool = False) -> Json:
        query = {**_org(org), **({"closed": "1"} if closed else {})}
        return dict(await self._send(_Request("GET", f"/runs/{run_id}", query)))

    async def jobs(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return await self._list("jobs", {"org": org}, limit, cursor)

    async def datasets(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return await self._list("datasets", {"org": org}, limit, cursor)

    async def lineage(self, *, org: str | None = None) -> Json:
        return dict(await self._send(_Request("GET", "/lineage", _org(org))))

    async def coverage(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing:
        return _listing("jobs", await self._send(_listed("coverage", {"org": org}, limit, cursor)))

    async def findings(self, *, org: str | None = None, closed: bool = False, cursor: str | None = None) -> Json:
        query = {"org": org, "closed": "1" if closed else None}
        return dict(await self._send(_listed("findings", query, None, cursor)))

    async def orgs(self) -> list[Json]:
        return list((await self._send(_Request("GET", "/orgs", {})))["orgs"])

    async def statistics(self, *, org: str | None = None) -> Json:
        return dict(await self._send(_Request("GET", "/statistics", _org(org))))

    async def faults(self, *, org: str | None = None) -> Json:
        return dict(await self._send(_Request("GET", "/faults", _org(org))))

    async def set_faults(
        self, sequence: Sequence[Step] = (), *, delay: float = 0.0, repeat_last: bool = False, org: str | None = None
    ) -> Json:
        return dict(await self._send(_plan(sequence, delay, repeat_last, org)))

    async def end_faults(self, *, org: str | None = None) -> None:
        await self._send(_Request("DELETE", "/faults", _org(org)))

    async def wait(
        self,
        *,
        events: int | None = None,
        org: str | None = None,
        job: str | None = None,
        run_id: str | None = None,
        state: str | None = None,
        event_type: str | None = None,
        timeout: float = 10.0,
    ) -> Json:
        """Returns when so many events, or a run in the state, are there. Raises ``WaitTimeoutError``."""
        return dict(await self._send(_wait(events, org, job, run_id, state, event_type, timeout)))

    async def forget(self, *, org: str | None = None) -> int:
        return int((await self._send(_Request("DELETE", "/exchanges", _org(org))))["forgotten"])

    async def export(
        self, what: Literal["events", "exchanges"] = "events", *, org: str | None = None
    ) -> AsyncIterator[bytes]:
        """The lines of an export, without their newlines."""
        try:
            async with self._http.stream("GET", "/export", params={"what": what, **_org(org)}) as response:
                if not response.is_success:
                    await response.aread()
                    _answer(response)
                async for line in response.aiter_lines():
                    if line:
                        yield line.encode()
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error

    async def import_(self, lines: bytes) -> Json:
        """Puts exported exchanges on record: how many were ``imported``, how many ``known`` already."""
        return dict(await self._send(_Request("POST", "/import", {}, content=lines)))

    async def stream(self, *, org: str | None = None) -> AsyncIterator[Json]:
        """New exchanges as they come in, without end; close the iterator to stop."""
        try:
            async with self._http.stream("GET", "/stream", params=_org(org), timeout=None) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise _no_answer(self._url, error) from error

    async def openapi(self) -> Json:
        return dict(await self._send(_Request("GET", "/openapi.json", {})))
