"""Great Expectations: a checkpoint with the validation action of openlineage-integration-common."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer

_JOB = """\
import sys

import great_expectations as gx
import pandas as pd
from openlineage.common.provider.great_expectations.action import OpenLineageValidationAction

context = gx.get_context(mode="ephemeral")
orders = pd.DataFrame({"id": [1, 2], "amount": [10, None if "--fail" in sys.argv else 5]})
asset = context.data_sources.add_pandas("shop").add_dataframe_asset("orders")
batch = asset.add_batch_definition_whole_dataframe("all")
suite = context.suites.add(gx.ExpectationSuite("orders"))
suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column="amount"))
validation = context.validation_definitions.add(gx.ValidationDefinition(name="orders", data=batch, suite=suite))
action = OpenLineageValidationAction(name="lineage", openlineage_namespace="shop", job_name="orders.validated")
checkpoint = context.checkpoints.add(
    gx.Checkpoint(name="nightly", validation_definitions=[validation], actions=[action])
)
result = checkpoint.run(batch_parameters={"dataframe": orders})
print("validated:", result.success)
sys.exit(0 if result.success else 3)
"""

PRODUCERS = (
    RealProducer(
        "great-expectations",
        "Great Expectations (openlineage-integration-common)",
        Venv(
            (
                "great-expectations==1.24.1",
                "openlineage-integration-common==1.54.0",
                "pandas==2.3.3",
                "sqlalchemy==2.0.44",
            )
        ),
        {"job.py": _JOB},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"GX_ANALYTICS_ENABLED": "false"},
        how="Name OpenLineageValidationAction among the actions of a checkpoint.",
        scenarios=FEW,
    ),
)
