"""When rules about events speak, what they are given, and the dispatch: by which functions an event is judged.

Moments are compiled once, by kind and type of event, so that an event costs no more than a look for the facets that
some rule is about. Nothing here does I/O or knows a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from mock_intake.model.event import Dataset, Entity, EventView, JsonObject, Kind, facets_at, table_identifier
from mock_intake.model.findings import Finding
from mock_intake.model.flows import named_in_lineage
from mock_intake.model.literals import Subject
from mock_intake.rules.definition import JudgingRule, When
from mock_intake.secrets.quoting import quoted_pointer

# An event is of one of three kinds, or of none.
KINDS: tuple[Kind | None, ...] = ("RunEvent", "JobEvent", "DatasetEvent", None)
# The place of an event's kind in its shape where it claims to be a RunEvent and has no run.
_CLAIMED = "RunEvent without a run"
# So many names of datasets are remembered with what was found, and so many shapes and types of events with their rules.
MOST_NAMES = 4096
LONGEST_NAMES = 1024
# Of so many names in an explicit lineage facet something is said.
_MOST_IN_LINEAGE = 500
MOST_SHAPES = 1024
MOST_TYPES = 64
# Earlier times are looked at: no run is that old (as texts, which is quick; an event without one reads as good).
_EARLIEST = "2000"
_MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_NIL = ("00000000-0000-0000-0000-000000000000", _MAX, _MAX.upper())
LONGEST_SHAPE = 4096

Check = Callable[[Any], Iterable[Finding]]


class _Gated(NamedTuple):
    """What judges, unless this field of a facet holds one of these values."""

    field: str
    unless: tuple[object, ...]
    checks: tuple[Check, ...]


def _joined(gated: tuple[_Gated, ...], when: OnFacet, check: Check) -> tuple[_Gated, ...]:
    """With one more that judges; those behind one gate are asked together, so that it is looked at once."""
    for index, (field, unless, checks) in enumerate(gated):
        if (field, unless) == (when.field, when.unless):
            return (*gated[:index], _Gated(field, unless, (*checks, check)), *gated[index + 1 :])
    return (*gated, _Gated(when.field, when.unless, (check,)))


# What judges facets, by their keys.
Keyed = tuple[tuple[str, tuple[_Gated, ...]], ...]

_NO_CONTENT: JsonObject = {}


class FacetView:
    """A facet of an event as rules see it.

    ``content`` is an object whatever stands there: empty where a producer sent something else, which the core
    schema refuses. ``dataset`` is the one that the facet is about; None for facets of runs and jobs.
    """

    __slots__ = ("content", "dataset", "entity", "event", "key")

    def __init__(
        self, event: EventView, entity: Entity, key: str, content: JsonObject, dataset: Dataset | None = None
    ) -> None:
        self.event = event
        self.entity = entity
        self.key = key
        self.content = content
        self.dataset = dataset

    def at(self, *path: str | int) -> str:
        """The JSON Pointer of the place ``path`` in the facet, as it is quoted; of the facet itself without a path."""
        return f"{facets_at(self.entity, self.dataset)}{quoted_pointer(self.key, *path)}"


class DatasetName(NamedTuple):
    """How a dataset is named. Findings about it point to ``/namespace`` or ``/name``: the dispatch adds of which."""

    namespace: str
    name: str


class JobName(NamedTuple):
    """How a job is named. Findings about it point to ``/namespace`` or ``/name``: the dispatch adds of which."""

    namespace: str
    name: str


class OnEvent(When[EventView], Struct, frozen=True):
    """Each event of these kinds, and where ``types`` are named with one of these in eventType (None: without one).

    ``lacks`` names a facet, such as ("job", "jobType"): then only events that have no such object. An event that claims
    to be a RunEvent and has no run is judged as one; with ``claimed`` only such events.
    """

    kinds: tuple[Kind | None, ...] = KINDS
    types: tuple[str | None, ...] | None = None
    lacks: tuple[Literal["run", "job"], str] | None = None
    claimed: bool = False

    @property
    def subject(self) -> Subject:
        return "event"


class OnFacet(When[FacetView], Struct, frozen=True):
    """Each facet under this key of this entity, in events of these kinds, and types as ``OnEvent`` has them.

    With a ``field`` only facets in which it is none of the values of ``unless``: what nearly all facets hold, so that
    nobody is called for it.
    """

    key: str
    entity: Entity
    kinds: tuple[Kind | None, ...] = KINDS
    types: tuple[str | None, ...] | None = None
    field: str = ""
    unless: tuple[object, ...] = ()

    @property
    def subject(self) -> Subject:
        return "event"


class OnName(When[DatasetName], Struct, frozen=True):
    """Each dataset's namespace and name. What is found is remembered, so it may depend on nothing else."""

    @property
    def subject(self) -> Subject:
        return "event"


class OnJobName(When[JobName], Struct, frozen=True):
    """Each job's namespace and name, of the event itself and of its parent. What is found is remembered, too."""

    @property
    def subject(self) -> Subject:
        return "event"


class OnTime(When[EventView], Struct, frozen=True):
    """Each event whose eventTime may be too early or too late, by the look of its text."""

    @property
    def subject(self) -> Subject:
        return "event"


class NilRunId(NamedTuple):
    """A run id that is no run's, and where it stands."""

    pointer: str
    run_id: str


class OnNilRunId(When[NilRunId], Struct, frozen=True):
    """Each run id, of an event or of the parent that it names, that is the nil UUID or the max UUID."""

    @property
    def subject(self) -> Subject:
        return "event"


class NameRules:
    """The rules about names of datasets, or of jobs, compiled. What they say of a name is remembered."""

    def __init__(self, rules: Iterable[JudgingRule[Any]], of: type[DatasetName] | type[JobName] = DatasetName) -> None:
        moment: When[Any] = OnName() if of is DatasetName else OnJobName()
        self._view = of
        self._checks: tuple[Check, ...] = tuple(each.check for each in rules if moment in each.when)
        self.judge: Callable[[str, str], tuple[Finding, ...]] = lru_cache(maxsize=MOST_NAMES)(self.anew)
        """The findings about a namespace and a name; for names of usual length."""

    def of(self, namespace: str, name: str) -> tuple[Finding, ...]:
        """The findings about a ``namespace`` and ``name``, remembered unless they are so long that they would fill
        memory.
        """
        usual = len(namespace) + len(name) <= LONGEST_NAMES
        return self.judge(namespace, name) if usual else self.anew(namespace, name)

    def anew(self, namespace: str, name: str) -> tuple[Finding, ...]:
        """The findings about a ``namespace`` and ``name``, not remembered."""
        view = self._view(namespace, name)
        return tuple([finding for check in self._checks for finding in check(view)])


# What judges facets of datasets, inputs and outputs.
_OfDatasets = tuple[Keyed, Keyed, Keyed]
# Kind, type, and the keys of facets on run and job.
_Shape = tuple[str | None, str | None, tuple[str, ...], tuple[str, ...]]


class _Step(NamedTuple):
    """One look at an event: at all of it (``entity`` None), or at a facet that its run or job has.

    ``gated`` judge the facet; ``lacking`` the event, where it has no such facet or what stands there is no object.
    """

    entity: Literal["run", "job"] | None
    key: str
    gated: tuple[_Gated, ...] = ()
    lacking: tuple[Check, ...] = ()


class _Plan(NamedTuple):
    """By what events of one shape are judged, in order; and what judges facets of their datasets, by key."""

    steps: tuple[_Step, ...]
    dataset: Keyed
    input: Keyed
    output: Keyed


class EventRules:
    """Rules about events, compiled: those of the moments in this module; others are passed over.

    Producers send few shapes of events: which rules one of a kind and type speaks to, with these facets on run and
    job, is found once and remembered. So an event costs what it holds, however many rules there are.
    """

    def __init__(self, rules: Iterable[JudgingRule[Any]]) -> None:
        listed = tuple(rules)
        name_rules = NameRules(listed)
        self._names, self._judge_name, self._of_names = name_rules.judge, name_rules.anew, name_rules.of
        self._job_names = NameRules(listed, JobName).of
        # Of these nothing is said; an event without a job has none to speak of.
        self._good_jobs: set[tuple[str | None, str | None]] = {(None, None)}
        self._of_time: tuple[Check, ...] = tuple(each.check for each in listed if OnTime() in each.when)
        self._of_nil: tuple[Check, ...] = tuple(each.check for each in listed if OnNilRunId() in each.when)
        self._moments = [(when, each) for each in listed for when in each.when if isinstance(when, OnEvent | OnFacet)]
        self._plans: dict[_Shape, _Plan] = {}
        self._typed = lru_cache(maxsize=MOST_TYPES)(self._of_type)

    def judge(self, event: EventView, findings: list[Finding] | None = None) -> list[Finding]:
        """All that the rules have to say about an event: of it, its run and its job in their order, then of datasets.

        It is added to ``findings``, if there are some.

        Raises whatever a rule raises; those of this package never do.
        """
        findings = [] if findings is None else findings
        of_run, of_job = event.run_facets, event.job_facets
        shape = _CLAIMED if event.claims else event.kind, event.event_type, tuple(of_run), tuple(of_job)
        plan = self._plans.get(shape) or self._planned(shape)
        for entity, key, gated, lacking in plan.steps:
            if entity is None:
                for check in lacking:
                    findings += check(event)
                continue
            content = of_job[key] if entity == "job" else of_run[key]
            if type(content) is not dict:
                for check in lacking:
                    findings += check(event)
                content = _NO_CONTENT
            for field, unless, together in gated:
                if content.get(field) not in unless:
                    view = FacetView(event, entity, key, content)
                    for check in together:
                        findings += check(view)
        # What nearly all events have and nearly none has wrong: it is looked at here, so that a rule is asked of few.
        time = event.event_time
        if (
            (event.job_namespace, event.job_name) not in self._good_jobs
            or (time is not None and not _EARLIEST <= time < event.latest)
            or event.run_id in _NIL
            or "parent" in of_run
        ):
            self._unusual(event, findings)
        if event.datasets:
            self._datasets(event, plan, findings)
        return findings

    def _named_in_lineage(self, facet: FacetView) -> list[Finding]:
        """What there is to say of the names of datasets and jobs that an explicit lineage facet has, each place."""
        findings: list[Finding] = []
        for path, is_job, namespace, name in islice(named_in_lineage(facet.content), _MOST_IN_LINEAGE):
            found = self._job_names(namespace, name) if is_job else self._of_names(namespace, name)
            findings += [replace(one, pointer=facet.at(*path) + one.pointer) for one in found]
        return findings

    def _unusual(self, event: EventView, findings: list[Finding]) -> None:
        """What there is to say of the job's name, the time and the ids of an event that may have these wrong."""
        namespace, name = event.job_namespace, event.job_name
        if namespace is not None and name is not None:
            if found := self._job_names(namespace, name):
                findings += [replace(finding, pointer="/job" + finding.pointer) for finding in found]
            elif len(namespace) + len(name) <= LONGEST_NAMES:
                if len(self._good_jobs) >= MOST_NAMES:
                    self._good_jobs.clear()
                self._good_jobs.add((namespace, name))
        time = event.event_time
        if time is not None and not _EARLIEST <= time < event.latest:
            for check in self._of_time:
                findings += check(event)
        if event.run_id in _NIL:
            for check in self._of_nil:
                findings += check(NilRunId("/run/runId", str(event.run_id)))
        if "parent" in event.run_facets:
            self._parent(event.run_facets["parent"], findings)

    def _parent(self, facet: Any, findings: list[Finding]) -> None:
        """What there is to say of the parent that a facet names, and of the root where that is another."""
        if type(facet) is dict:
            self._above(facet, "/run/facets/parent/", findings)
            root = facet.get("root")
            if type(root) is dict:
                job, run = (None if root.get(part) == facet.get(part) else root.get(part) for part in ("job", "run"))
                self._above({"job": job, "run": run}, "/run/facets/parent/root/", findings)

    def _above(self, named: Mapping[str, Any], at: str, findings: list[Finding]) -> None:
        job, run = named.get("job"), named.get("run")
        namespace, name = (job.get(part) if type(job) is dict else None for part in ("namespace", "name"))
        if type(namespace) is str and type(name) is str and (found := self._job_names(namespace, name)):
            findings += [replace(finding, pointer=f"{at}job{finding.pointer}") for finding in found]
        run_id = run.get("runId") if type(run) is dict else None
        if type(run_id) is str and run_id in _NIL:
            for check in self._of_nil:
                findings += check(NilRunId(f"{at}run/runId", run_id))

    def _datasets(self, event: EventView, plan: _Plan, findings: list[Finding]) -> None:
        names, anew = self._names, self._judge_name
        for dataset in event.datasets:
            if dataset.namespace is not None and dataset.name is not None:
                # What is long is not remembered: it would fill the memory.
                usual = len(dataset.namespace) + len(dataset.name) <= LONGEST_NAMES
                found = names(dataset.namespace, dataset.name) if usual else anew(dataset.namespace, dataset.name)
                if found and "symlinks" in dataset.facets:
                    # It is known by the name of a table then.
                    table = table_identifier(dataset.facets)
                    if table is not None and not self._of_names(table.namespace, table.name):
                        found = ()
                if found:
                    at = dataset.pointer
                    findings += [replace(finding, pointer=at + finding.pointer) for finding in found]
            facets = dataset.facets
            for key, checks in plan.dataset:
                if key in facets:
                    _judge_facet(event, "dataset", key, facets[key], dataset, checks, findings)
            entity: Literal["input", "output"] = "input" if dataset.role == "input" else "output"
            for key, checks in plan.input if entity == "input" else plan.output:
                if key in dataset.role_facets:
                    _judge_facet(event, entity, key, dataset.role_facets[key], dataset, checks, findings)

    def _planned(self, shape: _Shape) -> _Plan:
        """The plan for a shape, remembered unless that could fill the memory: what is hostile comes in many shapes."""
        plan = self._compiled(*shape)
        _, event_type, run_keys, job_keys = shape
        if sum(map(len, (event_type or "", *run_keys, *job_keys))) < LONGEST_SHAPE:
            if len(self._plans) >= MOST_SHAPES:
                self._plans.clear()
            self._plans[shape] = plan
        return plan

    def _compiled(
        self, shape_of: str | None, event_type: str | None, run_keys: tuple[str, ...], job_keys: tuple[str, ...]
    ) -> _Plan:
        usual = event_type is None or len(event_type) <= LONGEST_NAMES
        steps, of_datasets = (self._typed if usual else self._of_type)(shape_of, event_type)
        chosen: list[_Step] = []
        for step in steps:
            if step.entity is None or step.key in (job_keys if step.entity == "job" else run_keys):
                chosen.append(step)
            elif step.lacking:
                chosen.append(_Step(None, "", lacking=step.lacking))
        return _Plan(tuple(chosen), *of_datasets)

    def _of_type(self, shape_of: str | None, event_type: str | None) -> tuple[tuple[_Step, ...], _OfDatasets]:
        """The looks at an event of this kind and type that has all facets, and what judges facets of its datasets."""
        claimed = shape_of == _CLAIMED
        kind = "RunEvent" if claimed else shape_of
        steps: dict[tuple[str | None, str], _Step] = {}
        keyed: dict[Entity, dict[str, tuple[_Gated, ...]]] = {"dataset": {}, "input": {}, "output": {}}
        for when, rule in self._moments:
            if kind not in when.kinds or (when.types is not None and event_type not in when.types):
                continue
            if isinstance(when, OnFacet):
                if when.entity == "run" or when.entity == "job":
                    step = steps.setdefault((when.entity, when.key), _Step(when.entity, when.key))
                    steps[when.entity, when.key] = step._replace(gated=_joined(step.gated, when, rule.check))
                else:
                    of = keyed[when.entity]
                    of[when.key] = _joined(of.get(when.key, ()), when, rule.check)
            elif when.claimed and not claimed:
                continue
            elif when.lacks is not None:
                step = steps.setdefault(when.lacks, _Step(*when.lacks))
                steps[when.lacks] = step._replace(lacking=(*step.lacking, rule.check))
            else:
                steps[None, rule.code] = _Step(None, "", lacking=(rule.check,))
        named = _Gated("", (), (self._named_in_lineage,))
        step = steps.setdefault(("job", "lineage"), _Step("job", "lineage"))
        steps["job", "lineage"] = step._replace(gated=(*step.gated, named))
        keyed["dataset"]["lineage"] = (*keyed["dataset"].get("lineage", ()), named)
        dataset, of_input, of_output = (tuple(keyed[entity].items()) for entity in ("dataset", "input", "output"))
        return tuple(steps.values()), (dataset, of_input, of_output)


def _judge_facet(
    event: EventView,
    entity: Entity,
    key: str,
    content: Any,
    dataset: Dataset,
    checks: tuple[_Gated, ...],
    findings: list[Finding],
) -> None:
    if type(content) is not dict:
        content = _NO_CONTENT
    for field, unless, together in checks:
        if content.get(field) not in unless:
            view = FacetView(event, entity, key, content, dataset)
            for check in together:
                findings += check(view)
