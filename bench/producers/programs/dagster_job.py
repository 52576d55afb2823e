"""Two Dagster assets, materialised on an instance whose event log tells OpenLineage."""

import os

os.environ["DAGSTER_HOME"] = os.path.abspath("dagster")
os.makedirs("dagster", exist_ok=True)
with open("dagster/dagster.yaml", "w") as file:
    file.write(f"""
event_log_storage:
  module: dagster_openlineage
  class: OpenLineageEventLogStorage
  config:
    wrapped:
      module: dagster._core.storage.event_log
      class: SqliteEventLogStorage
      config: {{base_dir: {os.path.abspath("dagster")}/log}}
    namespace: {os.environ.get("OPENLINEAGE_NAMESPACE", "dagster")}
""")

from dagster import DagsterInstance, asset, materialize


@asset
def orders():
    return [1, 2, 3]


@asset
def report(orders):
    return sum(orders)


with DagsterInstance.get() as instance:
    assert materialize([orders, report], instance=instance).success
