"""Kind 3: the counterpart is at hand and is asked. Kind 7: expected is what the rule or the majority says."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.model.findings import Severity
from mock_intake.rules.examples import Changes, changed
from tests.cases.judged import Body, codes, found_in, of, texts
from tests.events import base, dataset, job_event, run_event, schema

INFO, WARNING = Severity.INFO, Severity.WARNING
A, B, C = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
SERVER = "postgres://db:5432"


def event(event_type: str, second: int, run_id: str = A, job: str = "load", **more: Any) -> Body:
    changes = {"/run/runId": run_id, "/job/name": job, "/eventTime": f"2026-11-01T12:00:{second:02}Z"}
    return changed(run_event(event_type, **more), changes)


def under(run_id: str, job: str = "nightly", root: str | None = None) -> Changes:
    facet: Body = {
        **base("ParentRunFacet", "1-1-0"),
        "run": {"runId": run_id},
        "job": {"namespace": "prod", "name": job},
    }
    if root is not None:
        facet["root"] = {"run": {"runId": root}, "job": {"namespace": "prod", "name": job}}
    return {"/run/facets/parent": facet}


def told(*events: Body, code: str) -> list[str]:
    return [" ".join(texts(finding)) for finding in of(found_in(*events), code)]


NIGHTLY = (event("START", 0, B, "nightly"), event("COMPLETE", 59, B, "nightly"))


def test_a_parent_of_another_job_is_told_with_the_right_one() -> None:
    child = (changed(event("START", 1), under(B, "weekly")), event("COMPLETE", 2))
    [text] = told(*NIGHTLY, *child, code="RC402")
    assert "is of the job prod / weekly, and that is of prod / nightly" in text


@pytest.mark.parametrize(
    "events",
    [
        (*NIGHTLY, changed(event("START", 1), under(B)), event("COMPLETE", 2)),
        # The parent changed its name on the way, as Spark's applications do.
        (
            event("START", 0, B, "unknown"), event("COMPLETE", 9, B, "nightly"),
            changed(event("START", 1), under(B)), event("COMPLETE", 2),
        ),
        (changed(event("START", 1), under(C)), event("COMPLETE", 2)),
    ],
)  # fmt: skip
def test_a_parent_that_is_named_rightly_or_not_known_is_silent(events: tuple[Body, ...]) -> None:
    assert "RC402" not in codes(found_in(*events))


def test_a_parent_that_changes_within_a_run_is_told_with_what_most_events_say() -> None:
    child = [changed(event(kind, second), under(B)) for second, kind in ((1, "START"), (2, "RUNNING"))]
    [text] = told(*NIGHTLY, *child, changed(event("COMPLETE", 3), under(C, "weekly")), code="RC403")
    assert f"run {B} of prod / nightly" in text
    assert told(*NIGHTLY, *child, event("COMPLETE", 3), code="RC403") == []


@pytest.mark.parametrize(
    ("types", "missed"),
    [
        (("start", "success"), set()),
        (("STARTED", "Failed"), set()),
        (("begun?", "COMPLETE"), {"RC101"}),
        (("START", "done"), {"RC102"}),
    ],
)
def test_what_was_written_otherwise_was_not_lost(types: tuple[str, str], missed: set[str]) -> None:
    """That it is no eventType is said of the event; that it did not come would be another cause."""
    found = codes(found_in(event(types[0], 0), event(types[1], 9)))
    assert found & {"RC101", "RC102"} == missed
    assert "OL005" in found


def test_a_circle_of_runs_is_told_on_each_of_them() -> None:
    ring = [
        changed(event(kind, second, run_id, job), under(above, of_job))
        for run_id, job, above, of_job in ((A, "a", B, "b"), (B, "b", C, "c"), (C, "c", A, "a"))
        for second, kind in ((1, "START"), (2, "COMPLETE"))
    ]
    assert len(told(*ring, code="RC404")) == 3
    outside = [changed(event(kind, 1, "d" + A[1:], "d"), under(A, "a")) for kind in ("START", "COMPLETE")]
    assert len(told(*ring, *outside, code="RC404")) == 3, "who hangs from a circle is no part of it"


def test_a_run_that_is_its_own_parent_is_told_and_a_root_that_is_no_fault() -> None:
    own = [changed(event(kind, second), under(A, "load")) for second, kind in ((1, "START"), (2, "COMPLETE"))]
    assert len(told(*own, code="RC404")) == 1
    rooted = [changed(event(kind, 1), under(B, root=B)) for kind in ("START", "COMPLETE")]
    self_rooted = [changed(event(kind, 1), under(B, root=A)) for kind in ("START", "COMPLETE")]
    assert told(*NIGHTLY, *rooted, code="RC404") == told(*NIGHTLY, *self_rooted, code="RC404") == []


def test_start_and_end_under_two_run_ids_name_each_other() -> None:
    events = (event("START", 0, A), event("FAIL", 9, B))
    assert B in told(*events, code="RC102")[0]
    assert A in told(*events, code="RC101")[0]
    assert "is it this one?" not in told(event("START", 0, A), event("FAIL", 9, B, "other"), code="RC102")[0]
    assert "is it this one?" not in told(event("START", 9, A), event("FAIL", 0, B), code="RC102")[0]


def lineage(column: str, source: str, name: str = "shop.public.orders") -> Body:
    fields = {column: {"inputFields": [{"namespace": SERVER, "name": name, "field": source}]}}
    return {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": fields}


def nested() -> Body:
    fields = [{"name": "address", "type": "STRUCT", "fields": [{"name": "city", "type": "VARCHAR"}]}]
    return {**base("SchemaDatasetFacet", "1-1-1"), "fields": fields}


def listed() -> Body:
    """A list of objects as Spark has it in a schema."""
    of_each = {"name": "_element", "type": "struct", "fields": [{"name": "Sku", "type": "string"}]}
    return {**base("SchemaDatasetFacet", "1-1-1"), "fields": [{"name": "items", "type": "array", "fields": [of_each]}]}


def flow(column: str, source: str, read: Body | None = None, made: Body | None = None) -> list[Body]:
    """START tells the schemas, COMPLETE what comes of what."""
    inputs = [dataset(schema=read) if read else dataset()]
    outputs = [dataset("shop.public.daily", schema=made) if made else dataset("shop.public.daily")]
    end = [dataset("shop.public.daily", columnLineage=lineage(column, source))]
    return [event("START", 0, inputs=inputs, outputs=outputs), event("COMPLETE", 9, inputs=[], outputs=end)]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (flow("total", "amount", schema("amount"), schema("sum")), 'has the column "total"'),
        (flow("sum", "Amount", schema("amount"), schema("sum")), 'Write "amount".'),
        (flow("sum", "amounts", schema("amount"), schema("sum")), "The schema of shop.public.orders has amount."),
        (flow("city", "address.zip", nested(), schema("city")), 'draws on the column "address.zip"'),
    ],
)
def test_columns_that_no_schema_has_are_told_with_those_that_there_are(events: list[Body], words: str) -> None:
    [text] = told(*events, code="DD302")
    assert words in text


@pytest.mark.parametrize(
    "events",
    [
        flow("sum", "amount", schema("amount"), schema("sum")),
        flow("sum", "amount", None, None),
        flow("sum", "amount", schema("amount"), {**schema(), "fields": []}),
        flow("sum", "amount", schema("AMOUNT"), schema("Sum")),
        flow("sum", '"Amount"', schema("Amount"), schema("sum")),
        flow("city", "address.city", nested(), schema("city")),
        flow("city", "address.city", schema("address"), schema("city")),
        flow("sku", "items.Sku", listed(), schema("sku")),
        flow("sku", "items._element.Sku", listed(), schema("sku")),
        flow("sku", "items[].sku", listed(), schema("sku")),
        flow("address", "address", nested(), nested()),
        flow("sum", "*", schema("amount"), schema("sum")),
    ],
)
def test_columns_that_a_schema_has_or_may_have_are_silent(events: list[Body]) -> None:
    assert told(*events, code="DD302") == []


def test_a_job_event_is_asked_by_itself() -> None:
    stray = lineage("Sum", "x", "shop.public.items")
    outputs = [dataset("shop.public.daily", schema=schema("sum"), columnLineage=stray)]
    findings = found_in(job_event(inputs=[dataset()], outputs=outputs))
    assert {(finding.code, finding.subject) for finding in findings if finding.code.startswith("DD3")} == {
        ("DD301", "event"), ("DD302", "event"),
    }  # fmt: skip


def statistics() -> Body:
    return {**base("OutputStatisticsOutputDatasetFacet", "1-0-2"), "rowCount": 0}


def sql(query: str = "SELECT 1") -> Body:
    return {**base("SQLJobFacet", "1-1-0"), "query": query}


def test_what_an_earlier_event_of_the_run_told_is_not_missed() -> None:
    read = dataset(schema=schema("amount"))
    made = {**dataset("shop.public.daily", schema=schema("sum"), columnLineage=lineage("sum", "amount"))}
    made["outputFacets"] = {"outputStatistics": statistics()}
    start = changed(event("START", 0, inputs=[read], outputs=[made]), {"/job/facets/sql": sql()})
    end = changed(event("COMPLETE", 9, inputs=[dataset()], outputs=[dataset("shop.public.daily")]), {})
    assert codes(found_in(start, end), INFO) == {"DD505"}
    assert codes(found_in(start, changed(end, {"/job/facets/sql": sql()})), INFO) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"/outputs/0/facets/schema/fields": []}, "DD502"),
        ({"/outputs/0/outputFacets/outputStatistics": {**base("X", "1"), "row_count": 7}}, "DD503"),
        ({"/outputs/0/facets/columnLineage/fields": {}}, "DD504"),
        ({"/job/facets/sql/query": " "}, "DD505"),
    ],
)
def test_what_is_there_and_says_nothing_is_missed(changes: Changes, code: str) -> None:
    made = dataset("shop.public.daily", schema=schema("sum"), columnLineage=lineage("sum", "amount"))
    made["outputFacets"] = {"outputStatistics": statistics()}
    end = event("COMPLETE", 9, inputs=[dataset(schema=schema("amount"))], outputs=[made])
    whole = changed(end, {"/job/facets/sql": sql()})
    assert code not in codes(found_in(event("START", 0), whole), INFO)
    [finding] = of(found_in(event("START", 0), changed(whole, changes)), code)
    assert (finding.severity, finding.subject) == (INFO, "run")


@pytest.mark.parametrize(
    ("entry", "silent"),
    [
        ({"name": "shop.public.daily", "inputs": [{"namespace": SERVER, "name": "shop.public.orders"}]}, True),
        ({"name": "shop.public.daily", "fields": {"a": {"inputs": []}}}, True),
        # It says that nothing feeds it.
        ({"name": "shop.public.daily", "inputs": []}, True),
        ({"name": "shop.public.daily"}, False),
        ({"name": "shop.public.items", "inputs": [{"namespace": SERVER, "name": "shop.public.orders"}]}, False),
    ],
)
def test_an_explicit_lineage_facet_says_what_feeds_the_outputs_that_it_names(entry: Body, silent: bool) -> None:
    facet = {**base("LineageFacet", "1-0-0"), "entries": [{"namespace": SERVER, "type": "DATASET", **entry}]}
    end = event("COMPLETE", 9, inputs=[dataset()], outputs=[dataset("shop.public.daily")])
    found = told(event("START", 0), changed(end, {"/job/facets/lineage": facet}), code="DD504")
    assert (found == []) is silent


def with_sql(event_type: str, second: int) -> Body:
    return changed(event(event_type, second), {"/job/facets/sql": sql()})


@pytest.mark.parametrize(
    ("events", "told_of"),
    [
        ((with_sql("START", 0), event("COMPLETE", 9)), True),
        ((with_sql("START", 0), event("COMPLETE", 0)), True),
        ((event("START", 0), with_sql("RUNNING", 4), event("COMPLETE", 9)), True),
        ((with_sql("START", 0), with_sql("COMPLETE", 9)), False),
        # What came after the end is no sign that the end lacked it; and what did not complete was not to be processed.
        ((event("START", 0), with_sql("COMPLETE", 8), with_sql("OTHER", 9)), False),
        ((with_sql("START", 0), event("FAIL", 9)), False),
        ((with_sql("START", 0), event("ABORT", 9)), False),
        ((with_sql("START", 0),), False),
    ],
)
def test_sql_is_asked_of_the_end_of_a_run_that_completed(events: tuple[Body, ...], told_of: bool) -> None:
    assert bool(told(*events, code="DD505")) is told_of


def test_an_input_of_an_earlier_event_is_an_input_of_the_run() -> None:
    made = [dataset("shop.public.daily", columnLineage=lineage("sum", "amount"))]
    end = event("COMPLETE", 9, inputs=[], outputs=made)
    assert told(event("START", 0, inputs=[dataset()]), end, code="DD301") == []
    assert len(told(event("START", 0, inputs=[dataset("shop.public.items")]), end, code="DD301")) == 1


def linked(name: str, *others: str) -> Body:
    """A dataset that symlinks lead from to others."""
    identifiers = [{"namespace": SERVER, "name": other, "type": "TABLE"} for other in others]
    return dataset(name, symlinks={**base("SymlinksDatasetFacet", "1-0-1"), "identifiers": identifiers})


@pytest.mark.parametrize(
    ("begun", "ended"),
    [
        ({"inputs": [linked("lake/orders", "shop.public.orders")]}, {"inputs": [dataset("lake/orders")]}),
        # Whatever the dataset that has the symlink is to the run.
        ({"inputs": [dataset("lake/orders")], "outputs": [linked("lake/orders", "shop.public.orders")]}, {}),
        ({"inputs": [dataset("lake/orders")]}, {"outputs": [linked("shop.public.orders", "lake/orders")]}),
        # Along several, of several events.
        ({"inputs": [linked("lake/orders", "tmp/orders")]}, {"outputs": [linked("shop.public.orders", "tmp/orders")]}),
    ],
)
def test_an_input_has_all_names_that_the_runs_symlinks_give_it(begun: Body, ended: Body) -> None:
    made = dataset("shop.public.daily", columnLineage=lineage("sum", "amount"))
    for wanted, code in ((0, "DD301"), (1, "DD302")):
        start = {
            **begun,
            "inputs": [{**one, "facets": {**one["facets"], "schema": schema("id")}} for one in begun["inputs"]],
        }
        end = {**ended, "outputs": [*ended.get("outputs", []), made]}
        assert len(told(event("START", 0, **start), event("COMPLETE", 9, **end), code=code)) == wanted


def test_a_symlink_that_leads_elsewhere_makes_no_input() -> None:
    made = dataset("shop.public.daily", columnLineage=lineage("sum", "amount"))
    start = event("START", 0, inputs=[linked("lake/orders", "shop.public.items")])
    assert len(told(start, event("COMPLETE", 9, outputs=[made]), code="DD301")) == 1


def test_a_uuid_in_two_cases_is_one_run_that_others_see_twice() -> None:
    [text] = told(event("START", 0, A.upper()), event("COMPLETE", 9, A), code="RC205")
    assert "differ in case only" in text
    child = (changed(event("START", 1), under(B.upper())), event("COMPLETE", 2))
    assert len(told(*NIGHTLY, *child, code="RC205")) == 1
    assert told(event("START", 0), event("COMPLETE", 9), code="RC205") == []


def expected(*names: str, namespace: str) -> list[str | None]:
    events = [event("RUNNING", 1, inputs=[dataset(name, namespace)]) for name in names]
    return [finding.expected for finding in found_in(*events) if finding.code.startswith("DS")]


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (("postgres://DB:5432", "postgres://db:5432"), "postgres://db:5432"),
        (("s3://Lake", "s3://lake"), "s3://lake"),
        # Where one way to write it is as wrong as the other, most events say what is expected.
        (("kafka://Broker:9092", "kafka://BROKER:9092", "kafka://BROKER:9092"), "kafka://BROKER:9092"),
    ],
)
def test_a_host_or_bucket_is_expected_in_lower_case(written: tuple[str, ...], right: str) -> None:
    events = [
        event("RUNNING", number, inputs=[dataset("a.b.c", namespace)]) for number, namespace in enumerate(written)
    ]
    [finding] = [one for one in found_in(*events) if one.code == "DS101"]
    assert finding.expected == f"{right} a.b.c"


@pytest.mark.parametrize(
    ("namespace", "names", "right"),
    [
        (
            "snowflake://acme-prod",
            ("shop.public.orders", "shop.public.orders", "SHOP.PUBLIC.ORDERS"),
            "SHOP.PUBLIC.ORDERS",
        ),
        ("snowflake://acme-prod", ("shop.public.orders", "Shop.Public.Orders"), "SHOP.PUBLIC.ORDERS"),
        (SERVER, ("Shop.Public.Orders", "Shop.Public.Orders", "shop.public.orders"), "shop.public.orders"),
        (SERVER, ('shop.public."orders"', "shop.public.orders"), "shop.public.orders"),
        ("s3://lake", ("/raw/orders", "raw/orders", "raw/orders"), "raw/orders"),
        ("s3://lake", ("raw/Orders", "raw/orders", "raw/Orders"), "raw/Orders"),
        ("bigquery", ("acme.shop.Orders", "acme.shop.orders", "acme.shop.orders"), "acme.shop.orders"),
        # Before any majority goes the name that stands for something.
        ("s3://lake", ("None/orders", "None/orders", "none/orders"), "none/orders"),
        (SERVER, ("shop.public.Orders ", "shop.public.Orders ", "shop.public.orders"), "shop.public.orders"),
    ],
)
def test_expected_is_what_the_platform_says_and_then_the_majority(
    namespace: str, names: tuple[str, ...], right: str
) -> None:
    assert expected(*names, namespace=namespace) == [f"{namespace} {right}"]


@pytest.mark.parametrize(
    ("namespace", "names", "told_of"),
    [
        ("snowflake://acme-prod", ('SHOP.PUBLIC."orders"', "SHOP.PUBLIC.ORDERS"), False),
        ("snowflake://acme-prod", ("SHOP.PUBLIC.ORDERS", 'SHOP.PUBLIC."Orders"'), False),
        ("snowflake://acme-prod", ('SHOP.PUBLIC."ORDERS"', "SHOP.PUBLIC.ORDERS"), True),
        # Not as the platform writes it: nobody can tell which of the two is meant.
        ("snowflake://acme-prod", ('SHOP.PUBLIC."orders"', "shop.public.orders"), True),
        (SERVER, ('shop.public."Orders"', "shop.public.orders"), False),
        # In upper case whole: so writes who quotes what the rest of the world does not.
        (SERVER, ('SHOP.PUBLIC."ORDERS"', "shop.public.orders"), True),
        (SERVER, ('shop.public."orders"', "shop.public.orders"), True),
        ("mysql://db:3306", ("shop.`Orders`", "shop.orders"), True),
    ],
)
def test_quotes_make_two_datasets_where_they_keep_a_case(namespace: str, names: tuple[str, str], told_of: bool) -> None:
    assert bool(expected(*names, namespace=namespace)) is told_of


def test_the_expected_job_of_a_run_is_the_one_of_most_events_and_no_placeholder() -> None:
    def job_of(*names: str) -> list[str | None]:
        kinds = ("START", *["RUNNING"] * (len(names) - 2), "COMPLETE")
        events = [event(kind, 1, job=name) for kind, name in zip(kinds, names, strict=True)]
        return [finding.expected for finding in of(found_in(*events), "RC201")]

    assert job_of("unknown", "load") == ["prod / load"]
    assert job_of("load", "other", "other") == ["prod / other"]
    assert job_of("load", "other") == ["prod / load"]


def named(*names: str, of: str = "job") -> list[Body]:
    """A run of each name, of its job or of what it writes."""
    runs = []
    for number, name in enumerate(names):
        run_id = f"{number:08}" + A[8:]
        made = [dataset(name, "s3://lake")] if of == "dataset" else []
        job = name if of == "job" else "load"
        runs += [event(kind, number, run_id, job, outputs=made) for kind in ("START", "COMPLETE")]
    return runs


PER_RUN = [
    [f"load_{digit * 8}-0000-4000-8000-000000000000" for digit in "abc"],
    [f"load.{digit * 15}7.daily" for digit in "abc"],
    [f"load_2026010{day}T120000" for day in (1, 2, 3)],
    [f"manual__2026-01-0{day}T12:00:00+00:00" for day in (1, 2, 3)],
    [f"load-2026010{day}120000" for day in (1, 2, 3)],
]


@pytest.mark.parametrize("names", PER_RUN)
@pytest.mark.parametrize("what", ["job", "dataset"])
def test_names_that_hold_an_id_of_their_run_are_told_once(names: list[str], what: str) -> None:
    [finding] = of(found_in(*named(*names, of=what)), "RC203")
    assert (finding.severity, finding.subject) == (WARNING, "run")
    assert finding.message.startswith(f"3 {what}s of ")


@pytest.mark.parametrize(
    "names",
    [
        PER_RUN[0][:2],
        ["customer_1001", "customer_1002", "customer_1003"],
        ["load_20260101", "load_20260102", "load_20260103"],
        ["load_2026-01-01", "load_2026-01-02", "load_2026-01-03"],
        ["load_1767268800", "load_1767268801", "load_1767268802"],
        ["load_1234567890123456", "load_1234567890123457", "load_1234567890123458"],
        ["deadbeefdeadbeef", "feedfacefeedface", "cafebabecafebabe"],
        # Each of these has several runs.
        PER_RUN[0] * 2,
    ],
)
def test_other_names_are_silent(names: list[str]) -> None:
    assert of(found_in(*named(*names)), "RC203") == []


def test_ids_of_trinos_queries_are_its_default_and_its_setting_is_named() -> None:
    [finding] = of(found_in(*named(*(f"20260101_12000{n}_0000{n}_ab3de" for n in (1, 2, 3)))), "RC203")
    assert finding.severity is INFO
    assert "openlineage-event-listener.job.name-format" in finding.advice


PERIODIC = {"eventTrigger": "PERIODIC", "eventContentMode": "INCREMENTAL", "windowDuration": 60}


def told_of(processing_type: str, pattern: Body | None, *kinds: str) -> set[str]:
    job_type: Body = {**base("JobTypeJobFacet", "2-0-4"), "integration": "CUSTOM", "jobType": "JOB"}
    job_type |= {"processingType": processing_type} | ({"emissionPattern": pattern} if pattern else {})
    events = [changed(event(kind, second), {"/job/facets/jobType": job_type}) for second, kind in enumerate(kinds)]
    return codes(found_in(*events)) & {"RC101", "RC102"}


@pytest.mark.parametrize("processing_type", ["STREAMING", "SERVICE"])
def test_a_job_that_is_told_of_from_time_to_time_needs_no_start(processing_type: str) -> None:
    assert told_of(processing_type, PERIODIC, "RUNNING", "RUNNING") == set()
    assert told_of(processing_type, None, "RUNNING", "RUNNING") == {"RC101"}
    assert told_of(processing_type, {**PERIODIC, "eventTrigger": "STATE_CHANGE"}, "RUNNING") == {"RC101"}
    assert told_of(processing_type, PERIODIC, "RUNNING", "COMPLETE") == {"RC101"}
    assert told_of(processing_type, PERIODIC, "COMPLETE") == {"RC101"}


def test_a_batch_job_begins_and_ends_however_it_is_told_of() -> None:
    assert told_of("BATCH", PERIODIC, "RUNNING", "RUNNING") == {"RC101", "RC102"}


def test_a_run_that_starts_between_its_ends_is_several() -> None:
    twice = (event("START", 0), event("COMPLETE", 1), event("START", 2), event("RUNNING", 3), event("FAIL", 4))
    [text] = told(*twice, code="RC104")
    assert "one run id for several runs" in text
    assert "Make a new runId for every run of the job" in text
    assert "RC107" not in codes(found_in(*twice)), "what follows an end is of the next run"
    assert "RC107" in codes(found_in(*twice, event("RUNNING", 5)))
    [text] = told(event("START", 0), event("COMPLETE", 1), event("FAIL", 4), code="RC104")
    assert "several runs" not in text
