"""What ``serve`` and ``run`` print, where it comes faster than it can be printed."""

from __future__ import annotations

import os
import subprocess
import sys

# Sends more lines than are kept for an output that takes none, and only then reads.
_FLOOD = """
import sys
from mock_intake import IntakeServer
from mock_intake.cli.tally import Tally
from tests.journals import exchange

tally = Tally()
for number in range(15_000):
    tally.add(exchange(str(number)))
print("added", file=sys.stderr, flush=True)
sys.stdin.readline()
with IntakeServer() as server:
    tally.summarise(server)
"""


def test_lines_that_nobody_takes_in_time_are_left_out_and_counted() -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", _FLOOD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "added\n"
        out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    left_out = [int(line.split()[1]) for line in lines if line.endswith("faster than they could be printed")]
    printed = [line for line in lines if " OK  " in line]
    assert left_out
    assert len(printed) + sum(left_out) == 15_000
    assert any(line.startswith("15000 events taken: 15000 ok") for line in lines)
