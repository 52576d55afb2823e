"""Producers: what is run, and in which environment, so that it sends to the intake and nowhere else."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import Error, copytree

from mock_intake.producers.configuration import Surroundings
from mock_intake.producers.environment import ProducerEnvironment
from mock_intake.producers.isolation import Kind, Reach
from mock_intake.producers.paths import KEEP_SITE, Addresses, filled, trusting, url_for
from mock_intake.system.temporary import temporary_directory, where_temporary_files_go
from mock_intake_conformance import scenarios

# Of an error's text, which goes on with the names of both files.
_REASON = re.compile(r"\[Errno \d+\] ([^:]+)")
_NO_PROXY = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


@dataclass(frozen=True)
class Producer:
    """A program that sends events, and how it is told where to.

    ``command`` and ``failing`` (a run of it whose job fails) may hold ``{url}`` and ``{key}``. ``environment`` is
    what it gets of its own (its home is then where it runs); None passes on ours, without what would lead it elsewhere.
    ``isolated``, it has no other network than the intake and what it may ``reach``. ``guard`` is what connections of
    Python producers are stopped.
    ``leads`` are variables by which it is led beside those of its path, with ``{url}`` and ``{key}`` in them; one with
    ``{socket}`` leads it to a Unix socket of the Agent's, which there is then.
    It runs in ``directory``, or in a fresh copy of it (``copied``) each time; None is a fresh and empty one.
    """

    name: str
    path: scenarios.Path
    command: Sequence[str]
    failing: Sequence[str] | None = None
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    copied: bool = False
    debug_environment: Mapping[str, str] = field(default_factory=dict)
    isolated: Kind | None = None
    reach: Sequence[Reach] = ()
    leads: Mapping[str, str] = field(default_factory=dict)
    guard: str = "intake"

    @property
    def by_socket(self) -> bool:
        """Whether it is led to a Unix socket."""
        return any("{socket}" in value for value in self.leads.values())

    def command_for(self, scenario: scenarios.Scenario) -> Sequence[str]:
        if scenario.failing:
            assert self.failing is not None
            return self.failing
        return self.command

    def surroundings(self, directory: Path) -> Surroundings:
        """Where it is started, before anything leads it to an intake."""
        if self.environment is None:
            return Surroundings.here(directory=directory)
        return Surroundings.here({**self.environment, "HOME": str(directory)}, directory)

    def variables(
        self, scenario: scenarios.Scenario, where: Addresses, directory: Path, led: ProducerEnvironment
    ) -> dict[str, str]:
        """The whole environment of one execution in a directory, as it is ``led`` to the intake."""
        found = {**led.over(self.surroundings(directory).environ), **_NO_PROXY}
        url = url_for(self.path, where)
        found["MOCK_INTAKE_URL"] = url
        socket = where.agent_socket_url or ""
        own = [value.replace("{socket}", socket) for value in self.leads.values()]
        found |= dict(zip(self.leads, filled(own, url, where.api_key), strict=True))
        if self.path != "agent":
            found["MOCK_INTAKE_KEY"] = where.api_key
        # Isolated, real sites' names lead here for every client, not for Python's alone.
        if self.isolated == "network" if self.path in KEEP_SITE else scenario.tls:
            found |= trusting(where)
        found |= scenario.environment
        if scenario.id == scenarios.DEBUG:
            found |= self.debug_environment
        return found


@contextmanager
def working_directory(producer: Producer) -> Iterator[Path]:
    """Where the producer runs: as it was asked for, and gone after where it is a fresh one."""
    if producer.directory is not None and not producer.copied:
        yield producer.directory
        return
    with temporary_directory() as fresh:
        directory = fresh / "work"
        if producer.directory is None:
            directory.mkdir()
        else:
            _copy(producer.directory, directory)
        yield directory


def no_copy(directory: Path) -> str | None:
    """Why a directory cannot be copied for each run; None if it can, as far as one can tell beforehand.

    Raises ``TemporaryError`` where there is nowhere to copy it to.
    """
    temporary = where_temporary_files_go().resolve()
    if temporary.is_relative_to(directory.resolve()):
        return f"it holds the directory for temporary files, {temporary}, where the copies go: set TMPDIR to another"
    return None


def _copy(source: Path, target: Path) -> None:
    """Copies files, links and directories, and leaves out sockets and pipes. Raises ``OSError``."""

    def special(parent: str, names: list[str]) -> list[str]:
        return [name for name in names if not _may_be_copied(Path(parent) / name)]

    try:
        copytree(source, target, symlinks=True, ignore=special)
    except Error as error:
        # One error for all files, each of them with its reason.
        file, _, text = error.args[0][0]
        reason = _REASON.match(text)
        raise OSError(f"{file} cannot be copied: {reason[1] if reason else text}") from error


def _may_be_copied(file: Path) -> bool:
    return file.is_symlink() or file.is_file() or file.is_dir()


@contextmanager
def refusing_address() -> Iterator[tuple[str, int]]:
    """An address at which connections are refused, and that nobody else can take meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        host, port = bound.getsockname()
        # Never listening, the kernel refuses for us.
        yield host, port
