"""One run of ``mock-intake check``, and what it took: for benches that measure beside it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import psutil

_LOOK = 0.2


class Cost(NamedTuple):
    """Seconds by the clock and of processors, and the most megabytes of memory, of all processes."""

    clock: float
    processor: float
    memory: float = 0.0


def check(python: Path, file: Path, *options: str, watched: bool = False) -> Cost:
    """One run of the command of a build; its memory is looked at if it is to be ``watched``, which takes time too."""
    command = [str(python.with_name("mock-intake")), "check", *options, str(file)]
    began, before, most = time.perf_counter(), os.times(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own
        while watched and process.poll() is None:
            most = max(most, memory_of(process.pid))
            time.sleep(_LOOK)
        process.wait()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.perf_counter() - began, used, most)


def memory_of(pid: int) -> float:
    """Megabytes of a process and those that it started: what several share is counted once."""
    total = 0.0
    try:
        of_all = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in of_all:
        try:
            total += process.memory_full_info().pss / 1e6
        except psutil.Error:
            continue  # it has just ended
    return total
