"""``mock-intake run``: runs a command with its lineage led to an intake of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from mock_intake.cli.child import ChildCommand, NotRunError
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


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@click.option(
    "--path",
    type=click.Choice(list(PATHS)),
    default="datadog",
    show_default=True,
    help="The way in, one of those above.",
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
    and those of the path are set. The exit code is the command's: 128 + N if signal N ended it, 127 if there is no
    such command; or 1, where --fail-on says so.

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
    with ChildCommand(command) as running:
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
                code = running.run({**_clean_environment(), **variables(path, where, site)})
        except (ServerError, TlsError) as error:
            raise click.UsageError(str(error)) from error
        except NotRunError as error:
            echo(f"mock-intake run: {error}", err=True)
            sys.exit(error.code)
        # The code is the command's also where nobody reads what is told: the terminal may be gone.
        with contextlib.suppress(OSError):
            tally.summarise(server)
            _explain(tally, path, code, server.handshakes_broken_off)
        if code == 0 and fail_on and (reason := _reason_to_fail(tally, Severity(fail_on))):
            code = 1
            with contextlib.suppress(OSError):
                echo(f"Exit code 1 (--fail-on {fail_on}): {reason}.", err=True)
    sys.exit(code)


def _reason_to_fail(tally: Tally, fail_on: Severity) -> str | None:
    if not tally.taken:
        return "no event was taken"
    return f"findings at or above {fail_on}" if tally.groups.at_or_above(fail_on) else None


def _explain(tally: Tally, path: PathName, code: int, broken_off: int) -> None:
    """Says what the summary leaves open: how the command ended, and why nothing may have arrived."""
    if code:
        echo(f"The command ended with exit code {code}{_signal_name(code)}.", err=True)
    if broken_off:
        text = (
            f"TLS handshakes that the command broke off: {broken_off}. It does not seem to trust the intake's "
            "certificate: does it take its CA from elsewhere than REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE?"
        )
        echo(coloured(text, "yellow"), err=True)
    if tally.taken:
        return
    causes = _CAUSES_OF_A_PATH.get(path, ())
    if tally.refused:
        text = f"No event was taken by the path {path}; above is what was refused, and why."
    else:
        text = f"No event arrived by the path {path}: {PATHS[path]}."
        causes += _CAUSES
    echo(coloured(f"{text} Possible causes:" if causes else text, "yellow"), err=True)
    for cause in causes:
        echo(f"  - {cause}", err=True)


_CAUSES = (
    "the command emits none, or ended before it did",
    "its transport is set in its code, or by an openlineage.yml here or in the home directory, which wins",
    "it exits without closing its client, which may send from a thread",
)
_CAUSES_OF_A_PATH: dict[PathName, tuple[str, ...]] = {
    "proxy": ("its client ignores HTTPS_PROXY, as the Datadog transport does for dbt jobs: use --path intercept",),
    "intercept": ("it is no Python program, or uses uvloop, or another TLS library than Python's own",),
}


def _signal_name(code: int) -> str:
    with contextlib.suppress(ValueError):
        return f" ({signal.Signals(code - 128).name})"
    return ""


@contextlib.contextmanager
def _addresses(server: IntakeServer, path: PathName, api_key: str) -> Iterator[Addresses]:
    if path not in ("proxy", "intercept"):
        yield Addresses(server.url, api_key, agent_url=server.agent_url if path == "agent" else None)
        return
    assert server.certificates is not None
    with tempfile.TemporaryDirectory(prefix="mock-intake-") as directory:
        yield Addresses(
            server.url,
            api_key,
            proxy_url=server.proxy_url if path == "proxy" else None,
            https_address=server.https_address,
            ca_file=server.certificates.write_ca(Path(directory) / "ca.pem"),
        )


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not interferes(name)}
