"""Puts exchanges on record: at once in memory, in groups that share a commit where a disk is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from mock_intake.journal import Journal, JournalError, UnkeepableError
from mock_intake.model.exchange import Exchange
from mock_intake.secrets.other_orgs import KnownOrgs
from mock_intake.server.change_signal import ChangeSignal
from mock_intake.server.latencies import Latencies
from mock_intake.system.clock import monotonic, utc_now

_log = logging.getLogger("mock_intake")
_STOP_TIMEOUT = 10.0
# One commit for all that have gathered, but no transaction without end.
_LARGEST_GROUP = 1000
# So long (seconds) a commit is put off until as many have come as are to share it: those who were answered last are
# likely to send again. A client that is alone never waits.
_PATIENCE = 0.002
# So long (seconds) the loop stands still at most while the thread takes what is to be written.
_HANDING_OVER = 0.001
# Where commits take longer than that (seconds), the disk is what all wait for, and not the judgement.
_SLOW = 0.01


class _Waiting(NamedTuple):
    """An exchange on its way to the record, and who waits for it to be there, if anybody."""

    exchange: Exchange
    future: asyncio.Future[None] | None


class Recorder:
    """Appends to a journal from a server's loop, which never waits for a disk.

    A journal that waits for a disk is written by a thread of its own: while it commits, exchanges gather, and
    share the next commit, which waits a moment for those who are about to come. ``on_exchange`` hears
    of every exchange once it is on record. What others put on record, who share it, is told too while it is open, and
    their ``orgs`` are heard of.
    """

    def __init__(
        self,
        journal: Journal,
        changes: ChangeSignal,
        on_exchange: Callable[[Exchange], None] | None = None,
        orgs: KnownOrgs | None = None,
    ) -> None:
        self._journal = journal
        self._changes = changes
        self._on_exchange = on_exchange
        self._orgs = orgs
        self._following = ExitStack()
        self.latencies = Latencies()
        self._gathered: deque[_Waiting] = deque()
        lock = threading.RLock()
        self._wake = threading.Condition(lock)
        self._taken = threading.Condition(lock)
        # How many the thread waits for, and whether it does.
        self._wanted = 1
        self._waits = False
        # Whether that is on the loop's list already.
        self._to_begin = False
        self._closed = False
        self._failure: str | None = None
        self._thread: threading.Thread | None = None

    @property
    def waits(self) -> bool:
        """Whether what is to be recorded has to be waited for, and other things happen meanwhile."""
        return self._journal.blocking

    async def record(self, exchange: Exchange) -> None:
        """Returns once the exchange is on record. Raises ``JournalError`` if it cannot be."""
        if (recording := self.begin(exchange)) is not None:
            await recording

    def begin(self, exchange: Exchange) -> asyncio.Future[None] | None:
        """Puts ``exchange`` on record, where it is now (None) or once the future is done. Raises as ``record`` does."""
        if not self._journal.blocking:
            self._append([exchange])
            return None
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._gathered.append(_Waiting(exchange, future))
        # Woken when the loop has nothing more to do at once, so that what came in together is one group.
        if not self._to_begin:
            self._to_begin = True
            loop.call_soon(self._have_written)
        return future

    def record_soon(self, exchange: Exchange) -> None:
        """Puts ``exchange`` on record for nobody who waits: for answers that say nothing about being on record."""
        if not self._journal.blocking:
            self._append([exchange])
        else:
            self._gathered.append(_Waiting(exchange, None))
            self._have_written()

    def open(self) -> None:
        """Begins to hear of what others put on record."""
        self._following.enter_context(self._journal.followed(self._changes.notify, self._hear_of_orgs))

    def _hear_of_orgs(self) -> None:
        for org in orgs_in(self._journal) if self._orgs is not None else ():
            assert self._orgs is not None
            self._orgs.add(org)

    def close(self) -> None:
        """Returns when all that was given is on record; gives up on a journal that takes too long, and says so."""
        self._following.close()
        with self._wake:
            self._closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join(_STOP_TIMEOUT)
            if thread.is_alive():
                left = len(self._gathered)
                _log.error("the journal has not written all in %g s: %d exchanges wait still", _STOP_TIMEOUT, left)
        self._closed = self._to_begin = False

    def _append(self, exchanges: list[Exchange]) -> None:
        self._journal.append(exchanges)
        self.latencies.add((exchange.received_at for exchange in exchanges), utc_now())
        for exchange in exchanges if self._on_exchange else ():
            assert self._on_exchange is not None
            try:
                self._on_exchange(exchange)
            except Exception:
                # The exchange is on record; whoever only looks on must not change what is answered.
                _log.exception("on_exchange failed for the exchange %s", exchange.id)
        self._changes.notify()

    def _have_written(self) -> None:
        """Has what has gathered written, unless that is done already."""
        self._to_begin = False
        if not self._gathered:
            return
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="mock-intake-journal", daemon=True)
                self._thread.start()
            if self._waits and len(self._gathered) >= self._wanted:
                self._wake.notify()
                # Else the thread would have its turn when the loop has nothing more to do: when all are judged.
                self._taken.wait(_HANDING_OVER)

    def _write(self) -> None:
        group: list[_Waiting] = []
        slow = False
        while True:
            with self._wake:
                self._waits = True
                self._wake.wait_for(self._is_time)
                self._wanted = _share(len(self._gathered) + len(group), slow=slow)
                if not self._is_time():
                    self._taken.notify()
                    self._wake.wait_for(self._is_time, _PATIENCE)
                group = [self._gathered.popleft() for _ in range(min(len(self._gathered), self._wanted))]
                self._wanted = 1
                self._waits = False
                self._taken.notify()
                if not group:
                    self._thread = None
                    return
            began = monotonic()
            self._put_on_record(group)
            slow = monotonic() - began > _SLOW

    def _is_time(self) -> bool:
        return self._closed or len(self._gathered) >= self._wanted

    def _put_on_record(self, group: list[_Waiting]) -> None:
        try:
            self._append([waiting.exchange for waiting in group])
        except UnkeepableError as error:
            self._put_one_by_one(group, error)
        except JournalError as error:
            self._tell(str(error))
            _settle(group, error)
        except Exception as error:
            self._put_one_by_one(group, error)
        else:
            self._tell(None)
            _settle(group, None)

    def _put_one_by_one(self, group: list[_Waiting], error: Exception) -> None:
        """One that cannot be kept must not take the others with it, nor end the thread that all wait for."""
        if len(group) > 1:
            for waiting in group:
                self._put_on_record([waiting])
            return
        _log.error("the exchange %s cannot be put on record", group[0].exchange.id, exc_info=error)
        _settle(group, JournalError(f"the exchange cannot be put on record: {error}"))

    def _tell(self, failure: str | None) -> None:
        """Logs that the journal fails, and that it is well again; not the same again and again."""
        if failure == self._failure:
            return
        if failure is None:
            _log.warning("the journal can be written again")
        else:
            _log.error("%s What comes in is answered 503 until the journal can be written.", failure)
        self._failure = failure


def orgs_in(journal: Journal) -> list[str]:
    """The orgs on record, those heard of first before the others; none where that cannot be read."""
    try:
        return [found.org for found in reversed(journal.orgs())]
    except JournalError:
        return []


def _share(under_way: int, *, slow: bool) -> int:
    """How many of the exchanges under way are to share a commit.

    Half of them, so that one half is judged while the other is written; on a slow disk all, as each commit takes long.
    Of two under way one may be the last of a client that is alone, and nobody else is to be waited for.
    """
    return min(under_way if slow and under_way > 2 else (under_way + 1) // 2, _LARGEST_GROUP)


def _settle(group: list[_Waiting], failure: JournalError | None) -> None:
    """Lets those go on who wait, in their own loops, each of which is woken once."""
    waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for each in group:
        if each.future is not None:
            waiting.setdefault(each.future.get_loop(), []).append(each.future)

    def settle(futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)

    for loop, futures in waiting.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            loop.call_soon_threadsafe(settle, futures)
