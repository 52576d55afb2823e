"""The rules of Datadog's documentation, family by family: which modules have them, in the order in which they speak."""

from __future__ import annotations

from mock_intake.datadog.rules import (
    authentication,
    bodies,
    columns,
    endpoint,
    job_names,
    job_type,
    joins,
    missing_run,
    nameless,
    names,
    run_states,
    sql,
    tags,
    values,
)
from mock_intake.rules.definition import Family

REQUESTS = Family("HT", "Requests: address, authentication, body", (endpoint, authentication, bodies))
EVENTS = Family(
    "DD",
    "Events, as Datadog documents them",
    (
        job_type,
        missing_run,
        job_names,
        values,
        run_states,
        sql,
        tags,
        names,
        nameless,
        columns,
    ),
)
DATASETS = Family("DS", "Datasets, over all events", (joins,))
