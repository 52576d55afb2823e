"""What views take of an exchange: little of much, so that it can be kept beside the record, and read in place of it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from mock_intake.body.shown import event_view
from mock_intake.model.exchange import EventSummary, Exchange
from mock_intake.views.event_lineage import BodySaid, SharedValues, said_in_body


class Extract(Struct, gc=False):
    """What views are folded from: of an exchange when it was received, what came of it, which rules have spoken (each
    once), and of its event the summary and what the body says of lineage.

    The body is read when somebody asks for that, and held until then.
    """

    org: str
    received_at: datetime
    accepted: bool
    faulted: bool
    answer_lost: bool
    codes: tuple[str, ...]
    event: EventSummary | None
    _said: BodySaid | None = None
    _exchange: Exchange | None = None

    def said(self, kept: SharedValues) -> BodySaid:
        """What the body of the event says; ``kept`` is for who asks of many events."""
        if self._said is None:
            assert self.event is not None
            assert self._exchange is not None
            self._said = said_in_body(self.event, event_view(self._exchange), kept)
            self._exchange = None
        return self._said


def extract(exchange: Exchange, *, with_body: bool = True) -> Extract:
    """What views take of ``exchange``; ``with_body`` where it is asked what that says."""
    return Extract(
        exchange.org,
        exchange.received_at,
        exchange.accepted,
        exchange.fault is not None,
        exchange.answer_lost,
        tuple(dict.fromkeys([finding.code for finding in exchange.findings])),
        exchange.event,
        None,
        exchange if with_body else None,
    )
