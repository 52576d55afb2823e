"""Judges a run over all its events, by the rules of ``rules.runs`` and those of other packages.

Pure: the facts of one run in, findings out. Rules about something missing speak only when the run is ``closed``:
nothing more is expected to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import cache, lru_cache

from mock_intake.model.accumulated import Accumulated
from mock_intake.model.bounding import bounded
from mock_intake.model.findings import Finding
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Job, Repeat, RunFacts
from mock_intake.openlineage.rules import RUNS
from mock_intake.openlineage.rules.runs import REPEATED
from mock_intake.rules.definition import JudgingRule, Table
from mock_intake.rules.outside import outside_rules
from mock_intake.rules.runs import OnRun, OutOfReachError, RunView, Trait, traits_of
from mock_intake.secrets.content import redacted


@cache
def _table() -> Table:
    return Table([*RUNS.in_order, *outside_rules()])


def judge_run(
    run: RunFacts,
    *,
    closed: bool,
    runs_of: Callable[[str], Sequence[RunFacts]] = lambda _: (),
    read: Callable[[], Accumulated] = Accumulated,
    dropped: int = 0,
    runs_of_job: Callable[[Job], Sequence[RunFacts]] = lambda _: (),
    tables: Sequence[Table] = (),
    named_per_run: Iterable[NamedPerRun] = (),
    without_run: Sequence[str] = (),
    weigh: Callable[[RunView, list[Finding]], list[Finding]] = lambda _, findings: findings,
) -> list[Finding]:
    """All that the rules have to say about a run.

    ``closed`` adds what is missing; ``runs_of`` gives the runs of the same org with an id, ``read`` the run's facets
    over all its events; ``dropped`` is how many exchanges are not on record any more; ``runs_of_job`` gives the runs of
    the same org of a job. ``tables`` have rules of other bodies about runs; ``named_per_run`` and ``without_run`` are
    as in ``RunView``. ``weigh`` may change the severity of what was found. Raises ``ExtensionError`` where a package's
    rules cannot be used.
    """
    view = RunView(run, runs_of, read, dropped, runs_of_job, named_per_run, without_run)
    traits = traits_of(run)
    findings = _judged(_table(), OnRun(), traits, view)
    for repeat in run.repeats:
        findings += RUNS.judge(REPEATED, repeat)
    if closed:
        for table in (_table(), *tables):
            findings += _judged(table, OnRun(closed=True), traits, view)
    return list(bounded([redacted(finding) for finding in weigh(view, findings)], of="the run"))


Weigh = Callable[[RunView, list[Finding]], list[Finding]]
"""May change the severity of what was found in a run, each finding by itself."""


class Later(IntEnum):
    """In place of what a rule finds, which asked for what is not known yet: it is asked again once that is.

    What it finds then is weighed; but in runs of which nothing would be changed by that, as the facets say for which
    events would have to be read again.
    """

    WEIGHED = 0
    AS_FOUND = 1


Found = dict[int, list[Finding] | Later]
"""What rules found in a run, by their number, weighed. Those that found nothing are not there."""


def is_decided(found: Found) -> bool:
    """Whether no rule is to be asked again."""
    return all(type(made) is not Later for made in found.values())


Check = Callable[[RunView], Iterable[Finding]]
"""What a rule does with a run."""


def _judged(table: Table, when: OnRun, traits: frozenset[Trait], view: RunView) -> list[Finding]:
    return [finding for check in _checks_at(table, when, traits) for finding in check(view)]


# Runs have few traits, and so few of their sets.
@lru_cache(maxsize=4_096)
def _checks_at(table: Table, when: OnRun, traits: frozenset[Trait]) -> tuple[Check, ...]:
    return tuple([rule.check for rule in table.at(when) if _concerns(rule, traits)])


def _concerns(rule: JudgingRule[RunView], traits: frozenset[Trait]) -> bool:
    """Whether a rule has to say something about runs with these traits."""
    moments = [when for when in rule.when if isinstance(when, OnRun)]
    return any(not when.traits or not traits.isdisjoint(when.traits) for when in moments)


class ClosedRunRules:
    """The rules by which runs are judged that are over, in their order. ``tables`` have those of other bodies.

    Which of them runs with some traits are judged by is found once and remembered.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        own = _table()
        self._rules = (*own.at(OnRun()), *(rule for table in (own, *tables) for rule in table.at(OnRun(closed=True))))
        self._of_traits: dict[frozenset[Trait], tuple[int, ...]] = {}

    def __getitem__(self, number: int) -> JudgingRule[RunView]:
        return self._rules[number]

    def of(self, run: RunFacts) -> tuple[int, ...]:
        """The numbers of the rules by which a run is judged."""
        traits = traits_of(run)
        known = self._of_traits.get(traits)
        if known is None:
            numbers = [number for number, rule in enumerate(self._rules) if _concerns(rule, traits)]
            known = self._of_traits[traits] = tuple(numbers)
        return known


def judge_alone(
    rules: ClosedRunRules, views: Sequence[RunView], weigh: Weigh, may_be_changed: Callable[[RunView, str], bool]
) -> list[Found]:
    """What rules find in each of some runs that are over, as far as it can be seen from the run alone.

    A view raises ``OutOfReachError`` where it is asked for more. ``may_be_changed`` tells whether ``weigh`` may change
    what a rule with this code finds in a run. All runs are judged by one rule, and then by the next, whose code the
    processor's caches would have to get again for each run.
    """
    found: list[Found] = [{} for _ in views]
    by_rule: dict[int, list[tuple[RunView, Found]]] = {}
    for view, one in zip(views, found, strict=True):
        for number in rules.of(view.run):
            by_rule.setdefault(number, []).append((view, one))
    for number in sorted(by_rule):
        rule = rules[number]
        for view, one in by_rule[number]:
            try:
                made = list(rule.check(view))
            except OutOfReachError:
                one[number] = Later.WEIGHED if may_be_changed(view, rule.code) else Later.AS_FOUND
            else:
                if made:
                    one[number] = weigh(view, made)
    return found


def judge_rest(rules: ClosedRunRules, view: RunView, found: Found, weigh: Weigh) -> list[Finding]:
    """All that rules have to say about a run, of which ``found`` was found before."""
    findings: list[Finding] = []
    for number, made in found.items():
        if isinstance(made, Later):
            later = list(rules[number].check(view))
            # Facets are read for what is weighed.
            made = weigh(view, later) if later and made is Later.WEIGHED else later
        findings += made
    return list(bounded([redacted(finding) for finding in findings], of="the run")) if findings else findings


def repeated(repeat: Repeat) -> Finding:
    """The finding for an event that was accepted again."""
    [finding] = RUNS.judge(REPEATED, repeat)
    return finding
