#!/usr/bin/env bash
# openlineage-python: 304, or a redirect that leads nowhere, is a success for the HTTP transport, and nothing says otherwise.
#
# Seen: openlineage-python 1.54.0, Python 3.11, transport http. To each POST the receiver answers 304 and keeps nothing. emit()
#   returns, nothing is logged at WARNING or above, and the program ends with 0; a 301 without Location does the same. A 404
#   raises.
# Needs: python3 with venv, and a registry of Python packages. Takes half a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openlineage-python==1.54.0

cat > server.py <<'PYTHON'
import http.server
import os
import sys

class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

cat > emit.py <<'PYTHON'
import logging
import sys
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(message)s")
url, status = sys.argv[1:]
client = OpenLineageClient(config={"transport": {"type": "http", "url": url, "endpoint": f"{status}/lineage"}})
now = datetime.now(timezone.utc).isoformat()
client.emit(RunEvent(eventTime=now, run=Run(str(uuid.uuid4())), job=Job("shop", "etl"), eventType=RunState.START,
                     producer="https://github.com/acme/shop"))
client.close()
PYTHON
told() {
  local code=0
  HOME=$work venv/bin/python -W ignore emit.py "http://127.0.0.1:$(cat port)" "$1" >said 2>errors || code=$?
  echo "$code with $(wc -l <said) warnings"
}
of_201=$(told 201)
of_301=$(told 301)
of_304=$(told 304)
of_404=$(told 404)
echo "201: $of_201; 301: $of_301; 304: $of_304; 404: $of_404"
[ "$of_201" = "0 with 0 warnings" ] && [ "$of_301" = "$of_201" ] && [ "$of_304" = "$of_201" ]
[ "${of_404%% *}" = 1 ]
