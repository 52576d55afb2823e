"""``mock_intake.audit.judge``: events of a DataFrame, as a Spark program of a user's has them judged."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.audit import judge
from mock_intake.audit.columns import judgements
from mock_intake.audit.dataframes import judged_batches
from mock_intake.audit.settings import JudgingSettings, WorkersDifferError, judge_of
from mock_intake.judging.blocks import RECORDED_ORG
from mock_intake.judging.config import Config, ConfigError
from mock_intake.judging.judgement import Judge, event_id
from mock_intake.model.findings import Selection, Severity
from tests.events import base, dataset, run_event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FINE = json.dumps(run_event())
JOB = {"namespace": "prod", "name": "load_orders"}
WITHOUT_JOB_TYPE = json.dumps(run_event(job=JOB))
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def judged(events: list[Any], settings: JudgingSettings | None = None) -> list[dict[str, Any]]:
    """What a worker makes of a batch of events, without Spark around it."""
    batch = pa.record_batch({"event": events})
    made = judged_batches(settings or JudgingSettings.of(Config()), NOW, 0, "judgement", [batch])
    return [row for one in made for row in one.column("judgement").to_pylist()]


def codes(judgement: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in judgement["findings"]]


def test_rows_keep_their_columns_and_get_what_check_says_of_their_event(spark: SparkSession) -> None:
    events = [FINE, WITHOUT_JOB_TYPE, "{", json.dumps(run_event(inputs=[dataset()], outputs=[dataset("a.b.c")]))]
    given = [(f"row {number}", event, number / 2) for number, event in enumerate(events)]
    dataframe = spark.createDataFrame(given, "id string, event string, size double")
    rows = judge(dataframe).orderBy("id").collect()
    assert [(row.id, row.event, row.size) for row in rows] == given
    for row in rows:
        expected = Judge().judge(row.event.encode(), RECORDED_ORG)
        event, made = expected.event, row.judgement.asDict(recursive=True)
        assert made["findings"] == [finding.to_dict() for finding in expected.findings]
        assert made["id"] == (event_id(RECORDED_ORG, row.event.encode()) if event else None)
        assert made["job"] == (JOB if event else None)
        for name in ("kind", "event_type", "event_time", "run_id", "producer"):
            assert made[name] == (getattr(event, name) if event else None)
        for name in ("inputs", "outputs"):
            assert made[name] == ([one.to_dict() for one in getattr(event, name)] if event else [])
    assert [row.judgement.status for row in rows] == ["ok", "error", "error", "ok"]
    assert [row.judgement.outputs[0].name for row in rows if row.judgement.outputs] == ["a.b.c"]


def test_a_column_may_be_binary_and_a_null_is_told_of(spark: SparkSession) -> None:
    given = [(1, bytearray(FINE.encode())), (2, None), (3, bytearray(b'{"job": "\xff"}'))]
    dataframe = spark.createDataFrame(given, "number int, body binary").repartition(2)
    rows = judge(dataframe, "body", into="verdict").orderBy("number").collect()
    told = [[finding.message for finding in row.verdict.findings] for row in rows]
    assert [row.verdict.status for row in rows] == ["ok", "error", "error"]
    assert told[:2] == [[], ["the body is null"]]
    assert told[2][0].startswith("the body is no JSON: ")
    assert [row.body for row in rows] == [body for _, body in given]


def test_what_cannot_be_judged_is_refused_before_anything_runs(spark: SparkSession, tmp_path: Path) -> None:
    dataframe = spark.createDataFrame([(1, FINE, {"a": "b"})], "id int, event string, parsed map<string, string>")
    with pytest.raises(ValueError, match="no column body; there are id, event, parsed"):
        judge(dataframe, "body")
    with pytest.raises(ValueError, match=r"is of the type map; .*to_json makes a string again"):
        judge(dataframe, "parsed")
    with pytest.raises(ValueError, match="there is a column ID already; name the new one with into="):
        judge(dataframe, into="ID")
    with pytest.raises(ConfigError, match="there is no rule DD9"):
        judge(dataframe, ignore=["DD9"])
    with pytest.raises(ValueError, match=r"no \*\.json file there"):
        judge(dataframe, facets=tmp_path)


def test_settings_of_a_file_and_schemas_travel_to_workers(spark: SparkSession, tmp_path: Path) -> None:
    schema = {
        "$id": "https://acme.example/Retry.json",
        "properties": {"acme_retry": {"type": "object", "required": ["attempt"]}},
    }
    schemas, config = tmp_path / "schemas", tmp_path / "pyproject.toml"
    schemas.mkdir()
    (schemas / "Retry.json").write_text(json.dumps(schema))
    config.write_text('[tool.mock-intake]\nfacets = "schemas"\nseverity = { DD101 = "info" }\n')
    event = run_event(job=JOB, run={"runId": run_event()["run"]["runId"], "facets": {"acme_retry": base("Retry", "1")}})
    dataframe = judge(spark.createDataFrame([(json.dumps(event),)], "event string"), config=config, ignore=["OL108"])
    # Nothing has run yet, and a worker has no such directory.
    (schemas / "Retry.json").unlink()
    config.unlink()
    rows = dataframe.selectExpr("judgement.status", "inline(judgement.findings)").collect()
    assert {row.code: (row.status, row.severity) for row in rows} == {
        "DD101": ("warning", "info"),
        "OL103": ("warning", "warning"),
    }


def test_a_process_has_one_judge_for_the_same_settings_however_they_came() -> None:
    selection = Selection(frozenset({"DD"}), frozenset({"DD5"}), {"DD101": Severity.WARNING})
    settings = JudgingSettings.of(Config(selection))
    travelled = pickle.loads(pickle.dumps(settings))  # noqa: S301 - our own
    assert judge_of(travelled) is judge_of(settings)
    assert judge_of(travelled).selection == selection
    assert [codes(one) for one in judged([WITHOUT_JOB_TYPE], travelled)] == [["DD101"]]
    assert judged([WITHOUT_JOB_TYPE], travelled)[0]["status"] == "warning"


def test_a_worker_with_other_packages_than_the_driver_refuses_to_judge() -> None:
    settings = JudgingSettings.of(Config())._replace(packages=("mock-intake 0.1", "acme-rules 2.0"))
    with pytest.raises(WorkersDifferError, match=r"A worker .* has mock-intake \S+; the driver has mock-intake 0"):
        judged([FINE], settings)


def test_findings_of_a_batch_show_no_secret_of_a_name() -> None:
    namespace = "postgres://me:hunter2hunter2@db:5432"
    event = json.dumps(run_event(inputs=[dataset("orders", namespace)]))
    (made,) = judged([event])
    assert made["inputs"] == [{"namespace": namespace, "name": "orders"}]
    assert made["findings"]
    assert "hunter2" not in json.dumps(made["findings"])


def test_a_large_batch_comes_back_in_small_ones_with_all_rows_in_order() -> None:
    events = [json.dumps(run_event(job={**JOB, "name": f"job {number}"})) for number in range(1_201)]
    batch = pa.record_batch({"number": list(range(1_201)), "event": events})
    made = list(judged_batches(JudgingSettings.of(Config()), NOW, 1, "judgement", [batch]))
    assert max(one.num_rows for one in made) < 1_201
    table = pa.Table.from_batches(made)
    assert table.column("number").to_pylist() == list(range(1_201))
    assert [one["job"]["name"] for one in table.column("judgement").to_pylist()] == [f"job {n}" for n in range(1_201)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(run_event())), _JSON | st.just({"runId": "\ud83d"})), max_size=4)
)
def test_whatever_events_hold_their_findings_become_columns(changes: list[dict[str, Any]]) -> None:
    bodies = [json.dumps({**run_event(), **change}).encode() for change in changes]
    expected = [Judge().judge(body, RECORDED_ORG, arrived=NOW) for body in bodies]
    made = judgements(expected).to_pylist()
    assert [one["status"] for one in made] == [judgement.event.status for judgement in expected if judgement.event]
    assert [codes(one) for one in made] == [[finding.code for finding in one.findings] for one in expected]
