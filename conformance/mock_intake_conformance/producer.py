"""Producers: what is run, and in which environment, so that it sends to the intake and nowhere else."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import Error, copytree

from mock_intake.datadog.sites import intake_host
from mock_intake.paths import REAL_SITE, Addresses, interferes, variables
from mock_intake_conformance import scenarios

_SETTINGS = "openlineage.yml"
# As YAML or JSON; nested in something else there is no key of this name.
_TRANSPORT = re.compile(r"""^[\s{]*["']?transport["']?\s*:""", re.MULTILINE)
# Of an error's text, which goes on with the names of both files.
_REASON = re.compile(r"\[Errno \d+\] ([^:]+)")
_NO_PROXY = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


@dataclass(frozen=True)
class Producer:
    """A program that sends events, and how it is told where to.

    ``command`` and ``failing`` (a run of it whose job fails) may hold ``{url}`` and ``{key}``. ``environment`` is
    what it gets of its own (its home is then where it runs); None passes on ours, without what would lead it elsewhere.
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

    def command_for(self, scenario: scenarios.Scenario) -> Sequence[str]:
        if scenario.failing:
            assert self.failing is not None
            return self.failing
        return self.command

    def variables(self, scenario: scenarios.Scenario, where: Addresses, directory: Path) -> dict[str, str]:
        """The whole environment of one execution in a directory."""
        if self.environment is None:
            inherited = {name: value for name, value in os.environ.items() if not interferes(name)}
        else:
            inherited = {**self.environment, "HOME": str(directory)}
        found = {**inherited, **_NO_PROXY}
        if self.path != "custom":
            found |= variables(self.path, where)
        found["MOCK_INTAKE_URL"] = url_for(self.path, where)
        if self.path != "agent":
            found["MOCK_INTAKE_KEY"] = where.api_key
        if scenario.tls and self.path != "intercept":
            found |= _trusting(where.ca_file)
        found |= scenario.environment
        if scenario.id == scenarios.DEBUG:
            found |= self.debug_environment
        return found


def settings_file(producer: Producer) -> Path | None:
    """The file from which the Python client takes its transport before the environment; None where none has one.

    It reads the first of these that there is. OPENLINEAGE_CONFIG is taken out of the environment; the command may set
    one of its own.
    """
    directory = producer.directory
    if directory is None:
        return None
    named = [word.partition("=")[2] for word in producer.command if word.startswith("OPENLINEAGE_CONFIG=")]
    # Unlike Path's, it raises nothing where there is no home.
    home = Path(os.path.expanduser("~")) if producer.environment is None else directory  # noqa: PTH111
    candidates = (
        *(directory / name for name in named[:1] if name),
        directory / _SETTINGS,
        home / f".openlineage/{_SETTINGS}",
    )
    # In this order: is_file() raises in a directory that may not be searched.
    read = next((file for file in candidates if os.access(file, os.R_OK) and file.is_file()), None)
    if read is None or not _TRANSPORT.search(read.read_text(encoding="utf-8", errors="replace")):
        return None
    return read.absolute()


def url_for(path: scenarios.Path, where: Addresses) -> str:
    """What stands for the intake in a producer's settings."""
    if path == "intercept":
        return f"https://{intake_host(REAL_SITE)}"
    if path == "agent":
        assert where.agent_url is not None
        return where.agent_url
    return where.url


def filled(command: Sequence[str], url: str, api_key: str) -> list[str]:
    """A command with the address and the key in their places; other braces stay as they are."""
    return [part.replace("{url}", url).replace("{key}", api_key) for part in command]


@contextmanager
def working_directory(producer: Producer) -> Iterator[Path]:
    """Where the producer runs: as it was asked for, and gone after where it is a fresh one."""
    if producer.directory is not None and not producer.copied:
        yield producer.directory
        return
    with tempfile.TemporaryDirectory(prefix="mock-intake-", ignore_cleanup_errors=True) as fresh:
        directory = Path(fresh) / "work"
        if producer.directory is None:
            directory.mkdir()
        else:
            _copy(producer.directory, directory)
        yield directory


def no_copy(directory: Path) -> str | None:
    """Why a directory cannot be copied for each run; None if it can, as far as one can tell beforehand."""
    temporary = Path(tempfile.gettempdir()).resolve()
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


def _trusting(ca_file: Path | None) -> dict[str, str]:
    """Trust in the intake's CA alone, in the variables from which clients take theirs."""
    assert ca_file is not None
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    return {**dict.fromkeys(names, str(ca_file)), "SSL_CERT_DIR": str(ca_file.parent)}
