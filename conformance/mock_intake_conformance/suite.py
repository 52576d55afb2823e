"""Runs a producer through the scenarios that the chosen cases need, and judges what was seen."""

from __future__ import annotations

import fnmatch
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from mock_intake.report.suite import ProducerReport, Result, Skip, Verdict
from mock_intake_conformance.cases import CASES, Case, Judgement
from mock_intake_conformance.cases.advice import client_of, in_language
from mock_intake_conformance.cases.delivery import REACHES
from mock_intake_conformance.cases.judging import does_not_apply, errored, no_evidence, skipped
from mock_intake_conformance.execution import execute
from mock_intake_conformance.observation import Observation
from mock_intake_conformance.process import Stop
from mock_intake_conformance.producer import Producer
from mock_intake_conformance.scenarios import HEALTHY, SCENARIOS, Scenario

# How often the main thread looks up, so that Ctrl-C is heard.
_TICK = 0.2
_NO_FAILING = "No command was given whose job fails: --failing CMD."
_SLOW = "It can take more than a minute: --slow."
_NOTHING_TAKEN = "Not judged: no event was taken even when the intake was healthy."


class SelectionError(ValueError):
    """What was asked for selects no case."""


@dataclass(frozen=True)
class Plan:
    """Which cases are to be judged, and how. ``time_limit`` is that of one execution, in seconds.

    ``scenarios`` leaves out all others, so that a case is judged on fewer than it could be; None leaves out none.
    ``impatient`` ends a producer where all is seen by then, by the scenarios' own patience; else the time limit does.
    Beside the ``jobs`` so many more run that mostly wait for a time-out, and leave the processor to others.
    """

    cases: Sequence[Case] = CASES
    jobs: int = 1
    time_limit: float = 60.0
    slow: bool = False
    scenarios: frozenset[str] | None = None
    impatient: bool = True
    waiting_beside: int = 0

    @property
    def left_out(self) -> int:
        """How many cases of the suite are not judged."""
        return len(CASES) - len(self.cases)


@dataclass
class Progress:
    """What is told while the suite runs; called in the main thread."""

    begun: Callable[[Producer, int], None] = field(default=lambda _producer, _scenarios: None)
    done: Callable[[Producer, Observation], None] = field(default=lambda _producer, _observation: None)


def select(patterns: Sequence[str]) -> tuple[Case, ...]:
    """Cases by the beginning of their ids, or by a pattern with * and ?; all without any.

    The case that tells whether anything arrives is always one of them: nothing could be made of the others without.
    Raises ``SelectionError`` for a pattern that selects nothing.
    """
    if not patterns:
        return CASES
    chosen = {REACHES}
    for pattern in patterns:
        found = {case.id for case in CASES if case.id.startswith(pattern) or fnmatch.fnmatchcase(case.id, pattern)}
        # Every id begins with nothing: an empty variable in a script would select all in silence.
        if not found or not pattern:
            groups = ", ".join(dict.fromkeys(case.requirement.group for case in CASES))
            raise SelectionError(f"{pattern!r} selects no case. The groups are {groups}; --list shows all cases.")
        chosen |= found
    return tuple(case for case in CASES if case.id in chosen)


def not_run(scenario: Scenario, producer: Producer, plan: Plan) -> Judgement | None:
    """Why a scenario is not carried out, as what comes of a case that needs it; None if it is."""
    if (reason := scenario.makes_no_sense(producer.path)) is not None:
        return does_not_apply(reason)
    if scenario.failing and producer.failing is None:
        return skipped(Skip.NOT_ASKED, _NO_FAILING)
    if scenario.slow and not plan.slow:
        return skipped(Skip.NOT_ASKED, _SLOW)
    if plan.scenarios is not None and scenario.id not in plan.scenarios and scenario.id != HEALTHY:
        return skipped(Skip.NOT_ASKED, "Not asked for.")
    return None


def scenarios_for(producer: Producer, plan: Plan) -> list[Scenario]:
    """The scenarios to carry out: the one that all are compared with first, and those that the cases need."""
    needed = {HEALTHY, *(name for case in plan.cases for name in case.requirement.scenarios)}
    return [
        scenario
        for scenario in SCENARIOS.values()
        if scenario.id in needed and not_run(scenario, producer, plan) is None
    ]


def limit_of(scenario: Scenario, plan: Plan, healthy: float) -> float:
    """How long (seconds) a producer may run in a scenario, which takes ``healthy`` seconds where all is well."""
    if scenario.patience is None or not plan.impatient:
        return plan.time_limit
    return min(plan.time_limit, 2 * healthy + scenario.patience)


@dataclass(frozen=True, order=True)
class _Run:
    """One execution that is due: those of a lower rank first."""

    rank: int
    producer: int
    scenario: Scenario = field(compare=False)
    limit: float = field(compare=False)
    beside: bool = field(compare=False, default=False)


# The rank of what keeps the processor busy; what is before it mostly waits.
_BUSY = 3


def _rank(scenario: Scenario) -> int:
    """What can take longest begins first, so that nobody waits for it in the end."""
    if scenario.slow or not scenario.listens:
        return 1
    return 2 if scenario.plan == ["hang"] or scenario.flaw else _BUSY


class Suite:
    """Carries out plans. ``stop`` ends what is under way, from any thread; what was begun is gone then."""

    def __init__(self, plan: Plan, progress: Progress | None = None, grace: float = 30.0) -> None:
        self._plan = plan
        self._progress = progress or Progress()
        self._stopped = Stop(grace)

    def stop(self) -> None:
        """Ends the runs under way and begins no more, from any thread; at once where that was asked for before."""
        self._stopped.ask_again()

    def run(self, producers: Sequence[Producer]) -> list[ProducerReport]:
        """A report on each producer, in their order. However it ends, nothing that it started is left.

        Raises ``InterruptedRunError`` if it was stopped.
        """
        seen: list[dict[str, Observation]] = [{} for _ in producers]
        with ThreadPoolExecutor(self._plan.jobs + self._plan.waiting_beside) as pool:
            try:
                self._run_all(pool, producers, seen)
            except BaseException:
                self._stopped.ask()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [self._report(producer, found) for producer, found in zip(producers, seen, strict=True)]

    def _run_all(
        self, pool: ThreadPoolExecutor, producers: Sequence[Producer], seen: list[dict[str, Observation]]
    ) -> None:
        waiting = [_Run(0, number, SCENARIOS[HEALTHY], self._plan.time_limit) for number in range(len(producers))]
        beside: list[_Run] = []
        running: dict[Future[Observation], _Run] = {}
        for producer in producers:
            self._progress.begun(producer, len(scenarios_for(producer, self._plan)))
        while waiting or beside or running:
            for due, most in ((waiting, self._plan.jobs), (beside, self._plan.waiting_beside)):
                under_way = sum(run.beside == (due is beside) for run in running.values())
                for run in [heapq.heappop(due) for _ in range(min(len(due), most - under_way))]:
                    future = pool.submit(execute, run.scenario, producers[run.producer], run.limit, self._stopped)
                    running[future] = run
            finished, _ = wait(running, _TICK, FIRST_COMPLETED)
            for future in finished:
                number = running.pop(future).producer
                observation = future.result()
                seen[number][observation.scenario.id] = observation
                self._progress.done(producers[number], observation)
                # What comes to nothing when all is well says nothing when it is not.
                if observation.scenario.id == HEALTHY and observation.taken:
                    for scenario in scenarios_for(producers[number], self._plan):
                        if scenario.id != HEALTHY:
                            limit = limit_of(scenario, self._plan, observation.outcome.seconds)
                            rank = _rank(scenario)
                            run = _Run(rank, number, scenario, limit, bool(self._plan.waiting_beside) and rank < _BUSY)
                            heapq.heappush(beside if run.beside else waiting, run)

    def _report(self, producer: Producer, seen: Mapping[str, Observation]) -> ProducerReport:
        results = []
        client = client_of(seen[HEALTHY])
        for case in self._plan.cases:
            judged = self._judged(case, producer, seen)
            results.append(
                Result(
                    case.requirement,
                    judged.verdict,
                    judged.message,
                    judged.details,
                    judged.findings,
                    skip=judged.skip,
                    advice=in_language(case.topic, client)
                    if judged.verdict in (Verdict.FAILED, Verdict.ERRORED)
                    else "",
                )
            )
        executions = [seen[name].execution() for name in SCENARIOS if name in seen]
        settings = [change.to_dict() for change in seen[HEALTHY].settings]
        return ProducerReport(producer.name, producer.path, results, executions, seen[HEALTHY].lineage, settings)

    def _judged(self, case: Case, producer: Producer, seen: Mapping[str, Observation]) -> Judgement:
        wanted = SCENARIOS if case.anywhere else case.requirement.scenarios
        there = {name: seen[name] for name in SCENARIOS if name in seen and name in wanted}
        if case.partial or case.anywhere:
            there = {name: here for name, here in there.items() if here.outcome.error is None} or there
        absent = [name for name in case.requirement.scenarios if name not in seen]
        if absent and not (case.partial and there):
            reasons = [why for name in absent if (why := not_run(SCENARIOS[name], producer, self._plan)) is not None]
            return reasons[0] if reasons else no_evidence(_NOTHING_TAKEN)
        error = next((here.outcome.error for here in there.values() if here.outcome.error), None)
        return errored(error) if error is not None else case.judge({HEALTHY: seen[HEALTHY], **there})


def could_not_be_run(reports: Iterable[ProducerReport]) -> str | None:
    """Why a producer could not be run at all; None if all could."""
    for report in reports:
        for execution in report.executions:
            if execution.scenario == HEALTHY and execution.exit_code is None and not execution.seconds:
                return execution.notes[0]
    return None


def undecided(report: ProducerReport) -> bool:
    """Whether nothing failed that must not, and something could not be judged that must be."""
    counting = [result for result in report.results if result.counts]
    return bool(counting) and all(result.verdict is Verdict.ERRORED for result in counting)
