"""The one way of a request: read, judged, faulted, sent on if asked, put on record, answered.

Shared by the intake's own endpoint and by the Agent's. The answer goes out after the exchange is on record, so a 2xx
means that it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from mock_intake.body.decoding import decoded_at_once
from mock_intake.body.room import LARGE, MEBIBYTE, room_of
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults import Faults, RequestFacts, Taken, apply
from mock_intake.journal import JournalError
from mock_intake.judging.intake import Intake, unrecorded
from mock_intake.model.exchange import LATE, NO_ANSWER, UNATTRIBUTED, Exchange, Hop, ReceivedRequest, Response, header
from mock_intake.secrets.other_orgs import KnownOrgs
from mock_intake.server.ingest.answering import answer
from mock_intake.server.ingest.budget import Budget
from mock_intake.server.ingest.forwarding import Forwarder, Target
from mock_intake.server.ingest.order import Order, Place
from mock_intake.server.ingest.reading import read_request
from mock_intake.server.ingest.recorder import Recorder
from mock_intake.server.limits import Limits, Notices
from mock_intake.server.workers import Workers
from mock_intake.system.allocator import leaving_no_holes


class Outcome(NamedTuple):
    """What became of a request: its exchange, on record; the fault step that it took; whether its connection ends."""

    exchange: Exchange
    taken: Taken | None
    close: bool = False


# Large bodies are judged beside the loop, by so many threads.
_JUDGING = 2
# What takes that much room (bytes) leaves holes in memory that are worth looking for.
_MUCH = 32 * MEBIBYTE
# The lane of those who take steps of fault plans; others are called by orgs.
_STEPS = None

_log = logging.getLogger("mock_intake")

Take = Callable[[ReceivedRequest], Awaitable[Outcome]]


class _Attempts(Struct):
    """The attempts of one event that are on their way to the record together.

    ``begun`` have come since the first of them, ``open`` of those are not on record yet. ``before`` is how many there
    were before that first one; None where no fault plan has asked.
    """

    begun: int = 0
    open: int = 0
    before: int | None = None


class _Turn(Struct):
    """Where a request stands behind those whose bodies ended before its own: with its step, and on the record.

    ``claimed`` is whether its step was taken when its body ended, and ``claim`` what that was.
    """

    on_record: Place | None = None
    step: Place | None = None
    claimed: bool = False
    claim: Taken | None = None

    def leave(self) -> None:
        for place in (self.on_record, self.step):
            if place is not None:
                place.leave()


class Pipeline:
    """The way of all requests of one server. ``target``: where accepted events are sent on to, if anywhere.

    ``attempts`` asks the journal how many exchanges an event has had; ``orgs`` are those on record.
    """

    def __init__(
        self,
        intake: Intake,
        recorder: Recorder,
        faults: Faults,
        attempts: Callable[[str], int],
        target: Target | None = None,
        orgs: KnownOrgs | None = None,
        *,
        limits: Limits | None = None,
        notices: Notices | None = None,
    ) -> None:
        limits = limits or Limits()
        self.intake = intake
        self.recorder = recorder
        self.forwarder = Forwarder()
        self._faults = faults
        self._attempts = attempts
        self._orgs = orgs or KnownOrgs()
        self._target = target
        self._attempts_under_way: dict[str, _Attempts] = {}
        # Of its own, so that what is asked of the record elsewhere does not keep events waiting.
        self._workers = Workers(1, "mock-intake-attempts")
        # For bodies whose judgement takes long. Of its threads one runs at a time (there is one interpreter), so that
        # more of them would do no more; but one that takes very long does not hold up the next.
        self._judging = Workers(_JUDGING, "mock-intake-judging")
        self._order = Order()
        self.budget = Budget(limits.budget, limits.patience)
        self._notices = notices or Notices()
        self._small = min(LARGE, intake.settings.max_decoded)
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many requests have begun to arrive, and are not on record yet."""
        return self._under_way

    async def serve(self, scope: Scope, receive: Receive, send: Send, take: Take, limit: int) -> None:
        """The whole way of one request, ``take`` being what its endpoint makes of it; ``limit`` is for its body.

        An answer that is late is no longer under way: what matters is on record.
        """
        self._under_way += 1
        share = None
        try:
            request, given_up, no_room, share = await read_request(scope, receive, limit, self.budget)
            outcome = await (self._turn_away(request) if no_room else self._outcome(request, take))
        finally:
            self._under_way -= 1
            if share is not None:
                share.give_back()
        close = outcome.close or given_up
        await answer(outcome.exchange, outcome.taken, scope, receive, send, close=close)

    async def _outcome(self, request: ReceivedRequest, take: Take) -> Outcome:
        """What an endpoint makes of a request; a bug of ours must neither lose it nor stay unseen."""
        try:
            return await take(request)
        except Exception:
            _log.exception("the request %s could not be served", request.id)
        exchange = self.intake.fail(request)
        try:
            await self.recorder.record(exchange)
        except JournalError as error:
            exchange = unrecorded(exchange, str(error))
        return Outcome(exchange, None, close=True)

    async def _turn_away(self, request: ReceivedRequest) -> Outcome:
        """What becomes of a request whose body has waited too long to be read."""
        self._notices.tell(
            "A request was answered 503, as its body had waited too long for room: there were too many under way "
            "(--budget, --patience)."
        )
        exchange = self.intake.turn_away(request)
        try:
            await self.recorder.record(exchange)
        except JournalError as error:
            exchange = unrecorded(exchange, str(error))
        return Outcome(exchange, None, close=True)

    async def take(
        self,
        request: ReceivedRequest,
        hop: Hop | None = None,
        target: Target | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> tuple[Exchange, Taken | None]:
        """The exchange of a request, on record when this returns, and the fault step that it took.

        ``hop`` is how it came to the Agent, ``target`` where it is sent on to in place of the pipeline's own.
        ``secrets`` are keys that are masked beside those that the request carries. A request that cannot be put on
        record is answered 503, in the way of no step.
        """
        target = target or self._target
        if target is not None and target.api_key is not None:
            secrets |= {target.api_key}
        decoded = decoded_at_once(request.body, header(request.headers, "content-encoding"), self._small)
        if decoded is None:
            turn = self._turn(request)
            try:
                try:
                    exchange = await self._judged(request, secrets)
                except asyncio.CancelledError:
                    # The server ends before it is judged: it is on record all the same.
                    self._record_unanswered(self.intake.turn_away(request, secrets))
                    raise
                return await self._taken(exchange, request, hop, target, turn)
            finally:
                turn.leave()
        exchange = self.intake.receive(request, secrets, decoded=decoded, orgs=self._orgs)
        behind = self._turn_behind(exchange) if self._order.has_lanes else None
        try:
            return await self._taken(exchange, request, hop, target, behind)
        finally:
            if behind is not None:
                behind.leave()

    async def _judged(self, request: ReceivedRequest, secrets: frozenset[str]) -> Exchange:
        """The exchange of a request whose judgement takes long, once there is room for it."""
        budget = self.budget
        await budget.decoding.take(1)
        try:
            decoded = await self._judging.run(self.intake.decoded, request)
            room = room_of(len(request.body if decoded is None else decoded))
            if not budget.judging.has(room):
                decoded = None  # decoded again once it is its turn: whoever waits holds no more than has come
            await budget.judging.take(room)
        finally:
            budget.decoding.give(1)
        work = partial(self.intake.receive, request, secrets, decoded=decoded, orgs=self._orgs)
        del decoded
        try:
            return await (self._judging.run(leaving_no_holes, work) if room > _MUCH else self._judging.run(work))
        finally:
            budget.judging.give(room)

    def _turn(self, request: ReceivedRequest) -> _Turn:
        """The turn of a request that is judged beside the loop: nothing that comes later may go before it.

        Its step is taken now, unless a plan looks at events.
        """
        org = self.intake.org_of(request)
        on_record = None if org == UNATTRIBUTED else self._order.join(org)
        if not (self._faults.any and _takes_steps(request)):
            return _Turn(on_record)
        if self._faults.blocking or self._faults.look_at_events or self._order.has(_STEPS):
            return _Turn(on_record, self._order.join(_STEPS))
        return _Turn(on_record, claimed=True, claim=self._faults.take(org, RequestFacts()))

    def _turn_behind(self, exchange: Exchange) -> _Turn | None:
        """The turn of a request that was judged at once, behind those that came before it; None if it need not wait."""
        has = self._order.has
        on_record = self._order.join(exchange.org) if has(exchange.org) else None
        step = self._order.join(_STEPS) if has(_STEPS) and _takes_steps(exchange.request) else None
        return _Turn(on_record, step) if on_record or step else None

    async def _taken(
        self,
        exchange: Exchange,
        request: ReceivedRequest,
        hop: Hop | None,
        target: Target | None,
        turn: _Turn | None,
    ) -> tuple[Exchange, Taken | None]:
        """What ``take`` gives, once a request is judged."""
        self._orgs.add(exchange.org)
        if hop is not None:
            exchange = replace(exchange, hop=hop)
        event, planned = exchange.event, self._faults.any
        # A journal in memory has an exchange before the next one is looked at; only plans ask for attempts there.
        if event is None or not (self.recorder.waits or planned):
            return await self._put_on_record(exchange, request, target, None, turn, planned=planned)
        attempts = self._attempts_under_way.get(event.id)
        if attempts is None:
            attempts = self._attempts_under_way[event.id] = _Attempts()
        attempts.begun += 1
        attempts.open += 1
        try:
            return await self._put_on_record(exchange, request, target, attempts, turn, planned=planned)
        finally:
            attempts.open -= 1
            if not attempts.open:
                del self._attempts_under_way[event.id]

    async def _put_on_record(
        self,
        exchange: Exchange,
        request: ReceivedRequest,
        target: Target | None,
        attempts: _Attempts | None,
        turn: _Turn | None,
        *,
        planned: bool,
    ) -> tuple[Exchange, Taken | None]:
        """Has faults and the other side do with an exchange what they do, and the recorder keep what comes of it.

        ``attempts`` are those of its event, where there is one and somebody counts; ``planned`` is whether there is any
        fault plan.
        """
        try:
            if turn is not None and turn.claimed:
                taken = turn.claim
            else:
                if turn is not None and turn.step is not None:
                    await self._waited(turn.step, exchange)
                taken = await self._fault(exchange, attempts) if planned else None
                if turn is not None and turn.step is not None:
                    turn.step.leave()
            if taken is not None and taken.step is not None:
                exchange = apply(exchange, taken.step)
            elif taken is not None and taken.delay:
                exchange = replace(exchange, fault=LATE)
            if turn is not None and turn.on_record is not None:
                await self._waited(turn.on_record, exchange)
            if target is not None and exchange.accepted and (exchange.fault == LATE or not exchange.answer_lost):
                exchange = await self._sent_on(exchange, request, target)
            recording = self.recorder.begin(exchange)
            if turn is not None and turn.on_record is not None:
                turn.on_record.leave()
            if recording is not None:
                await recording
        except JournalError as error:
            return unrecorded(exchange, str(error)), None
        return exchange, taken

    async def _sent_on(self, exchange: Exchange, request: ReceivedRequest, target: Target) -> Exchange:
        """An exchange with the answer that the other side gives to the event."""
        try:
            response = await self.forwarder.send(target, request.headers, request.body)
        except asyncio.CancelledError:
            # The server ends before the other side has answered: there is no answer, and a request all the same.
            self._record_unanswered(exchange)
            raise
        return replace(exchange, response=response, accepted=200 <= response.status_code < 300)

    async def _waited(self, place: Place, exchange: Exchange) -> None:
        """Returns when it is an exchange's turn; puts it on record without an answer where the server ends before."""
        try:
            await place.turn()
        except asyncio.CancelledError:
            self._record_unanswered(exchange)
            raise

    def _record_unanswered(self, exchange: Exchange) -> None:
        self.recorder.record_soon(replace(exchange, response=Response(NO_ANSWER, (), b""), accepted=False))

    async def _fault(self, exchange: Exchange, attempts: _Attempts | None) -> Taken | None:
        """The step of the fault plan that the exchange takes. Raises ``JournalError``.

        Any POST to the endpoint does, whatever its key, if it has arrived to its end: a step is for a client that
        waits for an answer.
        """
        if not _takes_steps(exchange.request):
            return None
        event = exchange.event
        if event is None or attempts is None:
            return await self._take(exchange.org, RequestFacts())
        # Which of those under way this is must be known before the record is asked: others come meanwhile.
        place = attempts.begun
        if attempts.before is None:
            found = await self._on_record(event.id)
            # The first to know it is right for all: none of them is on record before.
            if attempts.before is None:
                attempts.before = found - (attempts.begun - attempts.open)
        facts = RequestFacts(event.event_type, event.job_name, attempts.before + place)
        return await self._take(exchange.org, facts)

    async def _take(self, org: str, facts: RequestFacts) -> Taken | None:
        """The step of a request; beside the loop where plans are shared, in the order in which they were asked for."""
        if self._faults.blocking:
            return await self._workers.run(self._faults.take, org, facts)
        return self._faults.take(org, facts)

    async def _on_record(self, event_id: str) -> int:
        """How many attempts of an event are on record; at once in memory, beside the loop where a disk is read."""
        if self.recorder.waits:
            return await self._workers.run(self._attempts, event_id)
        return self._attempts(event_id)

    async def close(self) -> None:
        """Ends what it has open to others. What it has been asked for by then must be answered."""
        await self.forwarder.close()
        self._workers.close()
        self._judging.close()


def _takes_steps(request: ReceivedRequest) -> bool:
    """Whether a request takes a step of a plan: any POST to the endpoint, whatever its key, that has arrived whole."""
    return request.method == "POST" and request.path == INTAKE_PATH and request.complete
