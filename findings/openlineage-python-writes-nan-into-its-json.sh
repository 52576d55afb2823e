#!/usr/bin/env bash
# openlineage-python: a metric that is NaN makes the event something that is not JSON, and a strict reader refuses all of it.
#
# Seen: openlineage-python 1.54.0, pandas 2.3.3, Python 3.11. pandas gives NaN, a float, as the least value of a column without
#   values; ColumnMetrics takes floats. The client writes "min": NaN, which RFC 8259 does not know, without a word: Python's
#   json reads it back, a strict reader (here orjson 3.11.4) does not. One empty column costs the lineage of the whole run
#   where the receiver is strict. None in place of NaN leaves the field out, and the event can be read.
# Needs: python3 with venv, and a registry of Python packages. Takes half a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openlineage-python==1.54.0 pandas==2.3.3 orjson==3.11.4

cat > emit.py <<'PYTHON'
import json
import uuid
from datetime import datetime, timezone

import orjson
import pandas
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as quality
from openlineage.client.transport.file import FileConfig, FileTransport

least = pandas.Series([None, None], dtype="float64").min()
for name, value in (("NaN", float(least)), ("None", None)):
    metrics = quality.DataQualityMetricsInputDatasetFacet(
        rowCount=2, columnMetrics={"price": quality.ColumnMetrics(nullCount=2, min=value)}
    )
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=name, append=True)))
    orders = InputDataset("shop", "orders", inputFacets={"dataQualityMetrics": metrics})
    client.emit(RunEvent(eventTime=datetime.now(timezone.utc).isoformat(), run=Run(str(uuid.uuid4())), job=Job("shop", "etl"),
                         eventType=RunState.COMPLETE, producer="https://github.com/acme/shop", inputs=[orders]))
    client.close()
    sent = open(name).read()
    column = json.loads(sent)["inputs"][0]["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["price"]
    try:
        orjson.loads(sent)
        strict = "reads it"
    except orjson.JSONDecodeError:
        strict = "refuses it"
    print(f"min={name}: sent {json.dumps(column)}, a strict reader {strict}")
PYTHON
venv/bin/python emit.py 2>log | tee told
diff told - <<'TOLD'
min=NaN: sent {"min": NaN, "nullCount": 2, "quantiles": {}}, a strict reader refuses it
min=None: sent {"nullCount": 2, "quantiles": {}}, a strict reader reads it
TOLD
