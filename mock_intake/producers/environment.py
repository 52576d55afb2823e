"""The environment in which a producer is tested: what led it elsewhere leads here, what makes its events is kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from mock_intake.producers.configuration import (
    AirflowFound,
    Configuration,
    Surroundings,
    airflow_configuration,
    client_file,
    client_transport,
    of_variables,
)
from mock_intake.producers.paths import (
    KEEP_SITE,
    REAL_SITE,
    Addresses,
    PathName,
    all_variables,
    http_to_site,
    transport_of,
)
from mock_intake.producers.reached import guarding
from mock_intake.producers.settings import (
    AIRFLOW_SWITCH,
    AIRFLOW_TRANSPORT,
    CONFIG,
    CONFIG_FILE,
    TRANSPORT,
    Role,
    Setting,
    settings_among,
)
from mock_intake.producers.transports import (
    COMPOSITE,
    TRANSFORM,
    by_socket,
    in_place_of,
    in_words,
    kind_of,
    legs_of,
    origin,
)

_AIRFLOW_CONFIG_FILE = "airflow-openlineage.yml"
_NOTHING = "facets: {}\n"
_OF_JAVA = "http"
_PLACE = re.compile(r"[a-zA-Z0-9.:-]{1,80}")
_TRUE = ("true", "t", "1", "yes", "on")
# What an empty value takes back, where a variable cannot be taken out: those that are read so by whoever reads them.
_EMPTIED = re.compile(r"(OPENLINEAGE|AIRFLOW__OPENLINEAGE__)(_DISABLED|DISABLED)|\w+_(PROXY|proxy)")


class What(StrEnum):
    """What became of a setting."""

    REPLACED = "replaced"
    TAKEN_OUT = "taken out"
    KEPT = "kept"
    LEFT = "left alone"


@dataclass(frozen=True)
class Change:
    """What became of a setting, a variable or a part of a file. ``was`` and ``why`` are words, and hold no secret.

    ``matters`` is true of what somebody who has not asked should hear of too.
    """

    what: What
    name: str
    was: str = ""
    why: str = ""
    matters: bool = False

    def __str__(self) -> str:
        return f"{self.name}{f' ({self.was})' if self.was else ''}{f': {self.why}' if self.why else ''}"

    def to_dict(self) -> dict[str, str]:
        return {"what": str(self.what), "name": self.name, "was": self.was, "why": self.why}


@dataclass(frozen=True)
class ProducerEnvironment:
    """What is done to a producer's surroundings, as values: nothing is done before somebody does it.

    ``variables`` are to be set, ``removed`` to be taken out, ``files`` to be written before the producer reads them;
    ``transport`` is the client's, as a configuration would hold it.
    """

    variables: Mapping[str, str]
    removed: Sequence[str] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    transport: Mapping[str, Any] = field(default_factory=dict)

    def over(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a child, of the one that it would have had."""
        gone = set(self.removed)
        return {**{name: value for name, value in environ.items() if name not in gone}, **self.variables}

    def by_hand(self) -> dict[str, str]:
        """The variables for somebody who lays them over an environment, and so can take nothing out of it."""
        left = [name for name in self.removed if name not in self.variables]
        emptied = {name: "" for name in left if _EMPTIED.fullmatch(name)}
        if any(name.startswith(TRANSPORT) for name in left):
            # The shorter name goes before all keys of the transport that stand by themselves.
            emptied[TRANSPORT] = json.dumps(self.transport)
        return {**emptied, **self.variables}

    def write_files(self) -> None:
        """Writes the files, for nobody else's eyes. Raises ``OSError``."""
        for file, text in self.files.items():
            os.makedirs(file.parent, exist_ok=True)  # noqa: PTH103 - a fake file system's, where there is one
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:  # noqa: PTH123
                opened.write(text)


def producer_environment(
    path: PathName,
    where: Addresses,
    around: Surroundings,
    directory: Path,
    *,
    site: str = REAL_SITE,
    clean: bool = False,
    guard: str = "off",
) -> ProducerEnvironment:
    """What leads a producer in some surroundings here by a path, the rest of its settings being kept.

    ``directory`` is where the files may be written. ``clean`` keeps no setting at all, and reads no file. ``guard`` is
    what Python producers are kept from, and they write there what they tried (``mock_intake.producers.reached``).
    """
    found = _environment(path, where, around, directory, site=site, clean=clean)
    return replace(found, variables={**found.variables, **guarding(directory, guard, around.environ)})


def _environment(
    path: PathName, where: Addresses, around: Surroundings, directory: Path, *, site: str, clean: bool
) -> ProducerEnvironment:
    settings = settings_among(around.environ)
    removed = [name for name, setting in settings.items() if clean or setting.role is not Role.MAKES_CONTENT]
    file, airflow = (Configuration(), AirflowFound()) if clean else (client_file(around), airflow_configuration(around))
    if path == "custom":
        return _untouched(all_variables(path, where, site), around.environ, settings, removed, file, airflow)
    own = None if clean else client_transport(around.environ, file)
    # What has been led to a socket can be, and is to be tested as it goes live.
    where = replace(where, clients_by_socket=True) if by_socket(own) else where
    ours = transport_of(path, where, site)
    variables = all_variables(path, where, site)
    transport = in_place_of(own, ours)
    if kind_of(transport) == TRANSFORM:
        variables[TRANSPORT] = json.dumps(transport)
    files: dict[Path, str] = {}
    said = {} if clean else of_variables(around.environ)
    # Of a file that the Java client may read: the Datadog transport is the Python client's alone.
    for_file = http_to_site(where, site) if path in KEEP_SITE and kind_of(file.transport) == _OF_JAVA else transport
    variables[CONFIG] = _client_file(file, said, for_file, directory, files)
    variables |= _airflow_variables(airflow, ours, directory, files)
    changes = [
        *_of_variables(around.environ, settings, removed, variables, _wraps(transport)),
        *_of_file(file, _wraps(transport)),
        *_of_airflow(airflow, ours),
    ]
    return ProducerEnvironment(variables, removed, files, changes, transport)


def _untouched(
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    settings: Mapping[str, Setting],
    removed: Sequence[str],
    file: Configuration,
    airflow: AirflowFound,
) -> ProducerEnvironment:
    """On the path custom the command leads itself: variables that would lead it are taken out, files are left alone."""
    changes = list(_of_variables(environ, settings, removed, variables, ""))
    for found in (file, airflow.found):
        if kind_of(found.transport) and found.file is not None:
            name = f"{found.file}: transport"
            why = "it leads whoever reads it; the path custom replaces none"
            changes.append(Change(What.LEFT, name, in_words(found.transport), why, matters=True))
    return ProducerEnvironment(variables, removed, {}, changes)


def _client_file(
    file: Configuration, said: Mapping[str, Any], transport: Mapping[str, Any], directory: Path, files: dict[Path, str]
) -> str:
    """The file that the client is to read: its own where that has no transport, else what is left of it.

    One is named also where there is none, lest a client look again, from another directory. A transport that the Java
    client knows stands in it too: once that client has found a file, it reads no variables (measured with 1.54.0). What
    they have ``said`` stands there as well, unless there was a file before.
    """
    if file.file is not None and file.transport is None and not file.problem:
        return str(file.file)
    ours = directory / CONFIG_FILE
    content = file.rest
    if kind_of(transport) == _OF_JAVA:
        content = {**(content if file.file is not None else said), "transport": transport}
    files[ours] = "# In place of one that would lead events elsewhere.\n" + (_yaml(content) if content else _NOTHING)
    return str(ours)


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml  # type: ignore[import-untyped]

    return str(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))


def _airflow_variables(
    airflow: AirflowFound, ours: Mapping[str, Any], directory: Path, files: dict[Path, str]
) -> dict[str, str]:
    """Empty ones, which Airflow takes for none; for one that is only taken out it would look into its airflow.cfg."""
    variables = dict.fromkeys(AIRFLOW_TRANSPORT, "")
    if airflow.switched_off and airflow.switched_off != AIRFLOW_SWITCH:
        variables[AIRFLOW_SWITCH] = "False"
    transport = in_place_of(airflow.found.transport, ours)
    if airflow.found.rest or kind_of(transport) == TRANSFORM:
        file = directory / _AIRFLOW_CONFIG_FILE
        files[file] = _yaml({**airflow.found.rest, "transport": transport})
        variables[AIRFLOW_TRANSPORT[1]] = str(file)
    return variables


def _wraps(transport: Mapping[str, Any]) -> str:
    """What is said of a transport that transforms events, where it stays."""
    if kind_of(transport) != TRANSFORM:
        return ""
    named = str(transport.get("transformer_class") or transport.get("transformerClass") or "its transformer")
    return f"{named} stays, around ours"


def _of_variables(
    environ: Mapping[str, str],
    settings: Mapping[str, Setting],
    removed: Iterable[str],
    variables: Mapping[str, str],
    wraps: str,
) -> Iterator[Change]:
    gone = set(removed)
    for name, setting in settings.items():
        was = _shown(name, environ[name])
        if not environ[name]:
            continue  # as good as not set
        if name not in gone or variables.get(name) == environ[name]:
            yield Change(What.KEPT, name)
        elif setting.role is Role.SWITCHES_OFF and environ[name].strip().lower() in _TRUE:
            why = "no event would have been sent"
            yield Change(What.TAKEN_OUT, name, f"was {environ[name].strip()}", why, matters=True)
        else:
            why = wraps if name.startswith(TRANSPORT) else ""
            yield Change(What.REPLACED if variables.get(name) else What.TAKEN_OUT, name, was, why)


def _shown(name: str, value: str) -> str:
    """A value as far as it says where it led, and holds no secret."""
    if name.endswith("KEY"):
        return "was a key"
    if place := origin(value):
        return f"was {place}"
    if value.lstrip().startswith("{"):
        try:
            return f"was {in_words(json.loads(value))}"
        except (ValueError, RecursionError):
            return "was no JSON"
    return f"was {value}" if name.endswith(("SITE", "HOST", "PORT", "__TYPE")) and _PLACE.fullmatch(value) else ""


def _of_file(found: Configuration, wraps: str) -> Iterator[Change]:
    if found.problem:
        yield Change(What.LEFT, str(found.file or found.origin), why=found.problem, matters=True)
    yield from _of_found(found, wraps)


def _of_airflow(airflow: AirflowFound, ours: Mapping[str, Any]) -> Iterator[Change]:
    found = airflow.found
    if airflow.switched_off and airflow.switched_off != AIRFLOW_SWITCH:
        yield Change(What.REPLACED, airflow.switched_off, why="no event would have been sent", matters=True)
    if found.problem:
        why = f"{found.problem}: what else it sets is missing{f'. {found.advice}' if found.advice else ''}"
        yield Change(What.TAKEN_OUT, found.origin, why=why, matters=True)
    if found.file is not None or found.rest or " [openlineage] " in found.origin:
        yield from _of_found(found, _wraps(in_place_of(found.transport, ours)))


def _of_found(found: Configuration, wraps: str) -> Iterator[Change]:
    if kind_of(found.transport):
        composite = kind_of(found.transport) == COMPOSITE
        why = f"here all goes one way instead of {len(legs_of(found.transport))}" if composite else ""
        why = "; ".join(filter(None, (why, wraps)))
        was = f"was {in_words(found.transport)}"
        yield Change(What.REPLACED, f"{found.origin}: transport", was, why, matters=composite)
    if found.rest:
        yield Change(What.KEPT, f"{found.origin}: {', '.join(map(str, found.rest))}")


def lines_of(changes: Sequence[Change]) -> list[str]:
    """What became of the settings, in lines: one each, and one for all that is kept. Empty where there were none."""
    lines = [f"{change.what}: {change}" for change in changes if change.what is not What.KEPT]
    kept = [change.name for change in changes if change.what is What.KEPT]
    return [*lines, f"{What.KEPT}: {', '.join(kept)}"] if kept else lines
