"""What happens to a request once it is read: judged, faulted, sent on if asked, put on record.

Shared by the intake's own endpoint and by the Agent's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from starlette.types import Receive, Scope, Send

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.exchange import LATE, NO_ANSWER, Exchange, Hop, ReceivedRequest, Response, encode_headers
from mock_intake.faults import BODILESS, Faults, RequestFacts, Taken, apply
from mock_intake.intake import Intake, unrecorded
from mock_intake.journal import JournalError
from mock_intake.server.forward import Forwarder, Target
from mock_intake.server.misbehaviour import abort, carry_out
from mock_intake.server.recorder import Recorder


@dataclass
class _UnderWay:
    """An event with attempts on their way to the record: how many attempts there were with them, how many are open."""

    attempts: int
    open: int = 0


class Reception:
    """The one way of a request to the record. ``target``: where accepted events are sent on to, if anywhere."""

    def __init__(
        self,
        intake: Intake,
        recorder: Recorder,
        faults: Faults,
        attempts: Callable[[str], int],
        target: Target | None = None,
    ) -> None:
        self.intake = intake
        self.recorder = recorder
        self.forwarder = Forwarder()
        self._faults = faults
        self._attempts = attempts
        self._target = target
        self._under_way: dict[str, _UnderWay] = {}
        self.reading = 0
        """How many requests have begun to arrive and are not on record yet."""

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """A request is arriving, within; it is on record, or never will be, after."""
        self.reading += 1
        try:
            yield
        finally:
            self.reading -= 1

    async def take(
        self,
        request: ReceivedRequest,
        hop: Hop | None = None,
        target: Target | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> tuple[Exchange, Taken | None]:
        """The exchange of a request, on record when this returns, and the fault step that it took.

        ``secrets`` are keys that are masked beside those that the request carries.
        """
        target = target or self._target
        if target is not None and target.api_key is not None:
            secrets |= {target.api_key}
        exchange = self.intake.receive(request, secrets)
        if hop is not None:
            exchange = replace(exchange, hop=hop)
        try:
            return await self._recorded(exchange, request, target)
        except JournalError as error:
            return unrecorded(exchange, str(error)), None

    async def _recorded(
        self, exchange: Exchange, request: ReceivedRequest, target: Target | None
    ) -> tuple[Exchange, Taken | None]:
        """The exchange with what became of it, on record. Raises ``JournalError``."""
        taken = self._fault(exchange)
        if taken is not None and taken.step is not None:
            exchange = apply(exchange, taken.step)
        elif taken is not None and taken.delay:
            exchange = replace(exchange, fault=LATE)
        if target is not None and exchange.accepted and (exchange.fault == LATE or not exchange.answer_lost):
            exchange = await self._sent_on(exchange, request, target)
        with self._counted(exchange):
            await self.recorder.record(exchange)
        return exchange, taken

    async def _sent_on(self, exchange: Exchange, request: ReceivedRequest, target: Target) -> Exchange:
        """An exchange with the answer that the other side gives to the event."""
        try:
            response = await self.forwarder.send(target, request.headers, request.body)
        except asyncio.CancelledError:
            # The server ends before the other side has answered: there is no answer, and a request all the same.
            self.recorder.record_soon(replace(exchange, response=Response(NO_ANSWER, (), b""), accepted=False))
            raise
        return replace(exchange, response=response, accepted=200 <= response.status_code < 300)

    @contextmanager
    def _counted(self, exchange: Exchange) -> Iterator[None]:
        """Counts an attempt that is not on record yet: others of the same event may be under way with it."""
        if exchange.event is None:
            yield
            return
        event_id = exchange.event.id
        under_way = self._under_way.get(event_id)
        if under_way is None:
            under_way = self._under_way[event_id] = _UnderWay(self._attempts(event_id))
        under_way.attempts += 1
        under_way.open += 1
        try:
            yield
        finally:
            under_way.open -= 1
            if not under_way.open:
                del self._under_way[event_id]

    def _fault(self, exchange: Exchange) -> Taken | None:
        """The step of the fault plan that the exchange takes.

        Any POST to the endpoint does, whatever its key, if it has arrived to its end: a step is for a client that
        waits for an answer.
        """
        request = exchange.request
        if request.method != "POST" or request.path != INTAKE_PATH or not request.complete or not self._faults.any:
            return None
        event = exchange.event
        facts = RequestFacts()
        if event is not None:
            under_way = self._under_way.get(event.id)
            before = under_way.attempts if under_way is not None else self._attempts(event.id)
            facts = RequestFacts(event.event_type, event.job_name, before + 1)
        return self._faults.take(exchange.org, facts)

    async def close(self) -> None:
        await self.forwarder.close()


async def answer(
    exchange: Exchange, taken: Taken | None, scope: Scope, receive: Receive, send: Send, *, close: bool = False
) -> None:
    """Answers an exchange, late and in the way that the fault step says."""
    if taken is not None:
        try:
            if taken.delay:
                await asyncio.sleep(taken.delay)
            if taken.step is not None and await carry_out(taken.step, exchange, scope, receive, send):
                return
        except asyncio.CancelledError:
            # The server stops: an answer that was never to come must not be made up now.
            abort(scope)
            raise
    response = exchange.response
    bodiless = response.status_code in BODILESS
    headers = list(response.headers)
    if not bodiless and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("content-length", str(len(response.body))))
    if close:
        headers.append(("connection", "close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": encode_headers(headers)})
    await send({"type": "http.response.body", "body": b"" if bodiless else response.body})
