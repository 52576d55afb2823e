"""What ``serve`` listens on beside plain http: TLS, the Agent, a forward proxy; and where it sends events on."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import click

from mock_intake.cli.options import option_group, renamed_option
from mock_intake.datadog.agent import PORT as AGENT_PORT
from mock_intake.datadog.agent import AgentSettings, endpoint_url
from mock_intake.datadog.authentication import is_well_formed
from mock_intake.datadog.sites import INTAKE_PATH, SITES_WITH_INTAKE, intake_host
from mock_intake.server.http.tls import FLAWS, Certificates, Flaw, TlsError
from mock_intake.server.ingest.forwarding import Target, TargetError, check_url

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_FORWARD_KEY = "DD_API_KEY"
_PORT = click.IntRange(0, 65535)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def listening_options(command: F) -> F:
    """The options of this module; see ``Listening.from_options``."""
    return option_group(
        option_group(
            click.option(
                "--tls", is_flag=True, help="Serve https beside http, with a certificate made for every intake."
            ),
            click.option("--tls-port", type=_PORT, help="Port of https; 0 takes a free one."),
            click.option(
                "--ca-file",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Write the CA that clients must trust there (PEM).",
            ),
            click.option("--cert", type=_FILE, help="Certificate chain of your own (PEM), with --cert-key."),
            click.option("--cert-key", type=_FILE, help="Private key of --cert (PEM)."),
            click.option(
                "--tls-name",
                "tls_names",
                multiple=True,
                metavar="NAME",
                help="Host name or address that the certificate is for too; repeatable.",
            ),
            click.option("--tls-flaw", type=click.Choice(FLAWS), help="Show a certificate that is wrong in this way."),
            heading="TLS",
        ),
        option_group(
            click.option(
                "--proxy-port",
                type=_PORT,
                help="Port of a forward proxy that leads https for every intake here; 0 takes a free one.",
            ),
            click.option(
                "--proxy-allow", multiple=True, metavar="HOST", help="Let the proxy through to this host too."
            ),
            heading="Forward proxy",
        ),
        option_group(
            click.option(
                "--agent-port",
                type=_PORT,
                help=f"Port of the Agent's OpenLineage proxy (the real one has {AGENT_PORT}); 0 takes a free one.",
            ),
            click.option(
                "--agent-socket",
                type=click.Path(path_type=Path),
                metavar="PATH",
                help="Have the Agent at a Unix socket too (the real one: /var/run/datadog/apm.socket).",
            ),
            click.option("--agent-off", is_flag=True, help="Let the Agent's proxy be disabled: it answers 500."),
            click.option(
                "--agent-url",
                metavar="URL|SITE",
                help="Where the Agent sends to (ol_proxy_config.dd_url); default: here.",
            ),
            click.option(
                "--agent-key-env",
                metavar="NAME",
                help="Variable with the Agent's API key; default: the first --api-key, or a key that is made up.",
            ),
            click.option(
                "--agent-endpoint",
                "agent_endpoints",
                multiple=True,
                metavar="URL|SITE=NAME",
                help="Let the Agent send a copy there too, with the API key in the variable NAME; repeatable.",
            ),
            heading="Datadog Agent",
        ),
        option_group(
            click.option(
                "--forward", metavar="URL|SITE", help="Send accepted events on to a real intake, and answer as it does."
            ),
            click.option(
                "--forward-key-env",
                metavar="NAME",
                help=f"Variable with the API key to forward with; default: {DEFAULT_FORWARD_KEY}.",
            ),
            heading="Forwarding",
        ),
        renamed_option("--key", "--cert-key"),
        renamed_option("--proxy", "--proxy-port"),
    )(command)


class Listening(NamedTuple):
    """Arguments for ``IntakeServer`` that the options ask for, and the CA file to write, if any."""

    arguments: dict[str, Any]
    ca_file: Path | None

    @property
    def agent_sends_to(self) -> list[str]:
        """The other intakes that the Agent sends to, as they may be printed."""
        agent: AgentSettings | None = self.arguments["agent"]
        if agent is None:
            return []
        elsewhere = ([agent.dd_url] if agent.dd_url else []) + list(agent.additional_endpoints)
        return [Target(endpoint_url(where, agent.query)).shown for where in elsewhere]

    @classmethod
    def from_options(
        cls,
        *,
        api_keys: tuple[str, ...],
        tls: bool,
        tls_port: int | None,
        ca_file: Path | None,
        cert: Path | None,
        cert_key: Path | None,
        tls_names: tuple[str, ...],
        tls_flaw: Flaw | None,
        proxy_port: int | None,
        proxy_allow: tuple[str, ...],
        agent_port: int | None,
        agent_socket: Path | None,
        agent_off: bool,
        agent_url: str | None,
        agent_key_env: str | None,
        agent_endpoints: tuple[str, ...],
        forward: str | None,
        forward_key_env: str | None,
    ) -> Listening:
        """Exits with 2 on options that cannot go together or be used."""
        if (cert is None) != (cert_key is None):
            raise click.UsageError("--cert and --cert-key go together.")
        if cert is not None and tls_flaw is not None:
            raise click.UsageError("--tls-flaw makes a certificate; it cannot spoil the one of --cert.")
        if tls_names and (cert is not None or tls_flaw == "wrong-host"):
            other = "--cert" if cert is not None else "--tls-flaw wrong-host"
            raise click.UsageError(f"--tls-name adds to the certificate that is made; {other} leaves no room for it.")
        secure = tls or bool(cert or tls_names or tls_flaw or ca_file) or proxy_port is not None
        if tls_port is not None and not secure:
            raise click.UsageError("--tls-port is the port of https, which is not served: add --tls.")
        if forward_key_env is not None and not forward:
            raise click.UsageError("--forward-key-env is for forwarding: add --forward, and where to.")
        certificates = None
        if secure:
            own = None if cert is None or cert_key is None else (cert, cert_key)
            try:
                certificates = Certificates(names=tls_names, flaw=tls_flaw, own=own)
                if ca_file is not None:
                    certificates.write_ca(ca_file)
            except TlsError as error:
                raise click.UsageError(str(error)) from error
        agent = None
        if agent_port is not None or agent_socket is not None:
            agent = AgentSettings(
                _agent_key(agent_key_env, api_keys),
                enabled=not agent_off,
                dd_url=None if agent_url is None else _destination("--agent-url", agent_url),
                additional_endpoints=_endpoints(agent_endpoints),
            )
        elif agent_off or agent_url or agent_key_env or agent_endpoints:
            raise click.UsageError(
                "The Agent is served with --agent-port or --agent-socket only; its other options need that."
            )
        arguments = {
            "tls": certificates,
            "tls_port": tls_port or 0,
            "agent": agent,
            "agent_port": agent_port or 0,
            "agent_socket": agent_socket,
            "proxy_port": proxy_port,
            "proxy_allow": frozenset(host.lower() for host in proxy_allow),
            "forward": _target(forward, forward_key_env or DEFAULT_FORWARD_KEY) if forward else None,
        }
        return cls(arguments, ca_file)


def _agent_key(variable: str | None, api_keys: tuple[str, ...]) -> str:
    if variable is not None:
        return _key_from(variable, "--agent-key-env")
    return api_keys[0] if api_keys else secrets.token_hex(16)


def _endpoints(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Where the Agent sends copies to, and with which keys."""
    endpoints: dict[str, tuple[str, ...]] = {}
    for each in given:
        # A URL may have an equals sign of its own, a variable's name has none.
        where, equals, variable = each.rpartition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", variable):
            raise click.UsageError("--agent-endpoint takes a URL or site, =, and the variable that holds its API key.")
        where = _destination("--agent-endpoint", where)
        endpoints[where] = (*endpoints.get(where, ()), _key_from(variable, "--agent-endpoint"))
    return endpoints


def _destination(option: str, given: str) -> str:
    """A site, as the Agent takes any, or a URL."""
    if "://" in given:
        _check(option, given)
    elif not re.fullmatch(r"[A-Za-z0-9.-]+", given):
        raise click.UsageError(f"{option} takes a URL (http:// or https://) or a site such as {SITES_WITH_INTAKE[0]}.")
    return given


def _check(option: str, url: str) -> None:
    try:
        check_url(url)
    except TargetError as error:
        raise click.UsageError(f"{option}: events cannot be sent to this URL: {error}.") from error


def _key_from(variable: str, option: str) -> str:
    """The API key in an environment variable."""
    api_key = os.environ.get(variable)
    if not api_key:
        more = ", or name another with --forward-key-env" if option == "--forward" else ""
        raise click.UsageError(f"{option} needs an API key: set {variable}{more}.")
    if not is_well_formed(api_key):
        raise click.UsageError(
            f"{variable} is no API key: it has {len(api_key)} characters, not 32 hexadecimal digits."
        )
    return api_key


def _target(forward: str, variable: str) -> Target:
    """Where to forward to: a site, or a URL to which the endpoint is added unless it has a path."""
    api_key = _key_from(variable, "--forward")
    if forward in SITES_WITH_INTAKE:
        return Target(f"https://{intake_host(forward)}{INTAKE_PATH}", api_key)
    if not forward.startswith(("http://", "https://")):
        raise click.UsageError(f"--forward takes a URL or one of the sites {', '.join(SITES_WITH_INTAKE)}.")
    _check("--forward", forward)
    parts = urlsplit(forward)
    path = INTAKE_PATH if parts.path in ("", "/") else parts.path
    return Target(urlunsplit(parts._replace(path=path, fragment="")), api_key)
