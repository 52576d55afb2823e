#!/usr/bin/env bash
# openlineage-python: OpenLineageClient(url=...) sends to where openlineage.yml in the working directory leads, not to url.
#
# Seen: openlineage-python 1.54.0, Python 3.11. Two receivers; the program names the one, an openlineage.yml that lies where
#   it is started names the other. With url= and options= the event goes to the one of the file, and nothing says so; with
#   config= it goes to the one of the program. A file in the home directory wins over url= as well.
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

class Said(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("arrived", "a").write(self.path.split("/")[1] + "\n")
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Said)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat port)

cat > emit.py <<'PYTHON'
import sys
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

how, url = sys.argv[1:]
if how == "url":
    client = OpenLineageClient(url=f"{url}/program/", options=OpenLineageClientOptions(api_key="0" * 32))
else:
    client = OpenLineageClient(config={"transport": {"type": "http", "url": url, "endpoint": "program/lineage"}})
now = datetime.now(timezone.utc).isoformat()
client.emit(RunEvent(eventTime=now, run=Run(str(uuid.uuid4())), job=Job("shop", "etl"), eventType=RunState.START,
                     producer="https://github.com/acme/shop"))
client.close()
PYTHON
mkdir here home empty
for place in here home; do
  printf 'transport: {type: http, url: "%s", endpoint: file/lineage}\n' "$url" >$place/openlineage.yml
done
# The client looks for the file of the home directory in a directory of its own there.
mkdir home/.openlineage && mv home/openlineage.yml home/.openlineage/
goes() {
  : >arrived
  (cd "$1" && HOME=$work/$2 "$work/venv/bin/python" -W ignore "$work/emit.py" "$3" "$url") >log 2>&1
  cat arrived
}
nothing=$(goes empty empty url)
by_url=$(goes here empty url)
by_home=$(goes empty home url)
by_config=$(goes here empty config)
echo "url= without a file: $nothing; with a file beside it: $by_url, in the home directory: $by_home; config= with a file: $by_config"
[ "$nothing $by_url $by_home $by_config" = "program file file program" ]
