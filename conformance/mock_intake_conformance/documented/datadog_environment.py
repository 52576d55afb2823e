"""The documented use of the Python client with a Datadog transport that the environment describes.

DD_API_KEY, DD_SITE (a site may be a full URL) and OPENLINEAGE__TRANSPORT__TYPE=datadog come from outside.
"""

import uuid
from datetime import datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

sender = OpenLineageClient.from_environment()

run = Run(runId=str(uuid.uuid4()))
job = Job(namespace="default", name="test-job")
# A time without offset, as the documentation has it.
now = datetime.utcnow().isoformat()
sender.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer="your-producer-id"))
