"""What tests and their child processes try to reach of Datadog's: stopped where it is an intake, told in any case."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mock_intake.journal import MemoryJournal
from mock_intake.producers.guard import Attempt, Guard, writing
from mock_intake.producers.reached import GUARD_FILE, attempts_in, exchanges_of

# Of what leads a client, those that no path does without.
_LEADING = ("OPENLINEAGE_URL", "OPENLINEAGE__TRANSPORT__TYPE", "MOCK_INTAKE_URL")


class UnderWay(Protocol):
    """A test that is under way, as far as matters here: whose it is, what it received, and what was tried."""

    @property
    def org(self) -> str: ...
    @property
    def journal(self) -> MemoryJournal: ...
    @property
    def reached(self) -> set[tuple[str, int]]: ...
    @property
    def not_led(self) -> list[str]: ...


class Outside:
    """The guard of a pytest process, and what it and the guards of its children have noted.

    ``let_through`` counts other hosts of Datadog's; ``stopped`` those that were stopped while no test was under way;
    ``led`` are the orgs whose children note in a directory of their own.
    """

    def __init__(self, directory: Path, level: str) -> None:
        self.let_through: Counter[str] = Counter()
        self.stopped: Counter[str] = Counter()
        self.led: set[str] = set()
        self._level = level
        self._directory = str(directory)
        self._pid = os.getpid()
        self._attempts: deque[Attempt] = deque()
        self._of_forked = writing(str(directory / GUARD_FILE))
        # How many lines of a file have been read.
        self._read: Counter[str] = Counter()
        self._started: deque[str] = deque()
        self._guard = Guard(self._note, level, self._on_start)

    def begin(self) -> None:
        """From now on this process is guarded, unless it is not to be."""
        if self._level != "off":
            self._guard.install()

    def end(self) -> None:
        self._guard.uninstall()

    def sort(self, under_way: Sequence[UnderWay]) -> bool:
        """Puts on record what was noted since the last time, as of the test under way; whether there was anything."""
        latest = under_way[-1] if under_way else None
        found = False
        while self._started:
            program = self._started.popleft()
            if latest is not None:
                latest.not_led.append(program)
        while self._attempts:
            found |= self._sort(latest, [self._attempts.popleft()])
        found |= self._sort(latest, self._of_children(self._directory))
        for record in under_way:
            if record.org in self.led:
                found |= self._sort(record, self._of_children(f"{self._directory}/{record.org}"))
        return found

    def _note(self, attempt: Attempt) -> None:
        """Called within a look-up or a connection: takes no lock, and asks nothing."""
        if attempt.pid == self._pid:
            self._attempts.append(attempt)
        else:
            self._of_forked(attempt)

    def _on_start(self, program: str, environment: Mapping[Any, Any]) -> None:
        """Called within a start: of one whose environment lacks what leads this process here."""
        if any(name in os.environ and name not in environment for name in _LEADING):
            self._started.append(program)

    def _of_children(self, directory: str) -> list[Attempt]:
        if not os.path.exists(f"{directory}/{GUARD_FILE}"):  # noqa: PTH110 - asked often; a path takes longer to make
            return []
        found = attempts_in(Path(directory), self._read[directory])
        self._read[directory] += len(found)
        return found

    def _sort(self, record: UnderWay | None, attempts: Sequence[Attempt]) -> bool:
        if not attempts:
            return False
        known = set() if record is None else record.reached
        new = [each for each in attempts if (each.host, each.pid) not in known]
        self.let_through.update(each.host for each in new if not each.stopped)
        if record is None:
            self.stopped.update(each.host for each in new if each.stopped)
            return False
        known.update((each.host, each.pid) for each in new)
        exchanges = exchanges_of(new, record.org)
        if exchanges:
            record.journal.append(exchanges)
        return bool(exchanges)
