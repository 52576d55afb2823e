"""``mock-intake serve``: an intake to point a producer at."""

from __future__ import annotations

import signal
import socket
from functools import partial
from pathlib import Path
from typing import Any

import click

from mock_intake.cli.console import echo
from mock_intake.cli.databases import is_database
from mock_intake.cli.event_lines import Tally
from mock_intake.cli.fault_options import FAULT_HELP, fault_option, parsed_fault_plan
from mock_intake.cli.greeting import ReadyFile, ServedAt, greet
from mock_intake.cli.journal_options import keeping_options, open_journal
from mock_intake.cli.listener_options import Listening, listening_options
from mock_intake.cli.logs import Log, logging_options
from mock_intake.cli.options import (
    CONTROL_TOKEN,
    Number,
    Size,
    judging_config,
    judging_options,
    option_group,
)
from mock_intake.cli.signals import OwnSignals, ended_by
from mock_intake.datadog.authentication import KEY_LENGTH, Keys, is_well_formed
from mock_intake.faults import MAX_DELAY
from mock_intake.journal import JournalError
from mock_intake.judging.intake import Settings
from mock_intake.server.access import Access, is_loopback
from mock_intake.server.limits import Limits
from mock_intake.server.runner import IntakeServer, ServerError
from mock_intake.system.allocator import give_memory_back
from mock_intake.system.collector import spare_the_collector
from mock_intake.system.processors import can_fork

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
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Serve by N processes that share the port: with a journal in PostgreSQL, on Linux.",
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
    workers: int,
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
      mock-intake serve --journal postgresql://intake@db.example/lineage --workers 4
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
    ready = ReadyFile(ready_file)
    ready.clear()
    if workers > 1:
        _check_workers(journal_file)
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
    log = Log.from_options(log_format, log_level)
    make = partial(
        IntakeServer,
        settings,
        host=host,
        library=library,
        access=Access(control_token, frozenset(name.lower() for name in allow_host)),
        limits=limits,
    )
    opened = partial(open_journal, journal_file, keep_events, keep_hours, keep_bytes)
    say = partial(greet, api_keys=api_keys, listening=listening, say=log.say, needs_token=bool(control_token))
    if workers > 1:
        from mock_intake.cli.workers import serve_by_workers

        said = partial(say, workers=workers)
        serve_by_workers(workers, opened, make, host, port, plan, config.selection, listening, log, ready, said)
        return
    journal = opened()
    tally = Tally(log, with_earlier=journal.position > 0)
    server = make(port=port, journal=journal, on_exchange=tally.add, **listening.arguments)
    if plan is not None:
        try:
            server.faults.set(plan)
        except JournalError as error:
            raise click.UsageError(f"--fault: {error}") from error
    give_memory_back()
    tally.watch(server.faults)
    with ended_by(signal.SIGINT, signal.SIGTERM, leaving=ready.remove) as ended:
        try:
            server.start()
        except ServerError as error:
            raise click.UsageError(str(error)) from error
        spare_the_collector()
        try:
            at = ServedAt.of(server, listening)
            say(at, (journal.place, journal.position))
            ready.write(at, listening.ca_file)
            while not ended.wait(0.2):
                if not server.is_running:
                    raise click.ClickException("The server ended by itself.")
        finally:
            server.stop()
            ready.remove()
        tally.summarise(server.views, server.journal)
        journal.close()


def _check_workers(journal: str | None) -> None:
    """Raises ``UsageError`` where there cannot be several workers."""
    if journal is None or not is_database(journal):
        where = "memory, which is one process's" if journal is None else "a file, which one process writes to"
        raise click.UsageError(
            f"--workers: several processes need one journal that they can share, and this one is in {where}. "
            "Give --journal postgresql://..., or one worker."
        )
    if not can_fork():
        raise click.UsageError("--workers: only on Linux can a server be copied; start several servers elsewhere.")
