"""The ways in: which variables a producer's environment needs for each documented path.

Used by ``mock-intake run``, ``certify`` and the pytest plugin; values only, nothing is set here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from mock_intake.datadog.sites import AGENT_PATH, INTAKE_HOSTS, INTAKE_PATH, intake_host
from mock_intake.producers.configuration import of_variables
from mock_intake.producers.settings import TRANSPORT

PathName = Literal["http", "datadog", "async", "agent", "proxy", "intercept", "custom"]
PATHS: Mapping[PathName, str] = {
    "http": "the HTTP transport of the Python client, or of the Java client",
    "datadog": "the Python client's Datadog transport",
    "async": "the Datadog transport, every event on its asynchronous route",
    "agent": "the Datadog Agent's OpenLineage proxy, which has the key",
    "proxy": "the real site's name and https, through a forward proxy (any client that obeys HTTPS_PROXY, and JVMs)",
    "intercept": "the real site's name and https, caught inside a Python process (any Python client)",
    "custom": "the command's own way, given {url} and {key}",
}
REAL_SITE = "datadoghq.com"
KEEP_SITE = ("proxy", "intercept")
"""The paths on which a producer keeps the real site's name."""
_JVM_OPTIONS = "JAVA_TOOL_OPTIONS"
_ENDPOINT = INTAKE_PATH.lstrip("/")
# Without ::1, which some versions of httpx cannot read there.
_NO_PROXY = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


@dataclass(frozen=True)
class Addresses:
    """Where an intake is to be found, and what it takes to be let in; None for what it does not serve.

    ``agent_socket_url`` is the Agent's Unix socket, which tracers are led to. With ``clients_by_socket`` a client of
    OpenLineage is too: the Java client can be (1.54 and later), the Python client knows no sockets.
    """

    url: str
    api_key: str
    agent_url: str | None = None
    proxy_url: str | None = None
    https_address: tuple[str, int] | None = None
    ca_file: Path | None = None
    agent_socket_url: str | None = None
    clients_by_socket: bool = False


def all_variables(path: PathName, where: Addresses, site: str = REAL_SITE) -> dict[str, str]:
    """What a producer's environment gets for ``path``: its variables, and those that other readers take it from.

    ``where`` are the server's addresses, ``site`` is what stands for Datadog where real names are kept. Some producers
    demand an address, whatever transport the client has (dlt, SQLMesh). The Java client reads none of the Python
    client's short variables.
    """
    found = variables(path, where, site)
    if path == "custom":
        return found
    if path == "agent":
        assert where.agent_url is not None
        socket = where.agent_socket_url if where.clients_by_socket else None
        return {**found, **_http(socket or where.agent_url), f"{TRANSPORT}__ENDPOINT": AGENT_PATH.lstrip("/")}
    url = url_for(path, where, site)
    found |= {"OPENLINEAGE_URL": url, "OPENLINEAGE_ENDPOINT": _ENDPOINT, "OPENLINEAGE_API_KEY": where.api_key}
    if path == "http":
        # The key as JSON: of hexadecimal digits alone, it could be read as a number.
        key = json.dumps({"type": "api_key", "apiKey": where.api_key})
        found |= {**_http(url), f"{TRANSPORT}__AUTH": key}
    return found


def transport_of(path: PathName, where: Addresses, site: str = REAL_SITE) -> dict[str, Any]:
    """The transport that leads a client by ``path`` to ``where``, as its configuration would hold it."""
    transport = of_variables(all_variables(path, where, site)).get("transport", {})
    assert isinstance(transport, dict)
    return transport


def http_to_site(where: Addresses, site: str = REAL_SITE) -> dict[str, Any]:
    """The HTTP transport that both clients know, to the real intake of ``site`` with the key of ``where``."""
    auth = {"type": "api_key", "apiKey": where.api_key}
    return {"type": "http", "url": f"https://{intake_host(site)}", "endpoint": _ENDPOINT, "auth": auth}


def _http(url: str) -> dict[str, str]:
    return {f"{TRANSPORT}__TYPE": "http", f"{TRANSPORT}__URL": url}


def url_for(path: PathName, where: Addresses, site: str = REAL_SITE) -> str:
    """What stands for the intake in a producer's settings by ``path``, and in place of ``{url}`` in its command."""
    if path in KEEP_SITE:
        return f"https://{intake_host(site)}"
    if path == "agent":
        assert where.agent_url is not None
        return where.agent_url
    return where.url


def filled(command: Sequence[str], url: str, api_key: str) -> list[str]:
    """``command`` with the address and the key in their places; other braces stay as they are."""
    return [part.replace("{url}", url).replace("{key}", api_key) for part in command]


def variables(path: PathName, where: Addresses, site: str = REAL_SITE) -> dict[str, str]:
    """The variables that make a path, as a reader would set them. ``site`` is that of the paths that keep one."""
    datadog = {"OPENLINEAGE__TRANSPORT__TYPE": "datadog", "DD_API_KEY": where.api_key}
    match path:
        case "http":
            return {"OPENLINEAGE_URL": where.url, "OPENLINEAGE_API_KEY": where.api_key, **_NO_PROXY}
        case "datadog":
            return {**datadog, "DD_SITE": where.url, **_NO_PROXY}
        case "async":
            rules = '{"*": {"*": true}}'
            return {
                **datadog,
                "DD_SITE": where.url,
                "OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES": rules,
                **_NO_PROXY,
            }
        case "agent":
            assert where.agent_url is not None
            return {
                "OPENLINEAGE_URL": where.agent_url,
                "OPENLINEAGE_ENDPOINT": AGENT_PATH.lstrip("/"),
                "DD_TRACE_AGENT_URL": where.agent_socket_url or where.agent_url,
                **_NO_PROXY,
            }
        case "proxy":
            assert where.proxy_url is not None
            proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), where.proxy_url)
            assert where.ca_file is not None
            trusted = {**_trusting_only(where.ca_file), **_jvm_options(where)}
            return {**datadog, "DD_SITE": site, **proxies, **_NO_PROXY, **trusted}
        case "intercept":
            assert where.https_address is not None
            from mock_intake.producers.interception import SITE_DIRECTORY

            host, port = where.https_address
            return {
                **datadog,
                "DD_SITE": site,
                "PYTHONPATH": _first_on_path(SITE_DIRECTORY),
                "MOCK_INTAKE_REDIRECT": f"{host}:{port}",
                "MOCK_INTAKE_REDIRECT_CA": str(where.ca_file),
                "MOCK_INTAKE_REDIRECT_HOSTS": ",".join(sorted(INTAKE_HOSTS)),
            }
        case "custom":
            return {"MOCK_INTAKE_URL": where.url, "MOCK_INTAKE_KEY": where.api_key, **_NO_PROXY}


def trust_store(ca_file: Path) -> Path:
    """Where a CA's certificate is as JVMs read it, of where it is as all others do."""
    return ca_file.with_suffix(".p12")


def trusting(where: Addresses) -> dict[str, str]:
    """Trust in the CA of ``where`` alone, for clients of any language where the real sites' names lead here."""
    assert where.ca_file is not None
    return {
        **_trusting_only(where.ca_file),
        "NODE_EXTRA_CA_CERTS": str(where.ca_file),
        **_jvm_options(where),
    }


def _jvm_options(where: Addresses) -> dict[str, str]:
    """What JVMs, which read none of the variables of others, take as system properties: whom to trust, and the proxy.

    Behind those that are so given already: the last one counts.
    """
    assert where.ca_file is not None
    properties = {"trustStore": str(trust_store(where.ca_file)), "trustStoreType": "PKCS12"}
    properties = {f"javax.net.ssl.{name}": value for name, value in properties.items()}
    if where.proxy_url is not None:
        parts = urlsplit(where.proxy_url)
        properties |= {"https.proxyHost": parts.hostname or "", "https.proxyPort": str(parts.port)}
        properties["http.nonProxyHosts"] = "localhost|127.0.0.1"
    options = " ".join(f'"-D{name}={value}"' for name, value in properties.items())
    return {_JVM_OPTIONS: " ".join(filter(None, (os.environ.get(_JVM_OPTIONS), options)))}


def _trusting_only(ca_file: Path) -> dict[str, str]:
    """Trust in the intake's CA, and in no other: not in the machine's either.

    A client that ignores proxies (the Datadog transport's asynchronous engine, which takes dbt jobs) connects to the
    real intake. With the machine's CAs it would deliver there, and a test would have written into production; with
    this one alone it refuses the certificate before it sends anything. Nothing else is lost: every client that obeys
    the proxy is refused any other host. Steering the transport to its other engine (ASYNC_TRANSPORT_RULES) would not
    do: a producer with settings in its code does not hear of it, and it would no longer be the setting that goes live.
    """
    files = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(ca_file))
    # OpenSSL looks into a directory besides, by default the machine's, for files named by hashes; here are none.
    return {**files, "SSL_CERT_DIR": str(ca_file.parent)}


def _first_on_path(directory: Path) -> str:
    inherited = os.environ.get("PYTHONPATH")
    return str(directory) + (os.pathsep + inherited if inherited else "")
