#!/usr/bin/env bash
# openlineage-python: asynchronous transports hold the others back for START alone: RUNNING may arrive after COMPLETE.
#
# Seen: openlineage-python 1.54.0, Python 3.11. A job emits START, RUNNING and COMPLETE of one run; the receiver answers the
#   first RUNNING with 503. With async_http, and with the Datadog transport's asynchronous route (which dbt jobs take),
#   COMPLETE is taken before RUNNING is sent again: the last that the receiver hears of the run is that it runs. With the
#   HTTP transport they come in the order in which they were emitted. Where START is answered 503 the others wait for it in
#   all three, and are then sent side by side by the asynchronous ones.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openlineage-python==1.54.0

cat > emit.py <<'PYTHON'
import gzip
import http.server
import json
import sys
import threading
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

transport, refused = sys.argv[1:]
taken, answered = [], set()

class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        event_type = json.loads(body)["eventType"]
        again = event_type != refused or event_type in answered
        answered.add(event_type)
        if again:
            taken.append(event_type)
        self.send_response(201 if again else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
key = "0123456789abcdef" * 2
client = OpenLineageClient(config={"transport": {
    "http": {"type": "http", "url": url},
    "async_http": {"type": "async_http", "url": url},
    "datadog": {"type": "datadog", "site": url, "apiKey": key, "async_transport_rules": {"*": {"*": True}}},
}[transport]})
run = Run(str(uuid.uuid4()))
for state in (RunState.START, RunState.RUNNING, RunState.COMPLETE):
    client.emit(RunEvent(eventTime=datetime.now(timezone.utc).isoformat(), run=run, job=Job("shop", "etl"),
                         eventType=state, producer="https://github.com/acme/shop"))
client.close()
print(",".join(taken))
PYTHON
changed=0
for transport in http async_http datadog; do
  for refused in START RUNNING; do
    taken=$(venv/bin/python emit.py $transport $refused 2>/dev/null)
    echo "$transport, the first $refused is answered 503: $taken"
    expected=START,RUNNING,COMPLETE
    [ $transport != http ] && [ $refused = RUNNING ] && expected=START,COMPLETE,RUNNING
    # What was not held back may come in any order.
    [ $transport != http ] && [ $refused = START ] && taken=${taken/COMPLETE,RUNNING/RUNNING,COMPLETE}
    [ "$taken" = "$expected" ] || changed=1
  done
done
exit $changed
