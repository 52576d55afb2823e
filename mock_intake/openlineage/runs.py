"""Judges a run over all its events, by the rules of ``rules.runs`` and those of other packages.

Pure: the facts of one run in, findings out. Rules about something missing speak only when the run is ``closed``:
nothing more is expected to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from mock_intake.model.accumulated import Accumulated
from mock_intake.model.bounding import bounded
from mock_intake.model.findings import Finding
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Job, Repeat, RunFacts
from mock_intake.openlineage.rules import RUNS
from mock_intake.openlineage.rules.runs import REPEATED
from mock_intake.rules.definition import JudgingRule, Table
from mock_intake.rules.outside import outside_rules
from mock_intake.rules.runs import OnRun, OutOfReachError, RunView
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
    findings = _table().judge(OnRun(), view)
    for repeat in run.repeats:
        findings += RUNS.judge(REPEATED, repeat)
    if closed:
        for table in (_table(), *tables):
            findings += table.judge(OnRun(closed=True), view)
    return list(bounded([redacted(finding) for finding in weigh(view, findings)], of="the run"))


Found = dict[int, list[Finding] | None]
"""What rules found in a run, by their number; None for one that asked for what is not known yet. Those that found
nothing are not there."""


def rules_of_closed_runs(tables: Sequence[Table]) -> tuple[JudgingRule[RunView], ...]:
    """The rules by which runs are judged that are over, in their order. ``tables`` have those of other bodies."""
    own = _table()
    return (*own.at(OnRun()), *(rule for table in (own, *tables) for rule in table.at(OnRun(closed=True))))


def judge_alone(rules: Sequence[JudgingRule[RunView]], view: RunView) -> Found:
    """What rules find in a run that is over, as far as it can be seen from the run alone.

    ``view`` raises ``OutOfReachError`` where it is asked for more.
    """
    found: Found = {}
    for number, each in enumerate(rules):
        try:
            made = list(each.check(view))
        except OutOfReachError:
            found[number] = None
        else:
            if made:
                found[number] = made
    return found


def judge_rest(
    rules: Sequence[JudgingRule[RunView]],
    view: RunView,
    found: Found,
    weigh: Callable[[RunView, list[Finding]], list[Finding]],
) -> list[Finding]:
    """All that rules have to say about a run, of which ``found`` was found before; ``weigh`` as in ``judge_run``."""
    findings: list[Finding] = []
    for number, made in found.items():
        findings += rules[number].check(view) if made is None else made
    if not findings:
        return findings
    return list(bounded([redacted(finding) for finding in weigh(view, findings)], of="the run"))


def repeated(repeat: Repeat) -> Finding:
    """The finding for an event that was accepted again."""
    [finding] = RUNS.judge(REPEATED, repeat)
    return finding
