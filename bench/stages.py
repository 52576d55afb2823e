"""Where the time of ``mock-intake check`` goes: each part of a recording's way by itself, in one process.

Run: .venv/bin/python -m bench.stages [--events 20000]. Microseconds of the processor for one event of the mixture that
``bench.check`` has judged, and the share of each part; then what an event costs as more and more was seen before.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import msgspec

from bench import mixture
from mock_intake.body.parsing import parse
from mock_intake.files.blocks import Block, blocks_of_file
from mock_intake.judging import recording
from mock_intake.judging.blocks import together
from mock_intake.judging.closing import ClosedRun
from mock_intake.judging.judgement import Judge
from mock_intake.judging.rows import BlockRows, judge_rows
from mock_intake.model.event import EventView
from mock_intake.report.check_report import CheckReport, OverAll, to_json, to_text
from mock_intake.system.clock import utc_now
from mock_intake.system.collector import OBJECTS_BETWEEN_COLLECTIONS

EVENTS = 20_000
# Of so many events each the cost is told as more and more was seen.
_STEPS = (0, 1_000, 3_000, 10_000)
_OF_A_STEP = 500


def seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


def consume(values: Iterable[object]) -> None:
    """Goes through all."""
    for _ in values:
        pass


def stages(file: Path) -> Iterator[tuple[str, float]]:
    """Each part with its seconds."""
    judge, now = Judge(), utc_now()
    lines = file.read_bytes().splitlines()
    blocks = list(blocks_of_file(file))
    parsing = seconds(lambda: consume(EventView(parse(line).value) for line in lines))
    yield "parsing, and the view of it", parsing
    some = list(together(lines, len))
    judging = seconds(lambda: consume(judge.judge_together(bodies, "recorded", now) for bodies in some))
    yield "schemas, secrets, rules about an event", judging - parsing
    made: list[BlockRows] = []
    whole = seconds(lambda: made.extend(judge_rows(judge, now, number, block) for number, block in enumerate(blocks)))
    yield "runs, as far as a block shows them", whole - judging
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(BlockRows).decode
    yield "between processes", seconds(lambda: consume(decode(encode(one)) for one in made))

    def made_before(_judge: Judge, _now: datetime, number: int, _block: Block) -> BlockRows:
        return made[number]

    with recording.Check(judge) as check, patch.object(recording, "judge_rows", made_before):
        results: list[recording.Checked] = []
        yield "the ledger", seconds(lambda: results.extend(check.check_blocks(iter(blocks))))
        runs = list[ClosedRun]()
        yield "closing runs", seconds(lambda: runs.extend(check.closed_runs()))
        over_all = OverAll(runs=runs)
        yield "text", seconds(lambda: consume(to_text(CheckReport(check, iter(results), over_all=over_all))))
        yield "JSON", seconds(lambda: consume(to_json(CheckReport(check, iter(results), over_all=over_all))))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=EVENTS)
    given = options.parse_args()
    print(f"us of the processor for one of {given.events:,} events, {datetime.now(UTC):%Y-%m-%d}")
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    # First, as what was seen is remembered for as long as the process is there.
    judge, lines, before = Judge(), mixture.lines(), 0
    for step in _STEPS:
        consume(judge.judge(line, "bench") for line in islice(lines, step - before))
        some = list(islice(lines, _OF_A_STEP))
        used = seconds(lambda some=some: consume(judge.judge(line, "bench") for line in some))  # type: ignore[misc]
        print(f"{f'judging one after {step:,} events':<40} {used / _OF_A_STEP * 1e6:>7.1f}")
        before = step + _OF_A_STEP
    with tempfile.TemporaryDirectory(prefix="stages-bench-") as name:
        mixture.write(file := Path(name) / "events.ndjson", given.events)
        found = list(stages(file))
    whole = sum(used for title, used in found if title != "JSON")
    for title, used in found:
        share = "in place of text" if title == "JSON" else f"{used / whole:.0%}"
        print(f"{title:<40} {used / given.events * 1e6:>7.1f}  {share}")


if __name__ == "__main__":
    main()
