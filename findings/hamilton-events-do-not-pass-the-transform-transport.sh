#!/usr/bin/env bash
# apache-hamilton: its START event cannot be copied, so the client's transform transport raises, and the job ends with it.
#
# Seen: apache-hamilton 1.90.0 (h_openlineage), openlineage-python 1.54.0, Python 3.11. With the file transport a driver with
#   OpenLineageAdapter runs, and its events are written. With a transform transport around the same file transport, and a
#   transformer that hands each event on as it is, emit() raises ValueError "Error serializing copy of event": the facet
#   HamiltonFacet is no attrs class that can be copied. The driver does not catch it.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check apache-hamilton==1.90.0 openlineage-python==1.54.0 pandas==2.3.3

cat > flow.py <<'PYTHON'
def revenue(amount: int) -> int:
    return amount * 2
PYTHON
cat > same.py <<'PYTHON'
from openlineage.client.transport.transform import EventTransformer

class Same(EventTransformer):
    def transform(self, event):
        return event
PYTHON
cat > job.py <<'PYTHON'
import flow
from hamilton import driver
from hamilton.plugins import h_openlineage
from openlineage.client import OpenLineageClient

adapter = h_openlineage.OpenLineageAdapter(OpenLineageClient(), "shop", "revenue")
print(driver.Builder().with_modules(flow).with_adapters(adapter).build().execute(["revenue"], inputs={"amount": 5}))
PYTHON
export HAMILTON_TELEMETRY_ENABLED=false PYTHONPATH=$work
ends() {
  local code=0
  venv/bin/python job.py >log 2>&1 || code=$?
  echo $code
}
printf 'transport: {type: file, log_file_path: events, append: true}\n' >openlineage.yml
plain=$(ends)
written=$(wc -l <events)
printf 'transport: {type: transform, transformer_class: same.Same, transport: {type: file, log_file_path: copied, append: true}}\n' \
  >openlineage.yml
wrapped=$(ends)
reason=$(tail -1 log)

echo "file transport: ends with $plain, $written events; with transform around it: ends with $wrapped: $reason"
[ "$plain" = 0 ] && [ "$written" -ge 2 ] && [ "$wrapped" = 1 ] && [ "$reason" = "ValueError: Error serializing copy of event." ]
