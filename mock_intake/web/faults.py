"""The fault plans: what is under way, and a form to set and clear them."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import RedirectResponse, Response

from mock_intake.faults import SHORT_WORDS, STEPS, FaultError, Plan, parse_plan
from mock_intake.web.events import orgs_of
from mock_intake.web.query import PageContent, PageQuery

# What producers are most often tried with.
PRESETS = {
    "Two 503, then as usual": "503,503,202",
    "Rate limit, then as usual": '[{"step": 429, "headers": {"Retry-After": "2"}}, 202]',
    "Answer lost": "lost,202",
    "Connection reset": "reset,reset,202",
    "Wrong key": '{"sequence": [403], "repeat_last": true}',
    "Down for good": '{"sequence": [503], "repeat_last": true}',
    "Slow: 10 s": '{"delay": 10}',
}


def show(query: PageQuery) -> PageContent:
    return _page(query)


def change(query: PageQuery) -> PageContent | Response:
    """Sets or clears a plan, as the form says."""
    form = query.form
    faults = query.sources.faults
    org = form.get("org") or None
    try:
        if "clear" in form:
            faults.clear(org, everything=form["clear"] == "everything")
        elif "preset" in form:
            faults.set(parse_plan(form["preset"], org))
        else:
            faults.set(_plan(form.get("plan", ""), form.get("delay", ""), "repeat_last" in form, org))
    except FaultError as error:
        return _page(query, f"{error}.", 400)
    return RedirectResponse(query.path, 303)


def _plan(text: str, delay: str, repeat_last: bool, org: str | None) -> Plan:
    if not text.strip() and not delay.strip():
        raise FaultError("the plan is empty; write steps such as 503,503,202")
    try:
        seconds = float(delay) if delay.strip() else None
    except ValueError:
        raise FaultError(f"the delay is a number of seconds, not {delay[:30]!r}") from None
    return parse_plan(text if text.strip() else {}, org, delay=seconds, repeat_last=repeat_last or None)


def _page(query: PageQuery, wrong: str | None = None, status_code: int = 200) -> PageContent:
    plans = [{**state, "steps": _steps(state)} for state in query.sources.faults.states()]
    return PageContent(
        "faults.html",
        {
            "plans": plans,
            "presets": PRESETS,
            "words": SHORT_WORDS,
            "kinds": STEPS.values(),
            "wrong": wrong,
            "form": query.form,
            "orgs": orgs_of(query),
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
