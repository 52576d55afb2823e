"""What the commands that speak to a running server have in common: which server, its token, answers as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from mock_intake.cli.console import echo
from mock_intake.cli.options import option_group
from mock_intake.cli.sources import UnusableError, control_token_option, is_url, unusable
from mock_intake.client import Client, ControlError

SERVER = "MOCK_INTAKE_URL"
"""The variable that names the server where the command line does not; ``run --path custom`` sets it."""
DEFAULT_SERVER = "http://127.0.0.1:8580"
_BETWEEN_LOOKS = 0.1
F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print the server's answer as one line of JSON.")


def server_options(command: F) -> F:
    """The argument ``server``, and the options of all who speak to one; see ``connected``."""
    server = click.argument("server", envvar=SERVER, default=DEFAULT_SERVER, metavar="[URL|FILE]")
    return server(option_group(json_option, control_token_option)(command))


def org_option(what: str) -> Callable[[F], F]:
    """``--org``, which limits ``what`` to one org."""
    return click.option("--org", help=f"{what} of this org only, not of all.")


@contextmanager
def connected(server: str, token: str | None, *, within: float = 0.0) -> Iterator[tuple[str, Client]]:
    """The URL of ``server`` (a URL, or the ready file of ``serve``), and a client of it. Exits with 2 on trouble.

    Where it is not there yet, neither file nor server, it is looked for again for ``within`` seconds.
    """
    with unusable():
        url, client = _found(server, token, time.monotonic() + within)
        with client:
            yield url, client


def _found(server: str, token: str | None, until: float) -> tuple[str, Client]:
    while True:
        try:
            url = server_url(server)
            client = Client(url, token=token)
            try:
                client.faults()  # the cheapest question; a token that is wrong is refused for it as well
            except BaseException:
                client.close()
                raise
            return url, client
        except (ControlError, UnusableError) as error:
            if server == DEFAULT_SERVER and isinstance(error, ControlError) and not error.status_code:
                error = UnusableError(f"{error}. Start one there by mock-intake serve, or name another by its URL.")
            is_absent = isinstance(error, UnusableError) or not error.status_code
            if not is_absent or time.monotonic() >= until:
                raise error from None
        time.sleep(_BETWEEN_LOOKS)


def server_url(server: str) -> str:
    """The URL that ``server`` is, or that stands in the ready file of this name. Raises ``UnusableError``."""
    if is_url(server):
        return server
    try:
        ready = json.loads(Path(server).read_text(encoding="utf-8"))
        url = ready["url"]
    except FileNotFoundError as error:
        raise UnusableError(
            f"{server}: this is neither a URL (http://...) nor the ready file of a server that runs."
        ) from error
    except OSError as error:
        raise UnusableError(f"{server}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableError(f"{server}: this is no ready file of mock-intake serve --ready-file.") from error
    if not isinstance(url, str) or not is_url(url):
        raise UnusableError(f"{server}: its url is no URL.")
    return url


def print_json(answer: Mapping[str, Any]) -> None:
    """An answer as one line of JSON."""
    echo(json.dumps(answer))
