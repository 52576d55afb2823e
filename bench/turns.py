"""Judgements of a build, measured a turn at a time: this module also runs in an earlier build's environment.

``Turns`` starts it with the Python of a build and keeps the process for all turns, so that a build's caches are as warm
as in a server. It reads the bodies of events by their names; then, for each line with a call, an event and a number of
seconds, it answers with the seconds by the clock and of the processor that one call took.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import orjson

PARSE, CORE, JUDGE, JUDGE_OTHERS = "parse", "parse + core", "judgement", "judgement of events that differ"
# What stands in the time and the run id of an event for a number that is another each time.
NUMBER = b"555555"
_TOGETHER = 10


class Cost(NamedTuple):
    """Seconds by the clock, and of a processor, for one of something."""

    clock: float
    processor: float


class Turns:
    """A process of a build that judges events, a turn at a time; a context manager."""

    def __init__(self, python: Path, bodies: Mapping[str, bytes]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own
            [python, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._write({name: body.decode() for name, body in bodies.items()})

    def __enter__(self) -> Turns:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def cost(self, call: str, name: str, seconds: float) -> Cost:
        """What one call on an event takes, the mean over a turn of so many seconds."""
        self._write([call, name, seconds])
        return Cost(*self._read())

    def found(self, name: str) -> list[str]:
        """The codes of what is found in an event."""
        self._write(["found", name, 0])
        return [str(code) for code in self._read()]

    def _write(self, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")

    def _read(self) -> list[Any]:
        assert self._process.stdout is not None
        read: list[Any] = json.loads(self._process.stdout.readline())
        return read


def _of_judging(module: str) -> Any:
    """A module of the room of judging, also where it stood before there were rooms."""
    try:
        return importlib.import_module(f"mock_intake.judging.{module}")
    except ImportError:
        return importlib.import_module(f"mock_intake.{module}")


def _calls() -> dict[str, Callable[[bytes], object]]:
    facts = importlib.import_module("mock_intake.openlineage.facts")
    library = importlib.import_module("mock_intake.openlineage.library").standard_library()
    core = library.core(facts.LATEST_CORE, "RunEvent")
    judge = _of_judging("judgement").Judge()
    numbers: Iterator[int] = itertools.count()
    return {
        PARSE: orjson.loads,
        CORE: lambda body: core(orjson.loads(body)),
        JUDGE: lambda body: judge.judge(body, "bench"),
        JUDGE_OTHERS: lambda body: judge.judge(body.replace(NUMBER, b"%06d" % (next(numbers) % 1_000_000)), "bench"),
    }


def _measured(call: Callable[[bytes], object], body: bytes, seconds: float) -> Cost:
    calls = 0
    began, used = time.perf_counter(), time.process_time()
    while not calls or time.perf_counter() < began + seconds:
        for _ in range(_TOGETHER):
            call(body)
        calls += _TOGETHER
    return Cost((time.perf_counter() - began) / calls, (time.process_time() - used) / calls)


def main() -> None:
    """Answers on standard output what is asked on standard input, until that ends."""
    bodies = {name: body.encode() for name, body in json.loads(sys.stdin.readline()).items()}
    calls = _calls()
    judge: Any = calls[JUDGE]
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin:
            call, name, seconds = json.loads(line)
            if call == "found":
                answer: object = [finding.code for finding in judge(bodies[name]).findings]
            else:
                answer = _measured(calls[call], bodies[name], seconds)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
