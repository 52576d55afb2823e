#!/usr/bin/env bash
# A producer that does everything right, with curl. The others beside it set CURL_OPTIONS or CONTENT_TYPE, and source it.
# Host and key come from MOCK_INTAKE_URL and MOCK_INTAKE_KEY; --fail lets the job fail.
RUN_ID=$(cat /proc/sys/kernel/random/uuid)
CODE=https://github.com/acme/etl
FACETS=https://openlineage.io/spec/facets

emit() { # eventType, run facets
  # The key comes in by a file, since the arguments of a process can be read by everybody on the machine.
  # A redirect is no failure to --fail.
  local status
  status=$(curl -sS --fail --max-time 2 --retry 2 --retry-all-errors --retry-max-time 10 ${CURL_OPTIONS-} \
    -o /dev/null -w '%{http_code}' -X POST "$MOCK_INTAKE_URL/api/v1/lineage" \
    -H @<(echo "Authorization: Bearer $MOCK_INTAKE_KEY") \
    -H "Content-Type: ${CONTENT_TYPE-application/json}" \
    -d '{
      "eventType": "'"$1"'", "eventTime": "'"$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)"'", "producer": "'"$CODE"'",
      "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
      "run": {"runId": "'"$RUN_ID"'", "facets": {'"$2"'}},
      "job": {"namespace": "prod", "name": "load_orders", "facets": {"jobType": {
        "_producer": "'"$CODE"'", "_schemaURL": "'"$FACETS"'/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
        "processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}}},
      "inputs": [], "outputs": []
    }') && [[ $status == 2* ]] || { echo "an event was lost" >&2; ${ON_LOSS:-true}; }
}

emit START
emit RUNNING
if [ "$1" = --fail ]; then
  emit FAIL '"errorMessage": {
    "_producer": "'"$CODE"'", "_schemaURL": "'"$FACETS"'/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "message": "no orders", "programmingLanguage": "bash"}'
  exit 3
fi
emit COMPLETE
exit 0
