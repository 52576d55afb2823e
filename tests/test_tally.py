"""What ``serve`` and ``run`` print, where it comes faster than it can be printed."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading

import pytest

from mock_intake.cli.event_lines import Tally
from tests.forking import Started
from tests.journals import exchange
from tests.processes import linux_only

# Sends more lines than are kept for an output that takes none, and only then reads.
_FLOOD = """
import sys
from mock_intake import IntakeServer
from mock_intake.cli.event_lines import Tally
from tests.journals import exchange

tally = Tally()
for number in range(15_000):
    tally.add(exchange(str(number)))
print("added", file=sys.stderr, flush=True)
sys.stdin.readline()
with IntakeServer() as server:
    tally.summarise(server.views, server.journal)
"""


def test_lines_that_nobody_takes_in_time_are_left_out_and_counted() -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    with Started(
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
    left_out = [
        int(line.split()[1].replace(",", "")) for line in lines if line.endswith("faster than they could be printed")
    ]
    printed = [line for line in lines if " OK  " in line]
    assert left_out
    assert len(printed) + sum(left_out) == 15_000
    assert any(line.startswith("15,000 events taken: 15000 ok") for line in lines)


def test_a_line_that_comes_behind_the_end_does_not_keep_it_from_coming(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that would not stop in time still tells of exchanges while the summary is written."""
    tally = Tally()
    tally.add(exchange("first"))

    class Late(queue.SimpleQueue[str | None]):
        def put(self, item: str | None, block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            if item is None:
                super().put("behind the end")

    tally.finish()
    tally._waiting = Late()
    tally.add(exchange("second"))
    ending = threading.Thread(target=tally.finish, daemon=True)
    ending.start()
    ending.join(3)
    assert not ending.is_alive()
    assert "behind the end" in capsys.readouterr().out


# Prints into a pipe that nobody reads, and is asked to end.
_BLOCKED = """
import sys
from mock_intake import IntakeServer
from mock_intake.cli.event_lines import Tally
from tests.journals import exchange, summary

tally = Tally()
for number in range(10_000):
    tally.add(exchange(summary(str(number), job_namespace="prod", job_name="j" * 100_000)))
print("added", file=sys.stderr, flush=True)
tally.finish()
print(open("/proc/self/status").read(), file=sys.stderr, flush=True)
import os
os._exit(0)
"""


@linux_only
def test_an_output_that_nobody_reads_holds_neither_names_nor_the_end() -> None:
    with Started(
        [sys.executable, "-c", _BLOCKED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "added\n"
        status = process.stderr.read()
        assert process.wait(20) == 0
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < 300 * 1024, "a gigabyte of names was kept"
