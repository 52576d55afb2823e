#!/usr/bin/env bash
# openlineage-python: a metric that is a Decimal, or a 32-bit number of NumPy's, is sent as the name of its type.
#
# Seen: openlineage-python 1.54.0, numpy 2.3.5, Python 3.11. Drivers of databases give SUM of a NUMERIC column as Decimal.
#   ColumnMetrics, annotated with float, takes it, and the client sends "sum": "<<non-serializable: Decimal>>": no error, no
#   warning, and a string where the standard's schema asks for a number. A receiver that checks refuses the facet, and one
#   that does not shows nonsense. So it is with float32 and int32 of NumPy; int64 and float64 arrive as numbers.
# Needs: python3 with venv, and a registry of Python packages. Takes half a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openlineage-python==1.54.0 numpy==2.3.5

cat > emit.py <<'PYTHON'
import json
import logging
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import numpy
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as quality
from openlineage.client.transport.file import FileConfig, FileTransport

logging.basicConfig(level=logging.WARNING, filename="warnings")
for number in (Decimal("12.5"), numpy.float32(12.5), numpy.int32(12), numpy.float64(12.5), numpy.int64(12)):
    name = type(number).__name__
    metrics = quality.DataQualityMetricsInputDatasetFacet(columnMetrics={"price": quality.ColumnMetrics(sum=number)})
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=name, append=True)))
    orders = InputDataset("shop", "orders", inputFacets={"dataQualityMetrics": metrics})
    client.emit(RunEvent(eventTime=datetime.now(timezone.utc).isoformat(), run=Run(str(uuid.uuid4())), job=Job("shop", "etl"),
                         eventType=RunState.COMPLETE, producer="https://github.com/acme/shop", inputs=[orders]))
    client.close()
    facet = json.load(open(name))["inputs"][0]["inputFacets"]["dataQualityMetrics"]
    print(f"sum of type {name}: sent {json.dumps(facet['columnMetrics']['price'])}")
print("warnings:", len(open("warnings").readlines()))
PYTHON
venv/bin/python emit.py 2>log | tee told
diff told - <<'TOLD'
sum of type Decimal: sent {"quantiles": {}, "sum": "<<non-serializable: Decimal>>"}
sum of type float32: sent {"quantiles": {}, "sum": "<<non-serializable: float32>>"}
sum of type int32: sent {"quantiles": {}, "sum": "<<non-serializable: int32>>"}
sum of type float64: sent {"quantiles": {}, "sum": 12.5}
sum of type int64: sent {"quantiles": {}, "sum": 12}
warnings: 0
TOLD
