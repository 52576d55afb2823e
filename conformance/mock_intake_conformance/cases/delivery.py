"""Delivery: requests get where they are meant to, in the form that the intake documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mock_intake.datadog.sources import API_KEYS, ASSUMPTIONS, CUSTOM_JOBS, STANDARD_API
from mock_intake.model.findings import Finding, Severity
from mock_intake.producers.causes import of_silence
from mock_intake.report.suite import Requirement
from mock_intake_conformance.cases.judging import (
    ASSUMED,
    DOCUMENTED,
    MUST,
    NOTE,
    Case,
    Judgement,
    by_findings,
    count,
    does_not_apply,
    errored,
    failed,
    no_evidence,
    observed,
    passed,
)
from mock_intake_conformance.observation import Observation, Observations
from mock_intake_conformance.process import Outcome
from mock_intake_conformance.scenarios import DEBUG, HEALTHY

REACHES = "delivery/reaches-the-endpoint"

_AUTHENTICATION = ("HT001", "HT002", "HT003", "HT004", "HT005")
_LAST_LINES = 4
_NO_END = "Give it an end (timeout 20 ...), or raise --time-limit."
_ENCODING = ("HT102", "HT103")
_READABLE = ("HT104", "HT106", "HT107", "HT201", "HT202", "HT203", "HT204", "HT205")
_MISDIRECTED = ("HT301", "HT302", "HT303", "HT305")


def _arrives(seen: Observations) -> Judgement:
    here = seen[HEALTHY]
    taken = here.taken
    if taken:
        return passed(f"{count(len(taken), 'event')} taken", *map(str, here.identities))
    if here.exchanges:
        lines = [
            f"{exchange.request.method} {exchange.request.path}: {exchange.response.status_code or 'no answer'}"
            + "".join(f"; {finding.code} {finding.message}" for finding in exchange.findings[:2])
            for exchange in here.exchanges
        ]
        what = f"{count(len(here.exchanges), 'request')} arrived, and none was taken as an event"
        return failed(what, *lines)
    if here.stopped:
        hosts = sorted({attempt.host for attempt in here.reached if attempt.stopped})
        return failed(f"no request arrived; it went to {', '.join(hosts)}, and was stopped", *_why_nothing_came(here))
    if here.handshakes_refused:
        return failed(f"no request arrived; {count(here.handshakes_refused, 'TLS handshake')} were broken off")
    return failed(f"no request arrived; the command {here.outcome.ended}", *_why_nothing_came(here))


def _job_succeeds(seen: Observations) -> Judgement:
    outcome = seen[HEALTHY].outcome
    if seen[HEALTHY].succeeded:
        return passed(f"the command {outcome.ended}")
    if outcome.exit_code is None:
        return errored(f"the command {outcome.ended}", _NO_END)
    return failed(f"the command {outcome.ended}", *_last_of_stderr(outcome))


def _last_of_stderr(outcome: Outcome) -> list[str]:
    return [f"stderr: {line}" for line in outcome.stderr.strip().splitlines()[-_LAST_LINES:]]


def _why_nothing_came(here: Observation) -> list[str]:
    outcome, settings = here.outcome, of_silence(here.path, here.command, here.settings, here.reached)
    if outcome.exit_code is None:
        return [_NO_END, *settings]
    if outcome.left_running:
        return ["it left processes running, which may have sent later: have the command wait for them", *settings]
    if outcome.exit_code != 0 and outcome.stderr.strip():
        return [*_last_of_stderr(outcome), *settings]
    return settings


def _without(codes: tuple[str, ...], otherwise: str, what: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        here = seen[HEALTHY]
        if not here.exchanges:
            return no_evidence("No request arrived.")
        # What is an info only, as a probe on another path is, is no fault of the producer's.
        found = (f for f in _findings(seen) if f.code in codes and f.severity is not Severity.INFO)
        return by_findings(found, otherwise, what)

    return judge


def _findings(seen: Observations) -> Iterator[Finding]:
    for observation in seen.values():
        yield from observation.findings()


_bearer = _without(_AUTHENTICATION, "every request carries the key as Bearer", "not every request carries its key")


def _bearer_key(seen: Observations) -> Judgement:
    if seen[HEALTHY].path == "agent":
        return does_not_apply("The Agent puts in the key; the producer has none.")
    return _bearer(seen)


def _same_again(seen: Observations) -> Judgement:
    once, again = seen[HEALTHY], seen[DEBUG]
    if not once.taken:
        return no_evidence("No event was taken.")
    if once.identities == again.identities:
        return observed(f"the second run sent the same {count(len(once.identities), 'event')} in the same order")
    lines = [f"first: {identity}" for identity in once.identities]
    lines += [f"second: {identity}" for identity in again.identities]
    if sorted(map(str, once.identities)) == sorted(map(str, again.identities)):
        return observed("the second run sent the same events in another order", *lines)
    return observed("the second run sent other events: what is compared between scenarios is less sure", *lines)


def _no_real_site(seen: Observations) -> Judgement:
    """Over all that was run: a producer may go there only where the intake does not answer, or the job fails."""
    stopped = {name: [finding for each in here.stopped for finding in each.findings] for name, here in seen.items()}
    where = sorted(name for name, findings in stopped.items() if findings)
    if not where:
        return passed(f"no connection to a real site was tried ({count(len(seen), 'scenario')})")
    found = {finding.message: finding for findings in stopped.values() for finding in findings}
    scenarios = f"{count(len(where), 'scenario')}: {', '.join(where)}"
    return failed(f"connections to a real site were tried, and stopped, in {scenarios}", findings=found.values())


CASES = (
    Case(
        Requirement(
            REACHES, "Events reach the intake's endpoint", MUST,
            "Events are sent with POST to /api/v1/lineage of the intake that the producer is set to, and are taken.",
            "A wrong URL goes unnoticed: many clients log a line at most, and the job succeeds.",
            "Look at the transport that the producer really uses: settings in code and in openlineage.yml win over the "
            "environment.",
            CUSTOM_JOBS, DOCUMENTED, (HEALTHY,),
        ),
        _arrives,
    ),
    Case(
        Requirement(
            "delivery/job-succeeds", "The job itself succeeds", MUST,
            "With a healthy intake, the command ends by itself, with exit code 0 (or 124 where timeout runs it).",
            "A job that fails for reasons of its own tells nothing of how it bears a slow or broken intake.",
            "Run the command by itself, and give it what it needs: input, variables, --copy for files that it changes.",
            ASSUMPTIONS, ASSUMED, (HEALTHY,),
        ),
        _job_succeeds,
    ),
    Case(
        Requirement(
            "delivery/bearer-key", "The API key is sent as Bearer", MUST,
            "Every request carries Authorization: Bearer with the API key.",
            "Without it the intake does not know whose event it is, and refuses it.",
            "Set OPENLINEAGE_API_KEY (HTTP transport) or DD_API_KEY (Datadog transport); look for a ~/.netrc, which "
            "replaces the header.",
            API_KEYS, DOCUMENTED, (HEALTHY,),
        ),
        _bearer_key,
    ),
    Case(
        Requirement(
            "delivery/content-type", "The content type is JSON", MUST,
            "Every request has Content-Type: application/json.",
            "It is documented so; whether another type is taken is unknown. curl -d sends a form's type by itself.",
            "Send the header Content-Type: application/json.",
            CUSTOM_JOBS, DOCUMENTED, (HEALTHY,),
        ),
        _without(("HT101",), "every request has Content-Type: application/json", "the content type is another one"),
    ),
    Case(
        Requirement(
            "delivery/encoding", "The encoding is told truthfully", MUST,
            "Content-Encoding is gzip or deflate exactly where the body is so encoded.",
            "A body that cannot be decoded is no event.",
            "Send Content-Encoding: gzip exactly when the body is gzip.",
            ASSUMPTIONS, ASSUMED, (HEALTHY,),
        ),
        _without(_ENCODING, "every body is what its Content-Encoding says", "a body is not what its encoding says"),
    ),
    Case(
        Requirement(
            "delivery/readable", "Every request holds one event that can be read", MUST,
            "A body is complete, within the limits, and one JSON object.",
            "What cannot be read is no event, and is shown nowhere.",
            "Serialise the event with a JSON library, send events one by one, and leave large facets out.",
            STANDARD_API, DOCUMENTED, (HEALTHY,),
        ),
        _without(_READABLE, "every request holds one event", "not every request can be read as an event"),
    ),
    Case(
        Requirement(
            "delivery/nothing-misdirected", "No request goes astray", MUST,
            "Every request that reaches the intake's host is a POST to its endpoint.",
            "What goes to another path is lost, and may show that two transports are at work.",
            "Let the URL be https://data-obs-intake.<site> and the endpoint api/v1/lineage.",
            CUSTOM_JOBS, DOCUMENTED, (HEALTHY,),
        ),
        _without(_MISDIRECTED, "every request went to the endpoint", "requests went elsewhere"),
    ),
    Case(
        Requirement(
            "delivery/no-real-site", "Nothing goes to a real site", MUST,
            "Whatever the intake does, the producer tries to reach no other intake of Datadog's than this one.",
            "A second transport, or an address in the code, writes tests into production, and what goes there is "
            "missing here.",
            "Let the producer take its address from its settings alone; to keep the site, use the path intercept.",
            ASSUMPTIONS, ASSUMED, (HEALTHY,),
        ),
        _no_real_site,
        anywhere=True,
    ),
    Case(
        Requirement(
            "delivery/same-events-again", "A second run sends the same", NOTE,
            "Running the job again sends events of the same types about the same jobs.",
            "Scenarios are compared with each other by what arrives; a job whose events differ from run to run is "
            "harder to judge.",
            "Nothing to do, if the job is meant to differ.",
            ASSUMPTIONS, ASSUMED, (HEALTHY, DEBUG),
        ),
        _same_again,
    ),
)  # fmt: skip
