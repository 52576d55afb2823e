"""A job that ddtrace-run traces: it speaks to the Agent's trace API and to its OpenLineage proxy."""

import os
import uuid
from datetime import datetime, timezone

from ddtrace.trace import tracer
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

client = OpenLineageClient()
facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
run = Run(str(uuid.uuid4()))
job = Job(os.environ.get("OPENLINEAGE_NAMESPACE", "default"), "traced", {"jobType": facet})
with tracer.trace("traced"):
    for state in (RunState.START, RunState.COMPLETE):
        now = datetime.now(timezone.utc).isoformat()
        client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer="https://github.com/acme/etl"))
client.close()
