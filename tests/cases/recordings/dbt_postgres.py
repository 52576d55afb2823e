"""dbt-ol on a PostgreSQL, as runs of our own had it: seeds, snapshots, views, documented columns, structured logs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from tests.cases.judged import Body
from tests.cases.recordings.dbt import DBT, NAMESPACE, POSTGRES, job_of, own, run_of
from tests.cases.recordings.parts import run_id

_SERVER, _SCHEMA = POSTGRES
_COLUMNS = ("id", "amount")
_COMMAND = "dbt-run-shop"
_OF_COMMAND = 300


def _dataset(name: str, kind: str = "", columns: Sequence[str] = ()) -> Body:
    """A table; of what dbt made, as it is materialized, with the columns that are documented, or in the catalog."""
    facets: Body = {"dataSource": DBT.facet("DatasourceDatasetFacet", "1-0-1", name=_SERVER, uri=_SERVER)}
    if kind:
        facets["dbt_model"] = own(DBT, "dbt-model-dataset-facet", config={"materialized": kind})
    if columns:
        fields = [{"name": column, "description": "", "fields": []} for column in columns]
        facets["schema"] = DBT.facet("SchemaDatasetFacet", "1-2-0", fields=fields)
    return {"namespace": _SERVER, "name": f"{_SCHEMA}.{name}", "facets": facets}


def _made(name: str, kind: str, source: str, columns: Sequence[str] = ()) -> Body:
    """What a model makes, its columns drawn from the source; of a view the database tells no rows."""
    fields = {
        column: {
            "inputFields": [
                {"namespace": _SERVER, "name": f"{_SCHEMA}.{source}", "field": column, "transformations": []}
            ]
        }
        for column in _COLUMNS
    }
    lineage = DBT.facet("ColumnLineageDatasetFacet", "1-2-0", fields=fields, dataset=[])
    made = _dataset(name, kind, columns)
    rows = {} if kind == "view" else {"rowCount": 3}
    statistics = DBT.facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **rows)
    return {
        **made,
        "facets": {**made["facets"], "columnLineage": lineage},
        "outputFacets": {"outputStatistics": statistics},
    }


def _node(number: int, name: str, kind: str, flow: Body, parent: tuple[int, str] = (_OF_COMMAND, _COMMAND)) -> Body:
    """START of a node; what it reads and makes is told from there on."""
    above = DBT.parent(run_id(parent[0]), NAMESPACE, parent[1], (run_id(_OF_COMMAND), _COMMAND))
    if kind == "SQL":
        facets = {"sql": DBT.facet("SQLJobFacet", "1-1-0", query="select id, amount from orders", dialect="postgres")}
    else:
        node = {"database": "shop", "schema": "public", "unique_id": name}
        facets = {"dbt_node": own(DBT, "dbt-node-job-facet", **node)}
    return DBT.event("START", 1, run_of(DBT, number, parent=above), job_of(DBT, name, kind, **facets), **flow)


def _command(*nodes: Sequence[Body]) -> list[Body]:
    """A command with its nodes, one after the other."""
    job, run = job_of(DBT, _COMMAND, "JOB"), run_of(DBT, _OF_COMMAND)
    within = [event for node in nodes for event in node]
    return [DBT.event("START", 0, run, job), *within, DBT.event("COMPLETE", 3, run, job)]


def _whole(start: Body) -> list[Body]:
    return [start, {**start, "eventType": "COMPLETE", "eventTime": "2026-11-20T12:02:00.123456Z"}]


def _model(number: int, name: str, inputs: Sequence[Body], output: Body, suffix: str = "") -> list[Body]:
    """A model as it is told without structured logs."""
    return _whole(_node(number, f"{_SCHEMA}.shop.{name}{suffix}", "MODEL", {"inputs": inputs, "outputs": [output]}))


def _of_seed() -> list[Body]:
    """A view of a seed, a table of a snapshot: models and sources alone are told as inputs."""
    return _command(
        _model(301, "staged_orders", [], _made("staged_orders", "view", "orders")),
        _model(302, "daily", [], _made("daily", "table", "orders_then")),
    )


def _of_source(columns: Sequence[str]) -> list[Body]:
    """A view of a source, and an incremental model of it, with these columns of the view known."""
    source, staged = _dataset("raw_orders"), _dataset("staged_orders", "view", columns)
    return _command(
        _model(301, "staged_orders", [source], _made("staged_orders", "view", "raw_orders", columns)),
        _model(302, "growing", [staged], _made("growing", "incremental", "staged_orders")),
    )


def _built() -> list[Body]:
    """``dbt-ol build``: the same with names of its own, a snapshot and a test."""
    source = _dataset("raw_orders")
    snapshot = {"inputs": [source], "outputs": [{**_dataset("orders_then", "snapshot"), "outputFacets": {}}]}
    asserted = [{"assertion": "not_null", "success": True, "column": "id"}]
    facet = DBT.facet("DataQualityAssertionsDatasetFacet", "1-0-1", assertions=asserted)
    name = f"{_SCHEMA}.staged_orders"
    of_both = {"facets": {"dataQualityAssertions": facet}, "inputFacets": {"dataQualityAssertions": facet}}
    tested = {"inputs": [{"namespace": _SERVER, "name": name, **of_both}]}
    return _command(
        _model(301, "staged_orders", [source], _made("staged_orders", "view", "raw_orders"), ".build.run"),
        _whole(_node(302, f"{_SCHEMA}.shop.orders_then.build.snapshot", "SNAPSHOT", snapshot)),
        _whole(_node(303, f"{_SCHEMA}.shop.staged_orders.build.test", "TEST", tested)),
    )


def _structured(*nodes: tuple[str, str, Sequence[Body], Body]) -> list[Body]:
    """As structured logs have it: under the node's own name, its statements below it, no lineage of columns."""
    numbers = count(_OF_COMMAND + 1)
    told = []
    for name, kind, inputs, output in nodes:
        number = next(numbers)
        start, end = _whole(_node(number, name, kind, {"inputs": inputs, "outputs": [{**output, "outputFacets": {}}]}))
        statements = [_whole(_node(next(numbers), f"{name}.sql.{each}", "SQL", {}, (number, name))) for each in (1, 2)]
        told.append([start, *statements[0], *statements[1], end])
    return _command(*told)


def _structured_test() -> list[Body]:
    asserted = [{"assertion": "not_null", "success": True, "column": "id", "actual": "0", "expected": "0"}]
    facet = DBT.facet("DataQualityAssertionsDatasetFacet", "1-0-1", assertions=asserted)
    read = _dataset("staged_orders", "view", ["id"])
    read = {**read, "facets": {**read["facets"], "dataQualityAssertions": facet}}
    audited = _dataset("not_null_staged_orders_id", "test")
    name = "shop.public_dbt_test__audit.not_null_staged_orders_id"
    return _structured(("test.shop.not_null_staged_orders_id.0a1b2c3d4e", "TEST", [read], {**audited, "name": name}))


_STAGED = _dataset("staged_orders", "view", ["id"])
RECORDINGS: dict[str, list[Body]] = {
    "dbt-ol run, PostgreSQL, models of a seed and of a snapshot": _of_seed(),
    "dbt-ol run, PostgreSQL, columns documented in part": _of_source(["id"]),
    "dbt-ol run after dbt docs generate, PostgreSQL": _of_source(_COLUMNS),
    "dbt-ol build, PostgreSQL": _built(),
    "dbt-ol run --consume-structured-logs, PostgreSQL": _structured(
        ("seed.shop.orders", "SEED", [], _dataset("orders", "seed")),
        ("snapshot.shop.orders_then", "SNAPSHOT", [_dataset("raw_orders")], _dataset("orders_then", "snapshot")),
        ("model.shop.staged_orders", "MODEL", [_dataset("orders", "seed")], _STAGED),
        ("model.shop.daily", "MODEL", [_STAGED, _dataset("orders_then", "snapshot")], _dataset("daily", "table")),
    ),
    "dbt-ol test --consume-structured-logs": _structured_test(),
}
