"""The tables of a connection's states hold for what clients really send: each transition is taken, and no other.

What is sent is a table too: the bytes, and the transitions that they lead through. The tables in use are watched, not
replaced: what they answer is their own.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.server.http import protocol
from mock_intake.server.http.states import ANSWERING, READING, Answering, Input, Progress, Reading
from tests.events import run_event
from tests.fuzz import chunked, connect, read_answers, recorded, request_bytes

Transition = tuple[StrEnum, StrEnum]

EVENT = json.dumps(run_event()).encode()
REQUEST = request_bytes(EVENT)
IN_CHUNKS = [("Transfer-Encoding", "chunked")]
LAST_CHUNK = b"0\r\n\r\n"
PROBE = request_bytes(target="/healthz", method="GET", key=None)
OFFER = request_bytes(EVENT, [("Connection", "Upgrade"), ("Upgrade", "h2c")])
IN_BETWEEN, HEAD, OFFERED, REPLAYED, BODY, DEAF = Reading
BEGUN, HEAD_ENDED, HAS_OFFER, ENDED, LAST_ENDED, STOPPED, BROKEN, TOO_LARGE, LOST = Input
IDLE, BUSY, LEAVING, GONE = Answering
REQUESTED, LAST_ANSWERED, LEFT, LOST_TOO = Progress

# What every request that is served goes through, and every connection at its end.
READ = {(IN_BETWEEN, BEGUN), (HEAD, HEAD_ENDED)}
WHOLE = READ | {(BODY, ENDED)}
ANSWERED = {(IDLE, REQUESTED), (BUSY, LAST_ANSWERED)}
CLOSED = {(IN_BETWEEN, LOST), (IDLE, LOST_TOO)}
CLOSED_LATE = {(IDLE, LEFT), (DEAF, LOST), (LEAVING, LOST_TOO)}
CLOSED_DEAF = {(DEAF, LOST), (IDLE, LOST_TOO)}

# Only after an exception of ours within one call of the parser, which ends the connection: no client brings that about.
AFTER_MISTAKES = {(OFFERED, LOST), (REPLAYED, LOST)}


@dataclass(frozen=True)
class Sent:
    """Bytes, piece by piece, and the transitions that they lead through.

    ``answers`` are waited for before the connection is closed; where they are None it is reset.
    """

    name: str
    pieces: tuple[bytes, ...] = field(repr=False)
    taken: set[Transition]
    answers: int | None = 1


SENT = [
    Sent("nothing", (), CLOSED, None),
    Sent("a request", (REQUEST,), WHOLE | ANSWERED | CLOSED),
    Sent("a body in chunks", (request_bytes(chunked(EVENT) + LAST_CHUNK, IN_CHUNKS, length=-1),),
         WHOLE | ANSWERED | CLOSED),
    Sent("a pipeline", (REQUEST * 2,), WHOLE | ANSWERED | {(BUSY, REQUESTED)} | CLOSED, 2),
    Sent("a last request", (request_bytes(EVENT, [("Connection", "close")]),),
         READ | {(BODY, LAST_ENDED)} | ANSWERED | CLOSED_DEAF),
    Sent("a request behind the last one", (PROBE.replace(b"HTTP/1.1", b"HTTP/1.0\r\nConnection: keep-alive") * 2,),
         READ | {(BODY, LAST_ENDED), (DEAF, BEGUN)} | ANSWERED | CLOSED_DEAF),
    Sent("no HTTP", (b"\x00\x01\r\n\r\n",), {(IN_BETWEEN, BEGUN), (HEAD, BROKEN)} | CLOSED_LATE),
    Sent("a tunnel", (b"CONNECT other:443 HTTP/1.1\r\n\r\n",),
         {(IN_BETWEEN, BEGUN), (HEAD, BROKEN), (DEAF, STOPPED)} | CLOSED_LATE),
    Sent("a head that is too large", (b"GET / HTTP/1.1\r\nX-Long: " + b"v" * 70_000 + b"\r\n\r\n",),
         {(IN_BETWEEN, BEGUN), (HEAD, TOO_LARGE)} | CLOSED_LATE),
    Sent("a head without end", (b"GET / HTTP/1.1\r\nX-Long: " + b"v" * 400_000,),
         {(IN_BETWEEN, BEGUN), (HEAD, TOO_LARGE)} | CLOSED_LATE),
    Sent("half a head", (REQUEST[:30],), {(IN_BETWEEN, BEGUN), (HEAD, LOST), (IDLE, LOST_TOO)}, None),
    Sent("half a body", (REQUEST[:-5],), READ | {(IDLE, REQUESTED), (BODY, LOST), (BUSY, LOST_TOO)}, None),
    Sent("a chunk that is none", (request_bytes(b"zz\r\n", IN_CHUNKS, length=-1),),
         READ | {(BODY, BROKEN)} | ANSWERED | CLOSED_LATE),
    Sent("an offer to upgrade", (OFFER,),
         {(IN_BETWEEN, BEGUN), (HEAD, HAS_OFFER), (OFFERED, ENDED), (OFFERED, STOPPED), (REPLAYED, BEGUN),
          (REPLAYED, HEAD_ENDED), (BODY, ENDED)} | ANSWERED | CLOSED),
    Sent("an offer in a last request", (request_bytes(EVENT, [("Connection", "close, Upgrade"), ("Upgrade", "h2c")]),),
         {(IN_BETWEEN, BEGUN), (HEAD, HAS_OFFER), (OFFERED, LAST_ENDED), (OFFERED, STOPPED), (REPLAYED, BEGUN),
          (REPLAYED, HEAD_ENDED), (BODY, LAST_ENDED)} | ANSWERED | CLOSED_DEAF),
]  # fmt: skip
# Read by nobody: see the test of it.
UNHEARD = WHOLE | {(IDLE, REQUESTED), (BUSY, REQUESTED), (IN_BETWEEN, LOST), (BUSY, LOST_TOO), (GONE, LAST_ANSWERED)}


class Watched(dict[Any, Any]):
    """One row of a table, which notes what is looked up in it, also where it has nothing."""

    def __init__(self, state: StrEnum, row: Mapping[Any, Any], seen: set[Transition]) -> None:
        super().__init__(row)
        self._state = state
        self._seen = seen

    def __getitem__(self, key: Any) -> Any:
        self._seen.add((self._state, key))
        return super().__getitem__(key)


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[IntakeServer, set[Transition]]]:
    """A server, and the transitions of its connections."""
    seen: set[Transition] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "READING", {state: Watched(state, row, seen) for state, row in READING.items()})
        patch.setattr(protocol, "ANSWERING", {state: Watched(state, row, seen) for state, row in ANSWERING.items()})
        with IntakeServer() as server:
            yield server, seen


def settled(seen: set[Transition], wanted: set[Transition]) -> set[Transition]:
    """What was seen, once it has all that is wanted, or the time is up."""
    deadline = time.monotonic() + 20
    while not wanted <= seen and time.monotonic() < deadline:
        time.sleep(0.005)
    return set(seen)


def reset(connection: socket.socket) -> None:
    """Ends a connection as a client does that is killed: nothing is sent any more, and nothing read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_the_examples_lead_through_all_of_the_tables() -> None:
    tables = (READING, ANSWERING)
    there = {(state, what) for table in tables for state, row in table.items() for what in row}
    assert set().union(*(sent.taken for sent in SENT), UNHEARD) == there - AFTER_MISTAKES


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_transitions_are_those_of_the_tables(watched: tuple[IntakeServer, set[Transition]], sent: Sent) -> None:
    server, seen = watched
    seen.clear()
    with connect(server, timeout=20) as connection:
        for piece in sent.pieces:
            connection.sendall(piece)
        if sent.answers is not None:
            assert len(read_answers(connection, sent.answers)) == sent.answers
        else:
            settled(seen, {(state, what) for state, what in sent.taken if what not in {LOST, LOST_TOO}})
            reset(connection)
    assert settled(seen, sent.taken) == sent.taken


def test_what_is_answered_when_the_connection_has_gone_is_in_the_tables(
    watched: tuple[IntakeServer, set[Transition]],
) -> None:
    """The first two answers are more than sockets hold, the third waits for room, the fourth for its turn."""
    server, seen = watched
    # What is accepted has it from the socket that listens.
    server._listeners["http"].socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    before = server.journal.position
    with connect(server, timeout=20) as connection:
        connection.sendall(request_bytes(json.dumps(run_event(padding="x" * 28_000)).encode()))
        read_answers(connection, 1)
    (large,) = recorded(server.journal, before, 1, patience=20)
    settled(seen, CLOSED)
    seen.clear()
    whole = request_bytes(target=f"/api/mock/v1/exchanges/{large.id}", method="GET", key=None)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(server.address)
    connection.sendall(whole * 2 + REQUEST * 2)
    # The third is on record before its answer waits.
    recorded(server.journal, before + 1, 1, patience=20)
    reset(connection)
    assert settled(seen, UNHEARD) == UNHEARD
    assert len(recorded(server.journal, before + 1, 2, patience=20)) == 2
