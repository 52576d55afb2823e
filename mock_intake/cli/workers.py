"""The workers of ``serve --workers``: copies of its process that share its ports, begun, replaced and ended by it.

What all of them need alike is made before: certificates, rules, keys. Each has a server and a connection to the journal
of its own, as replicas on several machines have. The process that made them serves nothing; it hands on how it is to
end, and sums up. Killed, it takes them with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

import click

from mock_intake.cli.event_lines import Counts, Tally
from mock_intake.cli.greeting import ReadyFile, ServedAt
from mock_intake.cli.listener_options import Listening
from mock_intake.cli.logs import Log
from mock_intake.cli.signals import ENDING, begin_anew, ended_by, held_back, received
from mock_intake.faults import Plan, SharedFaults
from mock_intake.journal import Journal, JournalError
from mock_intake.model.findings import Selection
from mock_intake.server.listen import ServerError, reserve
from mock_intake.server.runner import IntakeServer
from mock_intake.server.unix import bind_unix
from mock_intake.system.allocator import give_memory_back
from mock_intake.system.clock import monotonic
from mock_intake.system.collector import spare_the_collector
from mock_intake.system.parents import ending_with_us
from mock_intake.views import Views

_log = logging.getLogger("mock_intake")
# How often (seconds) a worker looks whether its server lives, and the first process after its workers.
_LOOK = 0.2
# So long (seconds) a worker has to end: requests under way, what is to be written, lines that nobody reads.
_PATIENCE = 30.0
# So long (seconds) until one is begun anew that did not live for as long: twice as long each time, up to the second.
_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


def serve_by_workers(
    number: int,
    open_journal: Callable[[], Journal],
    make: Callable[..., IntakeServer],
    host: str,
    port: int,
    plan: Plan | None,
    selection: Selection,
    listening: Listening,
    log: Log,
    ready: ReadyFile,
    greet: Callable[[ServedAt, tuple[str | None, int]], None],
) -> None:
    """Serves by so many workers until a signal ends it, and sums up; a second signal ends all at once.

    Raises ``ClickException`` where it cannot begin.
    """
    # Whatever is wrong with it is said once, and its tables are made by one.
    journal = open_journal()
    try:
        place = journal.place, journal.position
        if plan is not None and journal.plans is not None:
            SharedFaults(journal.plans).set(plan)
    except JournalError as error:
        raise click.UsageError(f"--journal: {error}") from error
    finally:
        journal.close()
    give_memory_back()
    with Ports(host, port, listening.arguments) as shared:
        of_workers = partial(make, **{**listening.arguments, **shared})
        workers = Workers(number, open_journal, of_workers, listening, log, with_earlier=place[1] > 0)

        def leave() -> None:
            ready.remove()
            workers.kill()

        with ended_by(signal.SIGINT, signal.SIGTERM, leaving=leave) as ended:
            try:
                if (at := workers.begin(ended)) is not None:
                    greet(at, place)
                    ready.write(at, listening.ca_file)
                while not ended.wait(_LOOK):
                    workers.look()
            finally:
                workers.end()
                ready.remove()
            _summarise(workers, open_journal, selection)


def _summarise(workers: Workers, open_journal: Callable[[], Journal], selection: Selection) -> None:
    try:
        journal = open_journal()
    except click.UsageError as error:
        workers.tally.say_counts(error.message)
    else:
        workers.tally.summarise(Views(journal, selection), journal)
        journal.close()
    workers.tell_of_lost()


class Ports:
    """The ports that workers share, kept for them; closed with the block. Raises ``UsageError`` on entering."""

    def __init__(self, host: str, port: int, listening: Mapping[str, Any]) -> None:
        self._host = host
        self._wanted: dict[str, int] = {"port": port}
        if listening["tls"] is not None:
            self._wanted["tls_port"] = listening["tls_port"]
        if listening["agent"] is not None:
            self._wanted["agent_port"] = listening["agent_port"]
        if listening["proxy_port"] is not None:
            self._wanted["proxy_port"] = listening["proxy_port"]
        self._path: Path | None = listening["agent_socket"]
        self._open = contextlib.ExitStack()

    def __enter__(self) -> dict[str, Any]:
        """The arguments of an ``IntakeServer`` on them."""
        try:
            kept = {name: self._open.enter_context(reserve(self._host, port)) for name, port in self._wanted.items()}
            arguments: dict[str, Any] = {name: bound.getsockname()[1] for name, bound in kept.items()}
            if self._path is not None:
                arguments["agent_socket"] = self._open.enter_context(bind_unix(self._path))
                self._open.callback(self._path.unlink, missing_ok=True)
        except (ServerError, OSError) as error:
            self._open.close()
            at = f"Cannot listen at {self._path}: " if isinstance(error, OSError) else ""
            raise click.UsageError(f"{at}{error}") from error
        return {**arguments, "shares_ports": True}

    def __exit__(self, *_: object) -> None:
        self._open.close()


class _Turn:
    """Entered by one process at a time; one that is killed meanwhile has left it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process

    def __enter__(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)


@dataclass
class _Worker:
    """A worker as the first process knows it."""

    pid: int
    pipe: Connection
    began: float
    pause: float
    """So long (seconds) until another one takes its place, if it does not live for long."""
    at: ServedAt | None = None
    is_counted: bool = False


class Workers:
    """So many workers, each with a server that ``make`` gives for a journal and a tally. End them when done.

    ``tally`` takes in what they have counted, once they are ended.
    """

    def __init__(
        self,
        number: int,
        open_journal: Callable[[], Journal],
        make: Callable[..., IntakeServer],
        listening: Listening,
        log: Log,
        *,
        with_earlier: bool,
    ) -> None:
        self._number = number
        self._open_journal = open_journal
        self._make = make
        self._listening = listening
        self._log = log
        self._turn = _Turn()
        self._with_earlier = with_earlier
        self.tally = Tally(log, with_earlier=with_earlier, turn=self._turn)
        self._running: dict[int, _Worker] = {}
        # Of those that are to be begun anew, by their number: when, and how long to wait where that comes to nothing.
        self._due: dict[int, tuple[float, float]] = {}
        self._lost = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, ended: threading.Event) -> ServedAt | None:
        """Begins all; where they listen, once all take requests; None where ``ended`` was set before.

        Raises ``ClickException`` where one does not come to it.
        """
        # What is there already is looked through by no collection of garbage any more, and so stays shared.
        spare_the_collector()
        for number in range(self._number):
            self._fork(number, pause=0.0)
        while not ended.is_set():
            self._hear()
            for number, worker in self._running.items():
                if worker.at is None and (code := _ended(worker)) is not None:
                    worker.pipe.close()
                    del self._running[number]
                    raise click.ClickException(f"A worker did not start{_words(code)}: the line above says why.")
            places = [worker.at for worker in self._running.values()]
            if all(places):
                return places[0]
            ended.wait(0.02)
        return None

    def look(self) -> None:
        """Begins those anew that have ended, and says so."""
        self._hear()
        for number, worker in list(self._running.items()):
            if (code := _ended(worker)) is None:
                continue
            self._let_go(number, worker)
            lived = worker.at is not None and monotonic() - worker.began > _LONGEST_PAUSE
            pause = 0.0 if lived else worker.pause
            later = f" in {pause:g} s" if pause else ""
            _log.warning("A worker has ended%s; another one takes its place%s.", _words(code), later)
            self._due[number] = monotonic() + pause, min(max(2 * pause, _PAUSE), _LONGEST_PAUSE)
        for number, (due, pause) in list(self._due.items()):
            if due <= monotonic():
                del self._due[number]
                self._fork(number, pause)

    def kill(self) -> None:
        """As the system would; waits for nothing."""
        for worker in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def end(self) -> None:
        """Ends all in order, those that take too long by force, and takes in what they have counted."""
        for worker in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        until = monotonic() + _PATIENCE
        pause = threading.Event()
        while self._running:
            self._hear()
            for number, worker in list(self._running.items()):
                if _ended(worker) is not None:
                    self._let_go(number, worker)
            if self._running and monotonic() > until:
                _log.warning("%d of the workers did not end, and were killed.", len(self._running))
                self.kill()
                until += _PATIENCE
            pause.wait(0.02)

    def tell_of_lost(self) -> None:
        """Says whose counts are missing."""
        if self._lost:
            whose = "a worker" if self._lost == 1 else f"{self._lost} workers"
            _log.warning("The counts leave out what %s took that had to be replaced; the journal has it.", whose)

    def _hear(self) -> None:
        """Takes what workers have sent: where they listen, and at the end what they have counted."""
        for worker in self._running.values():
            self._hear_of(worker)

    def _hear_of(self, worker: _Worker) -> None:
        with contextlib.suppress(EOFError, OSError):
            while worker.pipe.poll():
                heard: ServedAt | Counts = worker.pipe.recv()
                if isinstance(heard, ServedAt):
                    worker.at = heard
                else:
                    self.tally.take_in(heard)
                    worker.is_counted = True

    def _let_go(self, number: int, worker: _Worker) -> None:
        """Forgets one that has ended, once it is heard of to its end."""
        del self._running[number]
        self._hear_of(worker)
        worker.pipe.close()
        self._lost += worker.at is not None and not worker.is_counted

    def _fork(self, number: int, pause: float) -> None:
        reading, writing = multiprocessing.Pipe(duplex=False)
        with_us = ending_with_us()
        sys.stdout.flush()
        sys.stderr.flush()
        with held_back():
            pid = os.fork()
            if pid == 0:
                # Signals come to it where it has said what they do.
                begin_anew()
                if with_us is not None:
                    with_us()
                _become_worker(lambda: self._work(writing))
        writing.close()
        self._running[number] = _Worker(pid, reading, monotonic(), pause)

    def _work(self, writing: Connection) -> None:
        """What a worker does until it is ended. By how many signals that is makes no difference: who ends a group of
        processes ends each, and the first process ends them too.
        """
        ended = threading.Event()
        with received({signal.SIGTERM: lambda _: ended.set()}, ignored_too=True):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            journal = self._open_journal()
            tally = Tally(self._log, with_earlier=self._with_earlier, turn=self._turn)
            server = self._make(journal=journal, on_exchange=tally.add)
            tally.watch(server.faults)
            server.start()
            spare_the_collector()
            try:
                writing.send(ServedAt.of(server, self._listening))
                while not ended.wait(_LOOK):
                    if not server.is_running:
                        raise click.ClickException("The server of a worker ended by itself.")
            finally:
                server.stop()
            tally.finish()
            writing.send(tally.counts)
            journal.close()


def _become_worker(work: Callable[[], None]) -> NoReturn:
    """Does ``work`` in a copy of a process, and ends that: what began before the copy is not the copy's to end."""
    code = 1
    try:
        work()
        code = 0
    except (click.ClickException, JournalError, ServerError) as error:
        _log.error("A worker: %s", error.format_message() if isinstance(error, click.ClickException) else error)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)


def _ended(worker: _Worker) -> int | None:
    """The exit code of a worker, or the number of the signal that ended it, below 0; None while it runs."""
    pid, status = os.waitpid(worker.pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _words(code: int) -> str:
    if code >= 0:
        return f" with exit code {code}" if code else ""
    try:
        return f" by {signal.Signals(-code).name}"
    except ValueError:
        return f" by signal {-code}"
