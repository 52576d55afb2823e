#!/usr/bin/env bash
# correlator-dbt: takes an answer 201 Created, which every event was accepted with, for a failure.
#
# Seen: correlator-dbt 0.1.1, dbt-core 1.11, dbt-duckdb 1.10.1, Python 3.11. It posts all events of a command as one array. A
#   receiver that answers 201, as receivers of OpenLineage do, makes it say "Failed to emit"; one that answers 200 does not.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check correlator-dbt==0.1.1 'dbt-core==1.11.*' dbt-duckdb==1.10.1

mkdir models
printf 'name: shop\nversion: "1.0"\nprofile: shop\n' >dbt_project.yml
printf 'shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n' >profiles.yml
echo 'select 1 as id' >models/orders.sql

cat > server.py <<'PYTHON'
import http.server
import json
import os

class Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        open("taken", "a").write(f"{type(body).__name__}\n")
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

server = http.server.HTTPServer(("127.0.0.1", 0), Taking)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

export DBT_SEND_ANONYMOUS_USAGE_STATS=false PATH="$work/venv/bin:$PATH"
failures() {
  dbt-correlator run --project-dir . --profiles-dir . --correlator-endpoint "http://127.0.0.1:$(cat port)/$1" >"log.$1" 2>&1 \
    || echo "(answered $1, it ends with $?)"
  grep -c -i 'failed to emit' "log.$1" || true
}
with_200=$(failures 200)
with_201=$(failures 201)

echo "bodies: $(sort -u taken | tr '\n' ' ')"
echo "answered 200: 'failed to emit' stands in $with_200 lines; answered 201: in $with_201"
[ "$(sort -u taken)" = list ] && [ "$with_200" = 0 ] && [ "$with_201" != 0 ]
