"""The real producers: what is installed, how each is run, and what leads it to production."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
NAMESPACE = "my_ns"
TAG = "stage"
# What makes content of all of them, as production has it.
CONTENT = {"OPENLINEAGE_NAMESPACE": NAMESPACE, "OPENLINEAGE__TAGS__RUN": json.dumps({TAG: "nightly"}), "DD_ENV": "prod"}


def _by_url(url: str) -> dict[str, str]:
    return {"OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": "0" * 32, **CONTENT}


def _of_airflow(url: str) -> dict[str, str]:
    transport = json.dumps({"type": "http", "url": url})
    own = {"TRANSPORT": transport, "NAMESPACE": NAMESPACE}
    return {**{f"AIRFLOW__OPENLINEAGE__{key}": value for key, value in own.items()}, **CONTENT}


def _of_agent(url: str) -> dict[str, str]:
    # The Agent of a machine stands for production too: traces must not go there either.
    return {"OPENLINEAGE_URL": url, "OPENLINEAGE_ENDPOINT": "api/v1/lineage", "DD_TRACE_AGENT_URL": url, **CONTENT}


def _in_code(_url: str) -> dict[str, str]:
    return {"DD_API_KEY": "0" * 32, **CONTENT}


def _of_java(url: str) -> dict[str, str]:
    transport = {"type": "http", "url": url, "auth": {"type": "api_key", "apiKey": "0" * 32}}
    return {"OPENLINEAGE__TRANSPORT": json.dumps(transport), **CONTENT}


@dataclass(frozen=True)
class RealProducer:
    """A producer in a virtual environment of its own, or with jars of its own.

    ``packages`` are of PyPI, or of Maven (``group:artifact:version``). ``command`` and ``prepare`` (run once, before
    anything is measured) begin with a program of that environment; ``{programs}`` in them is the directory of these
    programs, ``{jars}`` that of the jars. ``production`` gives the variables that lead it to a URL, ``alone`` is set
    besides where it runs untouched. ``options`` are for ``run`` and ``certify``; ``ways`` are how it is run.
    """

    name: str
    packages: Sequence[str]
    command: Sequence[str]
    production: Callable[[str], dict[str, str]] = _by_url
    path: str = "datadog"
    prepare: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    copies: str = ""
    alone: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    ways: Sequence[str] = ("run", "certify", "plugin")

    @property
    def has_jars(self) -> bool:
        """Whether it is of Maven's, and runs on a JVM."""
        return ":" in self.packages[0]


def _java(name: str, path: str, **more: Any) -> RealProducer:
    program = ("java", "-cp", "{jars}/*", "{programs}/OpenLineageJob.java")
    return RealProducer(name, ("io.openlineage:openlineage-java:1.54.0",), program, _of_java, path, **more)


def _java_in_code(name: str, path: str, **more: Any) -> RealProducer:
    """Set in its code to a real site; something else stands for that where it runs untouched."""
    led = _java(name, path, alone={"JOB_IN_PRODUCTION": "{production}"}, **more)
    return replace(led, command=(*led.command, "code"), production=_in_code)


PRODUCERS = (
    RealProducer(
        "airflow",
        ("apache-airflow==3.3.2", "apache-airflow-providers-openlineage==2.20.3", "apache-airflow-providers-standard"),
        ("airflow", "dags", "test", "etl", "2026-11-01"),
        _of_airflow,
        prepare=("airflow", "db", "migrate"),
        environment={
            "AIRFLOW_HOME": "{work}/airflow",
            "AIRFLOW__CORE__DAGS_FOLDER": "{programs}/dags",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
    ),
    RealProducer(
        "dbt",
        ("dbt-core==1.11.*", "dbt-duckdb", "openlineage-dbt==1.54.0"),
        ("dbt-ol", "run", "--project-dir", "{work}/dbt", "--profiles-dir", "{work}/dbt"),
        environment={"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        copies="dbt",
    ),
    RealProducer(
        "dlt",
        ("dlt[duckdb]", "dlt-openlineage==0.1.1"),
        ("python", "{programs}/dlt_job.py"),
        environment={"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": "{work}/dlt"},
    ),
    RealProducer(
        "dagster",
        ("dagster", "dagster-openlineage==0.2.1"),
        ("python", "{programs}/dagster_job.py"),
    ),
    RealProducer(
        "prefect",
        ("prefect==3.9.1", "openlineage-prefect==0.0.1b22"),
        ("python", "{programs}/prefect_job.py"),
        environment={"PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1"},
    ),
    RealProducer(
        "ddtrace",
        ("ddtrace==4.16.*", "openlineage-python==1.54.0"),
        ("ddtrace-run", "python", "{programs}/traced_job.py"),
        _of_agent,
        path="agent",
    ),
    _java("java-http", "http"),
    _java("java-agent", "agent"),
    _java_in_code("java-proxy", "proxy"),
    # The plugin isolates nothing, so that there a JVM is not caught.
    _java_in_code("java-intercept", "intercept", options=("--isolate",), ways=("run", "certify")),
)
