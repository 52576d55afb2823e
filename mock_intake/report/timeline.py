"""The requests of an execution along its time, as a drawing: one lane for each kind of answer."""

from __future__ import annotations

from collections import Counter

from mock_intake.report.markup import Markup, element, joined
from mock_intake.report.suite import Execution, SeenRequest
from mock_intake.report.suite_words import requests_in_words

_NO_ANSWER = "none"
_WIDTH = 1_000
# Room for half a mark at both ends.
_MARGIN = 6
_SCALE = _WIDTH - 2 * _MARGIN


def answer_of(request: SeenRequest) -> str:
    """The status code of the answer, or that there was none."""
    return str(request.exchange.get("status_code") or _NO_ANSWER)


def _lane_of(request: SeenRequest) -> str:
    answer = answer_of(request)
    return answer if answer == _NO_ANSWER else f"{answer[0]}xx"


def seconds(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".") + " s"


def in_words(execution: Execution) -> str:
    """What the drawing shows, for those who do not see it."""
    requests = execution.requests
    if not requests:
        return f"no request in {seconds(execution.seconds)}"
    answers = Counter(map(answer_of, requests))
    told = ", ".join(f"{count} x {answer}" for answer, count in sorted(answers.items()))
    span = f"from {seconds(requests[0].at)} to {seconds(requests[-1].at)}" if len(requests) > 1 else ""
    return (
        f"{requests_in_words(execution)} {span or 'at ' + seconds(requests[0].at)}; "
        f"answers: {told}; the command ran for {seconds(execution.seconds)}"
    )


def timeline(execution: Execution) -> Markup:
    """The drawing; the shaded part is how long the command ran. Letters are no part of what is stretched."""
    end = max([execution.seconds, *(request.at for request in execution.requests)]) or 1.0
    lanes: dict[str, list[SeenRequest]] = {}
    for request in execution.requests:
        lanes.setdefault(_lane_of(request), []).append(request)
    drawn = [
        element("span", name, class_="lane", aria_hidden="true") + _lane(name, lanes[name], execution.seconds, end)
        for name in sorted(lanes)
    ] or [element("span", "", class_="lane") + _lane("", [], execution.seconds, end)]
    axis = element("span", "", class_="lane") + element(
        "span", element("span", "0 s"), element("span", seconds(end)), class_="axis", aria_hidden="true"
    )
    drawing = element("div", *drawn, axis, class_="timeline", role="img", aria_label=in_words(execution))
    if not execution.requests_left_out:
        return drawing
    words = f"Only {requests_in_words(execution)}: the rest was judged too, and left out of the report."
    return joined([drawing, element("p", words, class_="sub")])


def _lane(name: str, requests: list[SeenRequest], ran: float, end: float) -> Markup:
    """One path for all marks of a lane, those at the same place once: thousands of requests stay a small drawing."""
    places = sorted({round(max(0.0, request.at) / end * _SCALE) for request in requests})
    return element(
        "svg",
        element("rect", class_="ran", width=round(ran / end * _WIDTH), height=16),
        element("path", d="".join(f"M{place + _MARGIN} 2v12" for place in places)) if places else Markup(),
        class_=f"answers-{name}" if name else None,
        viewBox=f"0 0 {_WIDTH} 16",
        preserveAspectRatio="none",
    )
