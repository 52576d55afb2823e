"""Sends events as a task of Airflow does, to where the settings of Airflow's OpenLineage provider lead it.

Run as a script. A setting is a variable AIRFLOW__OPENLINEAGE__..., also an empty one, or else stands in airflow.cfg
under AIRFLOW_HOME. A connection goes before a file, a file before a transport, and each of them before all that the
client reads by itself.
"""

from __future__ import annotations

import configparser
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job


def setting(key: str) -> str:
    variable = os.environ.get(f"AIRFLOW__OPENLINEAGE__{key.upper()}")
    if variable is not None:
        return variable
    file = configparser.ConfigParser(interpolation=None)
    file.read(Path(os.environ.get("AIRFLOW_HOME", ".")) / "airflow.cfg")
    return file.get("openlineage", key, fallback="")


def config() -> dict[str, Any] | None:
    if connection := setting("config_conn_id"):
        found = json.loads(os.environ[f"AIRFLOW_CONN_{connection.upper()}"])["extra"]
    elif path := setting("config_path"):
        # YAML to Airflow, which JSON is too.
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    elif transport := setting("transport"):
        found = {"transport": json.loads(transport)}
    else:
        return None
    assert isinstance(found, dict)
    return found


def main() -> None:
    if setting("disabled").lower() in ("true", "t", "1"):
        return
    client = OpenLineageClient(config=config())
    facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="TASK")
    run, job = Run(str(uuid.uuid4())), Job(setting("namespace") or "default", "dag.task", {"jobType": facet})
    for state in (RunState.START, RunState.COMPLETE):
        now = datetime.now(UTC).isoformat()
        client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer="https://github.com/acme/etl"))
    client.close()


if __name__ == "__main__":
    main()
