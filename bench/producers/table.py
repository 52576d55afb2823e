"""Which of the atlas's producers are led to production, by what, and how they are then run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mock_intake_conformance.atlas.catalogue import real_producers
from mock_intake_conformance.atlas.model import RealProducer

NAMESPACE = "my_ns"
TAG = "stage"
# What makes content of all of them, as production has it.
CONTENT = {"OPENLINEAGE_NAMESPACE": NAMESPACE, "OPENLINEAGE__TAGS__RUN": json.dumps({TAG: "nightly"}), "DD_ENV": "prod"}
REAL = "https://data-obs-intake.datadoghq.com"
_ATLAS = real_producers()


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
    return {"DD_API_KEY": "0" * 32, "SHOP_SENDS_TO": REAL, **CONTENT}


def _of_java(url: str) -> dict[str, str]:
    transport = {"type": "http", "url": url, "auth": {"type": "api_key", "apiKey": "0" * 32}}
    return {"OPENLINEAGE__TRANSPORT": json.dumps(transport), **CONTENT}


@dataclass(frozen=True)
class Led:
    """A producer of the atlas, by its name there, as production has it.

    ``production`` gives the variables that lead it to a URL, ``alone`` is set besides where it runs untouched.
    ``options`` are for ``run`` and ``certify``; ``ways`` are how it is run.
    """

    name: str
    real: RealProducer
    production: Callable[[str], dict[str, str]] = _by_url
    path: str = "datadog"
    alone: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    ways: Sequence[str] = ("run", "certify", "plugin")


# Set in its code to a real site; something else stands for that where it runs untouched.
_ALONE = {"SHOP_SENDS_TO": "{production}"}

PRODUCERS = (
    Led("airflow", _ATLAS["airflow-dags-test"], _of_airflow),
    Led("dbt", _ATLAS["dbt"]),
    Led("dlt", _ATLAS["dlt"]),
    Led("dagster", _ATLAS["dagster"]),
    Led("prefect", _ATLAS["prefect"]),
    Led("ddtrace", _ATLAS["ddtrace-agent"], _of_agent, "agent"),
    Led("java-http", _ATLAS["java"], _of_java, "http"),
    Led("java-agent", _ATLAS["java"], _of_java, "agent"),
    Led("java-proxy", _ATLAS["java"], _in_code, "proxy", _ALONE),
    # The plugin isolates nothing, so that there a JVM is not caught.
    Led("java-intercept", _ATLAS["java"], _in_code, "intercept", _ALONE, ("--isolate",), ("run", "certify")),
)
