"""A graph that events are put into one after the other is the one that is put together of all of them, to the order."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mock_intake.journal import MemoryJournal
from mock_intake.model.event import DatasetId
from mock_intake.views import Views
from mock_intake.views.lineage import JobId, coverage_to_dict, lineage_to_dict
from tests.events import RUN_ID, dataset, dataset_event, run_event
from tests.folds.test_model import ORGS, Recording
from tests.journal.serving import SOAK
from tests.journals import JOURNALS
from tests.test_views import Recorder

SEEDS = range(400 if SOAK else 12)
LENGTH = 60
NAMES = ("orders", "Orders", "items", "daily", "monthly")
LAKE = "s3://lake"


class Graphs(Recording):
    """A record of what makes a graph hard: names that differ in case, symlinks, explicit lineage, columns that no
    schema has, parents that send nothing."""

    def __init__(self, seed: int, *, plain: bool) -> None:
        super().__init__(seed)
        self._plain = plain
        self._chance = Random(seed)

    def _job_facets(self) -> dict[str, Any]:
        facets = super()._job_facets()
        if self._plain:
            facets["jobType"].pop("emissionPattern", None)
        elif self._chance.random() < 0.2:
            source = {"namespace": "kafka://k:9092", "name": self._chance.choice(NAMES), "type": "DATASET"}
            facets["lineage"] = {"entries": [{"type": "JOB", "inputs": [source]}]}
        return facets

    def _run_facets(self) -> dict[str, Any]:
        chance = self._chance
        parent = {"run": {"runId": "p"}, "job": {"namespace": "dags", "name": chance.choice(("nightly", "hourly"))}}
        root = {"run": {"runId": "r"}, "job": {"namespace": "dags", "name": "all"}}
        return {"parent": {**parent, **({"root": root} if chance.random() < 0.5 else {})}}

    def _dataset(self) -> dict[str, Any]:
        chance = self._chance
        source = {"namespace": "kafka://k:9092", "name": chance.choice(NAMES), "field": chance.choice("abc")}
        facets: dict[str, Any] = {
            "schema": {"fields": [{"name": name} for name in chance.sample("abc", chance.randrange(3))]},
            "columnLineage": {"fields": {chance.choice("abc"): {"inputFields": [source]}}},
        }
        if not self._plain and chance.random() < 0.1:
            facets["symlinks"] = {"identifiers": [{"namespace": LAKE, "name": chance.choice(NAMES), "type": "TABLE"}]}
        if not self._plain and chance.random() < 0.1:
            facets["lineage"] = {"inputs": [source]}
        namespace = "kafka://k:9092" if self._plain or chance.random() < 0.8 else LAKE
        return {"namespace": namespace, "name": chance.choice(NAMES), "facets": self._facets(facets)}


def shown(views: Views) -> list[Any]:
    """All that is shown of the graphs."""
    found: list[Any] = []
    for org in ORGS:
        lineage = views.lineage(org).get(org)
        if lineage is not None:
            found += [lineage_to_dict(lineage), [coverage_to_dict(job) for job in lineage.jobs.values()]]
            # In the order in which pages show them, which JSON objects would not tell.
            found += [{one.id: list(one.read_by) for one in lineage.datasets.values()}, list(lineage.columns)]
            found += [{one.id: (one.feeding, list(one.parents)) for one in lineage.jobs.values()}]
            found += [{one: list(below) for one, below in lineage.children.items()}]
            found += [{one.id: one.events for one in lineage.datasets.values()}]
        found += [views.near_misses(org), views.datasets(org)]
    return found


@pytest.mark.parametrize("plain", [True, False], ids=["additions alone", "of every kind"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_graph_that_grows_is_what_is_put_together_anew(tmp_path: Path, seed: int, plain: bool) -> None:
    recording = Graphs(seed, plain=plain)
    # A part of them with retention.
    bounds = {"max_exchanges": 25} if seed % 3 == 0 else {}
    with closing(JOURNALS["memory"](tmp_path, **bounds)) as journal:
        views = Views(journal)
        for position in range(1, LENGTH + 1):
            journal.append([recording.grow(position)])
            # Now and then several come between two looks.
            if position % 3:
                grown, anew = shown(views), shown(Views(journal))
                assert grown == anew
                assert [list(one) for one in grown if isinstance(one, dict)] == [
                    list(one) for one in anew if isinstance(one, dict)
                ]


def test_what_a_job_names_stands_before_what_explicit_lineage_says_also_where_it_said_the_same() -> None:
    recorder = Recorder()
    explicit = {"entries": [{"type": "JOB", "inputs": [{**dataset(name), "type": "DATASET"} for name in "bc"]}]}
    job = {"namespace": "etl", "name": "load", "facets": {"lineage": explicit}}
    recorder.send(dataset_event(dataset=dataset("c")), run_event("START", job=job, inputs=[dataset("a")]))
    assert [one.name for one in inputs_of(recorder.views)] == ["a", "b", "c"]
    recorder.send(run_event("RUNNING", job={**job, "facets": {}}, inputs=[dataset("c")]))
    for views in (recorder.views, Views(recorder.journal)):
        assert [one.name for one in inputs_of(views)] == ["a", "c", "b"]


@pytest.mark.parametrize("kind", ["lineage", "parent"])
def test_what_retention_drops_may_have_overridden_what_came_later(kind: str) -> None:
    """By its time an event is later than those that came behind it; it says that lineage is gone, or names no job."""
    recorder = Recorder()
    recorder.journal = MemoryJournal(max_exchanges=3)
    recorder.views = Views(recorder.journal)
    explicit = {"entries": [{"type": "JOB", "inputs": [{**dataset("b"), "type": "DATASET"}]}]}
    parent = {"run": {"runId": "p"}, "job": {"namespace": "dags", "name": "nightly"}}
    of_no_job = {**parent, "job": {}}
    overriding, overridden = {"lineage": ({**explicit, "_deleted": True}, explicit), "parent": (of_no_job, parent)}[
        kind
    ]
    for second, facet in ((9, overriding), (1, overridden), (2, None), (3, None)):
        job = {"namespace": "etl", "name": "load", "facets": {"lineage": facet if kind == "lineage" else None}}
        run = {"runId": RUN_ID, "facets": {"parent": facet if kind == "parent" else None}}
        recorder.send(run_event("RUNNING", eventTime=f"2026-11-01T12:00:0{second}Z", job=job, run=run))
        found = shown(recorder.views)
        assert found == shown(Views(recorder.journal))
    [grown] = recorder.views.lineage().values()
    if kind == "lineage":
        assert [one.name for one in grown.jobs[JobId("etl", "load")].inputs] == ["b"]
    else:
        assert list(grown.children) == [("dags", "nightly")]


def inputs_of(views: Views) -> list[DatasetId]:
    [lineage] = views.lineage().values()
    [job] = lineage.jobs.values()
    return list(job.inputs)


class Settled(Graphs):
    """A record of the same jobs and datasets again and again."""

    def _facets(self, made: dict[str, Any]) -> dict[str, Any]:
        return {key: facet for key, facet in made.items() if key != "columnLineage"}

    def _dataset(self) -> dict[str, Any]:
        schema = {"schema": {"fields": [{"name": "id"}]}}
        return {"namespace": "kafka://k:9092", "name": self._chance.choice(NAMES), "facets": schema}

    def _run_facets(self) -> dict[str, Any]:
        return {}


def test_a_graph_of_what_goes_on_outlives_what_retention_drops(tmp_path: Path) -> None:
    recording = Settled(5, plain=True)
    with closing(JOURNALS["memory"](tmp_path, max_exchanges=60)) as journal:
        views = Views(journal)
        kept = 0
        graphs = views.lineage()
        for position in range(1, 181):
            exchange = recording.grow(position)
            journal.append([exchange])
            found = views.lineage()
            kept += position > 60 and found[exchange.org] is graphs.get(exchange.org)
            graphs = found
        assert shown(views) == shown(Views(journal))
        # Some come out of turn.
        assert kept > 60


def test_most_graphs_are_put_together_once(tmp_path: Path) -> None:
    """Jobs, datasets and edges that are new are put into the graph that is there."""
    recording = Graphs(3, plain=True)
    with closing(JOURNALS["memory"](tmp_path)) as journal:
        views = Views(journal)
        journal.append([recording.grow(1)])
        graphs = {org: views.lineage(org).get(org) for org in ORGS}
        kept = 0
        for position in range(2, LENGTH):
            exchange = recording.grow(position)
            journal.append([exchange])
            graph = views.lineage(exchange.org)[exchange.org]
            kept += graph is graphs[exchange.org]
            graphs[exchange.org] = graph
            assert all(isinstance(one, DatasetId) for one in graph.datasets)
        # Some are received earlier than their place tells, which has all put in order anew.
        assert kept > LENGTH // 2
