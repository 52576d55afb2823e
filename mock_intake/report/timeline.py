"""The requests of an execution along its time, to be drawn: one lane for each kind of answer."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from mock_intake.report.suite import Execution, SeenRequest
from mock_intake.report.suite_words import requests_in_words

_NO_ANSWER = "none"
WIDTH = 1_000
# Room for half a mark at both ends.
_MARGIN = 6
_SCALE = WIDTH - 2 * _MARGIN


class Lane(NamedTuple):
    """The requests with one kind of answer: ``marks`` is one path for all of them; no ``name`` where none came."""

    name: str
    marks: str


class Timeline(NamedTuple):
    """What is drawn of an execution. ``ran`` is how long the command ran, in units of ``WIDTH``; the axis goes to
    ``end``. ``words`` are the same for those who do not see it, ``left_out`` what the drawing is without."""

    words: str
    ran: int
    end: str
    lanes: list[Lane]
    left_out: str


def answer_of(request: SeenRequest) -> str:
    """The status code of the answer, or that there was none."""
    return str(request.exchange.get("status_code") or _NO_ANSWER)


def _lane_of(request: SeenRequest) -> str:
    answer = answer_of(request)
    return answer if answer == _NO_ANSWER else f"{answer[0]}xx"


def seconds(number: float) -> str:
    """A duration to the millisecond, without zeros at its end."""
    return f"{number:.3f}".rstrip("0").rstrip(".") + " s"


def in_words(execution: Execution) -> str:
    """What the drawing shows, for those who do not see it."""
    requests = execution.requests
    if not requests:
        return f"no request in {seconds(execution.seconds)}"
    answers = Counter(map(answer_of, requests))
    counts = ", ".join(f"{count} x {answer}" for answer, count in sorted(answers.items()))
    span = f"from {seconds(requests[0].at)} to {seconds(requests[-1].at)}" if len(requests) > 1 else ""
    return (
        f"{requests_in_words(execution)} {span or 'at ' + seconds(requests[0].at)}; "
        f"answers: {counts}; the command ran for {seconds(execution.seconds)}"
    )


def timeline(execution: Execution) -> Timeline:
    """What is drawn of an execution."""
    end = max([execution.seconds, *(request.at for request in execution.requests)]) or 1.0
    lanes: dict[str, list[SeenRequest]] = {}
    for request in execution.requests:
        lanes.setdefault(_lane_of(request), []).append(request)
    left_out = ""
    if execution.requests_left_out:
        left_out = f"Only {requests_in_words(execution)}: the rest was judged too, and left out of the report."
    return Timeline(
        in_words(execution),
        round(execution.seconds / end * WIDTH),
        seconds(end),
        [Lane(name, _marks(lanes[name], end)) for name in sorted(lanes)] or [Lane("", "")],
        left_out,
    )


def _marks(requests: list[SeenRequest], end: float) -> str:
    """One path for all marks of a lane, those at the same place once: thousands of requests stay a small drawing."""
    places = sorted({round(max(0.0, request.at) / end * _SCALE) for request in requests})
    return "".join(f"M{place + _MARGIN} 2v12" for place in places)
