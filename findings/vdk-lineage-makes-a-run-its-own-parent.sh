#!/usr/bin/env bash
# vdk-lineage: the events of a data job's queries name the run that they belong to as that run's parent.
#
# Seen: vdk-lineage 0.3.1431637373, vdk-core 0.3.1466514302, vdk-sqlite 0.1.1431637373, Python 3.11. A job of one query sends
#   START, OTHER for the query, and COMPLETE, all of one run; the parent facet of OTHER has the run's own runId, and the same
#   job. Whoever follows parents up to the root goes round in a circle. Their eventTime has no offset either.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'setuptools<80' wheel
venv/bin/pip install --quiet --disable-pip-version-check --no-build-isolation vdk-core==0.3.1466514302 \
  vdk-lineage==0.3.1431637373 vdk-sqlite==0.1.1431637373

mkdir shop
echo "CREATE TABLE orders (id INTEGER, amount INTEGER)" >shop/10_orders.sql
printf '[owner]\nteam = shop\n' >shop/config.ini
cat > server.py <<'PYTHON'
import http.server
import os

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("seen", "ab").write(body.replace(b"\n", b" ") + b"\n")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done
HOME=$work VDK_SQLITE_FILE=shop.db VDK_DB_DEFAULT_TYPE=SQLITE \
  VDK_OPENLINEAGE_URL="http://127.0.0.1:$(cat port)" VDK_OPENLINEAGE_API_KEY=none venv/bin/vdk run shop >log 2>&1

python3 - <<'PYTHON' | tee told
import json
from datetime import datetime

events = [json.loads(line) for line in open("seen")]
print("events:", *(event["eventType"] for event in events))
print("runs:", len({event["run"]["runId"] for event in events}))
parents = [(event, event["run"]["facets"]["parent"]) for event in events if "parent" in event["run"].get("facets", {})]
print("events with a parent:", *(event["eventType"] for event, _ in parents))
print("of themselves:", all(parent["run"]["runId"] == event["run"]["runId"] for event, parent in parents))
print("times with an offset:", sum(datetime.fromisoformat(event["eventTime"]).tzinfo is not None for event in events))
PYTHON
diff told - <<'TOLD'
events: START OTHER COMPLETE
runs: 1
events with a parent: OTHER
of themselves: True
times with an offset: 0
TOLD
