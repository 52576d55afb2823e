"""A plugin of pytest that tells which modules of the suite take the processor's time: ``make test-time``.

Of each test counts what its process took and all that it started, between the end of the test before and its own: what
a module makes once is its first test's. Needs ``/proc``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

MOST = 25
"""How many modules are told."""
_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_by_module: Counter[str] = Counter()
_before = 0.0


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those have, that run now."""
    try:
        children = [file.read_text() for file in (_PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        return  # it has ended meanwhile
    for child in map(int, " ".join(children).split()):
        yield child
        yield from descendants(child)


def processor_seconds() -> float:
    """What this process has taken in user mode so far, with all that it has started: what has ended, and what runs."""
    times = os.times()
    seconds = times.user + times.children_user
    for pid in descendants(os.getpid()):
        try:
            # proc_pid_stat(5): behind the name, which may have blanks, utime is the 12th and cutime the 14th.
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[13])) / _TICK
    return seconds


def pytest_collection_finish() -> None:
    global _before
    _before = processor_seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts onto a test's last report what was taken since the one before; xdist hands attributes of reports on."""
    global _before
    report = yield
    if report.when != "teardown":  # to look through all processes takes some time itself
        return report
    now = processor_seconds()
    report.processor_seconds = now - _before  # type: ignore[attr-defined]
    _before = now
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _by_module[report.nodeid.partition("::")[0]] += getattr(report, "processor_seconds", 0)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.section("processor time by module, in seconds of user mode")
    for module, seconds in _by_module.most_common(MOST):
        terminalreporter.line(f"{seconds:7.1f}  {module}")
    terminalreporter.line(f"{_by_module.total():7.1f}  all tests; beside them each worker collects all of them")
