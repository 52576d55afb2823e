#!/usr/bin/env bash
# openlineage-integration-common: its validation action for Great Expectations cannot be added to a checkpoint of GX 1.
#
# Seen: openlineage-integration-common 1.54.0, great-expectations 1.24.1, Python 3.11. The action can be made with the names of
#   GX 1, and a checkpoint with it is refused: the context writes each action as JSON, and this one holds a client of
#   OpenLineage. The same checkpoint without it runs. So no event is ever sent from GX 1.
# Needs: python3 with venv, and a registry of Python packages. Takes a minute or two. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check great-expectations==1.24.1 \
  openlineage-integration-common==1.54.0 pandas==2.3.3 sqlalchemy==2.0.44

cat > validate.py <<'PYTHON'
import sys

import great_expectations as gx
import pandas as pd
from openlineage.common.provider.great_expectations.action import OpenLineageValidationAction

context = gx.get_context(mode="ephemeral")
orders = pd.DataFrame({"id": [1, 2], "amount": [10, 5]})
batch = context.data_sources.add_pandas("shop").add_dataframe_asset("orders").add_batch_definition_whole_dataframe("all")
suite = context.suites.add(gx.ExpectationSuite("orders"))
suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column="amount"))
validation = context.validation_definitions.add(gx.ValidationDefinition(name="orders", data=batch, suite=suite))
lineage = [OpenLineageValidationAction(name="lineage", openlineage_namespace="shop", job_name="orders.validated")]
actions = lineage if "--with" in sys.argv else []
try:
    checkpoint = context.checkpoints.add(gx.Checkpoint(name="n", validation_definitions=[validation], actions=actions))
except TypeError as error:
    print("refused:", error)
else:
    print("validated:", checkpoint.run(batch_parameters={"dataframe": orders}).success)
PYTHON
said() {
  GX_ANALYTICS_ENABLED=false OPENLINEAGE_DISABLED=true venv/bin/python -W ignore validate.py "$@" 2>log | grep -E '^(refused|validated)'
}
without=$(said)
with=$(said --with)
echo "without the action: $without; with it: $with"
[ "$without" = "validated: True" ]
[ "$with" = "refused: Object of type 'OpenLineageClient' is not JSON serializable" ]
