"""Random recordings, folded by all views over both journals, fresh and step by step, against a plain reference."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mock_intake.journal import Journal
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.intake import Intake
from mock_intake.model.accumulated import DatasetFacets
from mock_intake.model.exchange import Exchange, ReceivedRequest
from mock_intake.openlineage.run_cycle import seconds, state_of
from mock_intake.secrets.api_keys import org_of
from mock_intake.views import Views
from tests.events import base, job_type
from tests.folds import reference
from tests.folds.reference import Attempt
from tests.journal.serving import SOAK
from tests.journals import JOURNALS

SEEDS = range(600 if SOAK else 4)
LENGTH = 40
KEYS = ("a" * 32, "b" * 32)
ORGS = tuple(map(org_of, KEYS))
RUN_IDS = tuple(f"abcdef0{number}-0000-4000-8000-00000000000a" for number in range(3))
JOBS = ("extract", "load", "Load")
DATASETS = ("orders", "items", "daily")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
TYPES = ("START", "START", "RUNNING", "OTHER", "COMPLETE", "FAIL", "ABORT", None)
PATTERN = {"eventTrigger": "PERIODIC", "eventContentMode": "COMPLETE_SNAPSHOT", "windowDuration": 60}


class Recording:
    """A record that grows at random: events of several jobs and orgs, ids that are shared, facets of every kind."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._intake = Intake()
        self._number = 0
        self._sent: list[tuple[str, bytes]] = []
        self.attempts: list[tuple[Attempt, Exchange]] = []

    def grow(self, journal_position: int) -> Exchange:
        """The next exchange, which will stand at a position."""
        chance = self._random
        if self._sent and chance.random() < 0.1:
            key, body = chance.choice(self._sent)
        else:
            key, body = chance.choice(KEYS), json.dumps(self._event()).encode()
            self._sent.append((key, body))
        self._number += 1
        # Some are received earlier than their place tells, as an import brings them.
        received = NOON + timedelta(seconds=self._number - chance.choice((0, 0, 0, 0, 7)))
        headers = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))
        request = ReceivedRequest(
            f"x{self._number}", "POST", "/api/v1/lineage", "", headers, body, received, wire_size=len(body)
        )
        exchange = self._intake.receive(request)
        assert exchange.accepted
        micros = (received - reference.EPOCH) // timedelta(microseconds=1)
        attempt = Attempt(journal_position, micros, org_of(key), body.decode(), json.loads(body))
        self.attempts.append((attempt, exchange))
        return exchange

    def _event(self) -> dict[str, Any]:
        chance = self._random
        time = f"2026-11-01T12:00:{chance.randrange(12):02}{chance.choice(('', '.5', '.000000900', '.000000100'))}Z"
        head = {
            "eventTime": time if chance.random() < 0.95 else "noon",
            "producer": "https://github.com/acme/etl",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            # No two say the same by chance.
            "number": self._number,
        }
        if chance.random() < 0.1:
            return {**head, "dataset": self._dataset()}
        job = {"namespace": "etl", "name": chance.choice(JOBS), "facets": self._facets(self._job_facets())}
        io = {role: [self._dataset() for _ in range(chance.choice((0, 0, 1, 2)))] for role in ("inputs", "outputs")}
        if chance.random() < 0.1:
            return {**head, "job": job, **io}
        run_id = chance.choice(RUN_IDS)
        run = {"runId": chance.choice((run_id, run_id.upper())), "facets": self._facets(self._run_facets())}
        event_type = chance.choice(TYPES)
        return {**head, **({"eventType": event_type} if event_type else {}), "run": run, "job": job, **io}

    def _facets(self, made: dict[str, Any]) -> dict[str, Any]:
        """Of these facets some, some of them gone, and some null."""
        chance = self._random
        found: dict[str, Any] = {}
        for key, facet in made.items():
            what = chance.random()
            if what < 0.35:
                found[key] = facet
            elif what < 0.42:
                found[key] = {**facet, "_deleted": True}
            elif what < 0.47:
                found[key] = None
        return found

    def _job_facets(self) -> dict[str, Any]:
        chance = self._random
        kind = job_type(jobType=chance.choice(("JOB", "TASK")))
        if chance.random() < 0.1:
            kind["emissionPattern"] = PATTERN
        return {"jobType": kind, "documentation": {"description": str(self._number)}}

    def _run_facets(self) -> dict[str, Any]:
        chance = self._random
        parent = {"run": {"runId": chance.choice(RUN_IDS)}, "job": {"namespace": "etl", "name": chance.choice(JOBS)}}
        return {"parent": {**base("ParentRunFacet", "1-1-0"), **parent}, "nominalTime": {"n": self._number}}

    def _dataset(self) -> dict[str, Any]:
        chance = self._random
        source = {"namespace": "kafka://k:9092", "name": chance.choice(DATASETS), "field": chance.choice("ab")}
        columns = {chance.choice("ab"): {"inputFields": [source]}}
        # All columns stay, so that none of them is gone from a later schema.
        fields = [{"name": name} for name in chance.sample("ab", 2)]
        facets = self._facets({"schema": {"fields": fields}, "columnLineage": {"fields": columns}})
        return {"namespace": "kafka://k:9092", "name": chance.choice(DATASETS), "facets": facets}


def kept(recording: Recording, journal: Journal) -> list[Attempt]:
    """What of a recording is on record still."""
    return [attempt for attempt, _ in recording.attempts if attempt.position >= journal.first]


def agree(views: Views, record: list[Attempt], *, lossy: bool) -> None:
    """What views say of a record is what the reference says of it."""
    for org in ORGS:
        assert _runs(views, org) == reference.runs(record, org, lossy=lossy)
        lineage = views.lineage(org).get(org)
        expected = reference.datasets(record, org)
        jobs = reference.jobs(record, org)
        if lineage is None:
            assert not expected
            assert not jobs
            continue
        named = set(expected)
        assert {node.id.name for node in lineage.datasets.values() if node.id.name in named} == named
        for dataset, wanted in expected.items():
            [node] = [node for node in lineage.datasets.values() if node.id.name == dataset]
            assert list(node.columns) == wanted["columns"], dataset
        made_of = {
            (column.dataset.name, column.name, source.dataset.name, source.name)
            for column, sources in lineage.columns.items()
            for source in sources
        }
        assert made_of == {(name, *one) for name, wanted in expected.items() for one in wanted["made of"]}
        assert {
            node.id.name: {
                "events": node.events,
                "runs": len(node.runs),
                "job_type": node.job_type,
                "inputs": {one.name for one in node.inputs},
                "outputs": {one.name for one in node.outputs},
                "parents": {one.name for one in node.parents},
            }
            for node in lineage.jobs.values()
            if node.events
        } == jobs


def same_counts(views: Views, journal: Journal) -> None:
    """What is counted is what the journal has, and what who looks for the first time counts."""
    fresh = Views(journal)
    for org in (None, *ORGS):
        counted, anew = views.counts(org, 60), fresh.counts(org, 60)
        statistics = journal.statistics(org)
        assert counted is not None
        assert anew is not None
        assert counted.orgs == anew.orgs == [one.org for one in journal.orgs()]
        assert (counted.counts.exchanges, counted.counts.accepted) == (statistics.exchanges, statistics.accepted)
        assert {status: n for status, n in counted.counts.statuses.items() if n} == {
            status: n for status, n in statistics.statuses.items() if n
        }
    tallies, others = views.tallies(), fresh.tallies()
    for code in RULES:
        assert tallies.events_with(code) == others.events_with(code)
        assert tallies.runs_with(code) == others.runs_with(code)
        for org in (None, *ORGS):
            assert tallies.events(code, org) == others.events(code, org)
            assert tallies.runs(code, org) == others.runs(code, org)


def _runs(views: Views, org: str) -> dict[tuple[str, str | None], Any]:
    found = {}
    for run in views.runs(org):
        facets = views.facets(run)
        datasets: dict[Any, DatasetFacets] = {**facets.datasets}
        found[run.run_id.lower(), run.job[1]] = {
            "states": [event.event_type for event in run.events],
            "state": state_of(run.facts),
            "duration": seconds(run.facts),
            "parent": run.parent_id,
            "run facets": facets.run_values,
            "job facets": facets.job_values,
            "outputs": {identity.name for role, identity in datasets if role == "output"},
        }
        single = views.single_run(run.run_id, org)
        assert single is not None
        assert {one.key for one in views.runs_of(run.run_id, org)} >= {single.key}
    return found


def test_the_reference_can_be_read_at_once() -> None:
    """Who doubts what is right reads all of it, beside the words that it follows."""
    lines = Path(reference.__file__).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert not [line for line in lines if "mock_intake" in line]


@pytest.fixture(params=JOURNALS)
def journal_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Journal]:
    """Makes a journal of either kind, with these bounds."""
    return partial(JOURNALS[request.param], tmp_path)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bound", [None, 15], ids=["all kept", "with retention"])
def test_all_views_say_what_the_reference_says(
    journal_of: Callable[..., Journal], seed: int, bound: int | None
) -> None:
    recording = Recording(seed)
    with closing(journal_of(**({} if bound is None else {"max_exchanges": bound}))) as journal:
        views = Views(journal)
        looking = random.Random(seed)
        for position in range(1, LENGTH + 1):
            journal.append([recording.grow(position)])
            if looking.random() < 0.2:
                # Whoever looks on the way gets the same as who looks for the first time.
                agree(views, kept(recording, journal), lossy=journal.dropped > 0)
                views.tallies()
        record = kept(recording, journal)
        agree(views, record, lossy=journal.dropped > 0)
        agree(Views(journal), record, lossy=journal.dropped > 0)
        same_counts(views, journal)
