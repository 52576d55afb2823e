"""``mock-intake run``: runs a command with its lineage led to an intake of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from mock_intake.cli.child import ChildCommand, NotRunError
from mock_intake.cli.console import coloured, echo, for_whoever_reads
from mock_intake.cli.event_lines import Tally
from mock_intake.cli.fault_options import FAULT_HELP, fault_option, parsed_fault_plan
from mock_intake.cli.options import (
    check_isolated,
    grace_option,
    isolation_options,
    judging_config,
    judging_options,
    report_files_option,
)
from mock_intake.cli.signals import OwnSignals
from mock_intake.cli.sources import checked_outputs, write_reports
from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.datadog.sites import SITES_WITH_INTAKE
from mock_intake.judging.intake import Settings
from mock_intake.model.findings import Severity
from mock_intake.producers.causes import of_path, of_real_sites, of_silence
from mock_intake.producers.configuration import Surroundings
from mock_intake.producers.environment import ProducerEnvironment, lines_of, producer_environment
from mock_intake.producers.guard import Attempt
from mock_intake.producers.isolation import IsolationError, Place, Reach, Served, isolated
from mock_intake.producers.isolation import Kind as IsolationKind
from mock_intake.producers.paths import KEEP_SITE, PATHS, REAL_SITE, Addresses, PathName, filled, trusting, url_for
from mock_intake.producers.reached import attempts_in, exchanges_of, through_text
from mock_intake.report.escaping import shown
from mock_intake.report.formats import Kind
from mock_intake.server.http.tls import Certificates, TlsError, write_trusted
from mock_intake.server.runner import IntakeServer, ServerError
from mock_intake.system.kin import Kin
from mock_intake.system.temporary import temporary_directory

_MOST_HOSTS = 20
_JAVA = "java"
_NEVER = "never"


@click.command(
    cls=OwnSignals,
    context_settings={"allow_interspersed_args": False},
    epilog=FAULT_HELP,
    short_help="Run a command with its events led to an intake of its own.",
    page="how-to/send-events",
)
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
    type=click.Choice([*(severity.value for severity in reversed(Severity)), _NEVER]),
    default=_NEVER,
    show_default=True,
    help="Exit with 1 on a finding of this level or above, or if no event arrived.",
)
@click.option(
    "--agent-socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="On the path agent: have the Agent at a Unix socket too, and lead to it tracers (DD_TRACE_AGENT_URL) and the "
    "Java client (OPENLINEAGE__TRANSPORT__URL), if COMMAND is java or its own URL is one of a socket (unix:).",
)
@click.option("--allow-none", is_flag=True, help="Exit with 0 also where the command ended with 0 and sent nothing.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Say which settings of the command's were replaced, taken out or kept."
)
@click.option("--strict", is_flag=True, help="Answer 400 to events with errors, where Datadog answers 2xx.")
@report_files_option(Kind.REPORT, "a report on what arrived there")
@isolation_options
@grace_option
@fault_option
@judging_options
def run(
    command: tuple[str, ...],
    path: PathName,
    site: str,
    fail_on: str,
    agent_socket: Path | None,
    allow_none: bool,
    verbose: bool,
    strict: bool,
    outputs: tuple[Path, ...],
    isolate: IsolationKind | None,
    reach: tuple[Reach, ...],
    grace: float,
    fault: str | None,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Run a command with its lineage events led to an intake, and print what arrived (on standard error).

    What would lead the command elsewhere is replaced: variables (OPENLINEAGE_URL, OPENLINEAGE__TRANSPORT__*, DD_SITE,
    proxies and others), and the transport in openlineage.yml or of Airflow's. What switches lineage off is taken out.
    All else that it reads is kept (namespace, tags, filters, DD_ENV), so that what is judged is what goes live; -v
    tells each.

    The exit code is the command's: 128 + N if signal N ended it, 127 if there is no such command; or 1, where it ended
    with 0 and sent nothing, or --fail-on says so.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT are handed on to the command, which may have events to flush. If it is still
    running at a second signal, or --grace seconds later, it is killed. (What a terminal's keys send it gets from the
    terminal, and is waited for.)

    \b
    Paths, and what they set:
      http       OPENLINEAGE_URL, OPENLINEAGE_API_KEY, and for Java OPENLINEAGE__TRANSPORT__*
      datadog    OPENLINEAGE__TRANSPORT__TYPE, DD_API_KEY, DD_SITE (a URL)
      async      as datadog, and OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES
      agent      OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT (no key: the Agent has it)
      proxy      as datadog with the real site, HTTPS_PROXY and CA variables
      intercept  as datadog with the real site, caught inside the Python process
      custom     nothing: the command takes {url} and {key}, or MOCK_INTAKE_URL and MOCK_INTAKE_KEY

    \b
    Examples:
      mock-intake run -- python my_job.py
      mock-intake run --path intercept --fail-on warning -- python my_job.py
      mock-intake run -o report.html -o report.xml -- python my_job.py
      mock-intake run --path custom -- ./send.sh --url {url} --key {key}
      mock-intake run --path agent --fault 503,202 -- ./job.sh
      mock-intake run --isolate --reach db.internal:5432 -- ./job.sh
    """
    check_isolated(reach, isolate)
    if agent_socket is not None and path != "agent":
        raise click.UsageError("--agent-socket goes with --path agent.")
    checked_outputs(Kind.REPORT, outputs)
    config, library = judging_config(config_file, facets, ignore, select)
    plan = parsed_fault_plan(fault, 0.0)
    api_key = secrets.token_hex(16)
    tally = Tally(err=True)
    settings = Settings(keys=Keys(frozenset({api_key})), strict=strict, selection=config.selection)
    with ChildCommand(grace) as running, temporary_directory() as directory:
        try:
            secure = path in ("proxy", "intercept")
            server = IntakeServer(
                settings,
                library=library,
                tls=Certificates() if secure else None,
                agent=AgentSettings(api_key) if path == "agent" else None,
                agent_socket=agent_socket,
                proxy_port=0 if path == "proxy" else None,
                on_exchange=tally.add,
            )
            if plan is not None:
                server.faults.set(plan)
            tally.watch(server.faults)
            with server:
                where = _addresses(server, path, api_key, directory)
                where = replace(where, clients_by_socket=Path(command[0]).name == _JAVA)
                environment = producer_environment(
                    path, where, Surroundings.here(), directory, site=site, guard=config.guard
                )
                environment.write_files()
                _tell(environment, all_of_it=verbose)
                arguments = filled(command, url_for(path, where, site), api_key) if path == "custom" else command
                with _isolated(server, path, reach, directory, isolate) as place:
                    variables = environment.over(os.environ) | (trusting(where) if place and secure else {})
                    code = running.run(place.command(arguments) if place else arguments, variables)
                reached = [*attempts_in(directory), *(place.attempts() if place else [])]
                server.put_on_record(exchanges_of(reached))
        except (ServerError, TlsError, IsolationError) as error:
            raise click.UsageError(str(error)) from error
        except NotRunError as error:
            echo(f"mock-intake run: {error}", err=True)
            sys.exit(error.code)
        # The code is the command's also where nobody reads what is told: the terminal may be gone.
        with for_whoever_reads():
            tally.summarise(server.views, server.journal)
            _explain(tally, path, code, server.handshakes_broken_off, command, environment, reached)
            _tell_more(server, reached, place.looked_up if place else (), running.left)
        if code == 0 and (reason := _reason_to_fail(tally, fail_on, allow_none=allow_none)):
            code = 1
            with for_whoever_reads():
                echo(f"Exit code 1 {reason}.", err=True)
        try:
            write_reports(outputs, server.journal, server.views, f"mock-intake run of {command[0]}", config.selection)
        except click.ClickException as error:  # of a command that has failed the code says more
            error.show()
            code = code or error.exit_code
    sys.exit(code)


def _tell(environment: ProducerEnvironment, *, all_of_it: bool) -> None:
    changes = [change for change in environment.changes if all_of_it or change.matters]
    with for_whoever_reads():
        for line in lines_of(changes):
            echo(shown(line), err=True)


def _reason_to_fail(tally: Tally, fail_on: str, *, allow_none: bool) -> str | None:
    if not tally.taken and fail_on != _NEVER:
        return f"(--fail-on {fail_on}): no event was taken"
    if not tally.taken and not tally.refused and not allow_none:
        return "(without --allow-none): the command sent nothing"
    return f"(--fail-on {fail_on}): findings at or above {fail_on}" if _fails(tally, fail_on) else None


def _fails(tally: Tally, fail_on: str) -> bool:
    return fail_on != _NEVER and bool(tally.groups.at_or_above(Severity(fail_on)))


def _explain(
    tally: Tally,
    path: PathName,
    code: int,
    broken_off: int,
    command: tuple[str, ...],
    environment: ProducerEnvironment,
    reached: Sequence[Attempt],
) -> None:
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
    if tally.refused:
        text = f"No event was taken by the path {path}; above is what was refused, and why."
        causes = [*of_real_sites(reached), *of_path(path)]
    else:
        text = f"No event arrived by the path {path}: {PATHS[path]}."
        causes = of_silence(path, command, environment.changes, reached)
    echo(coloured(f"{text} Possible causes:" if causes else text, "yellow"), err=True)
    for cause in causes:
        echo(f"  - {shown(cause)}", err=True)


def _isolated(
    server: IntakeServer, path: PathName, reach: Sequence[Reach], directory: Path, kind: IsolationKind | None
) -> contextlib.AbstractContextManager[Place | None]:
    """Where the command is to run; None where it runs as any other. Raises ``IsolationError`` on entering."""
    served = [Served(address, partial(server.take, name)) for name, address in server.addresses.items()]
    real_sites = partial(server.take, "https") if path in KEEP_SITE else None
    return isolated(kind, served, directory, reach, real_sites)


def _tell_more(server: IntakeServer, reached: Sequence[Attempt], looked_up: Sequence[str], left: Sequence[Kin]) -> None:
    """What went on beside the events, and fails nothing."""
    if left:
        named = ", ".join(f"{each.name} ({each.pid})" for each in left[:_MOST_HOSTS])
        more = f" and {len(left) - _MOST_HOSTS} more" if len(left) > _MOST_HOSTS else ""
        text = f"What the command has started runs on: {shown(named)}{more}. Nobody hears what that sends: wait for it."
        echo(text, err=True)
    if looked_up:
        more = f" and {len(looked_up) - _MOST_HOSTS} more" if len(looked_up) > _MOST_HOSTS else ""
        first = shown(", ".join(looked_up[:_MOST_HOSTS]))
        echo(f"Hosts that the command asked for, isolated: {first}{more}.", err=True)
    if text := through_text(reached):
        echo(text, err=True)
    if traffic := server.agent_traffic:
        used = ", ".join(f"{endpoint} ({count})" for endpoint, count in traffic.most_common())
        echo(f"The Agent's other endpoints were used, and what came there was not kept: {used}.", err=True)


def _signal_name(code: int) -> str:
    with contextlib.suppress(ValueError):
        return f" ({signal.Signals(code - 128).name})"
    return ""


def _addresses(server: IntakeServer, path: PathName, api_key: str, directory: Path) -> Addresses:
    if path not in ("proxy", "intercept"):
        agent_url = server.agent_url if path == "agent" else None
        return Addresses(server.url, api_key, agent_url, agent_socket_url=server.agent_socket_url)
    assert server.certificates is not None
    return Addresses(
        server.url,
        api_key,
        proxy_url=server.proxy_url if path == "proxy" else None,
        https_address=server.https_address,
        ca_file=write_trusted(server.certificates, directory / "trusted"),
    )
