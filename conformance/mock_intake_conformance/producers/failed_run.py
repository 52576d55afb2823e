"""A run that fails: START, then FAIL with the errorMessage facet that says why."""

import os
import traceback
import uuid
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, job_type_job, set_producer
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

PRODUCER = "https://example.com/etl/import-customers"

set_producer(PRODUCER)
client = OpenLineageClient(
    transport=DatadogTransport(DatadogConfig(apiKey=os.environ["MOCK_INTAKE_KEY"], site=os.environ["MOCK_INTAKE_URL"]))
)
run = Run(runId=str(uuid.uuid4()))
job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
job = Job(namespace="prod", name="import_customers", facets={"jobType": job_type})


def emit(state: RunState) -> None:
    now = datetime.now(UTC).isoformat()
    client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer=PRODUCER))


emit(RunState.START)
try:
    int("twelve")  # the work, which goes wrong
except ValueError as error:
    run.facets = {
        "errorMessage": error_message_run.ErrorMessageRunFacet(
            message=str(error), programmingLanguage="PYTHON", stackTrace=traceback.format_exc()
        )
    }
    emit(RunState.FAIL)
client.close()
