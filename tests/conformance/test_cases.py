"""Judgements at their borders: pure functions of what was seen, made here from requests that were really received."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import structs

from mock_intake.cli.main import main
from mock_intake.faults import Step, apply
from mock_intake.journal import MemoryJournal
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import Exchange, ReceivedRequest, new_exchange_id
from mock_intake.model.findings import Selection
from mock_intake.producers.environment import Change, What
from mock_intake.report.suite import Level, ProducerReport, Result, Skip, SuiteReport, Verdict
from mock_intake.report.suite_words import headline
from mock_intake.secrets.api_keys import mask
from mock_intake.views import Views
from mock_intake_conformance.cases import CASES, Judgement
from mock_intake_conformance.cases.advice import client_of, in_language
from mock_intake_conformance.cases.resilience import MOST_ATTEMPTS, MOST_IN_A_SECOND
from mock_intake_conformance.observation import MOST_REQUESTS, Observation
from mock_intake_conformance.process import Outcome
from mock_intake_conformance.scenarios import HEALTHY, SCENARIOS
from tests.events import job_event, run_event

KEY = "0123456789abcdef0123456789abcdef"
BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)
BY_ID = {case.id: case for case in CASES}
INTAKE = Intake()


def exchange(
    at: float = 0.0, fault: str | None = None, event: dict[str, Any] | None = None, **changes: Any
) -> Exchange:
    """A request as the intake receives it so many seconds after the producer was started."""
    headers = (("Authorization", f"Bearer {KEY}"), ("Content-Type", "application/json"))
    request = ReceivedRequest(
        new_exchange_id(), "POST", "/api/v1/lineage", "", headers, json.dumps(event or run_event()).encode(),
        BEGAN + timedelta(seconds=at),
    )  # fmt: skip
    received = INTAKE.receive(structs.replace(request, **changes))
    return received if fault is None else apply(received, Step(fault))


def observation(
    scenario: str, exchanges: Sequence[Exchange] = (), exit_code: int | None = 0, seconds: float = 1.0, **more: Any
) -> Observation:
    outcome = Outcome(BEGAN, exit_code, seconds)
    return Observation(SCENARIOS[scenario], "custom", ["x"], outcome, mask(KEY), exchanges, **more)


def judged(case: str, *seen: Observation) -> Judgement:
    return BY_ID[case].judge({each.scenario.id: each for each in seen})


ALL_WELL = observation(HEALTHY, [exchange()])


@pytest.mark.parametrize(
    ("attempts", "gap", "verdict"),
    [
        (1, 0, Verdict.PASSED),
        (MOST_IN_A_SECOND, 0.01, Verdict.PASSED),
        (MOST_IN_A_SECOND + 1, 0.01, Verdict.FAILED),
        (MOST_ATTEMPTS, 2, Verdict.PASSED),
        (MOST_ATTEMPTS + 1, 2, Verdict.FAILED),
    ],
)
def test_a_storm_is_many_attempts_or_many_at_once(attempts: int, gap: float, verdict: Verdict) -> None:
    sent = [exchange(number * gap, "400") for number in range(attempts)]
    assert judged("resilience/400-no-storm", ALL_WELL, observation("400-always", sent)).verdict is verdict


def test_many_events_are_no_storm() -> None:
    sent = [exchange(0.0, "400", run_event(eventTime=f"2026-11-01T12:00:{n:02}Z")) for n in range(30)]
    assert judged("resilience/400-no-storm", ALL_WELL, observation("400-always", sent)).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("exit_code", "verdict"), [(0, Verdict.PASSED), (1, Verdict.FAILED), (-15, Verdict.FAILED), (None, Verdict.FAILED)]
)
def test_a_job_survives_if_it_ends_as_ever(exit_code: int | None, verdict: Verdict) -> None:
    here = observation("refusing", exit_code=exit_code)
    assert judged("resilience/refusing-intake", ALL_WELL, here).verdict is verdict


def test_a_job_that_never_ends_cannot_be_judged_to_survive() -> None:
    endless = observation(HEALTHY, exit_code=None)
    assert judged("resilience/refusing-intake", endless, observation("refusing")).verdict is Verdict.ERRORED


@pytest.mark.parametrize(
    ("waits", "verdict"),
    [
        ([], Verdict.FAILED),
        ([0.3], Verdict.FAILED),
        ([0.95], Verdict.PASSED),
        ([1.5], Verdict.PASSED),
    ],
)
def test_retry_after_is_a_second(waits: list[float], verdict: Verdict) -> None:
    sent = [exchange(0, "429"), *(exchange(wait) for wait in waits)]
    assert judged("resilience/429-retry-after", ALL_WELL, observation("429-once", sent)).verdict is verdict


def test_what_is_lost_is_named() -> None:
    other = exchange(event=run_event("COMPLETE"))
    well = observation(HEALTHY, [exchange(), other])
    lost = judged("resilience/503-once", well, observation("503-once", [exchange(0, "503"), other]))
    assert lost.verdict is Verdict.FAILED
    assert "1 event lost by a single 503: START of prod / load_orders" in lost.message
    kept = judged("resilience/503-once", well, observation("503-once", [exchange(0, "503"), exchange(1), other]))
    assert (kept.verdict, kept.message) == (Verdict.PASSED, "all 2 events arrived")
    one = judged("resilience/503-once", ALL_WELL, observation("503-once", [exchange(0, "503"), exchange(1)]))
    assert (one.verdict, one.message) == (Verdict.PASSED, "the one event arrived")


def test_jobs_with_ever_new_names_are_compared_by_type() -> None:
    named = [{"namespace": "prod", "name": f"load-{day}", "facets": {}} for day in (1, 2)]
    well = observation(HEALTHY, [exchange(event=run_event(job=named[0]))])
    here = observation("503-once", [exchange(event=run_event(job=named[1]))])
    assert judged("resilience/503-once", well, here).verdict is Verdict.PASSED
    assert judged("resilience/503-once", well, replace(here, exchanges=[])).verdict is Verdict.FAILED


def test_an_event_that_is_sent_again_has_to_be_the_same() -> None:
    lost = exchange(0, "lost")
    case = "resilience/lost-answer"
    once = judged(case, ALL_WELL, observation("lost-answer", [lost]))
    assert (once.verdict, once.message) == (Verdict.PASSED, "the event was not sent again; the intake has it once")
    same = judged(case, ALL_WELL, observation("lost-answer", [lost, exchange(1)]))
    assert (same.verdict, same.message) == (Verdict.PASSED, "sent again to the byte; the intake has taken it twice")
    other = exchange(1, event=run_event(eventTime="2026-11-01T12:00:01Z"))
    assert judged(case, ALL_WELL, observation("lost-answer", [lost, other])).verdict is Verdict.FAILED
    assert judged(case, ALL_WELL, observation("lost-answer")).verdict is Verdict.ERRORED


@pytest.mark.parametrize("flaw", ["untrusted", "expired", "wrong-host"])
def test_a_refusal_counts_only_of_who_would_have_sent_to_the_right_one(flaw: str) -> None:
    case = f"security/tls-{flaw}"
    right, mute = observation("tls", [exchange()]), observation("tls")
    refused = observation(f"tls-{flaw}", handshakes_refused=3)
    broken_off = judged(case, ALL_WELL, right, refused)
    assert (broken_off.verdict, broken_off.message) == (Verdict.PASSED, "nothing was sent; 3 handshakes broken off")
    # With TLS 1.3 the client ends the connection when the handshake is over for the server.
    mute_after = judged(case, ALL_WELL, right, observation(f"tls-{flaw}"))
    assert (mute_after.verdict, mute_after.message) == (Verdict.PASSED, "nothing was sent over the connection")
    assert judged(case, ALL_WELL, right, observation(f"tls-{flaw}", [exchange()])).verdict is Verdict.FAILED
    assert judged(case, ALL_WELL, mute, observation(f"tls-{flaw}")).verdict is Verdict.SKIPPED
    # Who breaks off the handshake does not trust the authority: that is what was asked, and all that is known.
    expected = Verdict.PASSED if flaw == "untrusted" else Verdict.SKIPPED
    assert judged(case, ALL_WELL, mute, refused).verdict is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": (("Authorization", f"Bearer {KEY}"),)},
        {"headers": (("DD-API-KEY", KEY),)},
        {"headers": (("X-Note", f"was {KEY}"), ("Authorization", "Bearer"))},
        {"query": f"api_key={KEY}"},
    ],
)
def test_a_key_is_seen_wherever_a_redirect_has_taken_it(changes: dict[str, Any]) -> None:
    sent = [exchange(0, "redirect")]
    followed = observation("redirect", sent, elsewhere=[exchange(0.1, **changes)])
    assert judged("security/redirect-without-key", ALL_WELL, followed).verdict is Verdict.FAILED


def test_a_redirect_may_be_followed_without_the_key_or_not_at_all() -> None:
    sent = [exchange(0, "redirect")]
    case = "security/redirect-without-key"
    assert judged(case, ALL_WELL, observation("redirect", sent)).verdict is Verdict.PASSED
    keyless = exchange(0.1, headers=(("Content-Type", "application/json"),))
    assert judged(case, ALL_WELL, observation("redirect", sent, elsewhere=[keyless])).verdict is Verdict.PASSED
    assert judged(case, ALL_WELL, observation("redirect")).verdict is Verdict.ERRORED


def test_a_key_in_the_path_is_seen() -> None:
    sent = exchange(path=f"/{KEY}/api/v1/lineage")
    judgement = judged("security/key-not-in-url-or-body", observation(HEALTHY, [sent]))
    assert judgement.verdict is Verdict.FAILED
    assert KEY not in repr(judgement)


def test_ids_are_told_apart_and_every_case_names_scenarios_that_exist() -> None:
    assert len(BY_ID) == len(CASES) >= 35
    for case in CASES:
        requirement = case.requirement
        group, slash, name = case.id.partition("/")
        assert slash
        assert (group, bool(name)) == (requirement.group, True)
        assert requirement.scenarios
        assert set(requirement.scenarios) <= set(SCENARIOS)
        texts = (requirement.title, requirement.requirement, requirement.because, requirement.advice)
        assert all(texts)
        assert all(text.endswith(".") for text in texts[1:])


@pytest.mark.parametrize(
    ("exit_code", "verdict", "message", "details"),
    [
        (0, Verdict.PASSED, "ended with exit code 0 after 1.0 s", ()),
        (3, Verdict.FAILED, "ended with exit code 3 after 1.0 s", ("stderr: Traceback", "stderr: no orders")),
        (-9, Verdict.FAILED, "was ended by SIGKILL after 1.0 s", ("stderr: Traceback", "stderr: no orders")),
        (
            None,
            Verdict.ERRORED,
            "was still running after 1 s, and was ended",
            ("Give it an end (timeout 20 ...), or raise --time-limit.",),
        ),
    ],
)
def test_a_job_succeeds_if_it_ends_by_itself_with_0(
    exit_code: int | None, verdict: Verdict, message: str, details: tuple[str, ...]
) -> None:
    outcome = Outcome(BEGAN, exit_code, 1.0, stderr="Traceback\nno orders\n")
    found = judged("delivery/job-succeeds", replace(ALL_WELL, outcome=outcome))
    assert (found.verdict, found.message, found.details) == (verdict, f"the command {message}", details)


def test_a_job_that_goes_on_for_ever_ends_as_it_should_with_timeout() -> None:
    stream = replace(ALL_WELL, outcome=Outcome(BEGAN, 124, 20.0), command=["env", "A=b", "/usr/bin/timeout", "20", "x"])
    assert judged("delivery/job-succeeds", stream).verdict is Verdict.PASSED
    down = observation("refusing", exit_code=124, seconds=20.0)
    assert judged("resilience/refusing-intake", stream, down).verdict is Verdict.PASSED
    assert judged("resilience/refusing-intake", stream, replace(down, outcome=Outcome(BEGAN, 1, 2.0))).verdict is (
        Verdict.FAILED
    )
    of_its_own = replace(stream, command=["x"])
    assert judged("delivery/job-succeeds", of_its_own).verdict is Verdict.FAILED


def test_a_failing_command_that_does_not_fail_is_not_blamed_on_the_producer() -> None:
    """Its job may catch the error and say FAIL all the same: that passes."""
    complete = exchange(event=run_event("COMPLETE"))
    found = judged("lifecycle/failure-is-told", ALL_WELL, observation("failing", [complete], exit_code=0))
    assert (found.verdict, found.message) == (
        Verdict.ERRORED,
        "the failing command ended with exit code 0: does its job fail?",
    )
    assert (
        judged("lifecycle/failure-is-told", ALL_WELL, observation("failing", [complete], 1)).verdict is Verdict.FAILED
    )


def test_a_job_that_fails_by_itself_has_not_survived_anything() -> None:
    fails = observation(HEALTHY, [exchange()], exit_code=3)
    found = judged("resilience/refusing-intake", fails, observation("refusing", exit_code=3))
    assert found.verdict is Verdict.ERRORED
    assert "with a healthy intake the command ended with exit code 3" in found.message


@pytest.mark.parametrize(
    ("exit_code", "stderr", "why"),
    [
        (
            1,
            "Traceback\n  ...\nModuleNotFoundError: No module named 'nosuch'\n",
            "stderr: ModuleNotFoundError: No module",
        ),
        (None, "", "Give it an end (timeout 20 ...), or raise --time-limit."),
        (0, "a warning", "its client was made before a fork"),
    ],
)
def test_nothing_arriving_is_explained_by_how_the_command_ended(exit_code: int | None, stderr: str, why: str) -> None:
    outcome = Outcome(BEGAN, exit_code, 1.0, stderr=stderr)
    silent = replace(observation(HEALTHY), outcome=outcome)
    found = judged("delivery/reaches-the-endpoint", silent)
    assert found.verdict is Verdict.FAILED
    assert any(line.startswith(why) for line in found.details)


def test_what_was_found_in_the_surroundings_is_named_first_where_nothing_came() -> None:
    change = Change(What.LEFT, "/srv/job/openlineage.yml", why="cannot be read (ScannerError)")
    command = ["env", "OPENLINEAGE_CONFIG=own.yml", "A=b", "job"]
    here = replace(observation(HEALTHY), settings=[change], command=command)
    found = judged("delivery/reaches-the-endpoint", here)
    assert found.verdict is Verdict.FAILED
    assert found.details[:2] == (
        "the command sets OPENLINEAGE_CONFIG itself, which wins: a transport in that file leads it elsewhere",
        "/srv/job/openlineage.yml: cannot be read (ScannerError)",
    )


def test_an_event_that_was_sent_again_is_wrong_once() -> None:
    wrong = [run_event(job={"namespace": "prod", "name": name, "facets": {}}) for name in ("load", "report")]
    once = judged("content/no-datadog-error", observation(HEALTHY, [exchange(event=wrong[0])]))
    assert once.verdict is Verdict.FAILED
    assert once.message.endswith("DD101 (1 finding)")
    again = observation(HEALTHY, [exchange(0, "503", wrong[0]), exchange(1, event=wrong[0])])
    assert judged("content/no-datadog-error", again) == once
    two = judged("content/no-datadog-error", observation(HEALTHY, [exchange(event=event) for event in wrong]))
    assert two.message.endswith("DD101 (2 findings)")


def test_a_producer_that_never_sends_a_run_is_not_ready() -> None:
    without = judged("lifecycle/start-and-one-end", observation(HEALTHY, [exchange(event=job_event())]))
    assert without.verdict is Verdict.FAILED
    assert without.message == "events arrived, and none of them has a run"
    assert "JobEvent of prod / load_orders" in without.details[0]
    nothing = judged("lifecycle/start-and-one-end", observation(HEALTHY))
    assert nothing.verdict is Verdict.SKIPPED


def test_a_report_has_all_requests_when_all_is_well_and_some_of_each_other_scenario() -> None:
    sent = [exchange(at) for at in range(MOST_REQUESTS + 7)]
    well = observation(HEALTHY, sent).execution()
    assert (len(well.requests), well.requests_left_out) == (len(sent), 0)
    cut = observation("503-once", sent).execution()
    assert [request.at for request in cut.requests] == list(range(MOST_REQUESTS))
    assert cut.to_dict()["requests_left_out"] == 7
    whole = observation("503-once", sent[:MOST_REQUESTS]).execution()
    assert (len(whole.requests), whole.requests_left_out) == (MOST_REQUESTS, 0)


TERMINAL = run_event(eventType="COMPLETE", eventTime="2026-11-01T12:01:00Z")
BOTH = [exchange(), exchange(1.0, event=TERMINAL)]


def seen_of(scenario: str, sent: Sequence[Exchange], **more: Any) -> Observation:
    """An observation with the runs and findings that the requests make."""
    journal = MemoryJournal()
    journal.append(sent)
    views = Views(journal, Selection())
    runs = views.runs()
    found = [finding for run in runs for finding in views.run_findings(run, closed=True)]
    return observation(scenario, sent, runs=runs, run_findings=found, **more)


def test_what_runs_are_asked_beside_their_cycle_counts_for_the_content() -> None:
    named = {"job": {"namespace": "prod", "name": "load_orders"}, "run": {"runId": run_event()["run"]["runId"]}}
    parent = {"_producer": "https://acme.example", "_schemaURL": "https://acme.example/Parent.json", **named}
    own = run_event(run={**named["run"], "facets": {"parent": parent}})
    seen = seen_of(HEALTHY, [exchange(event=own), exchange(1.0, event=TERMINAL)])
    found = judged("content/no-datadog-warning", seen)
    assert "RC404" in found.message


@pytest.mark.parametrize(
    ("ends", "case"),
    [
        (["FAIL", "FAIL"], "lifecycle/start-and-one-end"),
        (["COMPLETE", "FAIL"], "lifecycle/start-and-one-end"),
        ([], "lifecycle/start-and-one-end"),
    ],
)
def test_the_life_of_runs_is_judged_of_the_job_that_fails_too(ends: list[str], case: str) -> None:
    error = {"message": "no", "programmingLanguage": "Python"}
    sent = [exchange()] if ends else []
    sent += [
        exchange(at, event=run_event(eventType=end, eventTime=f"2026-11-01T12:0{at}:00Z", x=error))
        for at, end in enumerate(ends or ["FAIL"], 1)
    ]
    healthy = seen_of(HEALTHY, BOTH)
    assert judged(case, healthy).verdict is Verdict.PASSED
    found = judged(case, healthy, seen_of("failing", sent, exit_code=1))
    assert found.verdict is Verdict.FAILED
    assert "of the job that fails too" in found.message


def test_where_nothing_came_that_could_be_judged_there_is_no_evidence() -> None:
    silent = observation(HEALTHY)
    for case in ("content/no-secrets", "lifecycle/start-first", "security/key-not-in-url-or-body"):
        found = judged(case, silent)
        assert (found.verdict, found.skip) == (Verdict.SKIPPED, Skip.NO_EVIDENCE)
    report = reported(found, case)
    assert not report.ready
    agent = judged("delivery/bearer-key", replace(observation(HEALTHY), path="agent"))
    assert agent.skip is Skip.DOES_NOT_APPLY
    assert reported(agent, "delivery/bearer-key").ready


def reported(judgement: Judgement, case: str) -> ProducerReport:
    result = Result(BY_ID[case].requirement, judgement.verdict, judgement.message, skip=judgement.skip)
    return ProducerReport("job", "custom", [result], [])


def test_what_was_not_asked_for_leaves_it_ready_as_far_as_asked() -> None:
    result = Result(BY_ID["lifecycle/failure-is-told"].requirement, Verdict.SKIPPED, "no", skip=Skip.NOT_ASKED)
    producer = ProducerReport("job", "custom", [result], [])
    report = SuiteReport("job", BEGAN, [result.case], [producer])
    assert producer.ready
    (told,) = report.to_dict()["producers"]
    assert (told["verdict"], told["not_asked"]) == ("ready, as far as asked", ["lifecycle/failure-is-told"])
    assert headline(report) == (
        "Ready, as far as asked: no required case failed. Not asked: lifecycle/failure-is-told."
    )


@pytest.mark.parametrize(
    ("exit_code", "stderr", "verdict"),
    [
        (0, "", Verdict.FAILED),
        (0, "as ever", Verdict.FAILED),
        (0, "as ever\nTimed out: 1 event was not sent", Verdict.PASSED),
        (3, "", Verdict.PASSED),
    ],
)
def test_what_is_lost_at_exit_is_to_be_told(exit_code: int, stderr: str, verdict: Verdict) -> None:
    healthy = replace(seen_of(HEALTHY, BOTH), outcome=Outcome(BEGAN, 0, 1.0, stderr="as ever\n"))
    slow = replace(seen_of("slow", BOTH[:1]), outcome=Outcome(BEGAN, exit_code, 1.0, stderr=stderr))
    assert judged("resilience/not-lost-in-silence", healthy, slow).verdict is verdict
    assert judged("resilience/not-lost-in-silence", healthy, seen_of("slow", BOTH)).verdict is Verdict.PASSED


@pytest.mark.parametrize("scenario", ["403-always", "429-once", "redirect", "refusing"])
def test_what_is_lost_to_an_answer_is_to_be_told(scenario: str) -> None:
    """A line that differs from those of a healthy run by its times and ids alone tells of nothing."""
    usual = "12:00:01 emitted event 018f3c2e-7a51-7c1e-b0a2-3d5e6f708192\n"
    healthy = replace(seen_of(HEALTHY, BOTH), outcome=Outcome(BEGAN, 0, 1.0, stderr=usual))
    words = "12:34:56 emitted event 018f3c2e-7a51-7c1e-b0a2-aaaaaaaaaaaa\n"
    here = replace(seen_of(scenario, []), outcome=Outcome(BEGAN, 0, 1.0, stderr=words))
    found = judged("resilience/not-lost-in-silence", healthy, here)
    assert (found.verdict, f"{scenario} (2)" in found.message) == (Verdict.FAILED, True)
    told = replace(here, outcome=Outcome(BEGAN, 0, 1.0, stderr="could not send an event: 403\n"))
    assert judged("resilience/not-lost-in-silence", healthy, told).verdict is Verdict.PASSED


def test_what_followed_a_redirect_and_was_taken_there_is_not_lost() -> None:
    healthy, followed = seen_of(HEALTHY, BOTH), seen_of("redirect", BOTH)
    there = replace(followed, exchanges=(), elsewhere=followed.exchanges)
    assert judged("resilience/not-lost-in-silence", healthy, there).verdict is Verdict.PASSED


@pytest.mark.parametrize("scenario", ["500-once", "504-once", "reset-once", "lost-answer", "400-always", "403-always"])
def test_a_job_whose_exit_code_changes_with_the_answers_is_not_ready(scenario: str) -> None:
    case = BY_ID["resilience/job-survives-answers"]
    assert case.requirement.level is Level.MUST
    assert judged(case.id, ALL_WELL, observation(scenario, [exchange()])).verdict is Verdict.PASSED
    found = judged(case.id, ALL_WELL, observation(scenario, [exchange()], exit_code=1))
    assert found.verdict is Verdict.FAILED
    assert scenario in found.message


@pytest.mark.parametrize(
    ("agent", "command", "words"),
    [
        ("curl/8.5.0", ["sh", "send.sh"], "--retry-all-errors"),
        ("python-requests/2.32", ["run"], "openlineage-python"),
        ("node", ["run"], "fetch does not retry"),
        ("Apache-HttpClient/5.3 (Java/17)", ["run"], "Apache HttpClient"),
        ("", ["/usr/bin/node", "job.js"], "fetch does not retry"),
        ("", ["./job"], ""),
    ],
)
def test_advice_is_in_the_language_of_the_producer(agent: str, command: list[str], words: str) -> None:
    headers = (("Authorization", f"Bearer {KEY}"), ("Content-Type", "application/json"), ("User-Agent", agent))
    here = replace(observation(HEALTHY, [exchange(headers=headers)]), command=command)
    advice = in_language(BY_ID["resilience/503-once"].topic, client_of(here))
    assert words in advice
    assert bool(words) == bool(advice)


def test_every_source_can_be_opened_by_whoever_has_it_installed() -> None:
    """Of cases and rules: an address, or a command that shows it."""
    sources = {case.requirement.source for case in CASES} | {rule.source for rule in RULES.values()}
    (command,) = {source for source in sources if not source.startswith("https://")}
    program, *arguments = command.split()
    assert program == "mock-intake"
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0
    assert "assume" in shown.stdout
