"""The blocking client of the control API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

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
    State,
    Statistics,
    Status,
    Streamed,
    Waited,
    WholeEvent,
    WholeExchange,
    WholeRun,
)

T = TypeVar("T")


class Client:
    """A blocking client of the intake at ``url`` (``http://127.0.0.1:8580``).

    ``token`` is the control token, where the server has one; it is not read from the environment. ``timeout``
    (seconds) is for one answer; waits and streams have their own. Every method raises ``ControlError`` where the
    server refuses, does not answer, or is no mock-intake.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        self._url = requests.server_url(url)
        with requests.trouble(self._url):
            # The intake is named by its URL: proxies of the environment are for others.
            self._http = httpx.Client(
                base_url=self._url + PREFIX,
                headers=headers_of(token),
                timeout=timeout,
                trust_env=False,
                verify=requests.verification(self._url),
            )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; ``with Client(...) as intake:`` does it by itself."""
        self._http.close()

    def _send(self, request: ControlRequest[T]) -> T:
        with requests.trouble(self._url):
            response = self._http.send(request.to_httpx(self._http))
        return request.answer(response)

    @contextmanager
    def _opened(self, request: ControlRequest[Json]) -> Iterator[httpx.Response]:
        """A good answer, its body not read yet."""
        with requests.trouble(self._url):
            response = self._http.send(request.to_httpx(self._http), stream=True)
        try:
            if not response.is_success:
                response.read()
            request.check(response)
            yield response
        finally:
            response.close()

    def events(
        self, query: EventQuery | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Event]:
        """A page of accepted events, the latest received first, all or those that ``query`` asks for.

        ``limit`` is at most 1000; ``cursor`` is the ``next`` of the page before.
        """
        return self._send(requests.events(query, limit, cursor))

    def event(self, event_id: str) -> WholeEvent:
        """The event ``event_id`` with its ``body`` (parsed) and ``raw`` (text as received).

        Raises ``ControlError`` with status 404 where no attempt of it was accepted, or none is on record any more.
        """
        return self._send(requests.event(event_id))

    def exchanges(
        self,
        *,
        org: str | None = None,
        event_id: str | None = None,
        refused: bool = False,
        faulted: bool = False,
        body: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Exchange]:
        """A page of all requests and what they were answered, the latest first; all, or those of one ``org``.

        ``event_id`` asks for the attempts of one event, ``refused`` and ``faulted`` only for what was refused or met a
        fault; ``body`` adds the parsed body of each. ``limit`` and ``cursor`` as for ``events``.
        """
        return self._send(requests.exchanges(org, event_id, refused, faulted, body, limit, cursor))

    def exchange(self, exchange_id: str) -> WholeExchange:
        """The exchange ``exchange_id`` with its ``body`` (parsed, None where it is no JSON) and ``raw`` (as received).

        Raises ``ControlError`` with status 404 where it is not on record.
        """
        return self._send(requests.exchange(exchange_id))

    def runs(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Run]:
        """A page of runs, the latest heard of first: those of one ``org``, or all.

        ``closed`` also finds what is missing, as if nothing more came; ``limit`` and ``cursor`` as for ``events``.
        """
        return self._send(requests.runs(org, closed, limit, cursor))

    def run(
        self,
        run_id: str = "latest",
        *,
        org: str | None = None,
        closed: bool = False,
        job_namespace: str | None = None,
        job_name: str | None = None,
    ) -> WholeRun:
        """The run ``run_id``, by default the one heard of last (in ``org``). ``closed`` also finds what is missing.

        Where several jobs share a run id each has a run of its own: ``job_namespace`` or ``job_name`` says which.
        Raises ``ControlError`` with status 404 where none fits.
        """
        return self._send(requests.run(run_id, org, closed, job_namespace, job_name))

    def jobs(self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None) -> Listing[Job]:
        """A page of jobs with counts, statuses, inputs and outputs, the latest new one first.

        Those of one ``org``, or all; ``limit`` and ``cursor`` as for ``events``.
        """
        return self._send(requests.jobs(org, limit, cursor))

    def datasets(
        self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Dataset]:
        """A page of datasets: platform, whether the product would surface them, readers, writers, columns.

        Those of one ``org``, or all; ``limit`` and ``cursor`` as for ``events``.
        """
        return self._send(requests.datasets(org, limit, cursor))

    def lineage(self, *, org: str | None = None) -> Lineage:
        """Jobs, datasets, and the edges between them and between their columns; of one ``org``, or of all."""
        return self._send(requests.lineage(org))

    def coverage(
        self, *, org: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Listing[Coverage]:
        """A page of jobs with their facets: what came, what each produces at Datadog, what is missing.

        Those of one ``org``, or all; ``limit`` and ``cursor`` as for ``events``.
        """
        return self._send(requests.coverage(org, limit, cursor))

    def findings(
        self, *, org: str | None = None, closed: bool = False, limit: int | None = None, cursor: str | None = None
    ) -> FindingPage:
        """A page of the findings of exchanges, and with each page all findings of runs and datasets.

        ``closed`` judges runs as if nothing more came, so that what is missing is found too; ``org``, ``limit`` and
        ``cursor`` as for ``events``.
        """
        return self._send(requests.findings(org, closed, limit, cursor))

    def orgs(self) -> list[Org]:
        """Who has sent anything, the latest heard of first, with counts."""
        return self._send(requests.orgs())

    def statistics(self, *, org: str | None = None) -> Statistics:
        """Counts over all that is on record, or (``org``) over one org's part of it."""
        return self._send(requests.statistics(org))

    def faults(self, *, org: str | None = None) -> Faults:
        """The fault plan that is set for ``org``, or for all, and how far it has come; an empty one where none is."""
        return self._send(requests.faults(org))

    def set_faults(
        self,
        sequence: str | Sequence[Step] = (),
        *,
        delay: float = 0.0,
        repeat_last: bool = False,
        org: str | None = None,
    ) -> Faults:
        """Sets a fault plan for all, or for one org, in place of the one before, and gives its state.

        A step is a status number, a word such as ``"reset"``, or the long form of either; a text has them with commas
        between (``"503,503,reset"``). ``delay`` (seconds) comes before every answer; ``repeat_last`` makes the last
        step last for ever. Raises ``ControlError`` for a plan that cannot be understood; the one before stays then.
        """
        return self._send(requests.set_faults(sequence, delay, repeat_last, org))

    def clear_faults(self, *, org: str | None = None) -> None:
        """Clears all fault plans, or (``org``) that of one org: requests are handled as usual again."""
        self._send(requests.clear_faults(org))

    def wait(
        self,
        *,
        events: int | None = None,
        org: str | None = None,
        job: str | None = None,
        run_id: str | None = None,
        state: State | None = None,
        event_type: str | None = None,
        status: Status | None = None,
        timeout: float = 10.0,
    ) -> Waited:
        """Returns as soon as so many ``events`` that fit are there (1, unless ``state`` is asked for), and a run that
        has reached the ``state``.

        ``job`` is a job's name. Raises ``WaitTimeoutError``, whose ``there`` says what came instead, after ``timeout``
        seconds (at most 300).
        """
        return self._send(requests.wait(events, org, job, run_id, state, event_type, status, timeout))

    def forget(self, *, org: str | None = None) -> int:
        """Takes the exchanges of one ``org``, or all, off the record; says how many there were."""
        return self._send(requests.forget(org))

    def import_(self, lines: bytes) -> Imported:
        """Puts exported exchanges on record: how many were ``imported``, how many ``known`` already.

        ``lines`` is NDJSON as ``export("exchanges")`` gives it, gzipped or not. Raises ``ControlError`` for what is
        none.
        """
        return self._send(requests.import_(lines))

    def openapi(self) -> Json:
        """The document of the control API."""
        return self._send(requests.openapi())

    def export(self, what: Literal["events", "exchanges"] = "events", *, org: str | None = None) -> Iterator[bytes]:
        """The lines of an export, each JSON without its newline, oldest first; of one ``org``, or all.

        ``what`` is ``events``, the accepted ones as received, or ``exchanges``, which are whole and can be imported.
        """
        lines = Lines()
        with self._opened(requests.export(what, org)) as response, requests.trouble(self._url):
            for chunk in response.iter_bytes():
                yield from lines.feed(chunk)

    def stream(self, *, org: str | None = None, after: str | None = None) -> Iterator[Streamed]:
        """New exchanges as they come in, without end; close the iterator to stop. Of one ``org``, or all.

        ``after`` is the id of the exchange to go on behind. A ``Streamed`` without an exchange says in ``dropped`` how
        many the server no longer had.
        """
        lines, events = Lines(), ServerSentEvents()
        with self._opened(requests.stream(org, after)) as response, requests.trouble(self._url):
            for chunk in response.iter_bytes():
                for line in lines.feed(chunk):
                    streamed = events.feed(line)
                    if streamed is not None:
                        yield streamed

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            if name in requests.RENAMED:
                raise AttributeError(f"Client.{name} is called {requests.RENAMED[name]} now")
            return super().__getattribute__(name)  # which raises what it should
