"""Kind 5: names, times and ids that can name nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Severity, Sureness
from mock_intake.rules.examples import changed
from tests.cases.judged import Body, codes, found_in, of, texts
from tests.events import RUN_ID, base, dataset, job_type, run_event

POSTGRES = "postgres://wh:5432"
INFO, WARNING = Severity.INFO, Severity.WARNING


def reads(namespace: str, name: str) -> Body:
    return run_event("RUNNING", inputs=[dataset(name, namespace)])


def runs(namespace: str, name: str) -> Body:
    return changed(run_event("RUNNING"), {"/job/namespace": namespace, "/job/name": name})


def rules_of(event: Body, level: Severity = WARNING) -> set[str]:
    """What is said of the event itself, its run being no matter here."""
    return {code for code in codes(found_in(event), level) if code[:2] in ("DD", "OL")}


NAMES: list[tuple[str, str, str, str]] = [
    # White space and what nobody sees.
    (POSTGRES, " shop.public.orders", "DD208", 'Write "shop.public.orders".'),
    (POSTGRES, "shop.public.orders\n", "DD208", 'Write "shop.public.orders".'),
    (POSTGRES, "shop.public.or\u200bders", "DD208", 'Write "shop.public.orders".'),
    (POSTGRES, "shop.public\u00a0.orders", "DD208", 'Write "shop.public.orders".'),
    (f"{POSTGRES} ", "shop.public.orders", "DD208", f'Write "{POSTGRES}".'),
    ("\ufeffkafka://broker:9092", "orders", "DD208", 'Write "kafka://broker:9092".'),
    ("s3://lake", "raw/orders\t", "DD208", 'Write "raw/orders".'),
    # Nothing at all, on a platform that is known and on one that is not.
    (POSTGRES, "", "DD204", "the name is empty"),
    ("kafka://broker:9092", "\u200b ", "DD204", "the name is empty"),
    # What was never filled in.
    ("postgres://null:5432", "shop.public.orders", "DD209", '"null" in the namespace'),
    ("postgres://wh:None", "shop.public.orders", "DD209", '"None" in the namespace'),
    ("postgres://{{ conn.wh.host }}:5432", "shop.public.orders", "DD209", '"{{ conn.wh.host }}" in the namespace'),
    ("snowflake://acme-None", "SHOP.PUBLIC.ORDERS", "DD209", '"None" in the namespace'),
    ("snowflake://None.snowflakecomputing.com", "SHOP.PUBLIC.ORDERS", "DD209", '"None" in the namespace'),
    ("s3://${BUCKET}", "raw/orders", "DD209", '"${BUCKET}" in the namespace'),
    ("arn:aws:glue:None:123456789012", "shop.orders", "DD209", '"None" in the namespace'),
    ("None", "shop.public.orders", "DD209", '"None" in the namespace'),
    ("snowflake://<org>-<account>", "SHOP.PUBLIC.ORDERS", "DD209", "in the namespace"),
    (POSTGRES, "shop.null.orders", "DD209", '"null" in the name'),
    (POSTGRES, "shop.{schema}.orders", "DD209", '"{schema}" in the name'),
    (POSTGRES, "$DB.public.orders", "DD209", '"$DB" in the name'),
    (POSTGRES, "shop.public.<lambda>", "DD209", '"<lambda>" in the name'),
    ("kafka://broker:9092", "None", "DD209", '"None" in the name'),
    ("kafka://broker:9092", "[object Object]", "DD209", '"[object Object]" in the name'),
    ("s3://lake", "raw/None/orders", "DD209", '"None" in the name'),
    ("gs://lake", "raw/<__main__.Table object at 0x7f3a2c>/x", "DD209", "<__main__.Table object at 0x7f3a2c>"),
    ("pubsub", "topic:${project}:orders", "DD209", '"${project}" in the name'),
    # Several at once, and parts of one.
    ("kafka://broker:9092", "orders.*", "DD210", "a pattern of topics"),
    ("kafka://broker:9092", "^orders-[0-9]+$", "DD210", "a pattern of topics"),
    ("mysql://db:3306", "shop.orders_%", "DD210", "a pattern of tables"),
    ("hive://metastore:9083", "shop.orders/ds=2026-01-01", "DD210", "a partition of a table"),
    # Left by a shell, a chart or a pod's specification.
    (POSTGRES, "$(DB).public.orders", "DD209", '"$(DB)" in the name'),
    (POSTGRES, "{{ .Values.db }}.public.orders", "DD209", '"{{ .Values.db }}" in the name'),
    ("postgres://$(DB_HOST):5432", "shop.public.orders", "DD209", '"$(DB_HOST)" in the namespace'),
    # SQL.
    (POSTGRES, "select * from orders join items using (id)", "DD212", "a whole SQL statement"),
    (POSTGRES, "(SELECT a.b FROM shop.public.orders) AS t", "DD212", "a whole SQL statement"),
    (POSTGRES, "-- daily\nWITH x AS (SELECT 1) SELECT * FROM x", "DD212", "a whole SQL statement"),
    ("file", "/* by ann */ insert into daily select 1", "DD212", "a whole SQL statement"),
    ("bigquery", "MERGE INTO acme.shop.orders USING x ON a = b", "DD212", "a whole SQL statement"),
]


@pytest.mark.parametrize(("namespace", "name", "code", "words"), NAMES)
def test_a_name_that_can_name_nothing_is_a_warning_and_no_other(
    namespace: str, name: str, code: str, words: str
) -> None:
    findings = found_in(reads(namespace, name))
    assert rules_of(reads(namespace, name)) == {code}
    assert any(words in text for finding in of(findings, code) for text in texts(finding))


NO_MORE_THAN_INFO: list[tuple[str, str, str]] = [
    ("bigquery", "acme-prod.shop.events_*", "DD210"),
    ("bigquery", "acme-prod.shop.orders$20260101", "DD210"),
    ("s3://lake", "raw/*/orders.csv", "DD210"),
    ("s3://lake", "raw/year=2026", "DD210"),
    ("gs://lake", "raw/{a,b}.csv", "DD210"),
    ("file", "/tmp/pytest-of-ann/orders.csv", "DD211"),
    ("hdfs://namenode:8020", "/user/etl/_temporary/0", "DD211"),
    ("file", "/var/folders/x1/T/orders.csv", "DD211"),
]


@pytest.mark.parametrize(("namespace", "name", "code"), NO_MORE_THAN_INFO)
def test_what_is_usual_of_a_platform_is_no_more_than_an_info(namespace: str, name: str, code: str) -> None:
    assert rules_of(reads(namespace, name)) == set()
    assert code in rules_of(reads(namespace, name), INFO)


NAMING_SOMETHING: list[tuple[str, str]] = [
    ("postgres://localhost:5432", "shop.public.orders"),
    (POSTGRES, "shop.public.null"),
    ("oracle://db:1521", "ORCL.SYS.V$PARAMETER"),
    (POSTGRES, "shop.public.unknown"),
    (POSTGRES, "shop.public.None"),
    (POSTGRES, "nullable.nonesuch.orders"),
    (POSTGRES, "shop.public.selections"),
    (POSTGRES, "shop.public.Order Details"),
    (POSTGRES, 'shop.public."a * b"'),
    (POSTGRES, "shop.public.load_20260101"),
    (POSTGRES, "shop.public.customer_1001"),
    ("postgres://none-such.example:5432", "shop.public.orders"),
    ("trino://trino:8080", 'hive.shop."orders$partitions"'),
    ("mssql://db:1433", "shop.dbo.[order items]"),
    ("bigquery", "acme-prod.shop.events_20260101"),
    ("kafka://broker:9092", "shop.orders-v2_raw"),
    ("s3://lake", "raw/nonesuch/select orders.csv"),
    ("file", "/srv/reports/update of orders.csv"),
    ("file", "C:/data/attempt/template.csv"),
    ("oracle://db:1521", "ORCL.SYS.V$SESSION"),
    ("snowflake://acme-prod", "SHOP.PUBLIC.ORDERS$1"),
    (POSTGRES, "shop.public.\U0001f469\u200d\U0001f52c"),
]


@pytest.mark.parametrize(("namespace", "name"), NAMING_SOMETHING)
def test_a_name_that_can_be_one_is_silent(namespace: str, name: str) -> None:
    assert rules_of(reads(namespace, name), INFO) == set()


JOBS: list[tuple[str, str, str, str]] = [
    ("prod", "", "DD107", "the job's name is empty"),
    (" ", "load", "DD107", "the job's namespace is empty"),
    ("prod", "\u200b", "DD107", "the job's name is empty"),
    ("prod ", "load", "DD108", 'Write "prod".'),
    ("prod", "load\r\n", "DD108", 'Write "load".'),
    ("prod", "lo\x00ad", "DD108", 'Write "load".'),
    ("prod", "unknown", "DD109", '"unknown" in the job\'s name'),
    ("prod", "Unknown", "DD109", '"Unknown" in the job\'s name'),
    ("None", "load", "DD109", '"None" in the job\'s namespace'),
    ("{{ env }}", "load", "DD109", "in the job's namespace"),
    ("prod", "None.load", "DD109", '"None" in the job\'s name'),
    ("prod", "load.%(table)s", "DD109", '"%(table)s" in the job\'s name'),
    ("$(hostname)", "load", "DD109", '"$(hostname)" in the job\'s namespace'),
    ("${ENV:-dev}", "load", "DD109", '"${ENV:-dev}" in the job\'s namespace'),
    ("prod", "<function load at 0x7f>", "DD109", "<function load at 0x7f>"),
]


@pytest.mark.parametrize(("namespace", "name", "code", "words"), JOBS)
def test_a_job_that_is_named_nothing_is_a_warning(namespace: str, name: str, code: str, words: str) -> None:
    event = runs(namespace, name)
    assert rules_of(event) == {code}
    assert any(words in text for finding in of(found_in(event), code) for text in texts(finding))


def test_so_is_a_parent_that_is_named_nothing() -> None:
    parent = {
        **base("ParentRunFacet", "1-1-0"),
        "run": {"runId": "00000000-0000-0000-0000-000000000000"},
        "job": {"namespace": "prod", "name": " nightly"},
    }
    event = changed(run_event("RUNNING"), {"/run/facets/parent": parent})
    assert rules_of(event) == {"DD108", "DD111"}
    pointers = {finding.pointer for finding in found_in(event) if finding.code in ("DD108", "DD111")}
    assert pointers == {"/run/facets/parent/job/name", "/run/facets/parent/run/runId"}
    root = {
        "run": {"runId": "F" * 8 + "-FFFF-FFFF-FFFF-" + "F" * 12},
        "job": {"namespace": "prod", "name": "{{ dag }}"},
    }
    event = changed(event, {"/run/facets/parent/run/runId": RUN_ID, "/run/facets/parent/root": root})
    assert rules_of(event) == {"DD108", "DD109", "DD111"}
    # A root that is the parent has been spoken of.
    same = changed(event, {"/run/facets/parent/root": {part: parent[part] for part in ("run", "job")}})
    assert len([finding for finding in found_in(same) if finding.code == "DD108"]) == 1


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("default", "unknown_orders"), ("prod", "load orders"), ("prod", "unknown.load"), ("unknown", "load"),
        ("prod", "none_left"), ("prod", "a {b} c"), ("prod", "load<orders>"), ("prod", "100% load"),
    ],
)  # fmt: skip
def test_a_job_with_a_name_of_its_own_is_silent(namespace: str, name: str) -> None:
    assert rules_of(runs(namespace, name), INFO) == set()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("integration", "", "DD112"),
        ("integration", "ACME ", "DD112"),
        ("integration", "None", "DD112"),
        ("integration", "${integration}", "DD112"),
        ("jobType", " ", "DD113"),
        ("jobType", "TASK\n", "DD113"),
        ("processingType", "", "DD103"),
    ],
)
def test_a_field_of_the_job_type_that_says_nothing_is_a_warning(field: str, value: str, code: str) -> None:
    event = changed(run_event("RUNNING"), {f"/job/facets/jobType/{field}": value})
    assert rules_of(event) == {code}


def test_a_job_type_that_says_nothing_at_all_is_none() -> None:
    hollow = job_type(processingType="", integration="", jobType="")
    event = changed(run_event("RUNNING"), {"/job/facets/jobType": hollow})
    assert rules_of(event) == {"DD101", "DD103"}
    [finding] = of(found_in(event), "DD101")
    assert (finding.severity, finding.pointer) == (Severity.ERROR, "/job/facets/jobType")
    assert "says nothing" in finding.message


def test_a_query_in_other_letters_is_read_as_one_as_is_assumed() -> None:
    sureness = {
        word: of(found_in(changed(run_event(), {"/job/facets/jobType/jobType": word})), "DD104")[0].sureness
        for word in ("QUERY", "query", "Query")
    }
    assert sureness == {
        "QUERY": Sureness.DOCUMENTED, "query": Sureness.ASSUMED, "Query": Sureness.ASSUMED,
    }  # fmt: skip
    assert of(found_in(changed(run_event(), {"/job/facets/jobType/jobType": "QUERIES"})), "DD104") == []


ARRIVED = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)


def times_told(text: str, arrived: datetime | None = ARRIVED) -> list[str]:
    body = json.dumps(run_event(eventTime=text)).encode()
    findings = Judge().judge(body, "org", arrived=arrived).findings
    return [finding.message for finding in findings if finding.code == "DD110"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1970-01-01T00:00:00Z", "in the year 1970"),
        ("0001-01-01T00:00:00Z", "in the year 1"),
        ("1999-12-31T23:59:59.999Z", "in the year 1999"),
        ("2026-11-30T09:31:00Z", "more than a day after now"),
        ("2026-11-30T23:31:00+14:00", "more than a day after now"),
        ("2026-11-29T21:31:00-12:00", "more than a day after now"),
        ("2026-11-30T09:31:00", "more than a day after now"),
        ("2027-11-29T09:30:00Z", "more than a day after now"),
        ("9999-12-31T23:59:59Z", "more than a day after now"),
    ],
)
def test_a_time_long_past_or_in_the_future_is_implausible(text: str, words: str) -> None:
    [message] = times_told(text)
    assert words in message


@pytest.mark.parametrize(
    "text",
    [
        "2000-01-01T00:00:00Z", "2023-10-05T12:00:00Z", "2026-11-30T09:29:00Z", "2026-11-30T23:29:00+14:00",
        "2026-11-29T21:29:00-12:00", "yesterday", "", "9" * 5_000,
    ],
)  # fmt: skip
def test_other_times_are_silent(text: str) -> None:
    assert times_told(text) == []


def test_without_a_time_of_arrival_no_time_is_too_late() -> None:
    assert times_told("2999-01-01T00:00:00Z", None) == []


def test_what_is_checked_arrived_now_at_the_latest() -> None:
    now = datetime.now(UTC)
    later = run_event("RUNNING", eventTime=(now + timedelta(days=3)).isoformat())
    assert "DD110" in codes(found_in(later))
    assert "DD110" not in codes(found_in(run_event("RUNNING", eventTime=now.isoformat())))


@pytest.mark.parametrize("run_id", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_the_nil_uuid_is_no_run(run_id: str) -> None:
    assert rules_of(run_event("RUNNING", run={"runId": run_id})) == {"DD111"}
    assert rules_of(run_event("RUNNING", run={"runId": run_id[:-1] + "1"})) == set()


def test_datasets_that_differ_in_white_space_would_not_join() -> None:
    def pair(one: str, other: str) -> list[str]:
        events = [reads(POSTGRES, one), reads(POSTGRES, other)]
        return [finding.code for finding in found_in(*events) if finding.code.startswith("DS")]

    assert pair("shop.public.orders", "shop.public.orders\n") == ["DS107"]
    assert pair("shop.public.orders", "shop. public.orders") == ["DS107"]
    assert pair("shop.public.orders", "shop.public.Orders ") == ["DS106"]
    assert pair("shop.public.order items", "shop.public.orderitems") == []


def lineage(*entries: Body, of: str = "Job") -> Body:
    fields = base("LineageFacet", "1-0-0")
    address = fields["_schemaURL"].partition("#")[0]
    return {**fields, "_schemaURL": f"{address}#/$defs/Lineage{of}Facet", "entries": list(entries)}


def entry(name: str, namespace: str = POSTGRES, **more: object) -> Body:
    return {"namespace": namespace, "name": name, "type": "DATASET", **more}


IN_LINEAGE: list[tuple[Body, str, str]] = [
    (entry("daily"), "DD204", "entries/0/name"),
    (entry("shop.public.daily", inputs=[entry("None.public.orders")]), "DD209", "entries/0/inputs/0/name"),
    (
        entry("shop.public.daily", fields={"a": {"inputs": [entry("SELECT 1 FROM x", field="a")]}}),
        "DD212",
        "entries/0/fields/a/inputs/0/name",
    ),
    (entry("shop.public.daily", "postgresql://db:5432"), "DD202", "entries/0/namespace"),
    (
        entry("shop.public.daily", inputs=[{"type": "JOB", "namespace": "prod", "name": "unknown"}]),
        "DD109",
        "entries/0/inputs/0/name",
    ),
]


@pytest.mark.parametrize(("named", "code", "pointer"), IN_LINEAGE, ids=[pointer for *_, pointer in IN_LINEAGE])
def test_names_in_an_explicit_lineage_facet_are_names(named: Body, code: str, pointer: str) -> None:
    event = changed(run_event("RUNNING"), {"/job/facets/lineage": lineage(named)})
    assert rules_of(event) == {code}
    [finding] = of(found_in(event), code)
    assert finding.pointer == f"/job/facets/lineage/{pointer}"


def test_so_are_those_in_the_lineage_facet_of_a_dataset() -> None:
    facet = {**lineage(of="Dataset"), "inputs": [entry("shop.public.orders ")]}
    del facet["entries"]
    event = run_event("RUNNING", outputs=[dataset("shop.public.daily", lineage=facet)])
    assert [finding.pointer for finding in of(found_in(event), "DD208")] == ["/outputs/0/facets/lineage/inputs/0/name"]


def test_names_in_lineage_that_are_right_are_silent() -> None:
    own_job = {"type": "JOB", "inputs": [entry("shop.public.items")]}
    daily = entry("shop.public.daily", inputs=[entry("shop.public.orders", field="id")])
    event = changed(run_event("RUNNING"), {"/job/facets/lineage": lineage(daily, own_job)})
    assert rules_of(event, INFO) == set()


def test_a_dataset_that_only_lineage_names_would_not_join_either() -> None:
    flow = entry("shop.public.daily", inputs=[entry("shop.public.Orders")])
    event = run_event("RUNNING", inputs=[dataset("shop.public.orders", POSTGRES)])
    [finding] = of(found_in(changed(event, {"/job/facets/lineage": lineage(flow)})), "DS101")
    assert finding.actual == f"{POSTGRES} shop.public.Orders"
    facet = {**lineage(of="Dataset"), "inputs": [entry("shop.public.Orders")]}
    event = changed(event, {"/outputs": [dataset("shop.public.daily", POSTGRES, lineage=facet)]})
    assert len(of(found_in(event), "DS101")) == 1
    jobs = lineage({"type": "JOB", "namespace": POSTGRES, "name": "shop.public.Orders"})
    assert (
        of(
            found_in(
                changed(
                    run_event("RUNNING", inputs=[dataset("shop.public.orders", POSTGRES)]),
                    {"/job/facets/lineage": jobs},
                )
            ),
            "DS101",
        )
        == []
    )
