"""Settings of producers that lead elsewhere, and small programs that read them as the real ones do."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import REPOSITORY

AS_AIRFLOW = REPOSITORY / "tests" / "settings" / "as_airflow.py"
AIRFLOW_WAYS = ("transport", "file", "connection", "cfg", "switch")


def led_by_airflow(way: str, url: str, home: Path) -> dict[str, str]:
    """The variables of a machine whose Airflow sends to an address, one way or another; files lie in its home.

    The way ``switch`` sends nothing. What makes content stands beside: events are of the namespace ``my_ns``.
    """
    to = {"transport": {"type": "http", "url": url}}
    file = home / "lineage.yml"
    file.write_text(json.dumps(to))
    kept = {"AIRFLOW_HOME": str(home), "AIRFLOW__OPENLINEAGE__NAMESPACE": "my_ns"}
    connection = {"AIRFLOW_CONN_PRODUCTION": json.dumps({"conn_type": "http", "extra": to})}
    if way == "cfg":
        lines = ("[openlineage]", f"transport = {json.dumps(to['transport'])}", f"config_path = {file}")
        (home / "airflow.cfg").write_text("\n".join((*lines, "config_conn_id = production", "")))
        return {**kept, **connection}
    leads = {
        "transport": {"TRANSPORT": json.dumps(to["transport"])},
        "file": {"CONFIG_PATH": str(file)},
        "connection": {"CONFIG_CONN_ID": "production"},
        "switch": {"DISABLED": "True"},
    }[way]
    return {**kept, **connection, **{f"AIRFLOW__OPENLINEAGE__{key}": value for key, value in leads.items()}}
