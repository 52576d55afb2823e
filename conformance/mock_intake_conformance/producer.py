"""Producers: what is run, and in which environment, so that it sends to the intake and nowhere else."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

from mock_intake.datadog.sites import intake_host
from mock_intake.paths import REAL_SITE, Addresses, interferes, variables
from mock_intake_conformance import scenarios

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
            copytree(producer.directory, directory, symlinks=True)
        yield directory


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
