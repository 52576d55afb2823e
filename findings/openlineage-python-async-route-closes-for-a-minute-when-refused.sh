#!/usr/bin/env bash
# openlineage-python: where connections are refused, the asynchronous transports give up after 55 s, the synchronous after 9.
#
# Seen: openlineage-python 1.54.0 and 1.46.0, Python 3.11, default retries. One event to a port where nobody listens. With
#   the HTTP transport emit() raises after 9 s. With async_http, and with the Datadog transport's asynchronous route (which
#   dbt jobs take), emit() returns at once and close() returns True after 55 s, six times as long: each of its six attempts
#   is made by an HTTP client that tries to connect six times itself. A job whose intake is down ends a minute later.
# Needs: python3 with venv, and a registry of Python packages. Takes two minutes. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openlineage-python==1.54.0

cat > emit.py <<'PYTHON'
import socket
import sys
import time
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

with socket.socket() as refusing:
    refusing.bind(("127.0.0.1", 0))
    url = "http://127.0.0.1:%d" % refusing.getsockname()[1]
    key = "0123456789abcdef" * 2
    transport = {
        "http": {"type": "http", "url": url},
        "async_http": {"type": "async_http", "url": url},
        "datadog": {"type": "datadog", "site": url, "apiKey": key, "async_transport_rules": {"*": {"*": True}}},
    }[sys.argv[1]]
    client = OpenLineageClient(config={"transport": transport})
    now = datetime.now(timezone.utc).isoformat()
    began = time.monotonic()
    said = "emit() returns"
    try:
        client.emit(RunEvent(eventTime=now, run=Run(str(uuid.uuid4())), job=Job("shop", "etl"),
                             eventType=RunState.START, producer="https://github.com/acme/shop"))
    except Exception as error:
        said = f"emit() raises {type(error).__name__}"
    closed = client.close()
    print(f"{time.monotonic() - began:.0f} s: {said}, close() gives {closed}")
PYTHON
for transport in http async_http datadog; do
  venv/bin/python emit.py $transport 2>$transport.log >$transport &
done
wait
seconds() { cut -d' ' -f1 "$1"; }
for transport in http async_http datadog; do
  echo "$transport: $(cat $transport)"
done
[ "$(seconds http)" -lt 20 ] && [ "$(seconds async_http)" -gt 40 ] && [ "$(seconds datadog)" -gt 40 ]
