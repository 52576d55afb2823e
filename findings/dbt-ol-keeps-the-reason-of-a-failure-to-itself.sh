#!/usr/bin/env bash
# dbt-ol: the FAIL of a model does not say why; with --consume-structured-logs it does.
#
# Seen: openlineage-dbt 1.54.0, dbt-core 1.11, dbt-duckdb 1.10.1, Python 3.11. The SQL of a model names a column that is not there.
#   By the artefacts, as dbt-ol goes by default, neither FAIL (of the model, of the command) has an errorMessage facet. With
#   --consume-structured-logs there is one.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'dbt-core==1.11.*' dbt-duckdb==1.10.1 openlineage-dbt==1.54.0

mkdir models
printf 'name: shop\nversion: "1.0"\nprofile: shop\n' >dbt_project.yml
printf 'shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n' >profiles.yml
echo 'select 1 as id' >models/orders.sql
echo "select no_such_column from {{ ref('orders') }}" >models/revenue.sql

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

export DBT_SEND_ANONYMOUS_USAGE_STATS=false PATH="$work/venv/bin:$PATH"
# How many FAIL events came, and how many of them say why.
failures() {
  : >seen
  dbt-ol "$@" run --project-dir . --profiles-dir . >log 2>&1 || true
  python3 -c '
import json
fails = [e for e in map(json.loads, open("seen")) if e["eventType"] == "FAIL"]
print(len(fails), sum("errorMessage" in e["run"].get("facets", {}) for e in fails))'
}
read -r plain_fails plain_why <<<"$(failures)"
read -r logs_fails logs_why <<<"$(failures --consume-structured-logs)"

echo "by default:                     $plain_fails FAIL events, $plain_why say why"
echo "with --consume-structured-logs: $logs_fails FAIL events, $logs_why say why"
[ "$plain_fails" -ge 1 ] && [ "$plain_why" = 0 ] && [ "$logs_fails" -ge 1 ] && [ "$logs_why" -ge 1 ]
