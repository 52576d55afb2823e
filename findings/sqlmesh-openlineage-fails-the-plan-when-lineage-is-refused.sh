#!/usr/bin/env bash
# sqlmesh-openlineage: a receiver that refuses lineage has sqlmesh plan fail, which succeeds without it.
#
# Seen: sqlmesh-openlineage 0.1.0, sqlmesh 0.236.4, DuckDB, Python 3.11. With a receiver that answers 403, as to a wrong key, the
#   plan of a project in order ends with 1; with one that answers 201 the same plan ends with 0. So it does where
#   connections are refused.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlmesh==0.236.4 sqlmesh-openlineage==0.1.0

mkdir models
echo "MODEL (name shop.orders, kind FULL); SELECT 1 AS id, 'ten' AS amount" >models/orders.sql
cat > config.py <<'PYTHON'
import sqlmesh_openlineage

sqlmesh_openlineage.install(namespace="shop")

from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

config = Config(
    gateways={"shop": GatewayConfig(connection=DuckDBConnectionConfig(database="shop.duckdb"))},
    default_gateway="shop",
    model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2026-11-01"),
    disable_anonymized_analytics=True,
)
PYTHON

cat > server.py <<'PYTHON'
import http.server
import json
import os
import sys

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        open("seen", "a").write(f"{event['eventType']} {event['job']['name']}\n")
        self.send_response(int(sys.argv[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
serve() {
  rm -f port seen
  python3 server.py "$1" 2>/dev/null & server=$!
  until [ -e port ]; do sleep 0.1; done
  OPENLINEAGE_URL="http://127.0.0.1:$(cat port)"
  export OPENLINEAGE_URL
}

planned() {
  local code=0
  rm -f shop.duckdb
  venv/bin/sqlmesh plan --auto-apply --no-prompts >"log.$1" 2>&1 || code=$?
  echo $code
}
serve 201
taken=$(planned taken)
kill $server
serve 403
refused=$(planned refused)
kill $server
wait 2>/dev/null || true
down=$(planned down)

echo "the plan ends with: $taken when lineage is taken, $refused when it is refused, $down when nobody listens"
[ "$taken" = 0 ] && [ "$refused" = 1 ] && [ "$down" = 1 ]
