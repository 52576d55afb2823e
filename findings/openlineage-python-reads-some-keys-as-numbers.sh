#!/usr/bin/env bash
# openlineage-python: an API key of hexadecimal digits that reads as a number, given by a variable, is sent as that number.
#
# Seen: openlineage-python 1.54.0, Python 3.11. OPENLINEAGE__TRANSPORT__APIKEY (Datadog transport) and
#   OPENLINEAGE__TRANSPORT__AUTH__APIKEY (HTTP transport) are read as JSON. Of a key with one e among digits, such as
#   123456789012345678901234567890e1, the receiver gets "Bearer 1.2345678901234568e+30", or the like, and answers 403.
#   A key of digits alone arrives as it is, one in quotation marks too, and so does one given by DD_API_KEY.
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

class Keys(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("keys", "a").write(self.headers["Authorization"].removeprefix("Bearer ") + "\n")
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Keys)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat port)

cat > emit.py <<'PYTHON'
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

client = OpenLineageClient()
now = datetime.now(timezone.utc).isoformat()
client.emit(RunEvent(eventTime=now, run=Run(str(uuid.uuid4())), job=Job("shop", "etl"), eventType=RunState.START,
                     producer="https://github.com/acme/shop"))
client.close()
PYTHON
sent() {
  : >keys
  env "$@" venv/bin/python emit.py >log 2>&1
  cat keys
}
key=123456789012345678901234567890e1
digits=12345678901234567890123456789012
datadog=(OPENLINEAGE__TRANSPORT__TYPE=datadog "OPENLINEAGE__TRANSPORT__SITE=$url")
http=(OPENLINEAGE__TRANSPORT__TYPE=http "OPENLINEAGE__TRANSPORT__URL=$url" OPENLINEAGE__TRANSPORT__AUTH__TYPE=api_key)

by_datadog=$(sent "${datadog[@]}" "OPENLINEAGE__TRANSPORT__APIKEY=$key")
by_http=$(sent "${http[@]}" "OPENLINEAGE__TRANSPORT__AUTH__APIKEY=$key")
of_digits=$(sent "${datadog[@]}" "OPENLINEAGE__TRANSPORT__APIKEY=$digits")
quoted=$(sent "${datadog[@]}" "OPENLINEAGE__TRANSPORT__APIKEY=\"$key\"")
plain=$(sent "${datadog[@]}" "DD_API_KEY=$key")
echo "given $key: Datadog transport sends $by_datadog, HTTP transport $by_http; in quotation marks $quoted; DD_API_KEY $plain"
echo "given $digits: Datadog transport sends $of_digits"
[ "$by_datadog" != "$key" ] && [ "$by_http" != "$key" ] && [ "$of_digits" = "$digits" ] && [ "$quoted" = "$key" ] && [ "$plain" = "$key" ]
