"""Signals that land where they hurt most: at a line of code that the process is about to run."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Moment(NamedTuple):
    """Before a line that holds ``text``, of a function in a file whose path ends so; not before ``there`` exists."""

    file: str
    function: str
    text: str
    number: signal.Signals
    there: Path


# The interpreter runs handlers of signals between any two instructions of the main thread, also amidst the standard
# library. Chance would need thousands of runs to find such a moment; a process that traces itself makes it certain.
_PROGRAM = """
import json, linecache, os, sys, threading

moments, everywhere = json.loads(sys.argv.pop(1))

def begin(frame, what, _):
    if moments and frame.f_code.co_name == moments[0][1] and frame.f_code.co_filename.endswith(moments[0][0]):
        return go_on
    return None

def go_on(frame, what, _):
    if what == "line" and moments and frame.f_code.co_name == moments[0][1]:
        _, _, text, number, there = moments[0]
        if text in linecache.getline(frame.f_code.co_filename, frame.f_lineno) and os.path.exists(there):
            del moments[0]
            os.kill(os.getpid(), number)
    return go_on

sys.settrace(begin)
if everywhere:
    threading.settrace(begin)
from mock_intake.cli.main import main
main(prog_name="mock-intake")
"""


def signalled(moments: Sequence[Moment], *arguments: str | Path, everywhere: bool = False) -> list[str]:
    """A command line that runs ``mock-intake`` with these arguments, and has signals come at these moments, in turn.

    Moments are those of the main thread; of the first to come there of all threads, if ``everywhere``.
    """
    plan = [[moment.file, moment.function, moment.text, int(moment.number), str(moment.there)] for moment in moments]
    return [sys.executable, "-c", _PROGRAM, json.dumps([plan, everywhere]), *map(str, arguments)]
