#!/usr/bin/env bash
# dbt-ol: says that it emitted events which the receiver refused, every one of them, and ends with 0.
#
# Seen: openlineage-dbt 1.54.0, openlineage-python 1.54.0, dbt-core 1.11, dbt-duckdb 1.10.1, Python 3.11. A receiver answers 403
#   to all, as to a wrong key. By the HTTP transport dbt-ol says "Emitted 0 OpenLineage events"; by the Datadog transport,
#   which sends dbt's events in the background, it says "Emitted 4", having emitted none. It ends with 0, as dbt does.
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

cat > server.py <<'PYTHON'
import http.server
import os

class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("refused", "a").write("1\n")
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

export DBT_SEND_ANONYMOUS_USAGE_STATS=false PATH="$work/venv/bin:$PATH"
url="http://127.0.0.1:$(cat port)"
# What dbt-ol says by some variables, with how many requests were refused and how it ended.
told() {
  local code=0
  : >refused
  env "$@" dbt-ol run --project-dir . --profiles-dir . >log 2>&1 || code=$?
  echo "$(sed -n 's/.*Emitted \([0-9]*\) OpenLineage events.*/\1/p' log) $(wc -l <refused) $code"
}
read -r http_said http_refused http_code <<<"$(told OPENLINEAGE_URL="$url")"
read -r dd_said dd_refused dd_code <<<"$(told OPENLINEAGE__TRANSPORT__TYPE=datadog DD_API_KEY=00000000000000000000000000000000 DD_SITE="$url")"

echo "HTTP:    $http_refused requests, all refused; dbt-ol says that it emitted $http_said events, and ends with $http_code"
echo "Datadog: $dd_refused requests, all refused; dbt-ol says that it emitted $dd_said events, and ends with $dd_code"
[ "$http_said" = 0 ] && [ "$http_refused" -ge 1 ] && [ "$http_code" = 0 ]
[ "$dd_said" = "$dd_refused" ] && [ "$dd_said" -ge 1 ] && [ "$dd_code" = 0 ]
