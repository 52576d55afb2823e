"""A later version of mock-intake, made up: exchanges of which more is kept, in two steps."""

from __future__ import annotations

from msgspec.structs import asdict

from mock_intake.journal.layout import ADDED as TODAY
from mock_intake.journal.layout import VERSION, Layout
from mock_intake.model.exchange import EventSummary, Exchange, ReceivedRequest
from mock_intake.model.literals import Count


class LaterRequest(ReceivedRequest, frozen=True, gc=False):
    """With the version of HTTP, which was always this one."""

    http_version: str = "1.1, it's said"


class LaterSummary(EventSummary, frozen=True, gc=False):
    """With what it may say of a nominal time."""

    nominal_time: str | None = None


class LaterExchange(Exchange, frozen=True, gc=False):
    """With notes, one for each exchange that was kept before, and how often it was looked at."""

    request: LaterRequest
    event: LaterSummary | None
    notes: tuple[str, ...] = ("kept earlier",)
    looks: Count = 3
    hidden: bool = True


class Heavy(ReceivedRequest, frozen=True, gc=False, kw_only=True):
    """With something that no request had that was kept before."""

    weight: int


class WithHeavy(Exchange, frozen=True, gc=False):
    """What no earlier file can be read as."""

    request: Heavy


ADDED = {**TODAY, VERSION + 1: ("http_version", "nominal_time"), VERSION + 2: ("notes", "looks", "hidden")}
MORE = {VERSION + 2: ("CREATE INDEX exchanges_looks ON exchanges (looks)",)}
LATER = Layout(LaterExchange, VERSION + 2, ADDED, MORE)


def later(exchange: Exchange) -> LaterExchange:
    """An exchange as the later version has it."""
    fields = asdict(exchange)
    request = LaterRequest(**asdict(exchange.request))
    event = None if exchange.event is None else LaterSummary(**asdict(exchange.event))
    return LaterExchange(**{**fields, "request": request, "event": event})
