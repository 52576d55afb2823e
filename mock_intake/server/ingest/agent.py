"""The trace agent's port as an ASGI app: the OpenLineage proxy, and what else a traced producer finds there."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from mock_intake.datadog.agent import (
    AgentSettings,
    endpoint_url,
    forwarded,
    misdirected_to_agent,
    too_large_for_several,
)
from mock_intake.datadog.rules import REQUESTS
from mock_intake.datadog.rules.endpoint import AGENT_OFF
from mock_intake.datadog.sites import AGENT_PATH
from mock_intake.datadog.trace_agent import TraceAnswer, trace_answer
from mock_intake.journal import JournalError
from mock_intake.judging.intake import unrecorded
from mock_intake.model.exchange import Exchange, Hop, ReceivedRequest, Response
from mock_intake.model.findings import Finding
from mock_intake.secrets.api_keys import keys_in, masker_of
from mock_intake.server.ingest.forwarding import Target, is_failure
from mock_intake.server.ingest.pipeline import Outcome, Pipeline


class AgentEndpoint:
    """Takes what producers send to the Agent, and has it received by the intake as the Agent sends it on.

    ``traffic`` counts what came to the trace agent's other endpoints, which is answered and not kept.
    """

    def __init__(self, pipeline: Pipeline, settings: AgentSettings, traffic: Counter[str] | None = None) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._traffic: Counter[str] = Counter() if traffic is None else traffic
        largest = settings.max_body
        # Without a limit of the Agent's own the intake's holds, and what is beyond that need not be kept.
        self._limit = pipeline.intake.settings.max_body if largest is None else largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        traced = trace_answer(scope["path"], self._settings.version, self._settings.env)
        if traced is None:
            await self._pipeline.serve(scope, receive, send, self._take, self._limit)
        else:
            self._traffic[traced.counted] += 1
            await _answer_tracer(traced, receive, send)

    async def _take(self, request: ReceivedRequest) -> Outcome:
        settings = self._settings
        close = not request.complete
        masker = masker_of(request.headers, request.query, settings.keys)
        if request.path != AGENT_PATH:
            finding = misdirected_to_agent(request, masker.path(request.path))
            return Outcome(await self._refused(request, 404, finding), None, close)
        off = settings.off
        if off is not None:
            finding = REQUESTS.reason(AGENT_OFF, off)
            return Outcome(await self._refused(request, 500, finding, off), None, close)
        if settings.max_body is not None and request.too_large:
            return Outcome(await self._refused(request, 502, too_large_for_several(request), ""), None, close)
        hop = Hop(request.path, masker.query(request.query), masker.headers(request.headers), request.peer)
        sent_on = forwarded(request, settings)
        target = None
        if settings.dd_url is not None:
            target = Target(endpoint_url(settings.dd_url, settings.query), settings.key)
        # The producer's key is in the headers no more, and may be in the body all the same.
        secrets = keys_in(request.headers, request.query) | settings.keys
        exchange, taken = await self._pipeline.take(sent_on, hop, target, secrets)
        if not request.complete:
            return Outcome(exchange, None, close=True)
        if not request.too_large:
            await self._send_to_others(sent_on)
        if target is not None and is_failure(exchange.response):
            # Why stands on record; the Agent does not say it.
            return Outcome(replace(exchange, response=Response(502, (), b"")), taken)
        own = None if taken is None or taken.step is None else taken.step.kind.agent_status
        if taken is not None and own is not None:
            # What happened did so behind the Agent, which stands between and answers this for it, as late as that was.
            return Outcome(replace(exchange, response=Response(own, (), b"")), taken._replace(step=None))
        return Outcome(exchange, taken)

    async def _refused(
        self, request: ReceivedRequest, status: int, finding: Finding, text: str | None = None
    ) -> Exchange:
        exchange = self._pipeline.intake.refuse(request, status, finding, text=text, secrets=self._settings.keys)
        try:
            await self._pipeline.recorder.record(exchange)
        except JournalError as error:
            return unrecorded(exchange, str(error))
        return exchange

    async def _send_to_others(self, request: ReceivedRequest) -> None:
        """Sends to the additional endpoints too, one after another, and drops their answers.

        As with the Agent, the producer is answered when the last of them has been: one that hangs blocks it.
        """
        for where, keys in self._settings.additional_endpoints.items():
            for key in keys:
                target = Target(endpoint_url(where, self._settings.query), key)
                await self._pipeline.forwarder.send(target, request.headers, request.body)


async def _answer_tracer(answer: TraceAnswer, receive: Receive, send: Send) -> None:
    """Reads a request to its end without keeping any of it, and answers."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body", False):
            break
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
