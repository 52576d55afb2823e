"""What the provider makes that nothing is wrong with: by our judge, and by the official schemas."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.datadog.naming import PLATFORMS as NAMING
from mock_intake.datadog.naming import platform_of
from mock_intake.fake.estate import PLATFORMS
from mock_intake.fake.facets import keys_of
from mock_intake.fake.samples import OPTIONS
from mock_intake.model.event import Entity, EventView
from mock_intake.openlineage.facts import FACETS
from mock_intake.openlineage.schema import documents
from tests.commands import clean_environment
from tests.events import base, dataset, dataset_event, job_type, run_event
from tests.fake.judging import Body, codes, encoded, found, found_over, seeded
from tests.openlineage.verdicts import judge_of
from tests.openlineage.versions import LATEST

ENTITIES: tuple[Entity, ...] = ("run", "job", "dataset", "input", "output")
EVERY_FACET = [(entity, key) for entity in ENTITIES for key in keys_of(entity)]


def test_over_a_thousand_events_have_no_finding_at_all() -> None:
    fake = seeded(1)
    events = [make() for _ in range(400) for make in (fake.run_event, fake.job_event, fake.dataset_event)]
    assert [finding for event in events for finding in found(event)] == []
    types = Counter(event.get("eventType") for event in events)
    assert {"START", "RUNNING", "COMPLETE", "FAIL"} <= set(types)


def test_a_recording_of_many_runs_has_no_finding_at_all() -> None:
    fake = seeded(2)
    events: list[Body] = []
    for number in range(160):
        events += fake.run_cycle(("COMPLETE", "FAIL", None)[number % 3], children=number % 4)
        events += [fake.job_event(), fake.dataset_event()]
    assert len(events) > 1_000
    assert found_over(events) == []


def test_the_official_schemas_accept_events_and_all_their_facets() -> None:
    fake = seeded(3)
    targets: Counter[str] = Counter()
    for _ in range(300):
        for event in (fake.run_event(), fake.job_event(), fake.dataset_event()):
            for target, value in parts(event):
                assert judge_of(target)(value), f"{target} refuses {json.dumps(value)}"
                targets[target.rpartition("/")[2]] += 1
    assert {"RunEvent", "JobEvent", "DatasetEvent", "ColumnLineageDatasetFacet", "SQLJobFacet"} <= set(targets)


def parts(event: Body) -> Iterator[tuple[str, Any]]:
    """The event and each facet in it, with the addresses of the schemas that they name."""
    yield event["schemaURL"], event
    for group in EventView(event).facet_groups():
        for facet in group.facets.values():
            yield facet["_schemaURL"], facet


@given(
    seed=st.integers(0, 2**64),
    end=st.sampled_from(["COMPLETE", "FAIL", "ABORT", None]),
    children=st.integers(0, 4),
    running=st.none() | st.integers(0, 3),
)
def test_a_cycle_is_in_order_and_whole(seed: int, end: str | None, children: int, running: int | None) -> None:
    events = seeded(seed).run_cycle(end, children=children, running=running)
    assert codes(found_over(events)) == ({"DD506"} if end == "ABORT" else set())  # an aborted run makes no span
    assert [one for one, next_one in pairwise(times(events)) if one > next_one] == []
    assert events[0]["eventType"] == "START"
    own = [event for event in events if event["run"]["runId"] == events[0]["run"]["runId"]]
    middle = own[1:] if end is None else own[1:-1]
    assert {event["eventType"] for event in middle} <= {"RUNNING"}
    assert running is None or len(middle) == running
    assert end is None or events[-1] is own[-1]
    assert end is None or own[-1]["eventType"] == end
    assert len({event["run"]["runId"] for event in events}) == 1 + children


def times(events: list[Body]) -> list[datetime]:
    return [datetime.fromisoformat(event["eventTime"]) for event in events]


@given(seed=st.integers(0, 2**64), end=st.sampled_from(["COMPLETE", "FAIL"]))
def test_children_name_their_parent_and_the_root_of_all(seed: int, end: str) -> None:
    fake = seeded(seed)
    dag = fake.run_cycle(end, children=2)
    root = {
        "run": {"runId": dag[0]["run"]["runId"]},
        "job": {name: dag[0]["job"][name] for name in ("namespace", "name")},
    }
    children = [event for event in dag if event["run"]["runId"] != root["run"]["runId"]]
    for event in children:
        facet = event["run"]["facets"]["parent"]
        assert {"run": facet["run"], "job": facet["job"]} == facet["root"] == root
    assert [event["eventType"] for event in children] == ["START", "COMPLETE", "START", end]
    grandchild = fake.run_cycle(parent=children[0])[0]["run"]["facets"]["parent"]
    assert (grandchild["run"]["runId"], grandchild["root"]) == (children[0]["run"]["runId"], root)


def test_a_parent_can_be_an_event_of_the_users_own() -> None:
    own = run_event("START")
    child = seeded(4).run_cycle(parent=own)
    assert child[0]["run"]["facets"]["parent"]["run"] == {"runId": own["run"]["runId"]}
    assert codes(found_over([own, *child, run_event("COMPLETE")])) == set()


@given(seed=st.integers(0, 2**64))
def test_a_failed_run_says_why(seed: int) -> None:
    event = seeded(seed).run_event(eventType="FAIL")
    facet = event["run"]["facets"]["errorMessage"]
    assert facet["message"] in facet["stackTrace"]


# The company that is made up has tables and files; it keeps no documents, dashboards or vectors.
NOT_MADE_UP = {
    "Box", "FileNet", "SharePoint", "In memory", "Milvus", "Spanner", "Unity Catalog", "Microsoft Fabric Warehouse",
    "Iceberg", "Tableau", "Looker", "Power BI", "Metabase", "Sigma", "Hex", "Fivetran",
}  # fmt: skip


def test_the_platforms_of_tables_and_files_can_be_asked_for() -> None:
    assert set(PLATFORMS) | NOT_MADE_UP == {platform.title for platform in NAMING}
    assert not NOT_MADE_UP & set(PLATFORMS)


@pytest.mark.parametrize("title", PLATFORMS)
def test_a_platform_asked_for_is_there_and_rightly_named(title: str) -> None:
    fake = seeded(5)
    for _ in range(15):
        cycle = fake.run_cycle(platform=title)
        assert found_over(cycle) == []
        for event in (fake.run_event(platform=title), fake.job_event(platform=title), *cycle):
            assert title in platforms(event)
        assert platforms(fake.dataset_event(platform=title)) == {title}


def platforms(event: Body) -> set[str]:
    found_in_event = [platform_of(dataset.namespace or "") for dataset in EventView(event).datasets]
    return {platform.title for platform in found_in_event if platform is not None}


def test_the_query_runs_on_the_tables_of_the_event_and_fills_the_columns_of_the_output() -> None:
    """In SQLite, which takes any type of a column; only the names of tables are made simple for it."""
    fake = seeded(6)
    ran: Counter[str] = Counter()
    while sum(ran.values()) < 250:
        event = fake.run_event(eventType="COMPLETE")
        facet = event["job"]["facets"].get("sql")
        if facet is None:
            continue
        query, database = facet["query"], sqlite3.connect(":memory:")
        for number, table in enumerate((*event["inputs"], *event["outputs"])):
            names = [field["name"] for field in table["facets"]["schema"]["fields"]]
            parts_of_name = table["name"].split(".")
            written = [".".join(parts_of_name[first:]) for first in range(len(parts_of_name))]
            spelled = next(f"`{name}`" if f"`{name}`" in query else name for name in written if f"{name}" in query)
            assert spelled.strip("`").count(".") >= 1, "a query names a table with what it stands in"
            query = query.replace(spelled, f"t{number}")
            database.execute(f"CREATE TABLE t{number} ({', '.join(names)})")
        output = len(event["inputs"])
        filled = query.replace(f"INSERT INTO t{output} ({', '.join(names)})\n", "")
        assert filled.startswith("SELECT")
        database.execute(query)
        assert len(database.execute(filled).description) == len(names)
        ran[facet["dialect"]] += 1
        database.close()
    assert set(ran) == {platform.dialect for platform in PLATFORMS.values()} - {None}


def test_column_lineage_agrees_with_the_schemas_of_inputs_and_outputs() -> None:
    fake = seeded(7)
    for _ in range(300):
        event = fake.run_event(eventType="COMPLETE")
        known = {(entry["namespace"], entry["name"], column) for entry in event["inputs"] for column in columns(entry)}
        [output] = event["outputs"]
        lineage = output["facets"]["columnLineage"]
        assert list(lineage["fields"]) == columns(output)
        sources = [source for entry in lineage["fields"].values() for source in entry["inputFields"]]
        named = {(source["namespace"], source["name"], source["field"]) for source in (*sources, *lineage["dataset"])}
        assert named <= known
        assert {name[:2] for name in named} == {name[:2] for name in known}


def columns(entry: Body) -> list[str]:
    return [field["name"] for field in entry["facets"]["schema"]["fields"]]


def test_counts_agree_with_each_other() -> None:
    fake = seeded(8)
    measured = 0
    for _ in range(300):
        event = fake.run_event(eventType="COMPLETE")
        for entry in event["inputs"]:
            rows = entry["inputFacets"]["inputStatistics"]["rowCount"]
            metrics = entry["inputFacets"].get("dataQualityMetrics")
            if metrics is not None:
                measured += 1
                assert metrics["rowCount"] == rows
                assert list(metrics["columnMetrics"]) == columns(entry)
                for column in metrics["columnMetrics"].values():
                    assert column["nullCount"] + column["count"] == rows
                    assert 1 <= column["distinctCount"] <= column["count"]
        rows_read = sum(entry["inputFacets"]["inputStatistics"]["rowCount"] for entry in event["inputs"])
        assert 0 < event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] <= rows_read
    assert measured > 20


@pytest.mark.parametrize(("entity", "key"), EVERY_FACET, ids=lambda value: str(value))
def test_every_facet_of_the_standard_can_be_made_by_its_key(entity: Entity, key: str) -> None:
    make = getattr(seeded(9), f"{entity}_facet")
    for _ in range(40):
        facet = make(key)
        # Of a run's tags it is always said that they do not become the span's; the event that carries it is COMPLETE.
        allowed = {("run", "tags"): {"DD404"}, ("run", "errorMessage"): {"OL406"}}.get((entity, key), set())
        assert codes(found(carrying(entity, key, facet))) <= allowed


def test_the_official_schemas_accept_every_facet() -> None:
    fake = seeded(9)
    for entity, key in EVERY_FACET:
        for _ in range(40):
            facet = getattr(fake, f"{entity}_facet")(key)
            assert judge_of(facet["_schemaURL"])(facet), json.dumps(facet)


def carrying(entity: Entity, key: str, facet: Body) -> Body:
    """An event with nothing but this facet that could be wrong."""
    if entity == "dataset":
        return dataset_event(dataset={**dataset(), "facets": {key: facet}})
    if entity in ("input", "output"):
        return {**run_event(), f"{entity}s": [{**dataset(), f"{entity}Facets": {key: facet}}]}
    event = run_event("COMPLETE")
    event[entity]["facets"][key] = facet
    return event


def test_every_facet_of_the_tables_has_a_key_on_every_entity_that_it_can_be_on() -> None:
    wanted = {(entity, facet.key) for facet in FACETS for entity in facet.entities}
    assert set(EVERY_FACET) == wanted


def test_facets_are_of_the_latest_version_with_the_fields_that_were_asked_for() -> None:
    facet = seeded(10).job_facet("sql", query="SELECT 1", dialect="postgres")
    assert facet == {
        **base("SQLJobFacet", LATEST["SQLJobFacet"]),
        "_producer": facet["_producer"],
        "query": "SELECT 1",
        "dialect": "postgres",
    }


def test_every_sample_is_for_a_field_that_some_facet_has() -> None:
    fields = set(_names(list(documents().values())))
    assert [name for name in OPTIONS if name.rpartition(".")[2] not in fields] == []


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _names(child)


@given(seed=st.integers(0, 2**64), at=st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_time_can_be_said(seed: int, at: datetime) -> None:
    fake = seeded(seed)
    wanted = at.replace(microsecond=at.microsecond // 1000 * 1000)
    cycle = fake.run_cycle(at=at, children=1)
    assert times([fake.run_event(at=at), fake.job_event(at=at), fake.dataset_event(at=at), cycle[0]]) == [wanted] * 4
    assert times(cycle)[-1] - wanted < timedelta(hours=1)
    # Whoever asks for a time that no run has gets it.
    assert codes(found_over(cycle)) - {"DD110"} == set()


def test_a_time_has_an_offset_and_comes_out_in_utc() -> None:
    fake = seeded(11)
    late = datetime(2026, 10, 25, 2, 59, tzinfo=ZoneInfo("Europe/Berlin"))  # the clocks go back a minute later
    event = fake.run_event(at=late)
    assert event["eventTime"] == "2026-10-25T00:59:00.000Z"
    assert fake.job_event(at=datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(hours=2))))["eventTime"].endswith(
        "10:00:00.000Z"
    )
    with pytest.raises(ValueError, match="2026-11-01T00:00:00 has no offset"):
        fake.run_event(at=datetime(2026, 11, 1))  # noqa: DTZ001  the naive time is what this is about


def test_overrides_are_laid_over_the_event() -> None:
    fake = seeded(12)
    event = fake.run_event(
        eventType="COMPLETE", job={"name": "load", "facets": {"jobType": None}}, producer="https://a.example"
    )
    assert (event["job"]["name"], event["producer"]) == ("load", "https://a.example")
    assert "jobType" not in event["job"]["facets"]
    assert event["job"]["namespace"] in ("prod", "staging")
    assert codes(found(event)) == {"DD101"}


def test_inputs_of_the_users_own_leave_no_column_lineage_from_others() -> None:
    fake = seeded(13)
    for _ in range(20):
        event = fake.run_event(eventType="COMPLETE", inputs=[dataset("shop.public.orders")])
        assert codes(found(event)) <= {"DD502", "DD504"}  # no schema, no columnLineage: both are said as info
        again = fake.run_event(eventType="COMPLETE")
        assert found({**again, "inputs": again["inputs"]}) == ()


def test_a_change_in_one_event_changes_no_other() -> None:
    fake = seeded(14)
    job = job_type()
    events = fake.run_cycle(running=1, job={"facets": {"jobType": job}})
    before = [encoded(event) for event in events[1:]]
    events[0]["job"]["facets"]["jobType"]["integration"] = "SPARK"
    events[0]["inputs"][0]["facets"].clear()
    events[0]["run"]["facets"].clear()
    assert [encoded(event) for event in events[1:]] == before
    assert job["integration"] == "CUSTOM"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fake: fake.run_event(platform="Oracel"), "no platform is called 'Oracel'; there are BigQuery, "),
        (lambda fake: fake.job_facet("parent"), "no facet of a job has the key 'parent'; there are documentation, "),
        (
            lambda fake: fake.run_cycle("DONE"),
            r"a run ends with COMPLETE, FAIL, ABORT or \(None\) not at all, not with",
        ),
        (lambda fake: fake.run_cycle(eventType="FAIL"), "say end, running and at"),
    ],
)
def test_what_cannot_be_made_is_said(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(seeded(15))


SEEDED = """
import hashlib, json
from faker import Faker
from mock_intake.fake import OpenLineageProvider

fake = Faker({locale!r})
fake.add_provider(OpenLineageProvider)
fake.seed_instance(20261101)
made = [fake.run_event(), fake.job_event(), fake.dataset_event(), fake.run_cycle(children=2), fake.run_facet("test")]
made += [fake.broken_event("OL103"), fake.broken_events("DS101"), repr(fake.broken_requests("HT103"))]
print(hashlib.sha256(json.dumps(made).encode()).hexdigest())
"""


def test_a_seed_makes_the_same_events_in_every_process_and_locale() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", SEEDED.format(locale=locale)],
            env=clean_environment(PYTHONHASHSEED=hash_seed, TZ=zone),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed, zone, locale in (("1", "UTC", "en_US"), ("2", "Asia/Tokyo", "de_DE"))
    }
    assert len(digests) == 1


def test_other_seeds_make_other_events() -> None:
    assert len({encoded(seeded(seed).run_event()) for seed in range(200)}) == 200


def test_the_package_and_the_judge_do_without_faker() -> None:
    code = (
        "import sys, mock_intake, mock_intake.judging.judgement, mock_intake.cli.main\n"
        "assert 'faker' not in sys.modules\n"
        "sys.modules['faker'] = None\n"
        "import mock_intake.fake"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (
        done.stderr.splitlines()[-1] == "ModuleNotFoundError: fake events need Faker: pip install 'mock-intake[fake]'"
    )
