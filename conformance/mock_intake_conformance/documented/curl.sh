#!/usr/bin/env bash
# The documented curl request: an event without schemaURL, and with a producer that is no URI.
# Only host and key come from outside: MOCK_INTAKE_URL and MOCK_INTAKE_KEY.
curl -X POST "$MOCK_INTAKE_URL/api/v1/lineage" \
  -H "Authorization: Bearer $MOCK_INTAKE_KEY" -H "Content-Type: application/json" \
  -d '{
    "eventType": "START",
    "eventTime": "2023-01-01T00:00:00Z",
    "producer": "your-producer-id",
    "job": {"name": "test-job", "namespace": "default"},
    "run": {"runId": "123e4567-e89b-12d3-a456-426614174000"}
  }'
