"""What ``serve`` listens on beside plain http: TLS, the Agent, a forward proxy; and where it sends events on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from mock_intake.datadog.agent import PORT as AGENT_PORT
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import is_well_formed
from mock_intake.datadog.sites import INTAKE_PATH, SITES_WITH_INTAKE, intake_host
from mock_intake.server.forward import Target
from mock_intake.server.tls import FLAWS, Certificates, Flaw, TlsError

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_FORWARD_KEY = "DD_API_KEY"
_PORT = click.IntRange(0, 65535)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def listening_options(command: F) -> F:
    """The options of this module; see ``Listening.from_options``."""
    for option in (
        click.option("--tls", is_flag=True, help="Serve https beside http, with a certificate made for every intake."),
        click.option("--tls-port", type=_PORT, default=0, help="Port of https; 0 takes a free one."),
        click.option(
            "--ca-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the CA that clients must trust there (PEM).",
        ),
        click.option("--cert", type=_FILE, help="Certificate chain of your own (PEM), with --key."),
        click.option("--key", type=_FILE, help="Private key of --cert (PEM)."),
        click.option("--tls-flaw", type=click.Choice(FLAWS), help="Show a certificate that is wrong in this way."),
        click.option(
            "--proxy",
            "proxy_port",
            type=_PORT,
            help="Port of a forward proxy that leads every https connection for an intake here; 0 takes a free one.",
        ),
        click.option("--proxy-allow", multiple=True, metavar="HOST", help="Let the proxy through to this host too."),
        click.option(
            "--agent-port",
            type=_PORT,
            help=f"Port of the Datadog Agent's OpenLineage proxy (the real one has {AGENT_PORT}); 0 takes a free one.",
        ),
        click.option("--agent-off", is_flag=True, help="Let the Agent's proxy be disabled: it answers 500."),
        click.option(
            "--agent-url", metavar="URL|SITE", help="Where the Agent sends to (ol_proxy_config.dd_url); default: here."
        ),
        click.option(
            "--forward", metavar="URL|SITE", help="Send accepted events on to a real intake, and answer as it does."
        ),
        click.option(
            "--forward-key-env",
            default=DEFAULT_FORWARD_KEY,
            show_default=True,
            metavar="NAME",
            help="Variable with the API key to forward with.",
        ),
    ):
        command = option(command)
    return command


class Listening(NamedTuple):
    """Arguments for ``IntakeServer`` that the options ask for, and the CA file to write, if any."""

    arguments: dict[str, Any]
    ca_file: Path | None
    agent_key: str | None

    @classmethod
    def from_options(
        cls,
        *,
        api_keys: tuple[str, ...],
        tls: bool,
        tls_port: int,
        ca_file: Path | None,
        cert: Path | None,
        key: Path | None,
        tls_flaw: Flaw | None,
        proxy_port: int | None,
        proxy_allow: tuple[str, ...],
        agent_port: int | None,
        agent_off: bool,
        agent_url: str | None,
        forward: str | None,
        forward_key_env: str,
    ) -> Listening:
        """Exits with 2 on options that cannot go together or be used."""
        if (cert is None) != (key is None):
            raise click.UsageError("--cert and --key go together.")
        if cert is not None and tls_flaw is not None:
            raise click.UsageError("--tls-flaw makes a certificate; it cannot spoil the one of --cert.")
        secure = tls or cert is not None or tls_flaw is not None or proxy_port is not None or ca_file is not None
        certificates = None
        if secure:
            own = None if cert is None or key is None else (cert, key)
            try:
                certificates = Certificates(flaw=tls_flaw, own=own)
                if ca_file is not None:
                    certificates.write_ca(ca_file)
            except TlsError as error:
                raise click.UsageError(str(error)) from error
        agent_key = None
        agent = None
        if agent_port is not None:
            agent_key = api_keys[0] if api_keys else secrets.token_hex(16)
            agent = AgentSettings(agent_key, enabled=not agent_off, dd_url=agent_url)
        arguments = {
            "tls": certificates,
            "tls_port": tls_port,
            "agent": agent,
            "agent_port": agent_port or 0,
            "proxy_port": proxy_port,
            "proxy_allow": frozenset(host.lower() for host in proxy_allow),
            "forward": _target(forward, forward_key_env) if forward else None,
        }
        return cls(arguments, ca_file, agent_key)


def _target(forward: str, variable: str) -> Target:
    """Where to forward to: a site, or a URL to which the endpoint is added unless it has a path."""
    api_key = os.environ.get(variable)
    if not api_key:
        raise click.UsageError(f"--forward needs an API key: set {variable}, or name another with --forward-key-env.")
    if not is_well_formed(api_key):
        raise click.UsageError(
            f"{variable} is no API key: it has {len(api_key)} characters, not 32 hexadecimal digits."
        )
    if forward in SITES_WITH_INTAKE:
        return Target(f"https://{intake_host(forward)}{INTAKE_PATH}", api_key)
    if not forward.startswith(("http://", "https://")):
        raise click.UsageError(f"--forward takes a URL or one of the sites {', '.join(SITES_WITH_INTAKE)}.")
    host = forward.split("://", 1)[1]
    return Target(forward if host.rstrip("/").count("/") else forward.rstrip("/") + INTAKE_PATH, api_key)
