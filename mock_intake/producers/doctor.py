"""Says where a producer would send to, and what is wrong with that, without running it: from what it would read.

Pure but for the files that it reads. What a program sets in its code nobody can see from here.
"""

from __future__ import annotations

import difflib
import netrc
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_intake.datadog.sites import INTAKE_HOSTS, INTAKE_PATH, SITES_WITH_INTAKE
from mock_intake.producers.configuration import (
    AirflowFound,
    Configuration,
    Surroundings,
    airflow_configuration,
    client_file,
    client_transport,
    merged,
    of_variables,
)
from mock_intake.producers.settings import (
    AIRFLOW,
    AIRFLOW_TRANSPORT,
    CLIENT_SWITCH,
    CONFIG,
    DYNAMIC,
    TRANSPORT,
    VARIABLES,
    setting_of,
)
from mock_intake.producers.transports import COMPOSITE, addresses_of, in_words, kind_of, leaves_of, real_host

# Of openlineage-python 1.54; a type with a dot is a class of the user's own.
_TYPES = (
    "http", "async_http", "datadog", "kafka", "msk-iam", "file", "console", "composite", "transform", "noop",
    "gcplineage", "amazon_datazone_api",
)  # fmt: skip
_NOWHERE = ("console", "noop")
_SECTIONS = ("transport", "facets", "filters", "tags", "dataset", "circuit_breaker", "metrics", "job", "run")
_KEYS_OF_TRANSPORT = (
    "TYPE", "URL", "ENDPOINT", "AUTH", "AUTH__TYPE", "AUTH__APIKEY", "AUTH__API_KEY", "TIMEOUT", "VERIFY", "RETRY",
    "COMPRESSION", "CUSTOM_HEADERS", "SITE", "APIKEY", "ASYNC_TRANSPORT_RULES", "TRANSPORTS", "TRANSPORT",
    "TRANSFORMER_CLASS", "TRANSFORMER_PROPERTIES",
)  # fmt: skip
_OPTIONS_OF_AIRFLOW = (
    "DISABLED", "DISABLED_FOR_OPERATORS", "SELECTIVE_ENABLE", "NAMESPACE", "EXTRACTORS", "CUSTOM_RUN_FACETS",
    "DISABLE_SOURCE_CODE", "INCLUDE_FULL_TASK_INFO", "DEBUG_MODE", "EXECUTION_TIMEOUT", "EXECUTE_IN_THREAD",
    "SPARK_INJECT_PARENT_JOB_INFO", "SPARK_INJECT_TRANSPORT_INFO", "DAG_STATE_CHANGE_PROCESS_POOL_SIZE",
    "EMISSION_POLICY",
)  # fmt: skip
_KNOWN = (
    *(setting.name for setting in VARIABLES if not re.search(r"[*(]", setting.name)),
    *(f"{TRANSPORT}__{key}" for key in _KEYS_OF_TRANSPORT),
    TRANSPORT,
    *AIRFLOW_TRANSPORT,
    *(f"{AIRFLOW}{option}" for option in _OPTIONS_OF_AIRFLOW),
    "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_EXTRACTORS", "DD_VERSION", "DD_TAGS", "DD_HOSTNAME",
)  # fmt: skip
# Names that others use for the same.
_MEANT = {"DATADOG_API_KEY": "DD_API_KEY", "DATADOG_SITE": "DD_SITE", "DATADOG_HOST": "DD_SITE"}
_ABOUT_LINEAGE = re.compile(r"OPEN_?LIN|OPENLIEN|OPNLIN|DD_|DATADOG_|AIRFLOW_+OPEN", re.IGNORECASE)
_CLOSE = 0.88
_KEY = re.compile(r"[0-9a-fA-F]{32}")
_APPLICATION_KEY = re.compile(r"[0-9a-fA-F]{40}")
_AGENT_KEYS = ("enabled", "dd_url", "api_key", "additional_endpoints", "api_version")
UNKNOWN = "not known"
"""In place of a transport that cannot be read from here."""
AGENT_FILE = Path("/etc/datadog-agent/datadog.yaml")


class Weight(StrEnum):
    """How much a remark matters: ``problem`` where events would not arrive, ``note`` where they might not as meant."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True)
class Remark:
    """Something to know before it runs: what it is, and what to do."""

    weight: Weight
    text: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return {"weight": str(self.weight), "text": self.text, "advice": self.advice}


@dataclass(frozen=True)
class Leading:
    """Where one reader would be led: by which transport, from which setting; ``site`` is a real intake's host."""

    reader: str
    transport: str
    origin: str
    site: str | None

    def to_dict(self) -> dict[str, str | None]:
        return {"reader": self.reader, "transport": self.transport, "origin": self.origin, "site": self.site}


@dataclass(frozen=True)
class Diagnosis:
    """Where each reader would be led, and what is to be said of that."""

    leading: Sequence[Leading]
    remarks: Sequence[Remark]

    @property
    def sick(self) -> bool:
        """Whether something is to be mended."""
        return any(remark.weight is Weight.PROBLEM for remark in self.remarks)


def with_own_settings(around: Surroundings, command: Sequence[str]) -> Surroundings:
    """The surroundings as a command has them that sets variables itself (``env NAME=VALUE CMD``)."""
    own: dict[str, str] = {}
    for word in command:
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            own[name] = value
        elif word != "env":
            break
    return Surroundings({**around.environ, **own}, around.directory, around.home)


def diagnose(around: Surroundings, command: Sequence[str] = (), agent_file: Path = AGENT_FILE) -> Diagnosis:
    """What a producer would do in some surroundings; nothing is run. Never raises for what it finds."""
    around = with_own_settings(around, command)
    file, airflow = client_file(around), airflow_configuration(around)
    transport = client_transport(around.environ, file)
    site = around.environ.get("DD_SITE", "")
    of_client = _leading("Python client", transport, _origin(around.environ, file, transport), site)
    leading = [of_client]
    if airflow.found.transport is not None or airflow.found.problem:
        unread = kind_of(airflow.found.transport) == "" and bool(airflow.found.advice)
        of_airflow = _leading("Airflow", airflow.found.transport, airflow.found.origin, site)
        leading.append(replace(of_airflow, transport=UNKNOWN) if unread else of_airflow)
    remarks = [
        *_of_switches(around.environ, airflow),
        *_of_files(around, file, airflow),
        *_of_transport(around.environ, transport, site, of_client.origin),
        *_of_airflow(around.environ, airflow, site),
        *_of_conflicts(around.environ, file, transport, airflow, site),
        *_of_names(around.environ),
        *_of_netrc(around, transport, site),
        *_of_command(command),
        *_of_agent(agent_file),
    ]
    return Diagnosis(leading, list(dict.fromkeys(remarks)))


def _leading(reader: str, transport: Any, origin: str, site: str) -> Leading:
    words = in_words(transport, site) if kind_of(transport) else "console"
    return Leading(reader, words, origin, real_host(transport, site))


def _of_airflow(environ: Mapping[str, str], airflow: AirflowFound, site: str) -> Iterator[Remark]:
    found = airflow.found
    if found.transport is not None or (found.problem and not found.advice):
        yield from _of_transport(environ, found.transport, site, found.origin)


def _origin(environ: Mapping[str, str], file: Configuration, transport: Any) -> str:
    if kind_of(file.transport):
        return str(file.file)
    if kind_of(of_variables(environ).get("transport")):
        return ", ".join(sorted(name for name in environ if name.startswith(TRANSPORT)))
    return "OPENLINEAGE_URL" if transport is not None else "nothing that is set"


def _of_switches(environ: Mapping[str, str], airflow: AirflowFound) -> Iterator[Remark]:
    if environ.get(CLIENT_SWITCH, "").strip().lower() == "true":
        yield Remark(Weight.PROBLEM, f"{CLIENT_SWITCH} is true: no client sends anything.", f"Unset {CLIENT_SWITCH}.")
    if airflow.switched_off:
        yield Remark(Weight.PROBLEM, f"{airflow.switched_off} is true: Airflow sends nothing.", "Set it to False.")


def _of_files(around: Surroundings, file: Configuration, airflow: AirflowFound) -> Iterator[Remark]:
    named = around.environ.get(CONFIG)
    if named and file.file != (around.directory / named).absolute():
        yield Remark(
            Weight.PROBLEM,
            f"{CONFIG} names {named}, which is no file that can be read: the client passes over it in silence.",
            f"Name a file that is there, or unset {CONFIG}.",
        )
    for found in (file, airflow.found):
        if found.problem:
            what = f"{found.file or found.origin} {found.problem}."
            advice = found.advice or "Mend it: the client goes on without what it says."
            yield Remark(Weight.NOTE if found.advice else Weight.PROBLEM, what, advice)


def _of_transport(environ: Mapping[str, str], transport: Any, site: str, origin: str) -> Iterator[Remark]:
    kind = kind_of(transport)
    if not kind:
        yield Remark(
            Weight.PROBLEM,
            "No transport is set: the Python client prints events to its log, and sends none.",
            "Set OPENLINEAGE__TRANSPORT__TYPE=datadog with DD_API_KEY and DD_SITE, or OPENLINEAGE_URL.",
        )
        return
    if kind not in _TYPES and "." not in kind:
        close = difflib.get_close_matches(kind, _TYPES, 1)
        yield Remark(
            Weight.PROBLEM,
            f"There is no transport of the type {kind!r} ({origin}).",
            f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(_TYPES)}.",
        )
    if kind == COMPOSITE:
        where = ", ".join(addresses_of(transport, site)) or "nowhere"
        yield Remark(Weight.NOTE, f"A composite sends each event to {where}.", "Here all goes one way, to the intake.")
    leaves = leaves_of(transport)
    if leaves and all(kind_of(leaf) in _NOWHERE for leaf in leaves):
        yield Remark(Weight.PROBLEM, f"The transport {kind} ({origin}) sends nothing.", "Choose another type.")
    for leaf in leaves:
        yield from _of_datadog(environ, leaf, site) if kind_of(leaf) == "datadog" else _of_http(environ, leaf)


def _of_datadog(environ: Mapping[str, str], leaf: Mapping[str, Any], dd_site: str) -> Iterator[Remark]:
    site = str(leaf.get("site") or dd_site or SITES_WITH_INTAKE[0])
    if "://" not in site and site not in SITES_WITH_INTAKE:
        close = difflib.get_close_matches(site, SITES_WITH_INTAKE, 1, cutoff=0.5)
        yield Remark(
            Weight.PROBLEM,
            f"{site!r} is no site of Datadog's: the client refuses to be made.",
            f"Did you mean {close[0]}?" if close else f"There are {', '.join(SITES_WITH_INTAKE)}.",
        )
    elif "://" in site and urlsplit(site).path.strip("/"):
        yield Remark(
            Weight.PROBLEM,
            "The site is a URL with a path, a part of which the endpoint takes the place of.",
            "Let it end after the host, or the port.",
        )
    yield from _of_key(str(leaf.get("apiKey") or leaf.get("apikey") or environ.get("DD_API_KEY", "")), "DD_API_KEY")


def _of_http(environ: Mapping[str, str], leaf: Mapping[str, Any]) -> Iterator[Remark]:
    url = leaf.get("url")
    if not isinstance(url, str):
        return
    host, parts = _host(url), urlsplit(url if _host(url) else "")
    if not host:
        yield Remark(Weight.PROBLEM, "The URL of the HTTP transport is none.", "Write it like https://host:port.")
    elif host in INTAKE_HOSTS:
        if parts.scheme != "https":
            yield Remark(Weight.PROBLEM, f"{host} is spoken to by http, in the open.", "Write https://.")
        endpoint = f"{parts.path.rstrip('/')}/{str(leaf.get('endpoint') or INTAKE_PATH).lstrip('/')}"
        if endpoint != INTAKE_PATH:
            text = f"Events for {host} would go to {endpoint}, where nothing takes them."
            yield Remark(Weight.PROBLEM, text, f"Let URL and endpoint together be https://{host}{INTAKE_PATH}.")
        auth = leaf.get("auth")
        keys = ("apiKey", "apikey", "api_key")
        key = next((auth[name] for name in keys if auth.get(name)), "") if isinstance(auth, Mapping) else ""
        yield from _of_key(str(key or environ.get("OPENLINEAGE_API_KEY", "")), "OPENLINEAGE_API_KEY")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _of_key(key: str, name: str) -> Iterator[Remark]:
    if not key:
        yield Remark(Weight.PROBLEM, "No API key is set for Datadog.", f"Set {name}.")
    elif _APPLICATION_KEY.fullmatch(key):
        text = "The API key has 40 hexadecimal digits: that is an application key."
        yield Remark(Weight.PROBLEM, text, "Take an API key, which has 32.")
    elif not _KEY.fullmatch(key):
        yield Remark(Weight.PROBLEM, "The API key is not of 32 hexadecimal digits.", f"Look at {name} again.")


def _of_conflicts(
    environ: Mapping[str, str], file: Configuration, transport: Any, airflow: AirflowFound, site: str
) -> Iterator[Remark]:
    by_variables = of_variables(environ).get("transport")
    if kind_of(file.transport) and kind_of(by_variables):
        text = (
            f"{file.file} and {TRANSPORT}* both have a transport; the file wins: "
            f"{in_words(merged({'t': by_variables}, {'t': file.transport})['t'], site)}, not "
            f"{in_words(by_variables, site)}."
        )
        yield Remark(Weight.NOTE, text, "Say it in one place.")
    url = environ.get("OPENLINEAGE_URL")
    # What the client itself copies there says nothing.
    if url and kind_of(transport) and addresses_of(transport, site) != addresses_of({"type": "http", "url": url}):
        text = f"OPENLINEAGE_URL is set, and not used: the transport is {in_words(transport, site)}."
        yield Remark(Weight.NOTE, text, "Unset it, unless another program reads it.")
    found = airflow.found.transport
    if kind_of(found) and kind_of(transport) and addresses_of(found, site) != addresses_of(transport, site):
        text = (
            f"Airflow would send to {in_words(found, site)} ({airflow.found.origin}), all else to "
            f"{in_words(transport, site)}."
        )
        yield Remark(Weight.NOTE, text, "Airflow's own settings go before all that the client reads.")


def _of_names(environ: Mapping[str, str]) -> Iterator[Remark]:
    for name in sorted(environ):
        if name in _KNOWN or not _ABOUT_LINEAGE.match(name):
            continue
        meant = _MEANT.get(name.upper()) or _near(name)
        if meant is not None:
            yield Remark(Weight.PROBLEM, f"{name} is read by nobody that is known here.", f"Did you mean {meant}?")


def _near(name: str) -> str | None:
    section = name.removeprefix(DYNAMIC).partition("__")[0].lower() if name.startswith(DYNAMIC) else ""
    setting = setting_of(name)
    general = setting is None or setting.name in ("OPENLINEAGE*", f"{AIRFLOW}*", "DD_*", f"{TRANSPORT}*")
    if section in _SECTIONS and "__" in name.removeprefix(DYNAMIC):
        # Keys of a section are many, and transports of others have their own.
        return None
    if not general:
        return None
    found = difflib.get_close_matches(name.upper(), _KNOWN, 1, cutoff=_CLOSE)
    return found[0] if found else None


def _of_netrc(around: Surroundings, transport: Any, site: str) -> Iterator[Remark]:
    named = around.environ.get("NETRC")
    file = Path(named) if named else around.home / ".netrc" if around.home is not None else None
    host = real_host(transport, site)
    if file is None or host is None or not file.is_file():
        return
    try:
        entry = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return
    if entry is not None:
        text = f"{file} has an entry for {host}: requests sends it in place of the key."
        yield Remark(Weight.PROBLEM, text, "Take the entry out, or set NETRC to a file without it.")


def _of_command(command: Sequence[str]) -> Iterator[Remark]:
    for word in command:
        key = word.partition("=")[0]
        if re.match(r"(spark\.)?openlineage(-event-listener)?\.transport\.", key):
            text = f"The command sets {key}, which wins over what it is given."
            yield Remark(Weight.NOTE, text, "Let the intake's address stand there: {url} and {key} with --path custom.")


def _of_agent(file: Path) -> Iterator[Remark]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    import yaml  # type: ignore[import-untyped]

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    proxy = content.get("ol_proxy_config") if isinstance(content, dict) else None
    for key in proxy if isinstance(proxy, dict) else ():
        if key not in _AGENT_KEYS:
            close = difflib.get_close_matches(str(key), _AGENT_KEYS, 1)
            advice = f"Did you mean {close[0]}?" if close else f"There are {', '.join(_AGENT_KEYS)}."
            yield Remark(Weight.PROBLEM, f"{file}: ol_proxy_config has {key}, which the Agent ignores.", advice)
