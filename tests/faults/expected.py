"""What each step is, seen from outside: written by hand, to hold the table of steps to it.

A word of the table that is not here fails the tests of the wire, of the record and of the Agent. Whoever adds a step
adds here what a client hears of it, byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.wire import GARBAGE, Ending

# Where redirects lead in these tests.
LOCATION = "/api/v1/lineage"


@dataclass(frozen=True)
class Expected:
    """A request that would have got 202 meets a step.

    ``heard`` gives the bytes on the wire, but for the date, for the body of the answer to the same request without a
    fault; ``ending`` is how the connection then ends: an open one can carry the next request if there was an answer.
    On record are ``status_code`` and whether the event was ``accepted``. ``through_agent`` is the status that a
    producer gets from the Agent; None where it hears what it would hear from the intake.
    """

    heard: Callable[[bytes], bytes]
    ending: Ending
    status_code: int | None
    accepted: bool
    through_agent: int | None


def _nothing(_: bytes) -> bytes:
    return b""


def answered(body: bytes) -> bytes:
    """The intake's own answer."""
    return b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


def _half(body: bytes) -> bytes:
    return answered(body)[: -(len(body) - len(body) // 2)]


def _redirected(_: bytes) -> bytes:
    body = (
        b'{"errors": [{"status": "307", "title": "Temporary Redirect", "detail": "mock-intake was told to answer so"}]}'
    )
    head = b"HTTP/1.1 307 Temporary Redirect\r\ncontent-type: application/json\r\nlocation: /api/v1/lineage\r\n"
    return head + b"content-length: %d\r\n\r\n%s" % (len(body), body)


EXPECTED = {
    "close": Expected(_nothing, "eof", None, False, 502),
    "reset": Expected(_nothing, "reset", None, False, 502),
    "lost": Expected(_nothing, "reset", 202, True, 502),
    "truncate": Expected(_half, "eof", 202, True, None),
    "drip": Expected(answered, "open", 202, True, None),
    "garbage": Expected(lambda _: GARBAGE, "eof", None, False, 502),
    "hang": Expected(_nothing, "open", None, False, None),
    "redirect": Expected(_redirected, "open", 307, False, None),
}


def expected_of(word: str) -> Expected:
    assert word in EXPECTED, f"say in {__file__} what a client hears of {word}, and what is on record of it"
    return EXPECTED[word]
