#!/usr/bin/env bash
# dlt-openlineage: tells of one failed run twice, and sends jobType with START alone.
#
# Seen: dlt-openlineage 0.1.1, dlt 1.31.0 with DuckDB, Python 3.11. A resource raises ValueError as it is extracted: START, FAIL and
#   FAIL come, all three of one run. The jobType facet stands in START and in neither FAIL.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'dlt[duckdb]==1.31.0' dlt-openlineage==0.1.1

cat > server.py <<'PYTHON'
import http.server
import json
import os

class Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        open("seen", "a").write(json.dumps(event) + "\n")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Taking)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done
OPENLINEAGE_URL="http://127.0.0.1:$(cat port)"
export OPENLINEAGE_URL

cat > job.py <<'PYTHON'
import dlt
import dlt_openlineage

dlt_openlineage.install()

@dlt.resource
def orders():
    yield [{"id": 1, "amount": 10}]
    raise ValueError("no more orders")

dlt.pipeline(pipeline_name="shop", destination="duckdb", dataset_name="raw").run(orders())
PYTHON
code=0
HOME=$work DLT_DATA_DIR=$work/dlt RUNTIME__DLTHUB_TELEMETRY=false venv/bin/python job.py >log 2>&1 || code=$?
types=$(python3 -c 'import json; print(" ".join(json.loads(line)["eventType"] for line in open("seen")))')
runs=$(python3 -c 'import json; print(len({json.loads(line)["run"]["runId"] for line in open("seen")}))')
typed=$(python3 -c 'import json; print(" ".join(e["eventType"] for e in map(json.loads, open("seen")) if "jobType" in e["job"].get("facets", {})))')

echo "the pipeline ends with $code; events: $types, of $runs run; with jobType: $typed"
[ "$types" = "START FAIL FAIL" ] && [ "$runs" = 1 ] && [ "$typed" = START ]
