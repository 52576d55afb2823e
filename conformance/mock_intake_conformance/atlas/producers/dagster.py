"""dagster-openlineage and openlineage-dagster: assets of Dagster, materialised in a process."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_JOB = """\
# Nightly job: three assets, daily revenue of orders and customers.
import os
import sys

os.environ["DAGSTER_HOME"] = os.path.abspath("dagster")
os.makedirs("dagster", exist_ok=True)
with open("dagster/dagster.yaml", "w") as file:
    file.write(f\"\"\"
event_log_storage:
  module: dagster_openlineage
  class: OpenLineageEventLogStorage
  config:
    wrapped:
      module: dagster._core.storage.event_log
      class: SqliteEventLogStorage
      config: {{base_dir: {os.path.abspath("dagster")}/log}}
    namespace: shop
telemetry: {{enabled: false}}
\"\"\")

from dagster import DagsterInstance, asset, materialize


@asset
def orders():
    return [(1, 10), (2, 5)]


@asset
def customers():
    return {1: "Ada", 2: "Grace"}


@asset
def daily_revenue(orders, customers):
    if "--fail" in sys.argv:
        raise ValueError("no customers")
    return sum(amount for customer, amount in orders if customer in customers)


with DagsterInstance.get() as instance:
    result = materialize([orders, customers, daily_revenue], instance=instance, raise_on_error=False)
sys.exit(0 if result.success else 3)
"""
_OLD = """\
# Nightly job: three ops, their run told by the sensor of openlineage-dagster, evaluated once after it.
import sys

from dagster import DagsterInstance, build_sensor_context, job, op, reconstructable
from openlineage.dagster.sensor import openlineage_sensor


@op
def orders():
    return [(1, 10), (2, 5)]


@op
def customers():
    return {1: "Ada", 2: "Grace"}


@op
def daily_revenue(orders, customers):
    if "--fail" in sys.argv:
        raise ValueError("no customers")
    return sum(amount for customer, amount in orders if customer in customers)


@job
def shop():
    daily_revenue(orders(), customers())


with DagsterInstance.ephemeral() as instance:
    result = shop.execute_in_process(instance=instance, raise_on_error=False)
    sensor = openlineage_sensor()
    with build_sensor_context(instance=instance) as context:
        sensor.evaluate_tick(context)
sys.exit(0 if result.success else 3)
"""

PRODUCERS = (
    RealProducer(
        "dagster",
        "dagster-openlineage",
        Venv(("dagster==1.13.28", "dagster-openlineage==0.2.1")),
        {"job.py": _JOB},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        how="Name dagster_openlineage.OpenLineageEventLogStorage as event_log_storage in dagster.yaml.",
        scenarios=FEW,
        cures=(add_job_type(),),
    ),
    RealProducer(
        "openlineage-dagster",
        "openlineage-dagster (the sensor)",
        Venv(("dagster==1.6.9", "openlineage-dagster==1.38.0", "setuptools<80")),
        {"job.py": _OLD},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        how="Add openlineage_sensor() to the repository's sensors.",
        scenarios=FEW,
        cures=(add_job_type(),),
    ),
)
