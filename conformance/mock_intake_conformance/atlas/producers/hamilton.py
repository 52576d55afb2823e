"""apache-hamilton: its OpenLineage adapter around a driver that reads and writes files."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_FLOW = """\
import pandas as pd


def paid_orders(orders: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    return orders.merge(customers, left_on="customer_id", right_on="id")


def daily_revenue(paid_orders: pd.DataFrame, broken: bool) -> pd.DataFrame:
    if broken:
        raise ValueError("no customers")
    return paid_orders.groupby("day", as_index=False)["amount"].sum()
"""
_JOB = """\
import sys

import flow
import pandas as pd
from hamilton import driver
from hamilton.io.materialization import from_, to
from hamilton.plugins import h_openlineage, pandas_extensions  # noqa: F401
from openlineage.client import OpenLineageClient

with open("orders.csv", "w") as file:
    file.write("id,customer_id,day,amount\\n1,1,2026-11-01,10\\n2,2,2026-11-01,5\\n")
with open("customers.csv", "w") as file:
    file.write("id,name\\n1,Ada\\n2,Grace\\n")
client = OpenLineageClient()
adapter = h_openlineage.OpenLineageAdapter(client, "shop", "daily_revenue")
built = driver.Builder().with_modules(flow).with_adapters(adapter).with_materializers(
    from_.csv(target="orders", path="orders.csv"),
    from_.csv(target="customers", path="customers.csv"),
    to.csv(id="written", dependencies=["daily_revenue"], path="daily_revenue.csv"),
).build()
try:
    built.execute(["written"], inputs={"broken": "--fail" in sys.argv})
finally:
    client.close()
"""

PRODUCERS = (
    RealProducer(
        "hamilton",
        "apache-hamilton (h_openlineage)",
        Venv(("apache-hamilton==1.90.0", "openlineage-python==1.54.0", "pandas==2.3.3")),
        {"job.py": _JOB, "flow.py": _FLOW},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"HAMILTON_TELEMETRY_ENABLED": "false"},
        how="Give the driver h_openlineage.OpenLineageAdapter(OpenLineageClient(), namespace, job).",
        scenarios=FEW,
        cures=(add_job_type(),),
    ),
)
