"""The documented use of the Python client with a Datadog transport made by hand.

Only host and key come from outside: MOCK_INTAKE_URL (a site may be a full URL) and MOCK_INTAKE_KEY.
"""

import os
import uuid
from datetime import datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

transport = DatadogTransport(DatadogConfig(apiKey=os.environ["MOCK_INTAKE_KEY"], site=os.environ["MOCK_INTAKE_URL"]))
sender = OpenLineageClient(transport=transport)

run = Run(runId=str(uuid.uuid4()))
job = Job(namespace="default", name="test-job")
# A time without offset, as the documentation has it.
now = datetime.utcnow().isoformat()
sender.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer="your-producer-id"))
