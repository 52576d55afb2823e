"""A shell script with curl, careful: it retries, waits no longer than it must, and never fails the job. A control."""

from mock_intake_conformance.atlas.installing import Nothing
from mock_intake_conformance.atlas.model import RealProducer

_SEND = """\
#!/usr/bin/env bash
# Nightly job: joins orders with customers, writes daily revenue, and tells lineage of it.
set -u
run=$(cat /proc/sys/kernel/random/uuid)
state=COMPLETE

event() {
  local more=${2:-}
  printf '{"eventType": "%s", "eventTime": "%s", ' "$1" "$(date -u +%FT%T.%3NZ)"
  printf '"producer": "https://github.com/acme/shop", '
  printf '"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", '
  printf '"run": {"runId": "%s", "facets": {%s}}, ' "$run" "$more"
  printf '"job": {"namespace": "shop", "name": "daily_revenue", "facets": {"jobType": {'
  printf '"_producer": "https://github.com/acme/shop", '
  printf '"_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet", '
  printf '"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}}}, '
  printf '"inputs": [{"namespace": "postgres://shop.example:5432", "name": "shop.public.orders"}, '
  printf '{"namespace": "postgres://shop.example:5432", "name": "shop.public.customers"}], '
  printf '"outputs": [{"namespace": "postgres://shop.example:5432", "name": "shop.public.daily_revenue"}]}'
}

send() {
  # The key stands in a file of its own: what stands in arguments is seen in the list of processes.
  local status
  status=$(event "$@" | curl --silent --show-error --fail --max-time 10 --retry 4 --retry-delay 1 --retry-connrefused \\
    --config <(printf 'header = "Authorization: Bearer %s"\\n' "$MOCK_INTAKE_KEY") \\
    --header 'Content-Type: application/json' --data-binary @- --output /dev/null \\
    --write-out '%{http_code}' "$MOCK_INTAKE_URL/api/v1/lineage")
  # A redirect is no failure to --fail.
  [[ $status == 2* ]] || echo "lineage: $1 was lost ($status)" >&2
}

send START
if [ "${1:-}" = --fail ]; then
  send FAIL '"errorMessage": {"_producer": "https://github.com/acme/shop", "_schemaURL":
    "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "message": "no customers", "programmingLanguage": "bash"}'
  exit 3
fi
send COMPLETE
"""

PRODUCERS = (
    RealProducer(
        "curl",
        "curl in a shell script",
        Nothing({"curl": "--version", "bash": "--version"}),
        {"send.sh": _SEND},
        ("bash", "send.sh"),
        ("bash", "send.sh", "--fail"),
        path="custom",
        how="The script posts each event to /api/v1/lineage with the key as Bearer; curl retries.",
        jobs=4,
    ),
)
