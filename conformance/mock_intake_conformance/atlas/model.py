"""The atlas's values: a real producer with its pins, its pipeline, and what leads it to an intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mock_intake.producers.paths import PathName
from mock_intake_conformance.atlas.installing import Install

# What one that takes long to start is asked: each of these is a run of its own.
FEW = frozenset(
    {
        "healthy", "failing", "503-once", "reset-once", "lost-answer", "429-once", "slow", "refusing", "hang-once",
        "403-always",
    }
)  # fmt: skip

# What asks whether a job survives whatever the intake does to it.
ANSWERS = frozenset(
    {
        "healthy", "refusing", "500-once", "502-once", "503-once", "504-once", "reset-once", "lost-answer",
        "400-always", "403-always", "413-always",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Cure:
    """What a user can set against something that is wrong with a producer, tried beside the producer as it is.

    ``against`` names the codes and cases that it is for. ``environment``, ``files`` and ``leads`` are laid over those
    of the producer, ``command`` and ``failing`` take the place of its own. It is tried in ``scenarios``.
    """

    what: str
    against: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    leads: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    failing: Sequence[str] = ()
    scenarios: frozenset[str] = frozenset({"healthy"})


@dataclass(frozen=True)
class RealProducer:
    """A producer that people run, as it is installed, run and led.

    ``files`` are the pipeline (orders and customers in, daily revenue out), by name; they lie where it runs, which is
    also its home. ``command`` runs it, ``failing`` has the job fail; programs are found where the install has put them,
    ``{cache}`` is the directory of that, and ``{url}`` and ``{key}`` are the intake's. ``leads`` are variables by which
    it is led beside those of its ``path``, with the same two, and ``{socket}``, the Agent's Unix socket. ``prepare`` is
    run once, before anything is measured.
    ``reads`` are those variables of its path that it reads, where they are not the ones that a Python client does.
    Those that ``share`` a directory of installs are installed there once.
    ``how`` says what a user of it has to set up, beside variables. ``scenarios`` leaves out all others.
    """

    name: str
    title: str
    install: Install
    files: Mapping[str, str]
    command: Sequence[str]
    failing: Sequence[str] | None = None
    path: PathName = "datadog"
    environment: Mapping[str, str] = field(default_factory=dict)
    leads: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[Sequence[str]] = ()
    how: str = ""
    scenarios: frozenset[str] | None = None
    jobs: int = 2
    time_limit: float = 90.0
    cures: Sequence[Cure] = ()
    share: str = ""
    reads: Sequence[str] = ()

    def directory(self, cache: Path) -> Path:
        """Where it is installed, below the directory of all installs."""
        return cache.absolute() / (self.share or self.name)

    def words(self, command: Sequence[str], directory: Path) -> list[str]:
        """A command of it, installed in this directory."""
        return [word.replace("{cache}", str(directory)) for word in command]

    def cured(self, cure: Cure) -> RealProducer:
        """The producer with a cure."""
        return replace(
            self,
            files={**self.files, **cure.files},
            environment={**self.environment, **cure.environment},
            leads={**self.leads, **cure.leads},
            command=cure.command or self.command,
            failing=cure.failing or self.failing,
            scenarios=cure.scenarios,
            cures=(),
        )
