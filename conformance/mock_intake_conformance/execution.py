"""Carries out one scenario: an intake of its own that behaves as told, and the producer run against it once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.authentication import Keys
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults import Plan, parse_plan
from mock_intake.journal import MemoryJournal, walk
from mock_intake.judging.intake import Settings
from mock_intake.model.exchange import Exchange
from mock_intake.producers.environment import ProducerEnvironment, producer_environment
from mock_intake.producers.isolation import Place, Reach, Served, isolated
from mock_intake.producers.paths import KEEP_SITE, Addresses, filled, url_for
from mock_intake.producers.reached import attempts_in
from mock_intake.secrets.api_keys import mask
from mock_intake.server.http.tls import Certificates, write_trusted
from mock_intake.server.runner import IntakeServer
from mock_intake.system.temporary import temporary_directory
from mock_intake.views.lineage import coverage_to_dict, lineage_to_dict
from mock_intake_conformance.observation import Observation
from mock_intake_conformance.process import Stop, run_command
from mock_intake_conformance.producer import (
    Producer,
    refusing_address,
    working_directory,
)
from mock_intake_conformance.scenarios import Scenario

# Of a producer that floods the intake so many requests are looked at.
MOST_EXCHANGES = 20_000


@dataclass(frozen=True)
class Stage:
    """What a scenario needs to be up: the intake, the other origin for redirects, and where the producer is led.

    ``directory`` is for files that lead it; it is gone after.
    """

    addresses: Addresses
    intake: IntakeServer | None
    directory: Path
    elsewhere: IntakeServer | None = None


def execute(scenario: Scenario, producer: Producer, limit: float, stop: Stop) -> Observation:
    """Runs the producer once, for ``limit`` seconds at most. Raises ``InterruptedRunError`` once ``stop`` is asked for.

    Nothing of it is left after: no process, no port, no file.
    """
    api_key = secrets.token_hex(16)
    with _stage(scenario, producer, api_key) as stage, working_directory(producer) as directory:
        template = producer.command_for(scenario)
        led = _led(producer, stage, directory)
        command = filled(template, url_for(producer.path, stage.addresses), api_key)
        with _isolated(producer, stage) as place:
            outcome = run_command(
                place.command(command) if place else command,
                environment=producer.variables(scenario, stage.addresses, directory, led),
                directory=directory,
                key=api_key,
                limit=limit,
                stop=stop,
            )
        reached = [*attempts_in(stage.directory), *(place.attempts() if place else [])]
        looked_up = place.looked_up if place else []
    intake = stage.intake
    if intake is None:
        return Observation(
            scenario, producer.path, template, outcome, mask(api_key), settings=led.changes, reached=reached
        )
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
        [coverage_to_dict(job) for lineage in views.lineage().values() for job in lineage.jobs.values() if job.events],
        next((lineage_to_dict(lineage) for lineage in views.lineage().values()), {}),
        led.changes,
        reached,
        looked_up,
    )


def _isolated(producer: Producer, stage: Stage) -> AbstractContextManager[Place | None]:
    """Where the producer is to run; None where it runs as any other. Raises ``IsolationError`` on entering."""
    intake = stage.intake
    servers = [server for server in (intake, stage.elsewhere) if server is not None]
    served = [
        Served(address, partial(server.take, name)) for server in servers for name, address in server.addresses.items()
    ]
    keeps_site = intake is not None and producer.path in KEEP_SITE
    real_sites = partial(intake.take, "https") if intake is not None and keeps_site else None
    reach = list(producer.reach)
    if intake is None and producer.isolated == "ports":
        # That connections are refused there is for the kernel to say.
        reach.append(Reach("localhost", urlsplit(stage.addresses.url).port or 0))
    return isolated(producer.isolated, served, stage.directory, reach, real_sites)


def _led(producer: Producer, stage: Stage, directory: Path) -> ProducerEnvironment:
    around = producer.surroundings(directory)
    led = producer_environment(producer.path, stage.addresses, around, stage.directory, guard=producer.guard)
    led.write_files()
    return led


@contextmanager
def _stage(scenario: Scenario, producer: Producer, api_key: str) -> Iterator[Stage]:
    secure = scenario.tls or producer.path in KEEP_SITE
    by_proxy = producer.path == "proxy"
    certificates = Certificates(flaw=scenario.flaw) if secure else None
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        ca_file = write_trusted(certificates, directory / "trusted") if certificates is not None else None
        # Where nothing is bound, connections are refused as well.
        socket = directory / "apm.socket" if producer.by_socket else None
        if not scenario.listens:
            host, port = stack.enter_context(refusing_address())
            url = f"http://{host}:{port}"
            where = Addresses(
                url,
                api_key,
                agent_url=url,
                proxy_url=url,
                https_address=(host, port),
                ca_file=ca_file,
                agent_socket_url=f"unix://{socket}" if socket else None,
                clients_by_socket=producer.by_socket,
            )
            yield Stage(where, None, directory)
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
                agent_socket=socket,
                proxy_port=0 if by_proxy else None,
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
                proxy_url=intake.proxy_url if by_proxy else None,
                https_address=intake.https_address if secure else None,
                ca_file=ca_file,
                agent_socket_url=intake.agent_socket_url,
                clients_by_socket=producer.by_socket,
            ),
            intake,
            directory,
            elsewhere,
        )


def _plan(scenario: Scenario, elsewhere: IntakeServer | None) -> Plan | None:
    if elsewhere is not None:
        step = {"step": "redirect", "location": elsewhere.url + INTAKE_PATH, "times": None}
        return parse_plan([step])
    return None if scenario.plan is None else parse_plan(scenario.plan)


def _arrived(server: IntakeServer) -> list[Exchange]:
    return sorted((exchange for _, exchange in walk(server.journal)), key=lambda exchange: exchange.received_at)
