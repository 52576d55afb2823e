"""The documented use of the Python client with an HTTP transport.

Only host and key come from outside: MOCK_INTAKE_URL and MOCK_INTAKE_KEY.
"""

import os
import uuid
from datetime import datetime

from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

options = OpenLineageClientOptions(api_key=os.environ["MOCK_INTAKE_KEY"])
sender = OpenLineageClient(url=os.environ["MOCK_INTAKE_URL"], options=options)

run = Run(runId=str(uuid.uuid4()))
job = Job(namespace="default", name="test-job")
# A time without offset, as the documentation has it.
now = datetime.utcnow().isoformat()
sender.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer="your-producer-id"))
