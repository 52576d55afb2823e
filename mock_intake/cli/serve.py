"""``mock-intake serve``: an intake to point a producer at."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from mock_intake.cli.console import coloured, echo
from mock_intake.cli.event_lines import Tally
from mock_intake.cli.journal_options import keeping_options, open_journal
from mock_intake.cli.listener_options import Listening, listening_options
from mock_intake.cli.logs import Log, logging_options
from mock_intake.cli.options import (
    CONTROL_TOKEN,
    FAULT_HELP,
    Number,
    Size,
    fault_option,
    judging_config,
    judging_options,
    option_group,
    parsed_fault_plan,
)
from mock_intake.cli.signals import OwnSignals, ended_by
from mock_intake.cli.sources import is_ready
from mock_intake.datadog.authentication import KEY_LENGTH, Keys, is_well_formed
from mock_intake.datadog.sites import AGENT_PATH, INTAKE_PATH
from mock_intake.faults import MAX_DELAY
from mock_intake.journal import JournalError
from mock_intake.judging.intake import Settings
from mock_intake.model.words import counted
from mock_intake.report.escaping import clipped
from mock_intake.server.access import Access, is_loopback
from mock_intake.server.limits import Limits
from mock_intake.server.runner import IntakeServer, ServerError
from mock_intake.system.allocator import give_memory_back

_LIMITS = Limits()


_where_options = option_group(
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port", default=8580, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
    ),
    click.option(
        "--ready-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write one line of JSON (url, pid, ...) there once requests are taken.",
    ),
    heading="Where",
)
_who_options = option_group(
    click.option("--api-key", "api_keys", multiple=True, metavar="KEY", help="Take this key only; repeatable."),
    click.option("--allow-anonymous", is_flag=True, help="Take requests without a key too."),
    click.option("--control-token", envvar=CONTROL_TOKEN, help=f"Token of the control API [env: {CONTROL_TOKEN}]."),
    click.option("--allow-host", multiple=True, metavar="NAME", help="Host name by which the control API may be used."),
    heading="Who",
)
_answer_options = option_group(
    click.option("--strict", is_flag=True, help="Answer 400 to events with errors, where Datadog answers 2xx."),
    click.option("--terse", is_flag=True, help="Leave the body of answers empty."),
    fault_option,
    click.option(
        "--delay",
        type=Number(0, int(MAX_DELAY)),
        default=0.0,
        metavar="SECONDS",
        help="Wait before every answer.",
    ),
    heading="Answers",
)
_limit_options = option_group(
    click.option("--max-body", type=Size(), default="5M", show_default=True, help="Largest body on the wire."),
    click.option("--max-decoded", type=Size(), default="20M", show_default=True, help="Largest body when decoded."),
    click.option(
        "--connections",
        type=click.IntRange(min=1),
        default=_LIMITS.connections,
        show_default=True,
        help="Most connections at a time; others are answered 503.",
    ),
    click.option(
        "--patience",
        type=Number(min=0.001),
        default=_LIMITS.patience,
        show_default=True,
        metavar="SECONDS",
        help="How long a request may take to arrive, or wait for room.",
    ),
    click.option(
        "--budget", type=Size(), default="256M", show_default=True, help="Room for bodies under way, in memory."
    ),
    heading="Limits",
)


@click.command(
    cls=OwnSignals, epilog=FAULT_HELP, short_help="An intake to point a producer at.", page="how-to/send-events"
)
@_where_options
@_who_options
@_answer_options
@keeping_options
@listening_options
@_limit_options
@logging_options
@judging_options
def serve(
    host: str,
    port: int,
    api_keys: tuple[str, ...],
    allow_anonymous: bool,
    strict: bool,
    terse: bool,
    fault: str | None,
    delay: float,
    max_body: int,
    max_decoded: int,
    connections: int,
    patience: float,
    budget: int,
    control_token: str | None,
    allow_host: tuple[str, ...],
    ready_file: Path | None,
    journal_file: str | None,
    keep_events: int | None,
    keep_hours: float | None,
    keep_bytes: int | None,
    log_format: str,
    log_level: str,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
    **listening_to: Any,
) -> None:
    """Serve an intake that takes OpenLineage events as Datadog's does, and says what it makes of them.

    Every well-formed API key (32 hexadecimal digits) is taken unless --api-key names some. One line is
    printed for each event, and for each request that was refused; a summary at the end (Ctrl-C).

    \b
    Examples:
      mock-intake serve
      mock-intake serve --port 0 --ready-file intake.json --strict
      mock-intake serve --journal events.db --keep-hours 24
      mock-intake serve --journal postgresql://intake@db.example/lineage
      mock-intake serve --fault 503,503,reset,202
      mock-intake serve --tls --ca-file ca.pem --proxy-port 8581
      mock-intake serve --agent-port 8126
      mock-intake serve --agent-port 8126 --agent-url datadoghq.com --agent-key-env DD_API_KEY
      mock-intake serve --api-key 0123456789abcdef0123456789abcdef
    """
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise click.UsageError(f"--host {host}: {error.strerror or error}.") from error
    if not is_loopback(host) and not control_token:
        raise click.UsageError(
            f"{host} can be reached from other machines, so the control API needs a token: "
            f"--control-token or {CONTROL_TOKEN}."
        )
    try:
        limits = Limits(connections, patience, budget)
    except ValueError as error:
        raise click.UsageError(f"--connections, --patience, --budget: {error}.") from error
    if ready_file is not None:
        _clear_ready_file(ready_file)
    config, library = judging_config(config_file, facets, ignore, select)
    settings = Settings(
        keys=Keys(frozenset(api_keys) if api_keys else None, allow_anonymous),
        strict=strict,
        terse=terse,
        max_body=max_body,
        max_decoded=max_decoded,
        selection=config.selection,
    )
    plan = parsed_fault_plan(fault, delay)
    listening = Listening.from_options(api_keys=api_keys, **listening_to)
    for number, key in enumerate(api_keys, start=1):
        if not is_well_formed(key):
            words = f"{KEY_LENGTH} hexadecimal digits"
            echo(
                f"note: --api-key number {number} is not {words}, as Datadog's keys are: HT005 for every event.",
                err=True,
            )
    journal = open_journal(journal_file, keep_events, keep_hours, keep_bytes)
    log = Log.from_options(log_format, log_level)
    tally = Tally(log, with_earlier=journal.position > 0)
    server = IntakeServer(
        settings,
        host=host,
        port=port,
        journal=journal,
        library=library,
        access=Access(control_token, frozenset(name.lower() for name in allow_host)),
        on_exchange=tally.add,
        limits=limits,
        **listening.arguments,
    )
    if plan is not None:
        try:
            server.faults.set(plan)
        except JournalError as error:
            raise click.UsageError(f"--fault: {error}") from error
    give_memory_back()
    tally.watch(server.faults)
    leaving = partial(_remove, ready_file)
    with ended_by(signal.SIGINT, signal.SIGTERM, leaving=leaving) as ended:
        try:
            server.start()
        except ServerError as error:
            raise click.UsageError(str(error)) from error
        _spare_the_collector()
        try:
            _greet(server, api_keys, listening, log.say)
            if ready_file is not None:
                _write_ready_file(ready_file, server, listening)
            while not ended.wait(0.2):
                if not server.is_running:
                    raise click.ClickException("The server ended by itself.")
        finally:
            server.stop()
            leaving()
        tally.summarise(server)
        journal.close()


def _spare_the_collector() -> None:
    """Has what lives long looked at less often.

    What is loaded stays, and is looked at no more. What is young is looked at after 10,000 objects rather than 700, as
    a single event is hundreds for a moment; what has outlived that, soon after: the longer that is put off, the longer
    the server stands still for it. The oldest are looked at rarely: they are what is on record.
    """
    gc.freeze()
    gc.set_threshold(10_000, 2, 500)


def _greet(server: IntakeServer, api_keys: Sequence[str], listening: Listening, say: Callable[[str], None]) -> None:
    say(coloured(f"mock-intake listens on {server.url}", "green", bold=True))
    say(f"  events to   {server.url}{INTAKE_PATH} with Authorization: Bearer <key>")
    say(f"  keys        {_keys_text(api_keys)}")
    if server.journal.place is not None:
        say(f"  journal     {server.journal.place}, {counted(server.journal.position, 'exchange')} in it")
    if listening.arguments["tls"] is not None:
        trust = f", trusted by {listening.ca_file}" if listening.ca_file else ""
        say(f"  https       {server.https_url}{trust}")
    if listening.arguments["proxy_port"] is not None:
        say(f"  proxy       HTTPS_PROXY={server.proxy_url} leads every Datadog intake here")
    if listening.arguments["agent"] is not None:
        say(f"  agent       OPENLINEAGE_URL={server.agent_url} OPENLINEAGE_ENDPOINT={AGENT_PATH.lstrip('/')}")
    if (at := server.agent_socket_url) is not None:
        say(f"  agent at    DD_TRACE_AGENT_URL={at}")
    if to := listening.agent_sends_to:
        say(coloured(f"  agent to    {', '.join(to)}", "yellow"))
    if (target := listening.arguments["forward"]) is not None:
        say(coloured(f"  forwards    accepted events to {target.shown}", "yellow"))
    say(f"  look at     {server.url}/mock/events in a browser")
    say(f"  look with   curl {server.url}/api/mock/v1/events")
    say("  end with    Ctrl-C")


def _keys_text(api_keys: Sequence[str]) -> str:
    if not api_keys:
        return "any of 32 hexadecimal digits, for instance 0123456789abcdef0123456789abcdef"
    return "the one that was given" if len(api_keys) == 1 else f"the {len(api_keys)} that were given"


def _remove(file: Path | None) -> None:
    if file is not None:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _clear_ready_file(file: Path) -> None:
    """Takes away what a server that was killed has left there. Raises ``UsageError`` for a file of another kind."""
    try:
        if file.exists() and not file.is_file():
            # It would be replaced, and removed at the end: a device, such as /dev/null, for all that run here.
            raise click.UsageError(f"--ready-file {clipped(str(file), 200)}: this is no file, but a device or a pipe.")
        if not file.parent.is_dir():
            raise click.UsageError(f"--ready-file {clipped(str(file), 200)}: there is no directory {file.parent}.")
        if not os.access(file.parent, os.W_OK):
            raise click.UsageError(f"--ready-file {clipped(str(file), 200)}: {file.parent} cannot be written to.")
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError as error:
        raise click.UsageError(f"--ready-file: {error.strerror or error}: {clipped(str(file), 200)}") from error
    if not text:
        return
    try:
        ready = json.loads(text)
    except ValueError:
        ready = None
    if not is_ready(ready):
        raise click.UsageError(
            f"--ready-file {file}: there is a file with something else in it, which is not overwritten."
        )
    if not _is_running(ready["pid"]):
        _remove(file)


def _is_running(pid: object) -> bool:
    try:
        os.kill(pid if isinstance(pid, int) and pid > 0 else 0, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _write_ready_file(file: Path, server: IntakeServer, listening: Listening) -> None:
    serves = listening.arguments
    ready = {
        "url": server.url,
        "pid": os.getpid(),
        "agent_url": server.agent_url if serves["agent"] is not None else None,
        "https_url": server.https_url if serves["tls"] is not None else None,
        "ca_file": str(listening.ca_file) if listening.ca_file else None,
        "proxy_url": server.proxy_url if serves["proxy_port"] is not None else None,
    }
    # Renamed into place, so that whoever waits for the file never reads half of it.
    partial = file.with_name(file.name + ".partial")
    try:
        partial.write_text(json.dumps(ready) + "\n", encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise click.UsageError(f"--ready-file: {error.strerror or error}: {clipped(str(file), 200)}") from error
