"""What an audit on Spark takes, in time and memory, beside ``mock-intake check``: as archives grow.

Run: .venv-spark/bin/python -m bench.audit [--cores 1,2] [--events 100000,1000000] [--check-events 100000]
(outside CI: --events 10000000). Events are those of ``bench.mixture``, generated in the partitions and not stored;
about 4 KB each. For each number of cores ``check --jobs CORES`` judges a recording of some of them, and then, each in a
process of its own on ``local[CORES]``, Spark audits them all: to all its tables, and by ``mock_intake.audit.judge``
alone, each event by itself, which is what can be done without bringing runs together.

Each line has seconds by the clock without start-up (Java, Python workers, schemas, which a first small job pays for),
events a second, and the most memory of all processes (PSS): Java's heap, its Python workers and the driver. Java is
given ``--heap``. At the end stands what a cluster of 100 cores would take for 10^9 events: that is calculated from the
rate of a core in the largest audit here, and was measured by nobody.

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
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from bench import mixture
from bench.checking import check, memory_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AUDIT, JUDGE = "audit", "judge"
# The aims: of the rate of check so much, and memory for ten times the events so many times as much at most.
LEAST_RATE, MOST_GROWTH = 0.75, 1.25
CLUSTER_CORES, CLUSTER_EVENTS = 100, 1_000_000_000
# Events of one partition: as a split of a file has them, 128 MB of 4 KB each.
_OF_A_PARTITION = 32_000
_BYTES = 4_096
_WARM = 2_000
_LOOK = 0.5


class Took(NamedTuple):
    """Events, seconds of the clock and of processors without start-up, and the most megabytes of all processes."""

    events: int
    clock: float
    processor: float
    memory: float

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


def measure(what: str, cores: int, events: int, heap: str, directory: Path) -> dict[str, float]:
    """One measurement, in this process; ``clock`` is without start-up."""
    from mock_intake.audit.spark import session

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.driver.memory": heap,
        "spark.local.dir": str(directory / "local"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
    }
    began = time.perf_counter()
    with session(f"local[{cores}]", settings) as spark:
        run = {AUDIT: _audit, JUDGE: _judge}[what]
        run(spark, _WARM, cores, directory / "warm")
        ready, before = time.perf_counter(), _processor()
        run(spark, events, max(cores, events // _OF_A_PARTITION), directory / "out")
        return {"start": ready - began, "clock": time.perf_counter() - ready, "processor": _processor() - before}


def _processor() -> float:
    """Seconds that all processes of this one have used, those that ended too."""
    of_all = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in of_all)


def _judge(spark: SparkSession, events: int, partitions: int, _out: Path) -> None:
    from mock_intake.audit import judge

    judged = judge(generated(spark, events, partitions), "value").select("judgement")
    judged.write.format("noop").mode("overwrite").save()


def _audit(spark: SparkSession, events: int, partitions: int, out: Path) -> None:
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
        pipeline = Generated(spark, Files(spark), str(out), plan, settings, lambda *_: None, BLOCK)
        pipeline.judge()
        outcome = pipeline.conclude()
    assert outcome is not None
    assert outcome.counts.events == events, outcome.counts


# In the process that compares.


def measured(what: str, cores: int, events: int, heap: str) -> tuple[Took, float]:
    """One measurement in a process of its own, and the seconds that its start-up took."""
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as directory:
        arguments = ["--one", what, "--cores", str(cores), "--events", str(events), "--heap", heap, "--out", directory]
        command = [sys.executable, "-m", "bench.audit", *arguments]
        most = 0.0
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
            while process.poll() is None:
                most = max(most, memory_of(process.pid))
                time.sleep(_LOOK)
            assert process.stdout is not None
            printed = process.stdout.read()
        if process.returncode:
            raise SystemExit(f"{what} of {events:,} events on local[{cores}] ended with {process.returncode}")
    found = json.loads(printed.splitlines()[-1])
    return Took(events, found["clock"], found["processor"], most), found["start"]


def checked(cores: int, file: Path, events: int) -> Took:
    """``check`` on as many cores; its start, some tenths of a second, is in it."""
    cost = check(Path(sys.executable), file, "--jobs", str(cores), watched=True)
    return Took(events, cost.clock, cost.processor, cost.memory)


def line(title: str, cores: int, took: Took, beside: Took | None = None, start: float | None = None) -> None:
    """A line of what was measured."""
    times = f"{took.rate / beside.rate:>9.2f}x" if beside else f"{'':>10}"
    begun = f"{start:>9.1f}" if start is not None else f"{'':>9}"
    numbers = f"{took.clock:>9.1f} {took.processor:>10.1f} {took.rate:>10,.0f} {times} {took.memory:>8,.0f} {begun}"
    print(f"{title:<8}{cores:>5} {took.events:>12,} {numbers}", flush=True)


def compare(given: argparse.Namespace) -> int:
    """All lines; whether the aims were met, as an exit code."""
    cores_of, events_of_runs = (_numbers(text) for text in (given.cores, given.events))
    print(f"audit beside check, {len(os.sched_getaffinity(0))} processors, {datetime.now(UTC):%Y-%m-%d}; ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; Java's heap {given.heap}")
    print(
        f"{'':<8}{'cores':>5} {'events':>12} {'seconds':>9} {'processor':>10} {'events/s':>10} {'of check':>10} ",
        end="",
    )
    print(f"{'MB':>8} {'start, s':>9}")
    met, audits = True, dict[int, list[Took]]()
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as name:
        recording = Path(name) / "events.ndjson"
        mixture.write(recording, given.check_events)
        for cores in cores_of:
            beside = checked(cores, recording, given.check_events)
            line("check", cores, beside)
            for events in events_of_runs:
                for what in given.what.split(","):
                    took, start = measured(what, cores, events, given.heap)
                    line(what, cores, took, beside, start)
                    if what == AUDIT:
                        audits.setdefault(cores, []).append(took)
            of_cores = audits.get(cores)
            met = met and (not of_cores or _is_met(of_cores, beside))
    for cores, of_cores in audits.items():
        hours = seconds_on_cluster(of_cores[-1], cores) / 3_600
        print(
            f"calculated, not measured: {CLUSTER_CORES} cores would take {hours:.1f} hours for {CLUSTER_EVENTS:,} "
            f"events, by the rate of a core of local[{cores}] at {of_cores[-1].events:,} events"
        )
    print("aims met" if met else "aims missed")
    return 0 if met else 1


def _is_met(audits: Sequence[Took], beside: Took) -> bool:
    first, last = audits[0], audits[-1]
    return last.rate >= LEAST_RATE * beside.rate and last.memory <= MOST_GROWTH * first.memory


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cores", default="1,2")
    options.add_argument("--events", default="100000,1000000")
    options.add_argument("--check-events", type=int, default=100_000)
    options.add_argument("--heap", default="1g")
    options.add_argument("--what", default=f"{AUDIT},{JUDGE}")
    options.add_argument("--one", choices=(AUDIT, JUDGE), help=argparse.SUPPRESS)
    options.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    if given.one:
        print(json.dumps(measure(given.one, int(given.cores), int(given.events), given.heap, given.out)))
        return 0
    return compare(given)


if __name__ == "__main__":
    sys.exit(main())
