"""What one server gives to all who connect: connections, time, memory; and how it is told where that was not enough."""

from __future__ import annotations

import errno
import logging
import os

from msgspec import Struct

from mock_intake.system.clock import monotonic

_log = logging.getLogger("mock_intake")
MEBIBYTE = 1024 * 1024
# So many descriptors are left for files, other servers and whatever else the process does.
_SPARE = 64
# The same is told once in so long (seconds).
_SILENCE = 60.0


class Limits(Struct, frozen=True):
    """How many ``connections`` are open at a time, how long (``patience``, seconds) a request may take to arrive or to
    wait for room, and an answer to be read on, and how much room (``budget``, bytes) bodies under way may take. All of
    one server, over all its ports. Raises ``ValueError`` for what no server could work with."""

    connections: int = 1_000
    patience: float = 60.0
    budget: int = 256 * MEBIBYTE

    def __post_init__(self) -> None:
        if self.connections < 1 or self.patience <= 0 or self.budget < MEBIBYTE:
            raise ValueError("a server needs one connection, some patience, and a budget of 1 MB or more")

    @property
    def most_connections(self) -> int:
        """How many connections there may be by this and by the number of descriptors that the process may have."""
        allowed = _descriptors_allowed()
        return self.connections if allowed is None else max(1, min(self.connections, allowed - _SPARE))


def _descriptors_allowed() -> int | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


class Notices:
    """Says in the log what the limits have done to somebody: the first time at once, then once a minute how often."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def tell(self, what: str, *, level: int = logging.WARNING) -> None:
        """``what`` is a sentence, the same for all that are of one kind."""
        now = monotonic()
        last = self._since.get(what)
        if last is not None and now - last < _SILENCE:
            self._left_out[what] = self._left_out.get(what, 0) + 1
            return
        self._since[what] = now
        more = self._left_out.pop(what, 0)
        _log.log(level, "%s%s", what, f" ({more:,} times more since it was last told)" if more else "")


class Descriptors:
    """Whether the process has used up its descriptors, so that nobody can connect. Asked for every second or so."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self.used_up = False

    def look(self, descriptor: int) -> None:
        """``descriptor`` is any that is open."""
        try:
            os.close(os.dup(descriptor))
        except OSError as error:
            self.used_up = error.errno in (errno.EMFILE, errno.ENFILE)
            if self.used_up:
                self._notices.tell(
                    "All descriptors of the process are in use: nobody can connect, and no file be opened. Raise the "
                    "limit (ulimit -n), or let fewer connect (--connections).",
                    level=logging.ERROR,
                )
        else:
            self.used_up = False
