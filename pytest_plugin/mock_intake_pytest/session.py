"""One pytest process's use of the intake: its host, the tests that had a handle, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from mock_intake.config import ConfigError, find_config, load_config
from mock_intake.openlineage.library import UserSchemaError
from mock_intake.server.runner import ServerError
from mock_intake_pytest import snapshots
from mock_intake_pytest.codes import known_code
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.host import Host
from mock_intake_pytest.judging import places_of, steps_left, verdict_on_findings, verdict_on_presence
from mock_intake_pytest.options import Wanted
from mock_intake_pytest.reporting import count
from mock_intake_pytest.tally import Tally
from mock_intake_pytest.telling import (
    IntakeFailure,
    Verdict,
    events_text,
    findings_text,
    grouped,
    paragraphs,
    refused_text,
    request_text,
)

# How long the end of a test waits for requests that are under way, in seconds.
_UNDER_WAY = 1.0
Outcome = Literal["passed", "failed", "skipped"]


class Trial:
    """A test with its handle, and how it went; None until its body has run."""

    def __init__(self, node: pytest.Item, handle: IntakeHandle) -> None:
        self.node = node
        self.handle = handle
        self._plan = handle.faults
        self.outcome: Outcome | None = None

    def judge_so_far(self) -> None:
        """Judges what a test that has passed so far has sent. Raises ``Verdict``."""
        self.handle.server.wait_until_idle(_UNDER_WAY)
        text = verdict_on_findings(self.handle, closed=False)
        self.outcome = "failed" if text else "passed"
        if text:
            raise Verdict(text)

    def ended(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def told(self, error: BaseException) -> str:
        """What a test that failed by itself should be told as well."""
        handle = self.handle
        found = findings_text(grouped(places_of(handle, closed=False)).at_or_above(handle.level))
        if isinstance(error, IntakeFailure):
            # The failure itself says what arrived.
            return found
        # What was wrong with the test's own requests is among what was found.
        others = [each for each in handle.refused_exchanges() if each.fault or each.org != handle.record.org]
        return paragraphs(events_text(handle.events()), found, refused_text(others))

    def faults_left(self) -> str:
        """What the marker's fault plan had in store and nothing met; empty if the test has put another in its place."""
        plan = self.handle.faults
        if plan is None or self._plan is None or self.outcome not in ("passed", "failed"):
            return ""
        same = all(plan[name] == self._plan[name] for name in ("sequence", "delay", "repeat_last"))
        return steps_left(plan) if same else ""


class Session:
    """Starts the host, gives every test its handle, and counts what they received."""

    def __init__(self, config: pytest.Config, directory: Path) -> None:
        self._config = config
        self._update = bool(config.getoption("--intake-update"))
        self._with_entries = bool(config.getoption("--intake-report"))
        self._ledger = snapshots.Ledger()
        self.tally = Tally(snapshots=self._ledger)
        try:
            self.host = Host(load_config(find_config(config.rootpath)), directory)
        except (ConfigError, UserSchemaError) as error:
            raise pytest.UsageError(str(error)) from error

    def start(self) -> None:
        try:
            self.host.start()
        except ServerError as error:
            raise pytest.UsageError(f"mock-intake: {error}") from error

    def stop(self) -> None:
        """Ends the server, and counts what came too late."""
        self.host.stop()
        for record in self.host.records():
            if record.late:
                self.tally.late[record.nodeid] += len(record.late)
                count(self.tally, record, record.late_journal(), with_entries=self._with_entries, late=True)
        self.tally.strays = len(self.host.strays)
        self.tally.describe(self.tally.of_strays, (request_text(each.exchange, each.when) for each in self.host.strays))

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
                handle.sequence(wanted.faults)
            except ValueError as error:
                raise pytest.UsageError(f"{node.nodeid}: @pytest.mark.intake: faults: {error}") from error
        return Trial(node, handle)

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
            self.host.server.wait_until_idle(_UNDER_WAY)
            if trial.outcome == "passed" and (
                text := paragraphs(verdict_on_presence(handle), verdict_on_findings(handle, closed=True))
            ):
                raise Verdict(text)
        finally:
            if left := trial.faults_left():
                self.tally.faults.append(f"{trial.node.nodeid}: {left}")
                trial.node.add_report_section("teardown", "mock-intake", left)
            handle.close()
            count(self.tally, handle.record, handle.record.journal, with_entries=self._with_entries)
            handle.record.release()
