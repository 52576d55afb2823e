"""Prints exchanges as they come in, and counts them for the summary at the end."""

from __future__ import annotations

from collections import Counter

from mock_intake.cli.console import codes, echo, exchange_line
from mock_intake.exchange import Exchange
from mock_intake.faults import Faults
from mock_intake.findings import Severity, Status
from mock_intake.report.escaping import shown
from mock_intake.report.places import Groups, Place
from mock_intake.server.runner import IntakeServer


class Tally:
    """Give its ``add`` to a server as ``on_exchange``; ``err`` prints to standard error."""

    def __init__(self, *, err: bool = False) -> None:
        self._err = err
        self.statuses: Counter[Status] = Counter()
        self.refused = 0
        self.groups = Groups(most_places=1)
        self._faults: Faults | None = None
        self._ended = 0

    def watch(self, faults: Faults) -> None:
        """Has it said when the fault plans have ended."""
        self._faults = faults

    @property
    def taken(self) -> int:
        """How many requests with an event were taken."""
        return self.statuses.total()

    def add(self, exchange: Exchange) -> None:
        if exchange.accepted and exchange.event is not None:
            self.statuses[exchange.event.status] += 1
        else:
            self.refused += 1
        self.groups.extend(Place(finding, None) for finding in exchange.findings)
        self._echo(exchange_line(exchange))
        if self._faults is not None and self._faults.ended != self._ended:
            self._ended = self._faults.ended
            self._echo("the fault plan has ended" + ("" if self._faults.active else ": the intake is well again"))

    def summarise(self, server: IntakeServer) -> None:
        """Says what there was, over all events, now that nothing more is expected."""
        for run in reversed(server.views.runs()):
            self.groups.extend(Place(finding, None) for finding in server.views.run_findings(run, closed=True))
        self.groups.extend(Place(finding, None) for finding in server.views.dataset_findings())
        self._echo("")
        counts = ", ".join(f"{self.statuses[status]} {status}" for status in Status)
        plural = "" if self.taken == 1 else "s"
        refused = f"{self.refused} request{'' if self.refused == 1 else 's'} refused"
        self._echo(f"{self.taken} event{plural} taken: {counts}; {refused}")
        if server.journal.dropped:
            self._echo(f"{server.journal.dropped} exchanges were dropped from memory to stay within its bounds")
        groups = self.groups.at_or_above(Severity.WARNING)
        for group in groups:
            self._echo(f"  {codes([group.first])} {group.count:>5} x  {shown(group.first.message)}")
        if groups:
            self._echo("mock-intake rules CODE explains a code.")

    def _echo(self, line: str) -> None:
        echo(line, err=self._err)
