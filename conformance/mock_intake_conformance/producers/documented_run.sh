#!/usr/bin/env bash
# A run as Datadog documents it, with the documented curl request: START, RUNNING, COMPLETE; with --fail FAIL.
# Host and key come from MOCK_INTAKE_URL and MOCK_INTAKE_KEY.
RUN_ID=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)
FACETS=https://openlineage.io/spec/facets
PRODUCER=https://example.com/etl/daily-revenue

emit() { # eventType, run facets
  curl -sS -X POST "$MOCK_INTAKE_URL/api/v1/lineage" \
    -H "Authorization: Bearer $MOCK_INTAKE_KEY" -H "Content-Type: application/json" \
    -d '{
      "eventType": "'"$1"'",
      "eventTime": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'",
      "producer": "'"$PRODUCER"'",
      "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
      "run": {"runId": "'"$RUN_ID"'", "facets": {'"$2"'}},
      "job": {"namespace": "prod", "name": "daily_revenue", "facets": {"jobType": {
        "_producer": "'"$PRODUCER"'",
        "_schemaURL": "'"$FACETS"'/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
        "processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}}},
      "inputs": [{"namespace": "postgres://db.example.com:5432", "name": "shop.public.orders"}],
      "outputs": [{"namespace": "postgres://db.example.com:5432", "name": "shop.reports.daily_revenue"}]
    }'
}

emit START
emit RUNNING
if [ "$1" = --fail ]; then
  emit FAIL '"errorMessage": {"_producer": "'"$PRODUCER"'",
    "_schemaURL": "'"$FACETS"'/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "message": "the warehouse is closed", "programmingLanguage": "bash"}'
  exit 3
fi
emit COMPLETE
