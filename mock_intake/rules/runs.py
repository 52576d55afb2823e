"""When rules about runs speak, and what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from msgspec import Struct

from mock_intake.model.accumulated import Accumulated
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Job, RunFacts
from mock_intake.model.shapes import Subject
from mock_intake.rules.definition import When


class OutOfReachError(Exception):
    """A rule asked for what is not known yet: it is asked again once it is."""


def _no_runs(_: object) -> Sequence[RunFacts]:
    return ()


@dataclass(frozen=True)
class RunView:
    """A run as rules see it: its facts, and what else is on record of whoever it belongs to.

    ``runs_of`` gives the runs with an id, this one included where it is its own: there are several where jobs share an
    id, and none where no event of it came. ``read`` folds the facets of the run's events; rules ask for ``facets``.
    ``dropped`` is how many exchanges retention has dropped: what is not on record may have been among them.
    ``runs_of_job`` gives the runs of a job that lack their beginning or their end; ``named_per_run`` are the groups of
    names that differ in an id alone and began with this run. ``without_run`` are the ids of events of its job that have
    no run and do not say that they are meant so; of the runs of a job one is told of them.
    """

    run: RunFacts
    runs_of: Callable[[str], Sequence[RunFacts]] = _no_runs
    read: Callable[[], Accumulated] = field(default=Accumulated, repr=False)
    dropped: int = 0
    runs_of_job: Callable[[Job], Sequence[RunFacts]] = _no_runs
    named_per_run: Iterable[NamedPerRun] = ()
    without_run: Sequence[str] = ()

    @cached_property
    def facets(self) -> Accumulated:
        """The facets of run, job and datasets over all events of the run.

        Bodies are read for it, so a rule asks for it once the run is closed, and only where the facts do not say
        already that it has nothing to find.
        """
        return self.read()

    def is_known(self, run_id: str) -> bool:
        """Whether an event of a run ``run_id`` came, in whatever case a UUID is written."""
        return bool(self.runs_of(run_id))


class OnRun(When[RunView], Struct, frozen=True):
    """Each run; with ``closed`` only once no more events of it are expected, so that what is missing can be told."""

    closed: bool = False

    @property
    def subject(self) -> Subject:
        return "run"
