"""dlt-openlineage: a dlt pipeline into DuckDB."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_JOB = """\
# Nightly job: loads orders and customers with dlt.
import sys

import dlt
import dlt_openlineage

dlt_openlineage.install()


@dlt.resource
def orders():
    yield [{"id": 1, "customer_id": 1, "day": "2026-11-01", "amount": 10}]
    if "--fail" in sys.argv:
        raise ValueError("no more orders")


@dlt.resource
def customers():
    yield [{"id": 1, "name": "Ada"}]


dlt.pipeline(pipeline_name="shop", destination="duckdb", dataset_name="raw").run([orders(), customers()])
"""

PRODUCERS = (
    RealProducer(
        "dlt",
        "dlt-openlineage",
        Venv(("dlt[duckdb]==1.31.0", "dlt-openlineage==0.1.1")),
        {"job.py": _JOB},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"RUNTIME__DLTHUB_TELEMETRY": "false", "OPENLINEAGE_NAMESPACE": "shop", "DLT_DATA_DIR": "dlt"},
        how="Call dlt_openlineage.install() before the pipeline runs. It demands OPENLINEAGE_URL, whatever transport "
        "the client has.",
        scenarios=FEW,
        cures=(add_job_type(),),
        reads=("OPENLINEAGE__TRANSPORT__TYPE", "DD_API_KEY", "DD_SITE", "OPENLINEAGE_URL"),
    ),
)
