"""Recordings of real producers, rebuilt: the shapes of their events, with names and ids of our own.

The shapes are those of the official compatibility tests (Spark on Dataproc, Airflow) and of runs of our own (Airflow
with a scheduler, dbt-ol with PostgreSQL), looked up and not copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.cases.judged import Body
from tests.cases.recordings import airflow, dbt, dbt_postgres, spark

RECORDINGS: Mapping[str, Sequence[Body]] = {
    **spark.RECORDINGS,
    **airflow.RECORDINGS,
    **dbt.RECORDINGS,
    **dbt_postgres.RECORDINGS,
}
"""The events of each recording, in order of arrival, by what it is of."""
