"""Resilience: what becomes of the events, and of the job, when the intake misbehaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from mock_intake.datadog.sources import ASSUMPTIONS
from mock_intake.model.exchange import EventSummary, Exchange
from mock_intake.report.suite import Level, Requirement
from mock_intake_conformance.cases.advice import Topic
from mock_intake_conformance.cases.judging import (
    ASSUMED,
    DOCUMENTED,
    HTTP_SEMANTICS,
    MAY,
    MUST,
    SHOULD,
    Case,
    Judgement,
    count,
    errored,
    failed,
    no_evidence,
    passed,
)
from mock_intake_conformance.observation import Observation, Observations, not_arrived
from mock_intake_conformance.scenarios import HEALTHY, REDIRECT, REFUSING

# An event that was refused for good is sent again at most so often, and so often within a second.
MOST_ATTEMPTS = 10
MOST_IN_A_SECOND = 4
_RETRY_AFTER = 1.0
_ANSWERS = (
    "500-once", "502-once", "503-once", "504-once", "reset-once", "lost-answer",
    "400-always", "403-always", "413-always",
)  # fmt: skip
# Where an event may be lost; a redirect leads to another origin.
_LOSING = ("slow", *_ANSWERS, "429-once", "hang-once", REFUSING, REDIRECT)
_VARIES = re.compile(r"[0-9a-f-]*\d[0-9a-f-]*")
# Words of clients and jobs that tell of events that were not sent.
_TELLS_OF_LOSS = re.compile(
    r"lineage|\bevents?\b|emit|time[d -]?out|\blost\b|drop|fail|error|exception|not sent|pending|could not|unable",
    re.IGNORECASE,
)
# Retry-After is counted from when the answer arrives, arrivals are read by a busy loop: a little less is no breach.
_LEEWAY = 0.1


def _gaps(attempts: list[Exchange]) -> list[float]:
    return [
        round((later.received_at - earlier.received_at).total_seconds(), 1) for earlier, later in pairwise(attempts)
    ]


def _attempts_in_words(here: Observation) -> list[str]:
    lines = []
    for attempts in here.attempts():
        event = attempts[0].event
        name = (event.event_type or event.kind if event else None) or "a request"
        accepted = sum(exchange.accepted for exchange in attempts)
        gaps = _gaps(attempts)
        waits = f", waits {', '.join(f'{gap:g}' for gap in gaps[:12])} s" if gaps else ""
        lines.append(f"{name}: {count(len(attempts), 'attempt')}, accepted {_times(accepted)}{waits}")
    return lines


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _delivered(scenario: str, what: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        here = seen[scenario]
        missing = not_arrived(seen[HEALTHY], here)
        details = (*_attempts_in_words(here), f"the command {here.outcome.ended}")
        if missing:
            lost = "; ".join(f"{identity}" + (f" x{times}" if times > 1 else "") for identity, times in missing.items())
            return failed(f"{count(missing.total(), 'event')} lost {what}: {lost}", *details)
        return passed(f"{_all(len(here.taken))} arrived", *details)

    return judge


def _all(events: int) -> str:
    return "the one event" if events == 1 else f"all {events} events"


def _survived(scenario: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        healthy, here = seen[HEALTHY].outcome, seen[scenario]
        if not seen[HEALTHY].succeeded:
            return errored(f"with a healthy intake the command {healthy.ended}: there is nothing to compare with")
        lost = not_arrived(seen[HEALTHY], here).total()
        fate = f"{count(lost, 'event')} lost" if lost else "no event lost"
        details = (*_attempts_in_words(here), fate)
        outcome = here.outcome
        if outcome.exit_code is None:
            return failed(f"the job {outcome.ended}; with a healthy intake it {healthy.ended}", *details)
        if outcome.exit_code != healthy.exit_code:
            last = outcome.stderr.strip().splitlines()[-1:]
            return failed(
                f"the job {outcome.ended}; with a healthy intake it {healthy.ended}",
                *(f"stderr: {line}" for line in last), *details,
            )  # fmt: skip
        longer = max(0.0, outcome.seconds - healthy.seconds)
        return passed(f"the job ended as ever (exit code {outcome.exit_code}), {longer:.1f} s later; {fate}", *details)

    return judge


def _about(event: EventSummary) -> tuple[str | None, str | None]:
    return event.event_type, event.run_id


def _lost_answer(seen: Observations) -> Judgement:
    here = seen["lost-answer"]
    lost = next((exchange for exchange in here.exchanges if exchange.fault == "lost"), None)
    if lost is None or lost.event is None:
        return errored("no answer was lost: no event came")
    details = _attempts_in_words(here)
    again = [exchange for exchange in here.exchanges if exchange.event and exchange.event.id == lost.event.id][1:]
    first = lost.event
    usual = sum(event.event_type == first.event_type for _, event in seen[HEALTHY].taken)
    distinct = sum(_about(event) == _about(first) for _, event in here.taken)
    if distinct > usual:
        return failed(f"{first.event_type or first.kind} was sent again with another body", *details)
    accepted = 1 + sum(exchange.accepted for exchange in again)
    if not again:
        return passed("the event was not sent again; the intake has it once", *details)
    return passed(f"sent again to the byte; the intake has taken it {_times(accepted)}", *details)


def _not_in_silence(seen: Observations) -> Judgement:
    healthy = seen[HEALTHY]
    others = {name: here for name, here in seen.items() if name != HEALTHY}
    if not others:
        return no_evidence("None of the scenarios was carried out.")
    if not healthy.taken:
        return no_evidence("With a healthy intake no event arrived: there is nothing to lose.")
    reported, silent, lines = [], [], []
    for name, here in others.items():
        lost = not_arrived(healthy, here)
        # Where a redirect led elsewhere and was followed, the event was taken there.
        total = lost.total() - len(here.elsewhere)
        if total <= 0:
            continue
        if words := _tells_of_loss(healthy, here):
            reported.append(name)
            lines.append(f"{name}: {count(total, 'event')} lost; {words}")
        else:
            silent.append(f"{name} ({total})")
            lines = [*(f"{name}: {identity}" for identity in lost), *lines]
    if silent:
        where = f"{count(len(silent), 'scenario')}: {', '.join(silent)}"
        return failed(f"events are lost, and neither what the job prints nor its exit code says so, in {where}", *lines)
    if reported:
        return passed(f"what is lost is told of in {count(len(reported), 'scenario')}: {', '.join(reported)}", *lines)
    return passed(f"nothing is lost in {count(len(others), 'scenario')}")


def _tells_of_loss(healthy: Observation, here: Observation) -> str:
    """How a job says that not all is as ever; empty if it does not."""
    if here.outcome.exit_code != healthy.outcome.exit_code:
        return f"the command {here.outcome.ended}"
    usual = {_shape(line) for line in _said(healthy)}
    new = (line for line in _said(here) if _shape(line) not in usual and _TELLS_OF_LOSS.search(line))
    return next(new, "")


def _shape(line: str) -> str:
    """A line without times, numbers and ids, which differ each time."""
    return _VARIES.sub("0", line)


def _said(here: Observation) -> list[str]:
    return [*here.outcome.stdout.splitlines(), *here.outcome.stderr.splitlines()]


def _survives_answers(seen: Observations) -> Judgement:
    healthy = seen[HEALTHY]
    if not healthy.succeeded:
        return errored(f"with a healthy intake the command {healthy.outcome.ended}: there is nothing to compare with")
    others = {name: here for name, here in seen.items() if name != HEALTHY}
    if not others:
        return no_evidence("None of the scenarios was carried out.")
    changed = {name: here for name, here in others.items() if here.outcome.exit_code != healthy.outcome.exit_code}
    if not changed:
        return passed(
            f"the job ended as ever (exit code {healthy.outcome.exit_code}) in {count(len(others), 'scenario')}"
        )
    lines = []
    for name, here in changed.items():
        lines.append(f"{name}: the job {here.outcome.ended}")
        lines += [f"{name}: stderr: {line}" for line in here.outcome.stderr.strip().splitlines()[-1:]]
    return failed(f"the job ended otherwise in {count(len(changed), 'scenario')}: {', '.join(changed)}", *lines)


def _retry_after(seen: Observations) -> Judgement:
    here = seen["429-once"]
    limited = next((exchange for exchange in here.exchanges if exchange.fault == "429"), None)
    if limited is None or limited.event is None:
        return errored("no request was answered 429: no event came")
    # Built anew it is another event to the intake, and has been sent again all the same.
    what = _about(limited.event)
    attempts = [exchange for exchange in here.exchanges if exchange.event and _about(exchange.event) == what]
    details = _attempts_in_words(here)
    if len(attempts) == 1:
        return failed("the event was not sent again, and is lost", *details)
    waited = (attempts[1].received_at - attempts[0].received_at).total_seconds()
    if waited < _RETRY_AFTER - _LEEWAY:
        return failed(f"sent again after {waited:.1f} s, though Retry-After said 1", *details)
    if not any(exchange.accepted for exchange in attempts):
        return failed("the event was sent again in vain, and is lost", *details)
    return passed(f"sent again after {waited:.1f} s, and taken", *details)


def _no_storm(scenario: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        here = seen[scenario]
        groups = here.attempts()
        if not groups:
            return no_evidence("No request was sent.")
        details = _attempts_in_words(here)
        most = max(groups, key=len)
        at_once = max(map(_most_in_a_second, groups))
        if len(most) > MOST_ATTEMPTS:
            return failed(f"one event was sent {len(most)} times in {here.outcome.seconds:.0f} s", *details)
        if at_once > MOST_IN_A_SECOND:
            return failed(f"one event was sent {at_once} times within a second", *details)
        return passed(f"{count(len(most), 'attempt')} of an event at most", *details)

    return judge


def _most_in_a_second(attempts: list[Exchange]) -> int:
    moments = [exchange.received_at for exchange in attempts]
    return max(sum(0 <= (other - moment).total_seconds() < 1 for other in moments) for moment in moments)


def _retried(status: int, name: str) -> Case:
    return Case(
        Requirement(
            f"resilience/{status}-once", f"{status} {name} is survived", SHOULD,
            f"An event that is answered {status} once is sent again, and all events arrive.",
            "Servers and the balancers before them answer so for moments, during every deployment.",
            "Retry on 500, 502, 503 and 504 with growing waits: the Python client does by default, curl with --retry.",
            f"{HTTP_SEMANTICS}#section-15.6", DOCUMENTED, (f"{status}-once",),
        ),
        _delivered(f"{status}-once", f"by a single {status}"),
        topic=Topic.RETRY,
    )  # fmt: skip


def _storm(status: int, why: str) -> Case:
    return Case(
        Requirement(
            f"resilience/{status}-no-storm", f"{status} does not make a storm", SHOULD,
            f"An event that is answered {status} is sent at most {MOST_ATTEMPTS} times, and at most {MOST_IN_A_SECOND} "
            "times within a second.",
            f"{why} Sending it again changes nothing, and holds up the job and everybody behind the same address.",
            "Give up on 4xx but 408 and 429; let waits grow, and end.",
            f"{HTTP_SEMANTICS}#section-15.5", ASSUMED, (f"{status}-always",),
        ),
        _no_storm(f"{status}-always"),
        topic=Topic.GIVE_UP,
    )  # fmt: skip


def _survival(
    identity: str, scenario: str, title: str, requirement: str, because: str, level: Level = MUST
) -> Case:  # fmt: skip
    return Case(
        Requirement(
            f"resilience/{identity}", title, level, requirement, because,
            "Catch what emitting raises and log it; give the transport a time-out and a bounded number of retries, or "
            "send from a thread with a bound on closing.",
            ASSUMPTIONS, ASSUMED, (scenario,),
        ),
        _survived(scenario),
        topic=Topic.SURVIVE,
    )  # fmt: skip


_AS_EVER = "ends within the time limit with the exit code that it has when all is well."

CASES = (
    _retried(500, "Internal Server Error"),
    _retried(502, "Bad Gateway"),
    _retried(503, "Service Unavailable"),
    _retried(504, "Gateway Timeout"),
    Case(
        Requirement(
            "resilience/reset-once", "A connection that is reset is survived", SHOULD,
            "An event whose connection was reset once is sent again, and all events arrive.",
            "Connections are cut by balancers, NAT and deployments every day.",
            "Retry on connection errors: the Python client does by default, curl with --retry-all-errors.",
            f"{HTTP_SEMANTICS}#section-9.2.2", ASSUMED, ("reset-once",),
        ),
        _delivered("reset-once", "by a single reset"),
        topic=Topic.RETRY,
    ),
    Case(
        Requirement(
            "resilience/lost-answer", "What is sent again is the same to the byte", SHOULD,
            "An event that is sent again after its answer was lost has the same body as before.",
            "Only what is equal can be told to be one event; a new eventTime or runId makes it another one.",
            "Build the event once, and retry the sending, not the building.",
            ASSUMPTIONS, ASSUMED, ("lost-answer",),
        ),
        _lost_answer,
    ),
    Case(
        Requirement(
            "resilience/429-retry-after", "429 is sent again, when Retry-After says", MAY,
            "An event that is answered 429 with Retry-After: 1 is sent again after a second at the earliest.",
            "Whether this intake limits rates is unknown; others of Datadog do.",
            "Retry on 429, and wait as long as Retry-After says.",
            "https://www.rfc-editor.org/rfc/rfc6585#section-4", DOCUMENTED, ("429-once",),
        ),
        _retry_after,
        topic=Topic.RETRY_AFTER,
    ),
    Case(
        Requirement(
            "resilience/slow-intake", "A slow intake gets all events before the job ends", SHOULD,
            "With answers that take a second, all events have arrived when the process ends.",
            "Events that wait in a queue of the process are lost when it exits.",
            "Close the client, or flush the transport, before the process exits, also where it fails.",
            ASSUMPTIONS, ASSUMED, ("slow",),
        ),
        _delivered("slow", "with an intake that is slow"),
        topic=Topic.CLOSE,
    ),
    Case(
        Requirement(
            "resilience/not-lost-in-silence", "Nothing is lost without a word", MUST,
            "Whatever the intake does (answers slowly, not at all, with an error or a redirect), events that have not "
            "arrived when the process ends are told of: by what it prints, or by its exit code.",
            "A client that takes every answer for a success, or that was not closed and drops what waits in its queue, "
            "loses events and nobody hears of it: runs stay open, or never show.",
            "Look at the status of each answer, and log what is given up; close the client, or flush the transport, "
            "before the process exits, also where it fails.",
            ASSUMPTIONS, ASSUMED, _LOSING,
        ),
        _not_in_silence,
        partial=True,
        topic=Topic.CLOSE,
    ),
    Case(
        Requirement(
            "resilience/job-survives-answers", "The job survives what the intake answers", MUST,
            "Whether the intake answers 500, 502, 503 or 504 once, resets a connection, loses an answer, or refuses "
            f"every request with 400, 403 or 413: the job {_AS_EVER}",
            "Lineage is about the job; a bad moment of the intake, or a key that was revoked, must not stop it.",
            "Catch what emitting raises and log it; give the transport a time-out and a bounded number of retries.",
            ASSUMPTIONS, ASSUMED, _ANSWERS,
        ),
        _survives_answers,
        partial=True,
        topic=Topic.SURVIVE,
    ),
    _survival(
        "refusing-intake", "refusing", "The job survives an intake that is down",
        f"With an intake that refuses connections the job {_AS_EVER}",
        "Lineage is about the job; an outage of the one must not become an outage of the other.",
    ),
    _survival(
        "hanging-once", "hang-once", "The job survives a request that is never answered",
        "With one request that is never answered the job ends with the exit code that it has when all is well, within "
        "twelve seconds and twice the time that it needs then.",
        "A connection that hangs is the failure that a client without a time-out waits out for ever.",
    ),
    _survival(
        "hanging-for-ever", "hang-for-ever", "The job survives an intake that never answers",
        f"With START never being answered, however often it is sent, the job {_AS_EVER}",
        "Time-outs multiply with retries: a minute per event, for a job that takes a second.",
    ),
    Case(
        Requirement(
            "resilience/retry-after-an-hour", "The job does not wait for an hour", SHOULD,
            f"With one answer of 503 and Retry-After: 3600 the job {_AS_EVER}",
            "A client that sleeps as long as Retry-After says, whatever it says, has the job wait for as long, and all "
            "that waits for the job.",
            "Bound what is waited for: curl by --retry-max-time, openlineage-python's HTTP transport by "
            "respect_retry_after_header: false in its retry settings.",
            "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3", ASSUMED, ("503-hour",),
        ),
        _survived("503-hour"),
        topic=Topic.SURVIVE,
    ),
    Case(
        Requirement(
            "resilience/3xx-not-in-silence", "What is answered 304 or 301 is not lost without a word", MAY,
            "Events that are answered 304 Not Modified or 301 Moved Permanently, and so are not taken, are told of: by "
            "what the job prints, or by its exit code.",
            "An intake has no reason to answer a POST so, but a proxy that caches, or leads to https, may. What takes "
            "all below 400 for a success (openlineage-python's synchronous engine does 304), or goes to the new place "
            "with a GET, has lost the event.",
            "Take 2xx alone for a success; send a POST again as a POST, or log that it was led elsewhere.",
            f"{HTTP_SEMANTICS}#section-15.4", ASSUMED, ("301-once", "304-once"),
        ),
        _not_in_silence,
    ),
    _storm(400, "What is no valid request will be none the next time."),
    _storm(403, "A key that is wrong will not become right."),
    _storm(413, "A body that is too large will not shrink."),
)  # fmt: skip
