#!/usr/bin/env bash
# mloda-community-openlineage: the processing_engine facet is sent under the key processingEngine, where nobody looks for it.
#
# Seen: mloda-community-openlineage 0.11.0, mloda 0.17.0, openlineage-python 1.54.0, Python 3.11. START and COMPLETE of a run
#   with Pandas carry ProcessingEngineRunFacet with its own _schemaURL, yet under run.facets.processingEngine. The standard's
#   schema names the key processing_engine. openlineage-prefect 0.0.1b22 does the same.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mloda==0.17.0 mloda-community-openlineage==0.11.0 \
  openlineage-python==1.54.0 pandas==2.3.3

cat > job.py <<'PYTHON'
from mloda.community.extenders.openlineage import OpenLineageExtender
from mloda.user import PluginLoader, mloda

PluginLoader.all()
extender = OpenLineageExtender(use_sdk_defaults=True)
mloda.run_all(features=["id", "amount__sum_aggr"], compute_frameworks=["PandasDataFrame"],
              api_data={"Orders": {"id": [1, 2], "amount": [10, 5]}}, function_extender={extender})
extender.close()
PYTHON
OPENLINEAGE_NAMESPACE=shop OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH="$work/events" \
  OPENLINEAGE__TRANSPORT__APPEND=true HOME=$work venv/bin/python -W ignore job.py >log 2>&1

python3 - <<'PYTHON' | tee told
import json

events = [json.loads(line) for line in open("events")]
facets = [event["run"].get("facets", {}) for event in events]
wrong = [facet["processingEngine"] for facet in facets if "processingEngine" in facet]
print("events:", len(events))
print("with processing_engine:", sum("processing_engine" in facet for facet in facets))
print("with processingEngine:", len(wrong))
print("schema:", *{facet["_schemaURL"].rpartition("#/$defs/")[2] for facet in wrong})
PYTHON
diff told - <<'TOLD'
events: 6
with processing_engine: 0
with processingEngine: 2
schema: ProcessingEngineRunFacet
TOLD
