"""What is gone through several times comes again as it was, from a file."""

from __future__ import annotations

import subprocess
import sys

import orjson
from faker import Faker

from mock_intake.fake import OpenLineageProvider
from mock_intake.files.blocks import blocks_of
from mock_intake.files.recordings import Recorded
from mock_intake.files.spooled import Spooled
from mock_intake.judging.closing import ClosedRun
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check, Checked

NUMBERS = 1_234


def test_values_come_again_as_often_as_they_are_asked_for() -> None:
    source = iter(range(NUMBERS))
    with Spooled(source, int) as spooled:
        assert [list(spooled) for _ in range(3)] == [list(range(NUMBERS))] * 3
        assert next(source, None) is None


def test_none_are_none_each_time() -> None:
    with Spooled(iter(()), int) as spooled:
        assert list(spooled) == []
        assert list(spooled) == []


def test_results_and_runs_of_a_check_come_again_with_all_that_they_had() -> None:
    fake = Faker()
    fake.add_provider(OpenLineageProvider)
    events = [*fake.run_cycle(), *fake.broken_events("OL008"), *fake.broken_events("RC102")]
    bodies = [*map(orjson.dumps, events), b"no event"]
    recorded = [Recorded("events.ndjson", line, body) for line, body in enumerate(bodies, 1)]
    with (
        Check(Judge()) as check,
        Spooled(check.check_blocks(blocks_of(recorded)), Checked) as results,
        Spooled(check.closed_runs(), ClosedRun) as runs,
    ):
        first, closed = list(results), list(runs)
        assert (list(results), list(runs)) == (first, closed)
        assert any(each.findings for each in first)
        assert any(each.findings for each in closed)


FULL = """
import resource, sys
from mock_intake.files.recordings import RecordingError
from mock_intake.files.spooled import Spooled
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with Spooled(iter(range(10 ** 6)), int) as spooled:
        list(spooled)
except RecordingError as error:
    sys.exit(str(error))
"""


def test_where_there_is_no_room_it_is_said_what_to_do() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "set TMPDIR to where there is room" in done.stderr
