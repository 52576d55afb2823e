"""The fault plans: what is under way, and a form to begin and end them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from mock_intake.faults import WORDS, FaultError, parse_plan
from mock_intake.web.asked import Asked, Shown
from mock_intake.web.events import orgs_of

# What producers are most often tried with.
PRESETS = {
    "Two 503, then well": "503,503,202",
    "Rate limit, then well": '[{"step": 429, "headers": {"Retry-After": "2"}}, 202]',
    "Answer lost": "lost,202",
    "Connection reset": "reset,reset,202",
    "Wrong key": '{"sequence": [403], "repeat_last": true}',
    "Down for good": '{"sequence": [503], "repeat_last": true}',
    "Slow: 10 s": '{"delay": 10}',
}


def show(asked: Asked) -> Shown:
    return _page(asked)


def change(asked: Asked) -> Shown | Response:
    """Begins or ends a plan, as the form says."""
    form = asked.form
    org = form.get("org") or None
    if "end" in form:
        asked.sources.faults.clear(org, everything=form["end"] == "everything")
        return RedirectResponse(asked.path, 303)
    try:
        if "preset" in form:
            asked.sources.faults.set(parse_plan(form["preset"], org))
            return RedirectResponse(asked.path, 303)
        asked.sources.faults.set(_plan(form.get("plan", ""), form.get("delay", ""), "repeat_last" in form, org))
    except FaultError as error:
        return _page(asked, f"{error}.", 400)
    return RedirectResponse(asked.path, 303)


def _plan(text: str, delay: str, repeat_last: bool, org: str | None) -> Any:
    if not text.strip() and not delay.strip():
        raise FaultError("the plan is empty; write steps such as 503,503,202")
    plan = parse_plan(text, org) if text.strip() else parse_plan({}, org)
    if delay.strip():
        try:
            seconds = float(delay)
        except ValueError:
            raise FaultError(f"the delay is a number of seconds, not {delay[:30]!r}") from None
        plan = replace(plan, delay=parse_plan({"delay": seconds}).delay)
    return replace(plan, repeat_last=True) if repeat_last else plan


def _page(asked: Asked, wrong: str | None = None, status_code: int = 200) -> Shown:
    plans = [{**state, "steps": _steps(state)} for state in asked.sources.faults.states()]
    return Shown(
        "faults.html",
        {
            "plans": plans,
            "presets": PRESETS,
            "words": WORDS,
            "wrong": wrong,
            "form": asked.form,
            "orgs": orgs_of(asked),
        },
        status_code,
    )


def _steps(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a plan with how often each is still to be taken; the next one is marked."""
    steps = []
    next_is_known = False
    for step, left in zip(state["sequence"], state["left"], strict=True):
        is_next = left != 0 and not next_is_known
        next_is_known = next_is_known or is_next
        more = {name: value for name, value in step.items() if value not in (None, {}, 0, 0.0, 1) and name != "step"}
        steps.append({"step": step["step"], "left": left, "next": is_next, "more": json.dumps(more) if more else ""})
    return steps
