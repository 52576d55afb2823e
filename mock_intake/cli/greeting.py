"""What ``serve`` says at its start: to people, and in a file to programs that wait for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click

from mock_intake.cli.console import coloured
from mock_intake.cli.listener_options import Listening
from mock_intake.cli.sources import is_ready
from mock_intake.datadog.sites import AGENT_PATH, INTAKE_PATH
from mock_intake.model.words import counted
from mock_intake.report.escaping import clipped
from mock_intake.server.runner import IntakeServer


class ServedAt(NamedTuple):
    """Where a server listens; None for what it does not serve."""

    url: str
    https_url: str | None
    proxy_url: str | None
    agent_url: str | None
    agent_socket_url: str | None

    @classmethod
    def of(cls, server: IntakeServer, listening: Listening) -> ServedAt:
        """Where a server that has started listens."""
        serves = listening.arguments
        return cls(
            server.url,
            server.https_url if serves["tls"] is not None else None,
            server.proxy_url if serves["proxy_port"] is not None else None,
            server.agent_url if serves["agent"] is not None else None,
            server.agent_socket_url,
        )


def greet(
    at: ServedAt,
    journal: tuple[str | None, int],
    api_keys: Sequence[str],
    listening: Listening,
    say: Callable[[str], None],
    workers: int = 1,
    *,
    needs_token: bool = False,
) -> None:
    """Says where all is; ``journal`` is its place and how many exchanges are in it; whether the control API
    ``needs_token``.
    """
    place, exchanges = journal
    say(coloured(f"mock-intake listens on {at.url}", "green", bold=True))
    say(f"  events to   {at.url}{INTAKE_PATH} with Authorization: Bearer <key>")
    say(f"  keys        {_keys_text(api_keys)}")
    if place is not None:
        say(f"  journal     {place}, {counted(exchanges, 'exchange')} in it")
    if workers > 1:
        say(f"  workers     {workers} processes, which share the port and the journal")
    if at.https_url is not None:
        trust = f", trusted by {listening.ca_file}" if listening.ca_file else ""
        say(f"  https       {at.https_url}{trust}")
    if at.proxy_url is not None:
        say(f"  proxy       HTTPS_PROXY={at.proxy_url} leads every Datadog intake here")
    if at.agent_url is not None:
        say(f"  agent       OPENLINEAGE_URL={at.agent_url} OPENLINEAGE_ENDPOINT={AGENT_PATH.lstrip('/')}")
    if at.agent_socket_url is not None:
        say(f"  agent at    DD_TRACE_AGENT_URL={at.agent_socket_url}")
    if to := listening.agent_sends_to:
        say(coloured(f"  agent to    {', '.join(to)}", "yellow"))
    if (target := listening.arguments["forward"]) is not None:
        say(coloured(f"  forwards    accepted events to {target.shown}", "yellow"))
    say(f"  look at     {at.url}/mock/events in a browser")
    token = '-H "Authorization: Bearer <control token>" ' if needs_token else ""
    say(f"  look with   curl {token}{at.url}/api/mock/v1/events")
    say("  end with    Ctrl-C")


def _keys_text(api_keys: Sequence[str]) -> str:
    if not api_keys:
        return "any of 32 hexadecimal digits, for instance 0123456789abcdef0123456789abcdef"
    return "the one that was given" if len(api_keys) == 1 else f"the {len(api_keys)} that were given"


class ReadyFile:
    """The file of ``--ready-file``, if there is to be one."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def clear(self) -> None:
        """Takes away what a server that was killed has left. Raises ``UsageError`` for a file of another kind."""
        file = self._file
        if file is None:
            return
        try:
            if file.exists() and not file.is_file():
                # It would be replaced, and removed at the end: a device, such as /dev/null, for all that run here.
                raise click.UsageError(
                    f"--ready-file {clipped(str(file), 200)}: this is no file, but a device or a pipe."
                )
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
            self.remove()

    def write(self, at: ServedAt, ca_file: Path | None) -> None:
        """Says that requests are taken, and where. Raises ``UsageError``."""
        file = self._file
        if file is None:
            return
        ready = {
            "url": at.url,
            "pid": os.getpid(),
            "agent_url": at.agent_url,
            "https_url": at.https_url,
            "ca_file": str(ca_file) if ca_file else None,
            "proxy_url": at.proxy_url,
        }
        # Renamed into place, so that whoever waits for the file never reads half of it.
        partial = file.with_name(file.name + ".partial")
        try:
            partial.write_text(json.dumps(ready) + "\n", encoding="utf-8")
            partial.replace(file)
        except OSError as error:
            raise click.UsageError(f"--ready-file: {error.strerror or error}: {clipped(str(file), 200)}") from error

    def remove(self) -> None:
        """Takes it away; raises nothing."""
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)


def _is_running(pid: object) -> bool:
    try:
        os.kill(pid if isinstance(pid, int) and pid > 0 else 0, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
