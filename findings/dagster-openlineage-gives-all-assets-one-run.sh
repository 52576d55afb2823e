#!/usr/bin/env bash
# dagster-openlineage: the assets of a materialisation are jobs of their own, and share one runId.
#
# Seen: dagster-openlineage 0.2.1, dagster 1.13.28, Python 3.11. Two assets, materialised together, are told as two jobs with
#   START and COMPLETE each; all four events carry the same run.runId. By the standard a run is of one job: a receiver that
#   keys by runId takes the second asset's events for those of the first.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dagster==1.13.28 dagster-openlineage==0.2.1

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

mkdir home
cat > home/dagster.yaml <<YAML
event_log_storage:
  module: dagster_openlineage
  class: OpenLineageEventLogStorage
  config:
    wrapped:
      module: dagster._core.storage.event_log
      class: SqliteEventLogStorage
      config: {base_dir: $work/home/log}
    namespace: shop
telemetry: {enabled: false}
YAML
cat > job.py <<'PYTHON'
from dagster import DagsterInstance, asset, materialize

@asset
def orders():
    return [10, 5]

@asset
def revenue(orders):
    return sum(orders)

with DagsterInstance.get() as instance:
    assert materialize([orders, revenue], instance=instance).success
PYTHON
DAGSTER_HOME=$work/home venv/bin/python job.py >log 2>&1
jobs=$(python3 -c 'import json; print(" ".join(sorted({json.loads(line)["job"]["name"] for line in open("seen")})))')
runs=$(python3 -c 'import json; print(len({json.loads(line)["run"]["runId"] for line in open("seen")}))')

echo "$(wc -l <seen) events of the jobs $jobs; different runIds: $runs"
[ "$(wc -l <seen)" = 4 ] && [ "$jobs" = "orders revenue" ] && [ "$runs" = 1 ]
