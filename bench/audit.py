"""What an audit on Spark takes, in time and memory, beside ``mock-intake check``: as archives grow.

Run: make bench-audit BENCH_ARGS="...", or .venv-spark/bin/python -m bench.audit [--cores 1,2]
[--events 100000,1000000] [--what audit,judge,recording] [--limit SECONDS] [--json FILE]
(outside CI, about an hour: --cores 2 --events 1000000,10000000 --what audit).

Events are those of ``bench.mixture``, generated in the partitions and not stored; about 4 KB each. For each number of
cores ``check --jobs CORES`` judges a recording of them (``--check-events``; unless told as many as the largest audit
has, a million at most), and then, each in a process of its own on ``local[CORES]``, Spark audits them all: to all its
tables and the report that ``check`` prints too, and by ``mock_intake.audit.judge`` alone, each event by itself, which
is what can be done without bringing runs together.

Each line has seconds by the clock without start-up (Java, Python workers, schemas, which a first small job pays for),
events a second, and the most memory of all processes (PSS): of Java, given ``--heap``, and of Python, which are the
driver, the workers, and those that generate the events. That these are generated within the time measured, and go
through Spark once more than lines of a file, is to the audit's disadvantage. What takes longer than ``--limit`` is
stopped and counts as missed; how far Spark is, and seconds by step, stand on standard error. At the end stands what a
cluster of 100 cores would take for 10^9 events: that is calculated from the rate of a core in the largest audit here,
and was measured by nobody. ``--json`` has all figures.

Exits with 1 where an aim is missed: 0.75 of ``check``'s rate with the same cores, and memory that does not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from bench import mixture
from bench.checking import check

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AUDIT, JUDGE, RECORDING = "audit", "judge", "recording"
# The aims: of the rate of check so much, and memory for ten times the events so many times as much at most.
LEAST_RATE, MOST_GROWTH = 0.75, 1.25
CLUSTER_CORES, CLUSTER_EVENTS = 100, 1_000_000_000
# Events of one partition: as a split of a file has them, 128 MB of 4 KB each.
_OF_A_PARTITION = 32_000
_BYTES = 4_096
_WARM = 2_000
_MOST_CHECKED = 1_000_000
# Seconds between two looks at memory, and between two lines of progress.
_LOOK, _TELL = 0.5, 30


class Memory(NamedTuple):
    """Megabytes of the processes of Java and of Python, what several share counted once."""

    java: float = 0.0
    python: float = 0.0

    @property
    def total(self) -> float:
        return self.java + self.python

    def most(self, other: Memory) -> Memory:
        """Of both that with more in all."""
        return max(self, other, key=lambda one: one.total)


class Took(NamedTuple):
    """Events, seconds of the clock and of processors without start-up, the most memory, seconds by step, and what of
    those of processors was Java's."""

    events: int
    clock: float
    processor: float
    memory: Memory
    start: float | None = None
    steps: dict[str, float] | None = None
    java: float = 0.0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.clock


def seconds_on_cluster(took: Took, cores: int, events: int = CLUSTER_EVENTS, of: int = CLUSTER_CORES) -> float:
    """What ``of`` cores would take for ``events``, in seconds: calculated, not measured.

    By the rate of one of the ``cores`` that ``took`` was measured on. It leaves out what a cluster adds (the network
    between its machines, stragglers, start-up) and what its machines may do better than this one.
    """
    return events / (took.rate / cores * of)


# In a process of its own: one session of Spark, one measurement.


def generated(spark: SparkSession, events: int, partitions: int) -> DataFrame:
    """So many events in partitions: a ``path`` for each, the ``start`` of its only split, and lines as ``value``."""
    numbers = spark.range(0, partitions, 1, partitions)
    task = partial(_lines, events, partitions)
    return numbers.mapInArrow(task, "path string, start long, value binary, line long")


def path_of(partition: int) -> str:
    """The file that a partition stands for."""
    return f"file:/generated/{partition:06}.ndjson"


def events_of(partition: int, events: int, partitions: int) -> range:
    """The numbers of the events of a partition."""
    return range(events * partition // partitions, events * (partition + 1) // partitions)


def _lines(events: int, partitions: int, batches: Iterable[Any]) -> Iterator[Any]:
    import pyarrow as pa

    for batch in batches:
        for partition in batch.column(0).to_pylist():
            numbers = events_of(partition, events, partitions)
            lines, left = mixture.lines(numbers.start), len(numbers)
            while left:
                values = list(islice(lines, min(left, 1_000)))
                left -= len(values)
                columns = {
                    "path": pa.array([path_of(partition)] * len(values), pa.string()),
                    "start": pa.array([0] * len(values), pa.int64()),
                    "value": pa.array(values, pa.binary()),
                    "line": pa.nulls(len(values), pa.int64()),
                }
                yield pa.RecordBatch.from_pydict(columns)


def measure(what: str, cores: int, events: int, heap: str, directory: Path) -> dict[str, Any]:
    """One measurement, in this process; ``clock`` is without start-up."""
    from mock_intake.audit.spark import session
    from mock_intake.audit.tasks import tasks_followed

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.driver.memory": heap,
        "spark.local.dir": str(directory / "local"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
    }
    began = time.perf_counter()
    with session(f"local[{cores}]", settings) as spark:
        run = {AUDIT: _audit, JUDGE: _judge, RECORDING: _audit_recording}[what]
        run(spark, _WARM, cores, directory / "warm", _Steps())
        ready, before = time.perf_counter(), _processor()
        with tasks_followed(spark, _told(f"{what} local[{cores}] {events:,}")):
            run(spark, events, max(cores, events // _OF_A_PARTITION), directory / "out", steps := _Steps())
        clock = time.perf_counter() - ready
        return {
            "start": ready - began, "clock": clock, "steps": steps.ended(),
            "processor": {kind: used - before[kind] for kind, used in _processor().items()},
        }  # fmt: skip


class _Steps:
    """The steps of an audit, with the seconds that each took."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []

    def begin(self, step: str, _number: int = 0, _of: int = 1) -> None:
        self._begun.append((step, time.perf_counter()))

    def ended(self) -> dict[str, float]:
        """Seconds by step, the last one ending now."""
        ends = [*(at for _, at in self._begun[1:]), time.perf_counter()]
        return {step: end - at for (step, at), end in zip(self._begun, ends, strict=True)}


def _told(title: str) -> Callable[[int, int], None]:
    """Tells every now and then on standard error how many tasks are done."""
    began = told = time.perf_counter()

    def tell(done: int, of: int) -> None:
        nonlocal told
        now = time.perf_counter()
        if now - told >= _TELL:
            told = now
            print(f"  {title}: {done:,} of {of:,} tasks of a stage after {now - began:.0f} s", file=sys.stderr)

    return tell


def _processor() -> dict[str, float]:
    """Seconds that the processes of Java, and of Python, have used, those that ended too."""
    used = {"java": 0.0, "python": 0.0}
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        used["java" if process.name() == "java" else "python"] += sum(process.cpu_times()[:4])
    return used


def _judge(spark: SparkSession, events: int, partitions: int, _out: Path, steps: _Steps) -> None:
    from mock_intake.audit import judge

    steps.begin("judging events")
    judged = judge(generated(spark, events, partitions), "value").select("judgement")
    judged.write.format("noop").mode("overwrite").save()


def _audit_recording(spark: SparkSession, events: int, _partitions: int, out: Path, steps: _Steps) -> None:
    """An audit of a recording, from listing it to its record."""
    from mock_intake.audit.audit import Audit, audited

    recording = out.parent / recording_of(events)
    if not recording.exists():  # the warm one
        mixture.write(recording, events)
    counts = audited(spark, Audit([str(recording)], str(out)), progress=steps.begin).counts
    assert counts.events == events, counts
    _report(spark, out, events, steps)


def recording_of(events: int) -> str:
    """The name of a recording of so many events."""
    return f"{events}.ndjson"


def _report(spark: SparkSession, out: Path, events: int, steps: _Steps) -> None:
    from mock_intake.audit.report import report_of
    from mock_intake.report.formats import Kind, rendered

    steps.begin("reporting")
    told = "".join(rendered(Kind.AUDIT, "text", report_of(spark, str(out))))
    assert f"{events:,} events" in told, told


def _audit(spark: SparkSession, events: int, partitions: int, out: Path, steps: _Steps) -> None:
    """All steps of an audit but the listing of files; what it came to is counted, as a check on the bench itself."""
    from mock_intake.audit.internal import JUDGED
    from mock_intake.audit.lines import BLOCK, judged_lines
    from mock_intake.audit.pipeline import Pipeline
    from mock_intake.audit.record import planned
    from mock_intake.audit.settings import JudgingSettings
    from mock_intake.audit.sources import Recording
    from mock_intake.audit.spark import Files, settings_of_audit
    from mock_intake.judging.config import Config
    from mock_intake.system.clock import utc_now

    class Generated(Pipeline):
        """Lines that are made where they are judged."""

        def _judged_batch(self, recordings: Sequence[Recording]) -> DataFrame:
            task = partial(judged_lines, self._task)
            return generated(spark, events, len(recordings)).mapInArrow(task, JUDGED)

    settings = JudgingSettings.of(Config())
    # As if they were small, so that all are judged in one batch.
    recordings = [Recording(path_of(number), path_of(number), 1, 0) for number in range(partitions)]
    plan = planned(recordings, "value", settings, utc_now())
    with settings_of_audit(spark, events * _BYTES):
        pipeline = Generated(spark, Files(spark), str(out), plan, settings, steps.begin, BLOCK)
        pipeline.judge()
        outcome = pipeline.conclude()
    assert outcome is not None
    assert outcome.counts.events == events, outcome.counts
    _report(spark, out, events, steps)


# In the process that compares.


def measured(what: str, cores: int, events: int, heap: str, limit: float, recording: Path) -> Took | None:
    """One measurement in a process of its own; None where it took longer than ``limit`` seconds, and was stopped."""
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as directory:
        if what == RECORDING:
            (Path(directory) / recording_of(events)).symlink_to(recording)
        arguments = ["--one", what, "--cores", str(cores), "--events", str(events), "--heap", heap, "--out", directory]
        command = [sys.executable, "-m", "bench.audit", *arguments]
        most, ends = Memory(), time.monotonic() + limit
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
            while process.poll() is None:
                if time.monotonic() > ends:
                    _stop(process.pid)
                    return None
                most = most.most(memory_by_kind(process.pid))
                time.sleep(_LOOK)
            assert process.stdout is not None
            printed = process.stdout.read()
        if process.returncode:
            raise SystemExit(f"{what} of {events:,} events on local[{cores}] ended with {process.returncode}")
    found = json.loads(printed.splitlines()[-1])
    used = found["processor"]
    return Took(
        events, found["clock"], sum(used.values()), most, found["start"], found["steps"], used["java"]
    )  # fmt: skip


def _stop(pid: int) -> None:
    """Ends a process and all that it started: Java would go on for itself."""
    for process in (*psutil.Process(pid).children(recursive=True), psutil.Process(pid)):
        with suppress(psutil.Error):
            process.kill()


def memory_by_kind(pid: int) -> Memory:
    """The memory of a process of Python's and those that it started."""
    java = python = 0.0
    with suppress(psutil.Error):
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with suppress(psutil.Error):  # it has just ended
                megabytes = process.memory_full_info().pss / 1e6
                if process.name() == "java":
                    java += megabytes
                else:
                    python += megabytes
    return Memory(java, python)


def checked(cores: int, file: Path, events: int) -> Took:
    """``check`` on as many cores; its start, some tenths of a second, is in it."""
    cost = check(Path(sys.executable), file, "--jobs", str(cores), watched=True)
    return Took(events, cost.clock, cost.processor, Memory(python=cost.memory))


def line(title: str, cores: int, took: Took, beside: Took | None = None) -> None:
    """A line of what was measured."""
    times = f"{took.rate / beside.rate:>9.2f}x" if beside else f"{'':>10}"
    begun = f"{took.start:>9.1f}" if took.start is not None else ""
    numbers = f"{took.clock:>9.1f} {took.processor:>10.1f} {took.rate:>10,.0f} {times}"
    memory = f"{took.memory.total:>8,.0f} {took.memory.java:>8,.0f} {took.memory.python:>8,.0f}"
    print(f"{title:<8}{cores:>5} {took.events:>12,} {numbers} {memory} {begun}", flush=True)
    if took.steps:
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in took.steps.items())
        java = f"{took.java:.1f} s of the processors were Java's"
        print(f"  {title} local[{cores}] {took.events:,}: {steps}; {java}", file=sys.stderr)


def compare(given: argparse.Namespace) -> int:
    """All lines; whether the aims were met, as an exit code."""
    cores_of, events_of_runs = (_numbers(text) for text in (given.cores, given.events))
    events_checked = given.check_events or min(max(events_of_runs), _MOST_CHECKED)
    if RECORDING in given.what.split(",") and set(events_of_runs) != {events_checked}:
        raise SystemExit(f"--what recording audits what check judges: --events {events_checked}")
    print(f"audit beside check, {len(os.sched_getaffinity(0))} processors, {datetime.now(UTC):%Y-%m-%d}; ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; Java's heap {given.heap}")
    print(f"{'':<8}{'cores':>5} {'events':>12} {'seconds':>9} {'processor':>10} {'events/s':>10} ", end="")
    print(f"{'of check':>10} {'MB':>8} {'of Java':>8} {'Python':>8} {'start, s':>9}")
    lines: list[tuple[str, int, Took | None]] = []
    met, audits = True, dict[int, list[Took]]()
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as name:
        recording = Path(name) / "events.ndjson"
        mixture.write(recording, events_checked)
        for cores in cores_of:
            beside = checked(cores, recording, events_checked)
            line("check", cores, beside)
            lines.append(("check", cores, beside))
            for events in events_of_runs:
                for what in given.what.split(","):
                    took = measured(what, cores, events, given.heap, given.limit, recording)
                    lines.append((what, cores, took))
                    if took is None:
                        print(f"{what:<8}{cores:>5} {events:>12,}   not done within {given.limit:,.0f} s", flush=True)
                        met = False
                        continue
                    line(what, cores, took, beside)
                    if what != JUDGE:
                        audits.setdefault(cores, []).append(took)
            of_cores = audits.get(cores)
            met = met and (not of_cores or _is_met(of_cores, beside))
    hours = {cores: seconds_on_cluster(of_cores[-1], cores) / 3_600 for cores, of_cores in audits.items()}
    for cores, calculated in hours.items():
        print(
            f"calculated, not measured: {CLUSTER_CORES} cores would take {calculated:.1f} hours for "
            f"{CLUSTER_EVENTS:,} events, by the rate of a core of local[{cores}] at {audits[cores][-1].events:,} events"
        )
    print("aims met" if met else "aims missed")
    if given.json is not None:
        given.json.write_text(json.dumps(_figures(lines, hours, met, given.heap), indent=1) + "\n", encoding="utf-8")
    return 0 if met else 1


def _is_met(audits: Sequence[Took], beside: Took) -> bool:
    first, last = audits[0], audits[-1]
    return last.rate >= LEAST_RATE * beside.rate and last.memory.total <= MOST_GROWTH * first.memory.total


def _figures(
    lines: Sequence[tuple[str, int, Took | None]], hours: dict[int, float], met: bool, heap: str
) -> dict[str, Any]:
    """All figures for a file; memory in megabytes, times in seconds, what was not done within the limit as null."""
    shown = [{"what": what, "cores": cores, **({} if took is None else _figure(took))} for what, cores, took in lines]
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "load": os.getloadavg(),
        "processors": len(os.sched_getaffinity(0)),
        "heap": heap,
        "measured": shown,
        "calculated": [
            {"cores": CLUSTER_CORES, "events": CLUSTER_EVENTS, "hours": each, "from_cores": cores}
            for cores, each in hours.items()
        ],
        "met": met,
    }


def _figure(took: Took) -> dict[str, Any]:
    return {**took._asdict(), "memory": {**took.memory._asdict(), "total": took.memory.total}, "rate": took.rate}


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cores", default="1,2")
    options.add_argument("--events", default="100000,1000000")
    options.add_argument("--check-events", type=int)
    options.add_argument("--heap", default="1g")
    options.add_argument("--what", default=f"{AUDIT},{JUDGE}")
    options.add_argument("--limit", type=float, default=7_200)
    options.add_argument("--json", type=Path)
    options.add_argument("--one", choices=(AUDIT, JUDGE, RECORDING), help=argparse.SUPPRESS)
    options.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    if given.one:
        print(json.dumps(measure(given.one, int(given.cores), int(given.events), given.heap, given.out)))
        return 0
    return compare(given)


if __name__ == "__main__":
    sys.exit(main())
