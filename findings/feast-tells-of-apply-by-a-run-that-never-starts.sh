#!/usr/bin/env bash
# feast: applying a feature store sends COMPLETE of a run that has no START; its producer is a word, and no URI.
#
# Seen: feast 0.67.0, openlineage-python 1.54.0, Python 3.11. FeatureStore.apply of a source, an entity and a feature view with
#   openlineage enabled sends one event: COMPLETE. The standard has a run begin with START, and wants a URI as producer and as
#   _producer of each facet; feast gives its name as a plain word, and an empty text for a facet of its own.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check feast==0.67.0 openlineage-python==1.54.0 grpcio==1.76.0

cat > feature_store.yaml <<'YAML'
project: shop
registry: registry.db
provider: local
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
openlineage: {enabled: true, namespace: shop}
YAML
cat > apply.py <<'PYTHON'
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64

day = pd.to_datetime(["2026-11-01"], utc=True)
pd.DataFrame({"customer_id": [1], "revenue": [10.0], "day": day}).to_parquet("daily_revenue.parquet")
source = FileSource(name="daily_revenue", path="daily_revenue.parquet", timestamp_field="day")
customer = Entity(name="customer", join_keys=["customer_id"])
fields = [Field(name="revenue", dtype=Float64)]
FeatureStore(".").apply([source, customer, FeatureView(name="revenue", entities=[customer], source=source, schema=fields)])
PYTHON
FEAST_USAGE=False OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH="$work/events" \
  OPENLINEAGE__TRANSPORT__APPEND=true venv/bin/python -W ignore apply.py >log 2>&1

python3 - <<'PYTHON' | tee told
import json
from urllib.parse import urlsplit

def producers(value):
    if isinstance(value, list):
        for each in value:
            yield from producers(each)
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("producer", "_producer"):
                yield each
            else:
                yield from producers(each)

events = [json.loads(line) for line in open("events")]
named = {name for event in events for name in producers({key: event[key] for key in ("producer", "job", "inputs", "outputs")})}
print("events:", *(event["eventType"] for event in events))
print("producers:", *(name or "(empty)" for name in sorted(named)))
print("of these URIs:", sum(bool(urlsplit(name).scheme) for name in named))
PYTHON
diff told - <<'TOLD'
events: COMPLETE
producers: (empty) feast
of these URIs: 0
TOLD
