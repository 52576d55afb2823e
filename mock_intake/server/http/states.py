"""The states of a connection, and what leads from one to another.

Theory of operation
===================

A connection has two sides, and each is in exactly one state at any time: what is being read, and what is being
answered. They are apart because HTTP/1.1 lets a client send on before it is answered (RFC 9112, 9.3.2). Everything else
that the protocol keeps (parser, buffers, the queue) is data, and no decision is taken by looking whether there is any.

**Reading.** Bytes are fed to the parser as they come, and it calls back::

                  BEGUN           HEAD_ENDED            ENDED
      BETWEEN ------------> HEAD ------------> BODY ------------> BETWEEN
                             |                  ^ |
                     OFFERED |       HEAD_ENDED | | LAST_ENDED
                             v                  | v
                           OFFER ----------> REPLAY   DEAF
                                    STOPPED

What counts as a request, and gets an exchange on record, is every head that was read to its end, whatever becomes of
its body. What comes behind the last such head, and is no request, is on record once, as one exchange: bytes that are no
HTTP, a head that is too large, or one that broke off. After that the connection is DEAF: there is no telling where
another request would begin. It is DEAF, too, behind a request after which the connection ends: what stands there is no
request (RFC 9112, 9.6).

OFFER and REPLAY are there for offers to upgrade (RFC 9110, 7.8), which are never taken up: the request is served as if
none had been made. The parser does not go on behind the head of such a request. So a new one is fed a head with the
same framing, which is not a request and of which nobody hears, and then the body.

**Answering.** Answers go out in the order of the requests, one at a time::

              REQUESTED                 LAST_ANSWERED
      IDLE ---------------> ANSWERING ----------------> IDLE
        |                     | ^  |
        |                     +-+  |
        | LEFT          REQUESTED  |
        v                          |
      LEAVING                      |   LOST
        +--------------------------+-----------> GONE

A request that comes while another is being answered waits in a queue. What could not be read is answered last, once
the connection is IDLE. A connection that is closed with bytes unread is reset, and the client may not get to read the
answer (RFC 9112, 9.6). So where the client is still sending, because it was answered before it had come to an end, or
because what it sends is no request, the server is LEAVING first: it says that nothing more will come, throws away what
does, and closes a little later.

A transition that the tables do not have is a mistake of the protocol's, and is raised as such (``KeyError``): it must
not become a finding about the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto


# Words of a StrEnum, as they hash like any text: the tables are looked into several times for each request.
class Reading(StrEnum):
    """What is being read."""

    BETWEEN = auto()
    """No request has begun."""
    HEAD = auto()
    """A request has begun, and its head has not ended."""
    OFFER = auto()
    """A head with an offer to upgrade was read; the parser stops behind it."""
    REPLAY = auto()
    """The next parser is being fed the framing of that head."""
    BODY = auto()
    """The request was handed over, and its body is still coming."""
    DEAF = auto()
    """Whatever comes is thrown away."""


class Input(StrEnum):
    """What comes in, as the parser and the transport have it."""

    BEGUN = auto()
    HEAD_ENDED = auto()
    OFFERED = auto()
    """The head ended, and offers another protocol."""
    ENDED = auto()
    LAST_ENDED = auto()
    """The request has ended, and with it what is read from this connection."""
    STOPPED = auto()
    """The parser takes what follows for another protocol."""
    BROKEN = auto()
    """What came is no HTTP."""
    TOO_LARGE = auto()
    """The head is larger than is taken."""
    LOST = auto()
    """The connection has ended."""


class Answering(StrEnum):
    """What is being answered."""

    IDLE = auto()
    """All that was handed over is answered."""
    ANSWERING = auto()
    """At least one request is not."""
    LEAVING = auto()
    """There is nothing more to say, and soon the connection is closed."""
    GONE = auto()
    """There is no connection any more."""


class Progress(StrEnum):
    """How it goes on with the answers."""

    REQUESTED = auto()
    """A request was handed over."""
    LAST_ANSWERED = auto()
    """Of the requests handed over none is left without an answer."""
    LEFT = auto()
    """The last answer is out, and the client may be sending still."""
    LOST = auto()
    """The connection has ended."""


READING: Mapping[Reading, Mapping[Input, Reading]] = {
    Reading.BETWEEN: {
        # The parser begins a request with the first byte, also of what is none.
        Input.BEGUN: Reading.HEAD,
        Input.LOST: Reading.DEAF,
    },
    Reading.HEAD: {
        Input.HEAD_ENDED: Reading.BODY,
        Input.OFFERED: Reading.OFFER,
        Input.BROKEN: Reading.DEAF,
        Input.TOO_LARGE: Reading.DEAF,
        Input.LOST: Reading.DEAF,
    },
    Reading.OFFER: {
        # The parser says so of every head with an offer, also where a body follows.
        Input.ENDED: Reading.OFFER,
        Input.LAST_ENDED: Reading.OFFER,
        Input.STOPPED: Reading.REPLAY,
        # Here and below only after a mistake of ours: both states are left in the call of the parser that led there.
        Input.LOST: Reading.DEAF,
    },
    Reading.REPLAY: {
        Input.BEGUN: Reading.REPLAY,
        Input.HEAD_ENDED: Reading.BODY,
        Input.LOST: Reading.DEAF,
    },
    Reading.BODY: {
        Input.ENDED: Reading.BETWEEN,
        Input.LAST_ENDED: Reading.DEAF,
        Input.BROKEN: Reading.DEAF,
        Input.LOST: Reading.DEAF,
    },
    Reading.DEAF: {
        # The parser goes on to the end of what it was fed; all but these two the protocol passes over by itself.
        Input.BEGUN: Reading.DEAF,
        Input.STOPPED: Reading.DEAF,
        Input.LOST: Reading.DEAF,
    },
}

ANSWERING: Mapping[Answering, Mapping[Progress, Answering]] = {
    Answering.IDLE: {
        Progress.REQUESTED: Answering.ANSWERING,
        Progress.LEFT: Answering.LEAVING,
        Progress.LOST: Answering.GONE,
    },
    Answering.ANSWERING: {
        Progress.REQUESTED: Answering.ANSWERING,
        Progress.LAST_ANSWERED: Answering.IDLE,
        Progress.LOST: Answering.GONE,
    },
    Answering.LEAVING: {
        Progress.LOST: Answering.GONE,
    },
    # Requests that were read to their end are put on record all the same, and one may have waited for room to answer.
    Answering.GONE: {
        Progress.LAST_ANSWERED: Answering.GONE,
    },
}
