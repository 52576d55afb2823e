"""A run as Datadog documents it: START, RUNNING and COMPLETE, jobType on each, inputs, outputs and column lineage."""

import os
import uuid
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    schema_dataset,
    set_producer,
    sql_job,
)
from openlineage.client.naming.dataset import Postgres
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

PRODUCER = "https://example.com/etl/daily-revenue"

set_producer(PRODUCER)
client = OpenLineageClient(
    transport=DatadogTransport(DatadogConfig(apiKey=os.environ["MOCK_INTAKE_KEY"], site=os.environ["MOCK_INTAKE_URL"]))
)
orders = Postgres("db.example.com", "5432", "shop", "public", "orders")
revenue = Postgres("db.example.com", "5432", "shop", "reports", "daily_revenue")

run = Run(runId=str(uuid.uuid4()))
job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
job = Job(namespace="prod", name="daily_revenue", facets={"jobType": job_type})


def columns(**types: str) -> schema_dataset.SchemaDatasetFacet:
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type=type_) for name, type_ in types.items()]
    return schema_dataset.SchemaDatasetFacet(fields=fields)


def taken_from(column: str) -> column_lineage_dataset.Fields:
    source = column_lineage_dataset.InputField(orders.get_namespace(), orders.get_name(), column)
    return column_lineage_dataset.Fields(inputFields=[source])


read = InputDataset(
    orders.get_namespace(),
    orders.get_name(),
    facets={"schema": columns(id="bigint", day="date", amount="numeric")},
    inputFacets={
        "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=1200, size=48_000)
    },
)
written = OutputDataset(
    revenue.get_namespace(),
    revenue.get_name(),
    facets={
        "schema": columns(day="date", revenue="numeric"),
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={"day": taken_from("day"), "revenue": taken_from("amount")}
        ),
    },
    outputFacets={
        "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=30, size=900)
    },
)


def emit(state: RunState) -> None:
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=run,
            job=job,
            producer=PRODUCER,
            inputs=[read],
            outputs=[written],
        )
    )


emit(RunState.START)
emit(RunState.RUNNING)
# Datadog processes sql on COMPLETE only.
query = "INSERT INTO reports.daily_revenue SELECT day, sum(amount) FROM public.orders GROUP BY day"
job = Job(job.namespace, job.name, facets={"jobType": job_type, "sql": sql_job.SQLJobFacet(query=query)})
emit(RunState.COMPLETE)
client.close()
