"""docs/how-to/packaged-producers.md is true: the client's own transport adds jobType to what a package sends."""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, JobEvent, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

from mock_intake import IntakeServer
from mock_intake.body.shown import parsed_body
from tests.conftest import REPOSITORY
from tests.events import PRODUCER, RUN_ID

PAGE = (REPOSITORY / "docs" / "how-to" / "packaged-producers.md").read_text(encoding="utf-8")
TIME = "2026-11-01T12:00:00Z"
KEY = "5e11ab1e5e11ab1e5e11ab1e5e11ab1e"


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def transformer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's module, where the client can import it."""
    (tmp_path / "add_job_type.py").write_text(block("python"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("add_job_type", None)


@pytest.fixture
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def package(client: OpenLineageClient, **facets: Any) -> None:
    """What a package does whose authors never heard of jobType: its events, by the client's classes of now."""
    for state in (RunState.START, RunState.COMPLETE):
        job = Job(namespace="prod", name="load_orders", facets=dict(facets))
        run = Run(runId=RUN_ID)
        client.emit(RunEvent(eventTime=TIME, producer=PRODUCER, eventType=state, run=run, job=job))
    client.emit(JobEvent(eventTime=TIME, producer=PRODUCER, job=Job(namespace="prod", name="load_orders")))


def old_package(client: OpenLineageClient) -> None:
    """The same by the classes of old, as some still do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from openlineage.client import run

        for state in (run.RunState.START, run.RunState.COMPLETE):
            job = run.Job("prod", "load_orders")
            client.emit(run.RunEvent(state, TIME, run.Run(RUN_ID), job, PRODUCER))


def told(server: IntakeServer) -> tuple[list[Any], list[str]]:
    """The integrations that run events name, and the rules by which events are errors."""
    exchanges = [exchange for _, exchange in server.journal.read(0, 10)]
    bodies = [parsed_body(exchange) for exchange in exchanges]
    words = [body["job"].get("facets", {}).get("jobType", {}).get("integration") for body in bodies if "run" in body]
    return words, [one.code for exchange in exchanges for one in exchange.findings if one.severity == "error"]


def from_file(server: IntakeServer) -> OpenLineageClient:
    """A client that is configured as the page's file has it, but for the site and the key."""
    config = yaml.safe_load(block("yaml"))
    config["transport"]["transport"] |= {"site": server.url, "apiKey": KEY}
    return OpenLineageClient(config=config)


@pytest.mark.usefixtures("transformer")
def test_a_package_whose_events_lack_the_job_type_sends_it(intake: IntakeServer) -> None:
    package(from_file(intake))
    assert told(intake) == (["SQLMESH", "SQLMESH"], [])


@pytest.mark.usefixtures("transformer")
def test_so_does_one_that_makes_events_by_the_classes_of_old(intake: IntakeServer) -> None:
    old_package(from_file(intake))
    words, codes = told(intake)
    assert (words, "DD101" in codes) == (["SQLMESH", "SQLMESH"], False)


@pytest.mark.usefixtures("transformer")
def test_a_job_type_that_is_there_stays(intake: IntakeServer) -> None:
    package(
        from_file(intake),
        jobType=job_type_job.JobTypeJobFacet(processingType="BATCH", integration="ACME", jobType="JOB"),
    )
    assert told(intake) == (["ACME", "ACME"], [])


@pytest.mark.usefixtures("transformer")
def test_variables_do_it_too(intake: IntakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r"^export (\w+)=(.*)$", block("sh"), re.MULTILINE):
        monkeypatch.setenv(name, value.strip("'\"").replace("$DD_API_KEY", KEY).replace("datadoghq.com", intake.url))
    package(OpenLineageClient())
    assert told(intake) == (["SQLMESH", "SQLMESH"], [])


def test_without_it_each_event_of_a_run_is_an_error(intake: IntakeServer) -> None:
    package(OpenLineageClient(config={"transport": {"type": "datadog", "site": intake.url, "apiKey": KEY}}))
    assert told(intake) == ([None, None], ["DD101", "DD101"])
