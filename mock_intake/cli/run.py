"""``mock-intake run``: runs a command with its lineage led to an intake of its own."""

from __future__ import annotations

import os
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mock_intake.cli.console import coloured, echo
from mock_intake.cli.options import judging_config, judging_options, parsed_fault_plan
from mock_intake.cli.tally import Tally
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.datadog.sites import SITES_WITH_INTAKE
from mock_intake.findings import Severity
from mock_intake.intake import Settings
from mock_intake.paths import PATHS, REAL_SITE, Addresses, PathName, interferes, variables
from mock_intake.server.runner import IntakeServer, ServerError
from mock_intake.server.tls import Certificates, TlsError

_COMMAND_NOT_FOUND = 127
_CANNOT_RUN = 126


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@click.option(
    "--path",
    type=click.Choice(list(PATHS)),
    default="datadog",
    show_default=True,
    help="By which way the events come; see below.",
)
@click.option(
    "--site",
    type=click.Choice(SITES_WITH_INTAKE),
    default=REAL_SITE,
    show_default=True,
    help="The Datadog site that the paths proxy and intercept keep.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in reversed(Severity)]),
    help="Exit with 1 on a finding of this level or above, or if no event arrived.",
)
@click.option("--strict", is_flag=True, help="Answer 400 to events with errors, where Datadog answers 2xx.")
@click.option("--fault", metavar="PLAN", help="Misbehave: 503,503,reset,202; or a plan as JSON.")
@judging_options
def run(
    command: tuple[str, ...],
    path: PathName,
    site: str,
    fail_on: str | None,
    strict: bool,
    fault: str | None,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Run a command with its lineage events led to an intake, and print what arrived (on standard error).

    Variables that would lead the command elsewhere (OPENLINEAGE*, DD_*, proxies) are taken out of its environment,
    and those of the path are set.

    \b
    Paths, and what they set:
      http       OPENLINEAGE_URL, OPENLINEAGE_API_KEY
      datadog    OPENLINEAGE__TRANSPORT__TYPE, DD_API_KEY, DD_SITE (a URL)
      async      as datadog, and OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES
      agent      OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT (no key: the Agent has it)
      proxy      as datadog with the real site, HTTPS_PROXY and CA variables
      intercept  as datadog with the real site, caught inside the Python process

    \b
    Examples:
      mock-intake run -- python my_job.py
      mock-intake run --path intercept --fail-on warning -- python my_job.py
      mock-intake run --path agent --fault 503,202 -- ./job.sh
    """
    config, library = judging_config(config_file, facets, ignore, select)
    plan = parsed_fault_plan(fault, 0.0)
    api_key = secrets.token_hex(16)
    tally = Tally(err=True)
    settings = Settings(keys=Keys(frozenset({api_key})), strict=strict, selection=config.selection)
    try:
        secure = path in ("proxy", "intercept")
        server = IntakeServer(
            settings,
            library=library,
            tls=Certificates() if secure else None,
            agent=AgentSettings(api_key) if path == "agent" else None,
            proxy_port=0 if path == "proxy" else None,
            on_exchange=tally.add,
        )
        if plan is not None:
            server.faults.set(plan)
        tally.watch(server.faults)
        with server, _addresses(server, path, api_key) as where:
            code = _run(command, {**_clean_environment(), **variables(path, where, site)})
    except (ServerError, TlsError) as error:
        raise click.UsageError(str(error)) from error
    tally.summarise(server)
    if not tally.taken:
        echo(coloured(_nothing_arrived(path), "yellow"), err=True)
    if code == 0 and fail_on and (not tally.taken or tally.groups.at_or_above(Severity(fail_on))):
        code = 1
    sys.exit(code)


@contextmanager
def _addresses(server: IntakeServer, path: PathName, api_key: str) -> Iterator[Addresses]:
    if path not in ("proxy", "intercept"):
        yield Addresses(server.url, api_key, agent_url=server.agent_url if path == "agent" else None)
        return
    assert server.certificates is not None
    with tempfile.TemporaryDirectory(prefix="mock-intake-") as directory:
        ca_file = server.certificates.write_ca(Path(directory) / "ca.pem")
        yield Addresses(
            server.url,
            api_key,
            proxy_url=server.proxy_url if path == "proxy" else None,
            https_address=server.https_address,
            ca_file=ca_file,
            ca_bundle=_with_system_cas(ca_file),
        )


def _with_system_cas(ca_file: Path) -> Path:
    """The machine's CAs and the intake's in one file: the variables name the only ones that are trusted."""
    system = ssl.get_default_verify_paths().cafile
    bundle = ca_file.with_name("bundle.pem")
    known = Path(system).read_bytes() if system else b""
    bundle.write_bytes(known + b"\n" + ca_file.read_bytes())
    return bundle


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not interferes(name)}


def _run(command: tuple[str, ...], environment: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603 - the user's own command
    except FileNotFoundError:
        echo(f"mock-intake run: there is no command {command[0]}", err=True)
        return _COMMAND_NOT_FOUND
    except OSError as error:
        echo(f"mock-intake run: {command[0]} cannot be run: {error.strerror}", err=True)
        return _CANNOT_RUN
    # Ctrl-C reaches the command too, being of the same group; SIGTERM is passed on. We stay to tell what arrived.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return 128 - code if code < 0 else code


def _nothing_arrived(path: PathName) -> str:
    return (
        f"No event arrived by the path {path} ({PATHS[path]}). Does the command emit any? Does it read its settings "
        "from the environment? Is there an openlineage.yml that wins over it? Is the client closed before it exits?"
    )
