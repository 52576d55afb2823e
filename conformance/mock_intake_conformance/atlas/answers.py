"""The atlas's questions: what somebody who is to put a producer into service asks, answered from its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]
# A START that comes so many seconds after its own time, and so much of the run, was kept back.
_LATE, _MUCH = 2.0, 0.3


@dataclass(frozen=True)
class Question:
    """A question: how it heads its column, what it asks, where on a producer's page the evidence is, and the answer."""

    head: str
    asks: str
    evidence: str
    answer: Callable[[Facts], str]


def _case(facts: Facts, case: str) -> str:
    return str(facts["cases"].get(case, {}).get("verdict", "skipped"))


def _reaches(facts: Facts) -> str:
    return "yes" if _case(facts, "delivery/reaches-the-endpoint") == "passed" else "no"


def _key(facts: Facts) -> str:
    if facts["path"] == "agent":
        return "the Agent's"
    return {"passed": "Bearer", "skipped": "not asked"}.get(_case(facts, "delivery/bearer-key"), "no")


def _job_type(facts: Facts) -> str:
    missing = facts["findings"].get("DD101", {}).get("times", 0)
    events = len(facts["events"]) + facts["events_left_out"]
    if not missing:
        return "yes"
    return "never" if missing >= events else f"not on {missing} of {events}"


def _run_cycle(facts: Facts) -> str:
    codes = [code for code in facts["findings"] if code.startswith("RC1")]
    cases = [
        _case(facts, f"lifecycle/{each}") for each in ("start-and-one-end", "start-first", "nothing-after-the-end")
    ]
    if "failed" in cases or codes:
        return ", ".join(codes) or "no"
    return "yes" if "passed" in cases else "no run"


def _failure(facts: Facts) -> str:
    if "failing_events" not in facts:
        return "not tried"
    verdict = _case(facts, "lifecycle/failure-is-told")
    if verdict == "passed":
        return "yes, with why"
    types = {event.get("type") for event in facts["failing_events"]}
    if not types & {"FAIL", "ABORT"}:
        return "no FAIL"
    return "without why" if "DD501" in facts["failing_findings"] else "no"


def _datasets_of(facts: Facts) -> list[tuple[str, str, str]]:
    return [
        (side, dataset["name"], event.get("job", ""))
        for event in facts["events"]
        for side in ("inputs", "outputs")
        for dataset in event.get(side, [])
    ]


def _surfaced(facts: Facts) -> str:
    if not _datasets_of(facts):
        return "none sent"
    return "no (DD201)" if "DD201" in facts["findings"] else "yes"


def _joins(facts: Facts) -> str:
    datasets = _datasets_of(facts)
    jobs = {event.get("job") for event in facts["events"]}
    if len(jobs) < 2 or not datasets:
        return "one job" if datasets else "none sent"
    written = {(name, job) for side, name, job in datasets if side == "outputs"}
    read = {(name, job) for side, name, job in datasets if side == "inputs"}
    return "yes" if any(name == other and job != reader for name, job in written for other, reader in read) else "no"


def _through(scenario: str) -> Callable[[Facts], str]:
    def answer(facts: Facts) -> str:
        here = facts["scenarios"].get(scenario)
        return "not tried" if here is None else _fate(here, facts["scenarios"]["healthy"])

    return answer


def _fate(here: Facts, healthy: Facts) -> str:
    words = []
    if here["lost"]:
        words.append(f"{here['lost']} lost{'' if here['told'] else ', silently'}")
    if here["exit_code"] is None:
        words.append(f"still running after {here['seconds']:.0f} s")
    elif here["exit_code"] != healthy["exit_code"]:
        words.append(f"job ends with {here['exit_code']}")
    if here["duplicates"]:
        words.append(f"{here['duplicates']} twice")
    return "; ".join(words) or "yes"


def _dead(facts: Facts) -> str:
    here, healthy = facts["scenarios"].get("refusing"), facts["scenarios"]["healthy"]
    if here is None:
        return "not tried"
    if here["exit_code"] is None:
        return f"no: still running after {here['seconds']:.0f} s"
    if here["exit_code"] != healthy["exit_code"]:
        return f"no: ends with {here['exit_code']}"
    return f"yes, {max(0.0, here['seconds'] - healthy['seconds']):.0f} s later"


def _at_exit(facts: Facts) -> str:
    here = facts["scenarios"].get("slow")
    if here is None:
        return "not tried"
    return f"{here['lost']}{'' if here['told'] else ', silently'}" if here["lost"] else "nothing"


def _wrong_key(facts: Facts) -> str:
    here, healthy = facts["scenarios"].get("403-always"), facts["scenarios"]["healthy"]
    if here is None:
        return "not tried"
    if here["exit_code"] is None:
        return f"still running after {here['seconds']:.0f} s"
    word = "told" if here["told"] else "silent"
    as_ever = here["exit_code"] == healthy["exit_code"]
    return f"{here['exit_code']}, {word}" if as_ever else f"**{here['exit_code']}**, told"


def sends_at_the_end(facts: Facts) -> bool:
    """Whether START comes only when much of the job is over."""
    healthy = facts["scenarios"]["healthy"]
    late = healthy.get("start_late_by")
    return late is not None and late >= max(_LATE, _MUCH * healthy["seconds"])


QUESTIONS: Sequence[Question] = (
    Question("Reaches", "Do its events reach the intake's endpoint?", "cases", _reaches),
    Question("Key", "How does it send the API key?", "cases", _key),
    Question("jobType", "Do its run events carry the jobType facet, without which Datadog processes none?", "events",
             _job_type),
    Question("Run cycle", "START, then one end, then nothing?", "cases", _run_cycle),
    Question("Failure", "Does a failing job send FAIL, and say why?", "events-of-the-failing-run", _failure),
    Question("Surfaced", "Are its datasets of a platform that the product shows?", "events", _surfaced),
    Question("Joins", "Has a dataset that one job writes the same name where another reads it?", "events", _joins),
    Question("503", "The first request is answered 503: does all arrive?", "when-the-intake-misbehaves",
             _through("503-once")),
    Question("Reset", "The first connection is reset: does all arrive?", "when-the-intake-misbehaves",
             _through("reset-once")),
    Question("429", "429 with Retry-After once: does all arrive?", "when-the-intake-misbehaves", _through("429-once")),
    Question("Dead", "Connections are refused: does the job end as ever?", "when-the-intake-misbehaves", _dead),
    Question("Lost at exit", "Every answer takes a second: what is lost when the job ends?",
             "when-the-intake-misbehaves", _at_exit),
    Question("Wrong key", "403 to all: its exit code, and does it say so?", "when-the-intake-misbehaves", _wrong_key),
)  # fmt: skip
"""The columns of the table."""
