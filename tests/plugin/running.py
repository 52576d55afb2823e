"""Runs pytest inside pytest, and reads what a user would: messages of failures, sections, the summary."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

# What inner test files begin with, so that each test shows only what it is about.
HEADER = """\
import asyncio, json, os, re, subprocess, sys, threading, time
import pytest
from mock_intake_pytest import ABSENT, ANY, IntakeFailure, satisfying, unordered
from tests.events import dataset, dataset_event, job_event, job_type, run_event, schema
"""
INI = """\
[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings =
    error
    ignore:Module already imported:pytest.PytestAssertRewriteWarning
addopts = -p no:cacheprovider
"""
# Those that inner tests use. To find all that are installed costs more than most inner tests do.
PLUGINS = ("-pmock_intake", "-pasyncio", "-pxdist")


class PytestRun:
    """A run of pytest that is over."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.result = result
        self.output = result.stdout.str()

    @property
    def outcomes(self) -> dict[str, int]:
        return self.result.parseoutcomes()

    @property
    def _reports(self) -> list[Any]:
        recorder: Any = getattr(self.result, "reprec")  # noqa: B009 - what pytester adds, in process only
        return [*recorder.getreports("pytest_collectreport"), *recorder.getreports("pytest_runtest_logreport")]

    @property
    def failures(self) -> list[Any]:
        """The reports of what failed, in order."""
        return [report for report in self._reports if report.failed]

    @property
    def messages(self) -> list[str]:
        """The failures, as they are shown without the lines of code that led there; addresses and ids replaced."""
        return [_message(report) for report in self._reports if report.failed]

    @property
    def message(self) -> str:
        """The one failure."""
        (message,) = self.messages
        return message

    def told(self, test: str) -> str:
        """How one test failed."""
        (message,) = [
            _message(report) for report in self._reports if report.failed and report.nodeid.endswith(f"::{test}")
        ]
        return message

    def section(self, test: str) -> str:
        """What the plugin adds to a test's own failure; empty if nothing."""
        found = [
            settled(text).strip()
            for report in self._reports
            for title, text in report.sections
            if report.when == "call" and report.nodeid.endswith(f"::{test}") and title == "Captured mock-intake call"
        ]
        assert len(found) <= 1
        return "".join(found)

    @property
    def summary(self) -> str:
        """What the plugin tells at the end."""
        _, found, after = self.output.partition(" mock-intake =")
        if not found:
            # Of a run in which nothing failed there is one line.
            brief = re.search(r"^mock-intake: (\d+ events? received .*)$", self.output, re.MULTILINE)
            return settled(brief[1]) if brief else ""
        return settled(re.split(r"^=+ ", after, maxsplit=1, flags=re.MULTILINE)[0]).partition("\n")[2].strip()


def _message(report: Any) -> str:
    text = str(report.longrepr)
    marked = [line[2:].strip() and line[4:] for line in text.splitlines() if re.match(r"E(   |$)", line)]
    if not marked:
        return settled(text).strip()
    depth = min(len(line) - len(line.lstrip()) for line in marked if line.strip())
    text = settled("\n".join(line[depth:] for line in marked)).strip()
    return text.removeprefix("mock_intake_pytest.IntakeFailure: ")


def settled(text: str) -> str:
    """Text with what chance has a part in replaced: addresses, ids of events."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    return "\n".join(line.rstrip() for line in re.sub(r"\b[0-9a-f]{16}\b", "ID", text).splitlines())


def timeless(text: str) -> str:
    """A summary with the times of requests and the ends of keys replaced."""
    return re.sub(r"\*{4}[0-9a-f]{4}\b", "****KEY", re.sub(r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text))


def pinned(text: str) -> str:
    """A message as it stands in a test."""
    return textwrap.dedent(text).strip()


class Project:
    """A user's project with tests, in a directory of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path: Path = pytester.path
        self.write("pytest.ini", INI)
        self.conftest("")

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def module(self, name: str, code: str) -> None:
        """A module that tests can import."""
        self.write(name, textwrap.dedent(code))
        self.pytester.syspathinsert()

    def ini(self, *lines: str) -> None:
        self.write("pytest.ini", INI + "\n".join(lines) + "\n")

    def conftest(self, code: str) -> None:
        self.write("conftest.py", HEADER + "from tests.plugin.inside import _send, post\n" + textwrap.dedent(code))

    def tests(self, code: str, name: str = "test_it.py") -> None:
        self.write(name, HEADER + textwrap.dedent(code))

    def run(self, *arguments: str) -> PytestRun:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return PytestRun(self.pytester.runpytest_inprocess(*PLUGINS, *arguments))

    def run_tests(self, code: str, *arguments: str) -> PytestRun:
        """Runs these tests, those of one file."""
        self.tests(code)
        return self.run(*arguments)

    def run_alone(self, *arguments: str) -> PytestRun:
        """In a process of its own, where xdist is at work: without plugins that have no part in it."""
        self.write("pytest.ini", "[pytest]\nfilterwarnings = error\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(REPOSITORY))
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return PytestRun(self.pytester.runpytest_subprocess("-pxdist", "-pmock_intake", *arguments))

    def passes(self, code: str, *arguments: str, tests: int = 1) -> PytestRun:
        ran = self.run_tests(code, *arguments)
        assert ran.outcomes == {"passed": tests}, ran.output
        return ran

    def failure(self, code: str, *arguments: str) -> str:
        """The message of the one failure that these tests end with."""
        ran = self.run_tests(code, *arguments)
        assert len(ran.messages) == 1, ran.output
        return ran.message


def names(paths: Sequence[Path], root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in paths)
