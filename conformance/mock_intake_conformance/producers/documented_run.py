"""A run as Datadog documents it, by one of the documented ways in: START, RUNNING, COMPLETE; with ``--fail`` FAIL.

    documented_run.py http          HTTP transport made by hand
    documented_run.py datadog       Datadog transport made by hand
    documented_run.py environment   whatever the environment describes

Events are emitted as the documentation does it: nothing catches what ``emit`` raises.
"""

import os
import sys
import traceback
import uuid
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, job_type_job, schema_dataset, set_producer
from openlineage.client.naming.dataset import Postgres
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

PRODUCER = "https://example.com/etl/daily-revenue"


def client_for(way: str) -> OpenLineageClient:
    if way == "environment":
        return OpenLineageClient()
    url, key = os.environ["MOCK_INTAKE_URL"], os.environ["MOCK_INTAKE_KEY"]
    if way == "http":
        return OpenLineageClient(url=url, options=OpenLineageClientOptions(api_key=key))
    return OpenLineageClient(transport=DatadogTransport(DatadogConfig(apiKey=key, site=url)))


set_producer(PRODUCER)
client = client_for(sys.argv[1])
fails = "--fail" in sys.argv
run = Run(runId=str(uuid.uuid4()))
job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
job = Job(namespace="prod", name="daily_revenue", facets={"jobType": job_type})
fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type="numeric") for name in ("day", "amount")]
columns = schema_dataset.SchemaDatasetFacet(fields=fields)
orders = Postgres("db.example.com", "5432", "shop", "public", "orders")
revenue = Postgres("db.example.com", "5432", "shop", "reports", "daily_revenue")
inputs = [InputDataset(orders.get_namespace(), orders.get_name(), facets={"schema": columns})]
outputs = [OutputDataset(revenue.get_namespace(), revenue.get_name(), facets={"schema": columns})]


def emit(state: RunState) -> None:
    now = datetime.now(UTC).isoformat()
    event = RunEvent(eventType=state, eventTime=now, run=run, job=job, producer=PRODUCER)
    event.inputs, event.outputs = inputs, outputs
    client.emit(event)


emit(RunState.START)
emit(RunState.RUNNING)
try:
    if fails:
        raise RuntimeError("the warehouse is closed")
except RuntimeError as error:
    facet = error_message_run.ErrorMessageRunFacet(str(error), "PYTHON", traceback.format_exc())
    run.facets = {"errorMessage": facet}
    emit(RunState.FAIL)
else:
    emit(RunState.COMPLETE)
client.close()
sys.exit(3 if fails else 0)
