"""The configuration that OpenLineage clients and Airflow's provider would find: of files, variables and a connection.

Reads, and changes nothing. What cannot be read is passed over as the clients do, and said.
"""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mock_intake.producers.settings import (
    AIRFLOW,
    AIRFLOW_FILE,
    AIRFLOW_SWITCH,
    AIRFLOW_TRANSPORT,
    CONFIG,
    CONFIG_FILE,
    DYNAMIC,
)
from mock_intake.producers.transports import kind_of

_TRUE = ("true", "t", "1", "yes", "on")


@dataclass(frozen=True)
class Surroundings:
    """Where a producer is started: its environment, its working directory, its home."""

    environ: Mapping[str, str]
    directory: Path
    home: Path | None = None

    @classmethod
    def here(cls, environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Surroundings:
        """Those of this process, but for what is given."""
        variables = os.environ if environ is None else environ
        return cls(variables, directory or Path(os.getcwd()), _home(variables))  # noqa: PTH109 - a fake one's too


def _home(environ: Mapping[str, str]) -> Path | None:
    if environ.get("HOME"):
        return Path(environ["HOME"])
    # Unlike Path's, it raises nothing where there is no home.
    home = os.path.expanduser("~")  # noqa: PTH111
    return None if home == "~" else Path(home)


@dataclass(frozen=True)
class Configuration:
    """A configuration, where it came from (file or variable), and what was wrong with it; empty where there is none.

    ``advice`` is on a problem that is none of the producer's: of what cannot be read from here.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    origin: str = ""
    problem: str = ""
    advice: str = ""

    @property
    def transport(self) -> Any:
        """Its transport, whatever that is; None where it has none."""
        return self.content.get("transport")

    @property
    def rest(self) -> dict[str, Any]:
        """All of it but the transport: what makes content."""
        return {name: value for name, value in self.content.items() if name != "transport"}


def client_file(around: Surroundings) -> Configuration:
    """The openlineage.yml in ``around`` that the clients read: the first of those there are (source: the Python
    client).
    """
    named = around.environ.get(CONFIG)
    candidates = [around.directory / named] if named else []
    candidates.append(around.directory / CONFIG_FILE)
    if around.home is not None:
        candidates.append(around.home / ".openlineage" / CONFIG_FILE)
    for file in candidates:
        # In this order: is_file() raises in a directory that may not be searched.
        if os.access(file, os.R_OK) and file.is_file():
            return _read(file)
    return Configuration()


def _read(file: Path) -> Configuration:
    import yaml  # type: ignore[import-untyped]

    file = file.absolute()
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        return Configuration(file=file, origin=str(file), problem=f"cannot be read ({type(error).__name__})")
    if content is not None and not isinstance(content, dict):
        return Configuration(file=file, origin=str(file), problem="is no mapping")
    return Configuration(content or {}, file, str(file))


def of_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """What OPENLINEAGE__ variables in ``environ`` say, as the clients read them: JSON where it is JSON.

    Of several that say the same the shorter name goes before.
    """
    content: dict[str, Any] = {}
    for name in sorted((name for name in environ if name.startswith(DYNAMIC)), reverse=True):
        *sections, key = name.removeprefix(DYNAMIC).lower().split("__")
        place: Any = content
        for section in sections:
            place = place.setdefault(section, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[key] = _value(environ[name])
    return content


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two configurations as the Python client merges them: the keys of ``over`` go before those of ``under``."""
    both = dict(under)
    for name, value in over.items():
        beneath = both.get(name)
        both[name] = merged(beneath, value) if isinstance(beneath, dict) and isinstance(value, dict) else value
    return both


def client_transport(environ: Mapping[str, str], file: Configuration) -> Any:
    """The transport that the Python client would use, by ``environ`` and ``file``; None where it would write to the
    console.
    """
    transport = merged(of_variables(environ), file.content).get("transport")
    if kind_of(transport):
        return transport
    if url := environ.get("OPENLINEAGE_URL"):
        return {"type": "http", "url": url, "endpoint": environ.get("OPENLINEAGE_ENDPOINT", "api/v1/lineage")}
    return None


@dataclass(frozen=True)
class AirflowFound:
    """What Airflow's provider would find before it asks the client: by a connection, a file or a transport.

    ``origin`` of ``found`` names the setting. ``switched_off`` is where ``disabled`` is set: a variable or a file.
    """

    found: Configuration = field(default_factory=Configuration)
    switched_off: str = ""


def airflow_configuration(around: Surroundings) -> AirflowFound:
    """Airflow's settings in ``around``, variables before airflow.cfg (source: the provider's conf.py and
    plugins/adapter.py).
    """
    file = _airflow_file(around)
    section = _section(file)
    found = Configuration()
    readers = (_of_connection, _of_path, _of_transport)
    for variable, read in zip(AIRFLOW_TRANSPORT, readers, strict=True):
        key = variable.removeprefix(AIRFLOW).lower()
        value = around.environ.get(variable, section.get(key, ""))
        if value:
            found = read(value, around, variable if variable in around.environ else f"{file} [openlineage] {key}")
            break
    switch = around.environ.get(AIRFLOW_SWITCH, section.get("disabled", ""))
    where = AIRFLOW_SWITCH if AIRFLOW_SWITCH in around.environ else f"{file} [openlineage] disabled"
    return AirflowFound(found, where if switch.strip().lower() in _TRUE else "")


def _airflow_file(around: Surroundings) -> Path | None:
    if named := around.environ.get("AIRFLOW_CONFIG"):
        return around.directory / named
    if named := around.environ.get("AIRFLOW_HOME"):
        return around.directory / named / AIRFLOW_FILE
    return around.home / "airflow" / AIRFLOW_FILE if around.home is not None else None


def _section(file: Path | None) -> Mapping[str, str]:
    if file is None or not os.access(file, os.R_OK):
        return {}
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return {}
    return dict(parser.items("openlineage")) if parser.has_section("openlineage") else {}


def _of_connection(name: str, around: Surroundings, origin: str) -> Configuration:
    variable = f"AIRFLOW_CONN_{name.upper()}"
    text = around.environ.get(variable)
    origin = f"{origin} ({name})"
    if text is None:
        problem = "is kept in Airflow's database or by a secrets backend, and was not read"
        advice = f"To have that too, set {variable} to what `airflow connections get {name} -o json` shows."
        return Configuration(origin=origin, problem=problem, advice=advice)
    content = _extra_of(text)
    if not isinstance(content, dict):
        return Configuration(origin=origin, problem=f"is in {variable}, which has no extra that is a JSON object")
    return Configuration(content, origin=origin)


def _extra_of(connection: str) -> Any:
    """What a connection has beside host and log-in, of both forms that Airflow takes: JSON and URI."""
    read = _value(connection)
    if isinstance(read, dict):
        extra = read.get("extra")
    else:
        query = dict(parse_qsl(urlsplit(connection).query, keep_blank_values=True))
        extra = query.get("__extra__", query or None)
    return _value(extra) if isinstance(extra, str) else extra


def _of_path(name: str, around: Surroundings, origin: str) -> Configuration:
    read = _read(around.directory / name)
    return Configuration(read.content, read.file, f"{origin} ({read.file})", read.problem)


def _of_transport(text: str, _around: Surroundings, origin: str) -> Configuration:
    transport = _value(text)
    if not isinstance(transport, dict):
        return Configuration(origin=origin, problem="is no JSON object")
    return Configuration({"transport": transport}, origin=origin)
