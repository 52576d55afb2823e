"""One pytest process's use of the intake: its host, the tests that had a handle, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from mock_intake.judging.catalogue import load_extensions
from mock_intake.judging.config import ConfigError, find_config, load_config
from mock_intake.openlineage.library import UserSchemaError
from mock_intake.server.runner import ServerError
from mock_intake.system.extensions import ExtensionError
from mock_intake_pytest import snapshots
from mock_intake_pytest.codes import known_code
from mock_intake_pytest.counts import Tally
from mock_intake_pytest.failures import (
    Failing,
    IntakeFailure,
    Verdict,
    events_text,
    findings_text,
    grouped,
    paragraphs,
    refused_text,
    request_text,
)
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.host import Host, Record
from mock_intake_pytest.judging import known_of_presence, steps_left, verdict_on_findings, verdict_on_presence
from mock_intake_pytest.options import Wanted, is_clean, known_of
from mock_intake_pytest.places import places_of
from mock_intake_pytest.summary import count

if TYPE_CHECKING:
    from mock_intake_pytest.accepting import Known

# How long the end of a test waits for requests that are under way, in seconds.
_UNDER_WAY = 1.0
Outcome = Literal["passed", "failed", "skipped"]


class Trial:
    """A test with its handle, and how it went; None until its body has run.

    ``followed`` once fixtures are in place whose teardown comes before the intake's: they may close a client, and so
    send what is missing.
    """

    def __init__(self, node: pytest.Item, handle: IntakeHandle, known: Known | None) -> None:
        self.node = node
        self.handle = handle
        self._known = known
        self.followed = False
        self._plan = handle.faults
        self._changes = -1
        self.outcome: Outcome | None = None

    def judge_so_far(self) -> None:
        """Judges a test that has passed so far: all of it, if nothing more can come. Raises ``Verdict``."""
        handle = self.handle
        handle.server.wait_until_idle(_UNDER_WAY)
        self._changes = handle.server.changes.count
        # The end adds to what is found so far. So where it has nothing to say, which is mostly so, nothing else is
        # asked; and where it has, a test fails for what was found so far, if there is any, and else for all of it.
        at_end = [] if self.followed else self._at_end()
        failing: list[Failing | None] = []
        if self.followed or any(at_end):
            failing = [verdict_on_findings(handle, self._known, closed=False)]
            if not any(failing):
                failing = [known_of_presence(handle)] if self.followed else at_end
        self.outcome = "failed" if any(failing) else "passed"
        _raise(failing)

    def judge_at_end(self) -> None:
        """Judges a test that is over, what is missing included. Raises ``Verdict``."""
        server = self.handle.server
        # What was under way when the body ended was waited for then; where no fixture of the test's follows it, nothing
        # has come from it since, unless the server tells of a change.
        if not self.followed and self._changes == server.changes.count:
            return
        server.wait_until_idle(_UNDER_WAY)
        if self.outcome == "passed":
            _raise(self._at_end())

    def _at_end(self) -> list[Failing | None]:
        return [verdict_on_presence(self.handle), verdict_on_findings(self.handle, self._known, closed=True)]

    def ended(self, outcome: Outcome) -> None:
        """Notes what became of the test."""
        self.outcome = outcome

    def report_on(self, error: BaseException) -> str:
        """What stands below the failure of a test that failed by itself: what arrived, and what was wrong with it."""
        handle = self.handle
        places = places_of(handle.caught_up(), closed=False)
        new = [place for place in places if self._known is None or not self._known.accepts(place)]
        found = findings_text(grouped(new).at_or_above(handle.level))
        if isinstance(error, IntakeFailure):
            # The failure itself says what arrived.
            return found
        # What was wrong with the test's own requests is among what was found.
        others = [each for each in handle.received.refused() if each.fault or each.org != handle.record.org]
        return paragraphs(events_text(handle.events()), found, refused_text(others), handle.hints())

    def faults_left(self) -> str:
        """What the marker's fault plan had in store and nothing met; empty if the test has put another in its place."""
        plan = self.handle.faults
        if plan is None or self._plan is None or self.outcome not in ("passed", "failed"):
            return ""
        same = all(plan[name] == self._plan[name] for name in ("sequence", "delay", "repeat_last"))
        return steps_left(plan) if same else ""


def _raise(failing: Sequence[Failing | None]) -> None:
    """Raises ``Verdict`` if a test does not pass, with all that it does not pass for."""
    if given := [each for each in failing if each is not None]:
        raise Verdict(given)


class Session:
    """Starts the host, gives every test its handle, and counts what they received.

    ``shared`` is a host that runs already, and longer than this: one that all tests share a key of.
    """

    def __init__(self, config: pytest.Config, directory: Path, shared: Host | None = None) -> None:
        self._config = config
        self._shared = shared is not None
        self._update = bool(config.getoption("--intake-update"))
        self._with_bodies = bool(config.getoption("--intake-html"))
        self._with_entries = self._with_bodies or bool(config.getoption("--intake-report"))
        self._ledger = snapshots.Ledger()
        self._known = known_of(config)
        self.tally = Tally(snapshots=self._ledger)
        try:
            load_extensions()
            found, clean = load_config(find_config(config.rootpath)), is_clean(config)
            self.host = shared or Host(found, directory, clean_environment=clean)
        except (ConfigError, ExtensionError, UserSchemaError) as error:
            raise pytest.UsageError(str(error)) from error

    def start(self) -> None:
        """Starts the host, unless it runs. Raises ``pytest.UsageError``."""
        try:
            if not self._shared:
                self.host.start()
        except ServerError as error:
            raise pytest.UsageError(f"mock-intake: {error}") from error

    def stop(self) -> None:
        """Ends the server, and counts what came too late."""
        if self._shared:
            self.host.server.wait_until_idle(_UNDER_WAY)
        else:
            self.host.stop()
        for record in self.host.records():
            if record.late:
                self.tally.late[record.nodeid] += len(record.late)
                self._count(record, late=True)
        strays = [each for each in self.host.strays if not each.keyed]
        outside = [each for each in self.host.strays if each.keyed]
        self.tally.strays, self.tally.outside = len(strays), len(outside)
        self.tally.let_through, self.tally.stopped = self.host.outside.let_through, self.host.outside.stopped
        self.tally.describe(self.tally.of_strays, (request_text(each.exchange, each.when) for each in strays))
        self.tally.describe(self.tally.of_outside, (request_text(each.exchange, each.when) for each in outside))

    def _count(self, record: Record, *, late: bool = False) -> None:
        count(
            self.tally,
            record,
            with_entries=self._with_entries,
            with_bodies=self._with_bodies,
            late=late,
            known=self._known,
        )

    def open(self, node: pytest.Item, wanted: Wanted, *, ci: bool) -> Trial:
        """The handle of a test that begins, with a key that no other has. Raises ``pytest.UsageError``."""
        try:
            record, key = self.host.open(node.nodeid, [known_code(code) for code in wanted.ignore])
        except ValueError as error:
            raise pytest.UsageError(f"{node.nodeid}: what the intake is to ignore: {error}") from error
        files = snapshots.Files(
            node.path,
            snapshots.test_name(node.nodeid),
            self._ledger,
            update=self._update,
            ci=ci,
            ignore=self._config.getini("intake_snapshot_ignore"),
        )
        handle = IntakeHandle(self.host, record, key, wanted, files)
        if wanted.faults is not None:
            try:
                handle.set_faults(wanted.faults)
            except ValueError as error:
                raise pytest.UsageError(f"{node.nodeid}: @pytest.mark.intake: faults: {error}") from error
        return Trial(node, handle, self._known)

    def look_for_unused(self, items: Sequence[pytest.Item], passed: set[str]) -> None:
        """Notes which snapshot files these tests, all of their files, could have asked for."""
        for item in items:
            self._ledger.directories.add(str(snapshots.directory_of(item.path)))
            if "intake" in getattr(item, "fixturenames", ()):
                prefix = snapshots.prefix_of(item.path, snapshots.test_name(item.nodeid))
                self._ledger.collected.add(prefix)
                if item.nodeid in passed:
                    self._ledger.passed.add(prefix)

    def close(self, trial: Trial) -> None:
        """Judges a test that is over, what is missing included. Raises ``Verdict``."""
        handle = trial.handle
        try:
            trial.judge_at_end()
        finally:
            if left := trial.faults_left():
                self.tally.faults.append(f"{trial.node.nodeid}: {left}")
                trial.node.add_report_section("teardown", "mock-intake", left)
            handle.close()
            self._count(handle.record)
            handle.record.release()
