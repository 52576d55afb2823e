#!/bin/sh
# Runs a command with an intake beside it, and judges what it sent: lineage.sh python my_job.py
# Reports are in $LINEAGE_OUT (build/lineage). What mock-intake does can be set by its variables, such as
# MOCK_INTAKE_WAIT_JOB, MOCK_INTAKE_WAIT_TIMEOUT and MOCK_INTAKE_REPORT_FAIL_ON.
set -u
out=${LINEAGE_OUT:-build/lineage}
export MOCK_INTAKE_WAIT_STATE="${MOCK_INTAKE_WAIT_STATE-COMPLETE}" MOCK_INTAKE_WAIT_TIMEOUT="${MOCK_INTAKE_WAIT_TIMEOUT:-60}"
mkdir -p "$out" || exit 2

mock-intake serve --port 0 --ready-file "$out/intake.json" > "$out/intake.log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null' EXIT
mock-intake wait "$out/intake.json" --ready --timeout 60 || exit 2
url=$(sed -n 's/.*"url": "\([^"]*\)".*/\1/p' "$out/intake.json")

status=0
OPENLINEAGE_URL=$url OPENLINEAGE_API_KEY=0123456789abcdef0123456789abcdef "$@" || status=$?
mock-intake wait "$url" || status=1
mock-intake report "$url" -o "$out/report.txt" -o "$out/report.xml" -o "$out/report.html" -o "$out/report.md" \
    -o "$out/report.annotations" || status=1
exit "$status"
