"""What inputs are made of: requests to an intake, and texts chosen by chance."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, partial
from random import Random
from typing import Any

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import ReceivedRequest
from tests.cost.measuring import FULL, Work
from tests.events import run_event

HEX = "0123456789abcdef"
LETTERS = string.ascii_letters + string.digits
# Characters that stand in tokens, some of which are escaped in JSON and in URLs.
TOKEN = LETTERS + "+/._~-"
HEAD = 1 << 16
"""How large a head the server takes."""
BODY = 1 << 22 if FULL else 1 << 20
"""How large a body is tried: at most what the intake takes."""
SMALL_BODY = 1 << 12


@cache
def intake() -> Intake:
    """An intake that has judged already: schemas are compiled with the first event, and more with the first flaw."""
    intake = Intake()
    for body in (json.dumps(run_event(run={"runId": 1})).encode(), b"{}", b"["):
        intake.receive(_request(body, (("authorization", f"Bearer {'0' * 32}"),)))
    return intake


def _request(body: bytes, headers: tuple[tuple[str, str], ...], **parts: Any) -> ReceivedRequest:
    parts = {"path": INTAKE_PATH, "query": "", **parts}
    received_at = datetime(2026, 11, 1, tzinfo=UTC)
    return ReceivedRequest("x", "POST", headers=headers, body=body, received_at=received_at, **parts)


def received(
    body: bytes | str | None = None,
    *headers: tuple[str, str],
    key: str | None = None,
    cut: bool = False,
    chance: Random | None = None,
    **parts: Any,
) -> Work:
    """The receiving of a request; ``cut``: the connection ended within its body.

    Without a ``key`` it has a good one, chosen by chance if there is one.
    """
    if body is None:
        body = json.dumps(run_event())
    if isinstance(body, str):
        body = body.encode()
    if key is None:
        key = some(32, chance, HEX) if chance else "0" * 32
    bearer = ("authorization", f"Bearer {key}")
    head = (bearer, ("content-type", "application/json"), *headers)
    return partial(intake().receive, _request(body, head, complete=not cut, wire_size=len(body), **parts))


@cache
def _table(alphabet: str) -> bytes:
    return (alphabet.encode() * 256)[:256]


def some(length: int, chance: Random, alphabet: str = LETTERS) -> str:
    return chance.randbytes(length).translate(_table(alphabet)).decode()


def token(length: int, chance: Random) -> str:
    """A key with characters that are escaped in JSON and in URLs, so that escapes have to be looked into."""
    return some(length - 2, chance, TOKEN) + "+/"


def words(number: int, chance: Random, alphabet: str = TOKEN, length: int = 20) -> list[str]:
    together = some(number * length, chance, alphabet)
    return [together[at : at + length] for at in range(0, number * length, length)]


def filled(unit: str, length: int) -> str:
    """A text of a length, made of nothing but one unit."""
    return (unit * (length // len(unit) + 1))[:length]


def event(text: str = "", **more: Any) -> str:
    """An event with a text in it, of which no rule but those about secrets has anything to say."""
    return json.dumps(run_event(note=text, **more))


def named(values: Sequence[str], name: str) -> list[tuple[str, str]]:
    return [(name, value) for value in values]
