"""What producers read of their surroundings, as a table: variables and keys of files, who reads them, what they do.

A setting *leads* (says where events go), *switches off* (keeps them from being sent), or *makes content* (what events
say, which of them are sent). While a producer is tested what leads is replaced, what switches off is taken out, and
what makes content is kept: what is judged is then what goes live.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Role(StrEnum):
    """What a setting does to a producer."""

    LEADS = "leads"
    SWITCHES_OFF = "switches off"
    MAKES_CONTENT = "makes content"


@dataclass(frozen=True)
class Setting:
    """One variable or key, or several by a pattern in which ``*`` stands for anything.

    ``readers`` are those who are known to read it. ``file`` is the file that the key stands in; empty for variables.
    ``replaced`` is false where a file or program keeps it out of our reach, so that it can only be told.
    """

    name: str
    readers: tuple[str, ...]
    role: Role
    does: str
    file: str = ""
    replaced: bool = True


_PYTHON, _JAVA, _AIRFLOW, _DBT = "Python client", "Java client", "Airflow", "dbt"
_AGENT, _DDTRACE, _HTTP = "Datadog Agent", "ddtrace", "HTTP libraries"
_CLIENTS = (_PYTHON, _JAVA)
_SPARK, _FLINK, _TRINO = "Spark", "Flink", "Trino"
_LEADS, _OFF, _CONTENT = Role.LEADS, Role.SWITCHES_OFF, Role.MAKES_CONTENT
AIRFLOW = "AIRFLOW__OPENLINEAGE__"
# In the order in which Airflow's provider asks (tried with 2.20.3): each goes before all that the client reads itself.
AIRFLOW_TRANSPORT = tuple(f"{AIRFLOW}{key}" for key in ("CONFIG_CONN_ID", "CONFIG_PATH", "TRANSPORT"))
AIRFLOW_SWITCH = f"{AIRFLOW}DISABLED"
CLIENT_SWITCH = "OPENLINEAGE_DISABLED"
CONFIG = "OPENLINEAGE_CONFIG"
DYNAMIC = "OPENLINEAGE__"
TRANSPORT = f"{DYNAMIC}TRANSPORT"
CONFIG_FILE, AIRFLOW_FILE = "openlineage.yml", "airflow.cfg"

# The first that fits counts, so what is particular stands before what is general.
VARIABLES: tuple[Setting, ...] = (
    Setting("OPENLINEAGE_URL", (_PYTHON, "dlt", "SQLMesh"), _LEADS, "the intake's address, for the HTTP transport"),
    Setting("OPENLINEAGE_ENDPOINT", (_PYTHON,), _LEADS, "the path behind that address"),
    Setting("OPENLINEAGE_API_KEY", (_PYTHON,), _LEADS, "the key for the HTTP transport"),
    Setting(CONFIG, (*_CLIENTS, _AIRFLOW), _LEADS, "where openlineage.yml is, whose transport leads"),
    Setting(f"{TRANSPORT}*", _CLIENTS, _LEADS, "the transport, key by key or as JSON"),
    Setting(CLIENT_SWITCH, (*_CLIENTS, _AIRFLOW), _OFF, "no event is sent"),
    Setting(f"{DYNAMIC}FACETS*", _CLIENTS, _CONTENT, "facets that the client adds, environment variables among them"),
    Setting(f"{DYNAMIC}FILTERS*", (_PYTHON,), _CONTENT, "which jobs send no events"),
    Setting(f"{DYNAMIC}TAGS*", (_PYTHON,), _CONTENT, "tags of jobs and runs"),
    Setting(f"{DYNAMIC}DATASET*", (_PYTHON,), _CONTENT, "how datasets' names are shortened"),
    Setting("OPENLINEAGE_NAMESPACE", (_DBT, "Dagster", "Prefect", "dlt"), _CONTENT, "the namespace of jobs"),
    Setting("OPENLINEAGE_PARENT_*", (_DBT,), _CONTENT, "the run that events belong to"),
    Setting("OPENLINEAGE_DBT_*", (_DBT,), _CONTENT, "names of dbt's jobs"),
    Setting("OPENLINEAGE_CLIENT_LOGGING", (_PYTHON,), _CONTENT, "how much the client logs"),
    Setting("OPENLINEAGE*", _CLIENTS, _CONTENT, "all others"),
    Setting(f"{AIRFLOW_TRANSPORT[0]}*", (_AIRFLOW,), _LEADS, "a connection that holds the configuration; goes first"),
    Setting(f"{AIRFLOW_TRANSPORT[1]}*", (_AIRFLOW,), _LEADS, "a file like openlineage.yml; goes second"),
    Setting(f"{AIRFLOW_TRANSPORT[2]}*", (_AIRFLOW,), _LEADS, "the transport as JSON; before all that the client reads"),
    Setting(AIRFLOW_SWITCH, (_AIRFLOW,), _OFF, "no event is sent"),
    Setting(f"{AIRFLOW}*", (_AIRFLOW,), _CONTENT, "all others: namespace, operators, extractors, facets"),
    Setting("DD_API_KEY", ("the Datadog transport", _AGENT, _DDTRACE), _LEADS, "the key"),
    Setting("DD_SITE", ("the Datadog transport", _AGENT, _DDTRACE), _LEADS, "the site, or the intake's address"),
    Setting("DD_TRACE_AGENT_URL", (_DDTRACE, "dd-trace-java"), _LEADS, "where the Agent is"),
    Setting("DD_AGENT_HOST", (_DDTRACE, "dd-trace-java"), _LEADS, "where the Agent is"),
    Setting("DD_*_(URL|HOST|SITE|PORT|KEY)", (_AGENT, _DDTRACE), _LEADS, "all others that end so"),
    Setting("DD_(URL|HOST)", (_AGENT,), _LEADS, "where the Agent sends to"),
    Setting("DD_ENV", (_AGENT, _DDTRACE), _CONTENT, "the environment's name"),
    Setting("DD_SERVICE", (_DDTRACE,), _CONTENT, "the service's name"),
    Setting("DD_*", (_AGENT, _DDTRACE), _CONTENT, "all others"),
    Setting("HTTP_PROXY", (_HTTP,), _LEADS, "a proxy, in capitals or not"),
    Setting("HTTPS_PROXY", (_HTTP,), _LEADS, "a proxy, in capitals or not"),
    Setting("ALL_PROXY", (_HTTP,), _LEADS, "a proxy, in capitals or not"),
    Setting("NO_PROXY", (_HTTP,), _LEADS, "what is reached without one, in capitals or not"),
    Setting("MOCK_INTAKE_(URL|KEY|REDIRECT*)", ("commands of the path custom",), _LEADS, "an intake that is gone"),
)  # fmt: skip

KEYS: tuple[Setting, ...] = (
    Setting("transport", _CLIENTS, _LEADS, "before every variable", CONFIG_FILE),
    Setting("facets, filters, tags, dataset", _CLIENTS, _CONTENT, "as the variables of these names", CONFIG_FILE),
    Setting("[openlineage] config_conn_id, config_path, transport", (_AIRFLOW,), _LEADS, "as the variables of these "
            "names, which go before", AIRFLOW_FILE),
    Setting("[openlineage] disabled", (_AIRFLOW,), _OFF, "as the variable of this name, which goes before",
            AIRFLOW_FILE),
    Setting("[openlineage] all others", (_AIRFLOW,), _CONTENT, "as the variables of these names", AIRFLOW_FILE),
    Setting("ol_proxy_config", (_AGENT,), _LEADS, "where the Agent's proxy sends to", "datadog.yaml", replaced=False),
    Setting("spark.openlineage.transport.*", (_SPARK,), _LEADS, "the transport of Spark's listener",
            "spark-defaults.conf, --conf", replaced=False),
    Setting("openlineage.transport.*", (_FLINK,), _LEADS, "the transport of Flink's listener", "Flink's configuration",
            replaced=False),
    Setting("openlineage-event-listener.transport.*", (_TRINO,), _LEADS, "the transport of Trino's listener",
            "openlineage-event-listener.properties", replaced=False),
    Setting("machine ... password ...", (_HTTP,), _LEADS, "replaces the key of requests to that machine", "~/.netrc",
            replaced=False),
)  # fmt: skip

_PROXIES = tuple(setting.name for setting in VARIABLES if setting.name.endswith("_PROXY"))


def _expression(pattern: str) -> re.Pattern[str]:
    # Alternatives stand in patterns as they do in regular expressions.
    return re.compile(re.sub(r"\\([(|)])", r"\1", re.escape(pattern)).replace(r"\*", ".*"))


@cache
def _by_expression() -> tuple[tuple[re.Pattern[str], Setting], ...]:
    return tuple((_expression(setting.name), setting) for setting in VARIABLES)


def setting_of(variable: str) -> Setting | None:
    """The setting that a variable of the environment is; None for one that no producer of lineage reads as such."""
    name = variable.upper() if variable.upper() in _PROXIES else variable
    return next((setting for expression, setting in _by_expression() if expression.fullmatch(name)), None)


def settings_among(variables: Iterable[str]) -> dict[str, Setting]:
    """Those variables that are settings of producers, in alphabetical order."""
    return {name: setting for name in sorted(variables) if (setting := setting_of(name)) is not None}
