"""The Datadog transport's asynchronous route, which holds COMPLETE back until START was taken."""

import os
import uuid
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job, set_producer
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

PRODUCER = "https://example.com/etl/hourly-sync"

set_producer(PRODUCER)
config = DatadogConfig(
    apiKey=os.environ["MOCK_INTAKE_KEY"],
    site=os.environ["MOCK_INTAKE_URL"],
    # By default only jobs of the integration dbt take this route.
    async_transport_rules={"*": {"*": True}},
)
client = OpenLineageClient(transport=DatadogTransport(config))
run = Run(runId=str(uuid.uuid4()))
job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="TASK")
job = Job(namespace="prod", name="hourly_sync", facets={"jobType": job_type})

for state in (RunState.START, RunState.COMPLETE):
    now = datetime.now(UTC).isoformat()
    client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer=PRODUCER))
# The events are sent by a thread of the transport; without this they would be lost at exit.
client.close()
