"""The table of fault steps: what each is called, does on the wire, leaves on record, and how it is described.

All else that knows steps takes it from here: how plans are parsed and refused, what the exchange becomes, what the
Agent in between makes of it, the OpenAPI document, ``--help``, the page on faults and docs/how-to/misbehave.md. To
add a step is to write its action and its entry. An entry is nothing without its action, and says for itself what
becomes of the event: there is no default that a new word could fall back to.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from mock_intake.faults.wire import Action, Wire

REDIRECT_STATUS = 307
# What the Agent answers where the connection behind it breaks before the head of an answer is whole: it is Go's
# httputil.ReverseProxy, whose default is this. An answer that breaks later is passed on as far as it came.
BAD_GATEWAY = 502

_GARBAGE = b"\x00\xff\x15\x03 this is no HTTP \x7f\xfe\r\n\r\n"
_PIECES = 40
_PAUSE = 0.05

FOR_EVER = None
"""How many requests a step is for that has no end."""

# Commas separate the steps of a plan, and digits make a status.
_WORD = re.compile(r"[a-z]+(-[a-z]+)*")


class RequestFacts(NamedTuple):
    """What a step can match: None where the request has no readable event. Attempts count from 1."""

    event_type: str | None = None
    job: str | None = None
    attempt: int | None = None


class Outcome(Enum):
    """What becomes of the event, and what is on record of the answer."""

    AS_USUAL = "as usual"
    """As if there were no fault: the event is taken if it would have been, and on record is the intake's answer."""
    REFUSED = "refused"
    """The event is not taken, and a status of the step's own is answered."""
    UNANSWERED = "unanswered"
    """The event is not taken, and no status is answered."""


class StepKind(Struct, frozen=True, kw_only=True):
    """One kind of step. ``help`` says in one sentence what the client gets.

    ``agent_status`` is what a producer gets where the Agent stands between and this happens behind it; None if the
    Agent passes on whatever it gets. ``status`` is what a word that is ``REFUSED`` answers; a number is its own.
    """

    word: str
    help: str
    outcome: Outcome
    agent_status: int | None
    action: Action
    status: int | None = None
    needs_location: bool = False

    @property
    def taken(self) -> bool:
        """Whether the event is taken, if there is one and it would have been."""
        return self.outcome is Outcome.AS_USUAL

    @property
    def answered(self) -> bool:
        """Whether a status goes on record."""
        return self.outcome is not Outcome.UNANSWERED


# The actions.


async def _answer(wire: Wire) -> None:
    await wire.answer()


async def _close(wire: Wire) -> None:
    wire.close()


async def _reset(wire: Wire) -> None:
    wire.reset()


async def _truncate(wire: Wire) -> None:
    body = wire.response.body
    wire.write(wire.head() + body[: len(body) // 2])
    wire.close()


async def _drip(wire: Wire) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        body = wire.response.body
        size = max(1, -(-len(body) // _PIECES))
        for start in range(0, len(body), size):
            await wire.wait(_PAUSE)
            yield body[start : start + size]

    await wire.answer_in_pieces(pieces())


async def _garbage(wire: Wire) -> None:
    wire.write(_GARBAGE)
    wire.close()


async def _hang(_: Wire) -> None:
    """Leaves the request without an answer."""


# The table.

SUCCESS = StepKind(
    word="a status of 2xx",
    help="What the intake would have answered, under that status if it is a success.",
    outcome=Outcome.AS_USUAL,
    agent_status=None,
    action=_answer,
)
FAILURE = StepKind(
    word="a status of 3xx, 4xx, 5xx",
    help="That status, with the vendor's error body unless the step has another.",
    outcome=Outcome.REFUSED,
    agent_status=None,
    action=_answer,
)


def by_word(kinds: Iterable[StepKind]) -> Mapping[str, StepKind]:
    """A table of words, in their order. Raises ``ValueError`` for an entry that says too little, or two of one word."""
    table: dict[str, StepKind] = {}
    for kind in kinds:
        if not _WORD.fullmatch(kind.word) or kind.word in table:
            raise ValueError(f"{kind.word!r} cannot be the word of a step, or is one already")
        if (kind.status is None) is (kind.outcome is Outcome.REFUSED):
            raise ValueError(f"{kind.word}: a step has a status of its own exactly where the event is refused")
        if not kind.help.endswith("."):
            raise ValueError(f"{kind.word}: the help of a step is a sentence")
        table[kind.word] = kind
    return MappingProxyType(table)


STEPS = by_word(
    (
        StepKind(
            word="close",
            help="The end of the connection, before a byte of an answer.",
            outcome=Outcome.UNANSWERED,
            agent_status=BAD_GATEWAY,
            action=_close,
        ),
        StepKind(
            word="reset",
            help="A TCP reset (ECONNRESET), before a byte of an answer.",
            outcome=Outcome.UNANSWERED,
            agent_status=BAD_GATEWAY,
            action=_reset,
        ),
        StepKind(
            word="lost",
            help="A TCP reset: the event was taken, and the answer got lost.",
            outcome=Outcome.AS_USUAL,
            agent_status=BAD_GATEWAY,
            action=_reset,
        ),
        StepKind(
            word="truncate",
            help="The head of the answer and half of its body, then the end of the connection.",
            outcome=Outcome.AS_USUAL,
            agent_status=None,
            action=_truncate,
        ),
        StepKind(
            word="drip",
            help=f"The whole answer, in up to {_PIECES} pieces, {_PAUSE * 1000:g} ms apart.",
            outcome=Outcome.AS_USUAL,
            agent_status=None,
            action=_drip,
        ),
        StepKind(
            word="garbage",
            help="Bytes that are no HTTP, then the end of the connection.",
            outcome=Outcome.UNANSWERED,
            agent_status=BAD_GATEWAY,
            action=_garbage,
        ),
        StepKind(
            word="hang",
            help="Nothing, until the client leaves.",
            outcome=Outcome.UNANSWERED,
            agent_status=None,
            action=_hang,
        ),
        StepKind(
            word="redirect",
            help=f"{REDIRECT_STATUS} with the step's location, here or at another origin.",
            outcome=Outcome.REFUSED,
            agent_status=None,
            action=_answer,
            status=REDIRECT_STATUS,
            needs_location=True,
        ),
    )
)
WORDS = tuple(STEPS)
# Those that a plan in its text form can have: they need nothing beside.
SHORT_WORDS = tuple(word for word, kind in STEPS.items() if not kind.needs_location)


def kind_of(name: str) -> StepKind:
    """The kind of a step by its word, or its status number as text. Raises ``KeyError`` for what is neither."""
    if name.isdigit():
        return SUCCESS if name.startswith("2") else FAILURE
    return STEPS[name]
