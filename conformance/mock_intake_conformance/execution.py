"""Carries out one scenario: an intake of its own that behaves as told, and the producer run against it once."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.exchange import Exchange
from mock_intake.faults import Plan, parse_plan
from mock_intake.intake import Settings
from mock_intake.journal import MemoryJournal
from mock_intake.masking import mask
from mock_intake.paths import Addresses
from mock_intake.server.runner import IntakeServer
from mock_intake.server.tls import Certificates
from mock_intake.views.lineage import coverage_to_dict, lineage_to_dict
from mock_intake_conformance.observation import Observation
from mock_intake_conformance.process import run_command
from mock_intake_conformance.producer import (
    Producer,
    filled,
    refusing_address,
    settings_file,
    url_for,
    working_directory,
)
from mock_intake_conformance.scenarios import Scenario

# Of a producer that floods the intake so many requests are looked at.
MOST_EXCHANGES = 20_000
_PAGE = 1_000


@dataclass(frozen=True)
class Stage:
    """What a scenario needs to be up: the intake, the other origin for redirects, and where the producer is led."""

    addresses: Addresses
    intake: IntakeServer | None
    elsewhere: IntakeServer | None = None


def execute(scenario: Scenario, producer: Producer, limit: float, stop: threading.Event) -> Observation:
    """Runs the producer once, for ``limit`` seconds at most. Raises ``InterruptedRunError`` once ``stop`` is set.

    Nothing of it is left after: no process, no port, no file.
    """
    api_key = secrets.token_hex(16)
    with _stage(scenario, producer, api_key) as stage, working_directory(producer) as directory:
        template = producer.command_for(scenario)
        outcome = run_command(
            filled(template, url_for(producer.path, stage.addresses), api_key),
            environment=producer.variables(scenario, stage.addresses, directory),
            directory=directory,
            key=api_key,
            limit=limit,
            stop=stop,
        )
    intake = stage.intake
    if intake is None:
        return Observation(scenario, producer.path, template, outcome, mask(api_key))
    views = intake.views
    return Observation(
        scenario,
        producer.path,
        template,
        outcome,
        mask(api_key),
        _arrived(intake),
        _arrived(stage.elsewhere) if stage.elsewhere else (),
        intake.handshakes_broken_off,
        [run for run in reversed(views.runs()) if run.events],
        [finding for run in reversed(views.runs()) for finding in views.run_findings(run, closed=True)],
        views.dataset_findings(),
        [coverage_to_dict(job) for lineage in views.lineage().values() for job in lineage.jobs.values()],
        next((lineage_to_dict(lineage) for lineage in views.lineage().values()), {}),
        settings_file(producer),
    )


@contextmanager
def _stage(scenario: Scenario, producer: Producer, api_key: str) -> Iterator[Stage]:
    intercepted = producer.path == "intercept"
    secure = scenario.tls or intercepted
    certificates = Certificates(flaw=scenario.flaw) if secure else None
    with ExitStack() as stack:
        ca_file = None
        if certificates is not None:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="mock-intake-"))
            ca_file = certificates.write_ca(Path(directory) / "ca.pem")
        if not scenario.listens:
            host, port = stack.enter_context(refusing_address())
            url = f"http://{host}:{port}"
            yield Stage(Addresses(url, api_key, agent_url=url, https_address=(host, port), ca_file=ca_file), None)
            return
        # Whoever is redirected there is taken in with or without a key: what matters is what it brings.
        elsewhere = None
        if scenario.redirects:
            elsewhere = stack.enter_context(IntakeServer(Settings(keys=Keys(frozenset({api_key}), anonymous=True))))
        agent = AgentSettings(api_key) if producer.path == "agent" else None
        intake = stack.enter_context(
            IntakeServer(
                Settings(keys=Keys(frozenset({api_key}))),
                tls=certificates,
                agent=agent,
                journal=MemoryJournal(MOST_EXCHANGES),
            )
        )
        plan = _plan(scenario, elsewhere)
        if plan is not None:
            intake.faults.set(plan)
        yield Stage(
            Addresses(
                intake.https_url if scenario.tls else intake.url,
                api_key,
                agent_url=intake.agent_url if agent else None,
                https_address=intake.https_address if secure else None,
                ca_file=ca_file,
            ),
            intake,
            elsewhere,
        )


def _plan(scenario: Scenario, elsewhere: IntakeServer | None) -> Plan | None:
    if elsewhere is not None:
        step = {"step": "redirect", "location": elsewhere.url + INTAKE_PATH, "times": None}
        return parse_plan([step])
    return None if scenario.plan is None else parse_plan(scenario.plan)


def _arrived(server: IntakeServer) -> list[Exchange]:
    found: list[Exchange] = []
    position = 0
    while batch := server.journal.read(position, _PAGE):
        position = batch[-1][0]
        found += [exchange for _, exchange in batch]
    return sorted(found, key=lambda exchange: exchange.received_at)
