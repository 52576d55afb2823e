"""What the pytest plugin costs those who don't use it, and those who do, beside pytest-httpserver and an earlier build.

Run: make bench, or .venv/bin/python -m bench.plugin [--rounds 7]. One run starts pytest many times, turn by turn in
every way, each time in a process of its own and without any other plugin: an empty test without our plugin, with it
switched off, and with it; and tests that each send one event, to our ``intake`` and to a server of pytest-httpserver
that is told to expect it. What the tests cost is taken from pytest's own durations; what a plugin imports when pytest
starts is not in them, so the whole run stands beside. The aims hold on a machine that does nothing else; processor
times suffer less from others.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.aims import Aim, Point, Task, alone
from bench.builds import installed

# Of runs with an empty test so many times as many rounds: what is added to them is a small part of them.
EMPTY_TIMES = 2
TESTS = 100
# In seconds: what the plugin may add to an empty run, what the first test with it may take, what each further one may,
# and what the last one may, at which the server ends.
AIMS = {"empty": 0.003, "first": 0.09, "further": 0.0015, "last": 0.02}

OURS = ("-p", "mock_intake_pytest.plugin")
# To name any plugin has pytest read what all distributions offer, which it does by itself where it loads plugins
# unasked, as it does for users. So in each way one is named, and here one that is empty.
NOTHING = "nothing"
EMPTY: Mapping[str, tuple[str, ...]] = {
    "not installed": ("-p", NOTHING),
    "switched off": ("-p", NOTHING, "-p", "no:mock_intake"),
    "installed": OURS,
}
EMPTY_TEST = "def test_nothing():\n    pass\n"
SENDER = """
import http.client
import pytest

EVENT = b'''{"eventType": "START", "eventTime": "2026-11-01T12:00:00.000Z", "producer": "https://github.com/acme/etl",
"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
"run": {"runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"}, "job": {"namespace": "prod", "name": "load", "facets": {
"jobType": {"_producer": "https://github.com/acme/etl", "processingType": "BATCH", "integration": "CUSTOM",
"_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
"jobType": "JOB"}}}, "inputs": [], "outputs": []}'''

def send(host, key):
    connection = http.client.HTTPConnection(host)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/lineage", EVENT, headers)
    status = connection.getresponse().status
    connection.close()
    return status
"""
USED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "mock-intake": (
        OURS,
        f"""{SENDER}
@pytest.mark.parametrize("number", range({TESTS}))
def test_one(intake, number):
    assert send(intake.host, intake.api_key) == 202
    assert intake.event().job.name == "load"
""",
    ),
    "pytest-httpserver": (
        ("-p", "pytest_httpserver.pytest_plugin"),
        f"""{SENDER}
@pytest.mark.parametrize("number", range({TESTS}))
def test_one(httpserver, number):
    httpserver.expect_request("/api/v1/lineage", method="POST").respond_with_data(status=202)
    assert send(f"{{httpserver.host}}:{{httpserver.port}}", "0123456789abcdef0123456789abcdef") == 202
    assert httpserver.log[-1][0].json["job"]["name"] == "load"
""",
    ),
}
# Writes what pytest says each test took, set-up and tear-down included.
DURATIONS = """
import json

TOOK = {}

def pytest_runtest_logreport(report):
    TOOK[report.nodeid] = TOOK.get(report.nodeid, 0.0) + report.duration

def pytest_sessionfinish():
    with open("took.json", "w") as file:
        json.dump(list(TOOK.values()), file)
"""


class Took(NamedTuple):
    """How long a run of pytest took, and for how long it kept a processor busy, in seconds."""

    wall: float
    cpu: float


class Used(NamedTuple):
    """What tests took, in seconds: the first, the median of the others, the last, at which servers end, and the run by
    the clock and of the processor."""

    first: float
    further: float
    last: float
    whole: float
    cpu: float


def run(folder: Path, arguments: tuple[str, ...], python: Path = Path(sys.executable)) -> Took:
    """Runs pytest by a Python; raises ``RuntimeError`` if a test does not pass."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, pytest compiles every plugin anew each time
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    began, used = time.perf_counter(), _processor_time()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603 - our own
    took = Took(time.perf_counter() - began, _processor_time() - used)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stdout.decode()}{done.stderr.decode()}")
    return took


def _processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def project(parent: Path, name: str, test: str) -> Path:
    folder = parent / name
    folder.mkdir()
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / f"{NOTHING}.py").touch()
    return folder


Way = tuple[str, Path]
"""What is run: a plugin, or a way in which it is there, and the Python of a build."""


def measure_empty(folder: Path, ways: Sequence[Way], rounds: int) -> dict[Way, list[Took]]:
    """Runs with one empty test, in every way."""
    took: dict[Way, list[Took]] = {way: [] for way in ways}
    for _ in range(rounds):
        for name, python in ways:
            took[name, python].append(run(folder, EMPTY[name], python))
    return took


def measure_used(folders: Mapping[str, Path], ways: Sequence[Way], rounds: int) -> dict[Way, Used]:
    """The medians over runs of tests that use the one and the other."""
    took: dict[Way, list[Used]] = {way: [] for way in ways}
    for _ in range(rounds):
        for name, python in ways:
            whole = run(folders[name], USED[name][0], python)
            first, *further, last = json.loads((folders[name] / "took.json").read_text())
            took[name, python].append(Used(first, statistics.median(further), last, whole.wall, whole.cpu))
    return {way: Used(*map(statistics.median, zip(*runs, strict=True))) for way, runs in took.items()}


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Runs pytest in every way by both builds, in turns, and prints what that took."""
    before, now = installed(task.build), Path(sys.executable)
    rounds = EMPTY_TIMES * task.rounds
    off, on = "switched off", "installed"
    with tempfile.TemporaryDirectory(prefix="plugin-bench-") as name:
        parent = Path(name)
        ways = [*((way, now) for way in EMPTY), (off, before), (on, before)]
        empty = measure_empty(project(parent, "empty", EMPTY_TEST), ways, rounds)
        folders = {each: project(parent, each, test) for each, (_, test) in USED.items()}
        for folder in folders.values():
            (folder / "conftest.py").write_text(DURATIONS)
        used = measure_used(folders, [*((way, now) for way in USED), ("mock-intake", before)], task.rounds)

    def build(python: Path) -> str:
        return "" if python is now else f", {task.build}"

    print(f"pytest with one empty test, medians of {rounds} runs each")
    for (way, python), runs in empty.items():
        wall, cpu = (statistics.median(each) * 1000 for each in zip(*runs, strict=True))
        print(f"  {f'plugin {way}{build(python)}':<32} {wall:>8.1f} ms, {cpu:>8.1f} ms of a processor")
    print(f"{TESTS} tests that send one event each, medians of {task.rounds} runs each; ms")
    print(f"  {'':<32} {'first':>8} {'further':>8} {'last, with the end':>20} {'whole run':>10} {'of a processor':>15}")
    for (way, python), times in used.items():
        first, further, last, whole, cpu = (each * 1000 for each in times)
        print(f"  {way + build(python):<32} {first:>8.1f} {further:>8.2f} {last:>20.1f} {whole:>10.0f} {cpu:>15.0f}")

    def added(python: Path) -> float:
        """Importing waits for nothing, and of clock and processor the latter is the one that others do not blur."""
        pairs = zip(empty[on, python], empty[off, python], strict=True)
        return statistics.median(1000 * (with_it.cpu - without.cpu) for with_it, without in pairs)

    then, here = (used["mock-intake", python] for python in (before, now))

    def aim(title: str, most: float, before: float, now: float) -> Aim:
        return Aim(6, title, "at most", 1000 * most, 1000 * now, 1000 * before, "ms", then.cpu, here.cpu)

    return [
        Aim(6, "plugin, those who don't use it", "at most", 1000 * AIMS["empty"], added(now), added(before),
            "ms of a processor"),
        aim("plugin, the first test", AIMS["first"], then.first, here.first),
        aim("plugin, a further test", AIMS["further"], then.further, here.further),
        aim("plugin, the last test, with the end", AIMS["last"], then.last, here.last),
    ], []  # fmt: skip


if __name__ == "__main__":
    alone("plugin", aims, __doc__)
