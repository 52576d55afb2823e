"""Jobs and runs below one another, by their parent facets, on a hierarchy that is known by heart.

nightly -> load_all -> load_orders, load_customers
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.views import Lineage
from mock_intake.views.lineage import JobId
from tests.control.content import id_of
from tests.events import base, job_type, run_event
from tests.test_views import ORG, OTHER_KEY, OTHER_ORG, Recorder

PARENTS = {"nightly": None, "load_all": "nightly", "load_orders": "load_all", "load_customers": "load_all"}


def parent_facet(name: str) -> dict[str, Any]:
    parent = {"run": {"runId": id_of(name)}, "job": {"namespace": "prod", "name": name}}
    return {**base("ParentRunFacet", "1-1-0"), **parent}


def event(name: str, parent: str | None, event_type: str = "START") -> dict[str, Any]:
    """An event of the run and the job of a name."""
    return run_event(
        event_type,
        run={"runId": id_of(name), "facets": {"parent": parent_facet(parent)} if parent else {}},
        job={"namespace": "prod", "name": name, "facets": {"jobType": job_type()}},
    )


def job(name: str) -> JobId:
    return JobId("prod", name)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def lineage(recorder: Recorder) -> Lineage:
    return recorder.views.lineage()[ORG]


def above(recorder: Recorder, name: str) -> list[str | None]:
    run = recorder.views.run(id_of(name), ORG)
    assert run is not None
    return [one if isinstance(one, str) else one.job[1] for one in recorder.views.path_above(run)]


# Jobs.


def test_a_job_knows_the_one_that_it_is_part_of_and_that_one_its_parts(recorder: Recorder) -> None:
    recorder.send(*(event(name, parent) for name, parent in PARENTS.items()))
    found = lineage(recorder)
    assert {one.id.name: [parent.name for parent in one.parents] for one in found.jobs.values()} == {
        "nightly": [], "load_all": ["nightly"], "load_orders": ["load_all"], "load_customers": ["load_all"],
    }  # fmt: skip
    assert {parent.name: [child.name for child in children] for parent, children in found.children.items()} == {
        "nightly": ["load_all"], "load_all": ["load_orders", "load_customers"],
    }  # fmt: skip


def run_of(name: str, number: int, parent: str, event_type: str = "START") -> dict[str, Any]:
    """An event of one of several runs of a job."""
    one = event(name, parent, event_type)
    return {**one, "run": {**one["run"], "runId": id_of(f"{name} {number}")}}


def test_a_job_that_different_ones_start_is_part_of_each(recorder: Recorder) -> None:
    recorder.send(run_of("load_orders", 1, "nightly"), run_of("load_orders", 2, "by_hand"))
    recorder.send(run_of("load_orders", 1, "nightly", "FAIL"))
    assert list(lineage(recorder).jobs[job("load_orders")].parents) == [job("nightly"), job("by_hand")]


def test_of_a_run_that_names_different_parents_the_latest_counts(recorder: Recorder) -> None:
    recorder.send(event("load_orders", "by_hand"), event("load_orders", "nightly", "COMPLETE"))
    found = lineage(recorder)
    assert list(found.jobs[job("load_orders")].parents) == [job("nightly")]
    assert job("by_hand") not in found.jobs


def test_a_parent_that_sent_no_event_has_a_node_all_the_same(recorder: Recorder) -> None:
    recorder.send(event("load_orders", "nightly"))
    found = lineage(recorder)
    assert list(found.jobs) == [job("load_orders"), job("nightly")]
    assert (found.jobs[job("nightly")].events, list(found.children)) == (0, [job("nightly")])


def test_a_job_is_no_part_of_itself(recorder: Recorder) -> None:
    recorder.send(event("load_orders", "load_orders"))
    assert (lineage(recorder).jobs[job("load_orders")].parents, lineage(recorder).children) == ({}, {})


def test_orgs_have_hierarchies_of_their_own(recorder: Recorder) -> None:
    recorder.send(event("load_orders", "nightly"))
    recorder.send(event("load_orders", "by_hand"), key=OTHER_KEY)
    assert list(recorder.views.lineage()[OTHER_ORG].jobs[job("load_orders")].parents) == [job("by_hand")]


# Runs.


def test_a_run_knows_all_that_it_is_part_of_from_the_top(recorder: Recorder) -> None:
    recorder.send(*(event(name, parent) for name, parent in PARENTS.items()))
    assert above(recorder, "load_orders") == ["nightly", "load_all"]
    assert above(recorder, "load_all") == ["nightly"]
    assert above(recorder, "nightly") == []


def test_what_is_above_ends_where_a_parent_sent_no_event(recorder: Recorder) -> None:
    recorder.send(event("load_all", "nightly"), event("load_orders", "load_all"))
    assert above(recorder, "load_orders") == [id_of("nightly"), "load_all"]


def test_runs_that_name_each_other_are_no_trouble(recorder: Recorder) -> None:
    recorder.send(event("one", "two"), event("two", "one"), event("three", "two"), event("self", "self"))
    assert above(recorder, "one") == ["two"]
    assert above(recorder, "three") == ["one", "two"]
    assert above(recorder, "self") == []


def test_a_chain_without_end_is_cut_off(recorder: Recorder) -> None:
    recorder.send(*(event(f"run {number}", f"run {number - 1}") for number in range(200)))
    assert above(recorder, "run 199") == [f"run {number}" for number in range(149, 199)]
