"""Events of made-up jobs and runs: what a job is stays the same in all events of a run, and times are in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from mock_intake.fake.estate import PRODUCER, Table
from mock_intake.fake.facets import make_facet
from mock_intake.fake.flows import Flow, draw_flow, draw_table, reading
from mock_intake.fake.patching import copied
from mock_intake.fake.scene import Job, Scene, draw_uuid, rfc3339
from mock_intake.model.event import JsonObject
from mock_intake.openlineage.facts import LATEST_CORE, Kind
from mock_intake.openlineage.schema import core_id

EventType = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]

# Times are made up from here on, so that a seed tells all; nothing reads a clock.
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
_DAY_IN_MS = 86_400_000
_LONGEST_IN_MS = 3_600_000
_ROWS = (1_000, 2_000_000)
_GROUPS = (5, 500)


def draw_time(random: Random) -> datetime:
    """Some time of the day that begins at ``EPOCH``."""
    return EPOCH + timedelta(milliseconds=random.randrange(_DAY_IN_MS))


def draw_scene(random: Random, began: datetime | None = None, flow: Flow | None = None) -> Scene:
    flow = flow or draw_flow(random)
    job = Job(random.choice(("prod", "staging")), f"shop.{flow.name}")
    began = began or draw_time(random)
    rows = random.randrange(*(_GROUPS if flow.aggregates else _ROWS))
    return Scene(random, flow, flow.output, job, draw_uuid(random), began, rows)


class Worker:
    """A job, one run of it and what both say of themselves, drawn once.

    ``orchestrates`` makes it one that only starts others, and reads and writes nothing itself; ``endless``
    one that streams. ``parent`` is an event of the run that started this one.
    """

    def __init__(
        self,
        random: Random,
        *,
        began: datetime | None = None,
        flow: Flow | None = None,
        parent: Mapping[str, Any] | None = None,
        orchestrates: bool = False,
        endless: bool = False,
    ) -> None:
        scene = draw_scene(random, began, flow)
        if orchestrates:
            scene = replace(scene, job=scene.job._replace(name=f"nightly_{scene.flow.output.own_name}"))
        if parent is not None:
            above = parent["job"]
            name = scene.job.name if orchestrates else f"{above['name']}.{scene.flow.name}"
            scene = replace(scene, job=Job(above["namespace"], name))
        self.scene = scene
        self.orchestrates = orchestrates
        self.began = scene.started
        self.lasted = timedelta(milliseconds=random.randrange(1_000, _LONGEST_IN_MS))
        self._job_facets = self._facets_of_job("STREAMING" if endless else "BATCH")
        self._run_facets = {key: make_facet(scene, "run", key) for key in ("nominalTime", "processing_engine")}
        if parent is not None:
            self._run_facets["parent"] = make_facet(scene, "run", "parent", **_as_parent(parent))
        flow = scene.flow
        self._rows = {table: random.randrange(*_ROWS) for table in flow.inputs}
        self._rows[flow.output] = scene.rows if flow.aggregates else sum(self._rows.values())
        self._datasets = {table: self._dataset(table) for table in (*flow.inputs, flow.output)}

    def _facets_of_job(self, processing: str) -> dict[str, JsonObject]:
        scene = self.scene
        kinds = ("DAG",) if self.orchestrates else ("JOB", "TASK", "MODEL", "COMMAND")
        kind = scene.random.choice(kinds)
        job_type = make_facet(scene, "job", "jobType", processingType=processing, jobType=kind)
        optional = ("documentation", "ownership", "sourceCodeLocation", "tags")
        return {"jobType": job_type, **self._some(scene, "job", optional)}

    @staticmethod
    def _some(scene: Scene, entity: Literal["job", "dataset"], keys: Sequence[str]) -> dict[str, JsonObject]:
        return {key: make_facet(scene, entity, key) for key in keys if scene.random.random() < 0.4}

    def _dataset(self, table: Table) -> JsonObject:
        """A dataset with the facets that don't change from event to event."""
        about = self.scene.about(table, self._rows[table])
        facets = {key: make_facet(about, "dataset", key) for key in ("schema", "dataSource")}
        facets |= self._some(about, "dataset", ("documentation", "ownership", "datasetType"))
        return {"namespace": table.namespace, "name": table.name, "facets": facets}

    def run_event(self, event_type: EventType, at: datetime | None = None) -> JsonObject:
        """An event of the run; COMPLETE tells what was done, FAIL what went wrong."""
        done = event_type == "COMPLETE"
        run_facets = dict(self._run_facets)
        if event_type == "FAIL":
            run_facets["errorMessage"] = make_facet(self.scene, "run", "errorMessage")
        event = {
            "eventType": event_type,
            **header("RunEvent", at or self._usual_time(event_type)),
            "run": {"runId": self.scene.run_id, "facets": run_facets},
            "job": self._job(with_query=done),
            "inputs": [] if self.orchestrates else [self._read(table, done=done) for table in self.scene.flow.inputs],
            "outputs": [] if self.orchestrates else [self._written(lineage=done, statistics=done)],
        }
        return _by_itself(event)

    def job_event(self) -> JsonObject:
        """The job as it is designed: nothing that only a run can know."""
        event = {
            **header("JobEvent", self.began),
            "job": self._job(with_query=True),
            "inputs": [self._read(table, done=False) for table in self.scene.flow.inputs],
            "outputs": [self._written(lineage=True, statistics=False)],
        }
        return _by_itself(event)

    def cycle(self, end: EventType | None, running: int = 0) -> list[JsonObject]:
        """The events of the run: START, so many of RUNNING, and the end, if it comes to one."""
        step = self.lasted / (running + 1)
        events = [self.run_event("START")]
        events += [self.run_event("RUNNING", self.began + step * number) for number in range(1, running + 1)]
        return events if end is None else [*events, self.run_event(end)]

    def _usual_time(self, event_type: EventType) -> datetime:
        passed = {"START": 0.0, "RUNNING": 0.5, "OTHER": 0.5}.get(event_type, 1.0)
        return self.began + passed * self.lasted

    def _job(self, *, with_query: bool) -> JsonObject:
        facets = dict(self._job_facets)
        if with_query and not self.orchestrates and self.scene.flow.query is not None:
            facets["sql"] = make_facet(self.scene, "job", "sql")
        return {"namespace": self.scene.job.namespace, "name": self.scene.job.name, "facets": facets}

    def _read(self, table: Table, *, done: bool) -> JsonObject:
        if not done:
            return self._datasets[table]
        about = self.scene.about(table, self._rows[table])
        keys = ["inputStatistics", *(["dataQualityMetrics"] if self.scene.random.random() < 0.3 else [])]
        return {**self._datasets[table], "inputFacets": {key: make_facet(about, "input", key) for key in keys}}

    def _written(self, *, lineage: bool, statistics: bool) -> JsonObject:
        table = self.scene.flow.output
        about = self.scene.about(table, self._rows[table])
        output = dict(self._datasets[table])
        if lineage:
            output["facets"] = {**output["facets"], "columnLineage": make_facet(about, "dataset", "columnLineage")}
        if statistics:
            output["outputFacets"] = {"outputStatistics": make_facet(about, "output", "outputStatistics")}
        return output


def dataset_event(random: Random, at: datetime | None = None, platform: str | None = None) -> JsonObject:
    """What is known of a dataset by itself."""
    flow = reading(random, draw_table(random, platform))
    [table] = flow.inputs
    scene = draw_scene(random, at, flow).about(table, random.randrange(*_ROWS))
    keys = ["documentation", "ownership", "datasetType", "version", "dataQualityMetrics", "tags", "storage"]
    chosen = random.sample(keys, random.randrange(len(keys) + 1))
    facets = {key: make_facet(scene, "dataset", key) for key in ("schema", "dataSource", *chosen)}
    dataset = {"namespace": table.namespace, "name": table.name, "facets": facets}
    return {**header("DatasetEvent", scene.started), "dataset": dataset}


def _by_itself(event: JsonObject) -> JsonObject:
    """An event that shares nothing with others of its run, so that a user can change it."""
    alone: JsonObject = copied(event)
    return alone


def header(kind: Kind, at: datetime) -> JsonObject:
    """What every event begins with."""
    return {"eventTime": rfc3339(at), "producer": PRODUCER, "schemaURL": f"{core_id(LATEST_CORE)}#/$defs/{kind}"}


def _as_parent(event: Mapping[str, Any]) -> JsonObject:
    """What a child says of its parent, whose event this is: the parent, and the root above it."""
    run, job = event["run"], event["job"]
    parent = {"run": {"runId": run["runId"]}, "job": {"namespace": job["namespace"], "name": job["name"]}}
    above = run.get("facets", {}).get("parent", {})
    root = above.get("root") or {part: above[part] for part in ("run", "job") if part in above}
    return {**parent, "root": copied(root or parent)}
