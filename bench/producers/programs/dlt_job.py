"""A dlt pipeline into DuckDB, its lineage set by the environment."""

import dlt
import dlt_openlineage

dlt_openlineage.install()


@dlt.resource
def users():
    yield [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]


dlt.pipeline(pipeline_name="shop", destination="duckdb", dataset_name="raw").run(users())
