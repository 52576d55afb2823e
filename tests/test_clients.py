"""How the real clients behave, as measured against a real intake: what they send, where to, and what they are told."""

from __future__ import annotations

import json
import os
import secrets
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from openlineage.client.event_v2 import OutputDataset, RunState
from openlineage.client.facet_v2 import error_message_run, output_statistics_output_dataset, tags_run
from openlineage.client.transport.http import HttpCompression

from mock_intake import IntakeServer, Settings
from mock_intake.datadog.authentication import Keys
from mock_intake.journal import EventFilter
from mock_intake.model.exchange import UNATTRIBUTED, header
from tests.clients import ASYNC_ROUTE, PRODUCER, client_event, cut_off, datadog_client, http_client, job_type
from tests.programs import arrived, body_of, run_program, severities


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


# What goes over the wire


@pytest.mark.parametrize(
    ("options", "agent"),
    [({}, "python-requests/"), ({"async_transport_rules": ASYNC_ROUTE}, "python-httpx2/")],
    ids=["sync", "async"],
)
def test_datadog_transport_compresses_on_both_routes(
    options: dict[str, Any], agent: str, server: IntakeServer, api_key: str
) -> None:
    with datadog_client(server.url, api_key, **options) as client:
        client.emit(client_event())
    (exchange,) = arrived(server, api_key)
    headers = exchange.request.headers
    assert (header(headers, "user-agent") or "").startswith(agent)
    assert header(headers, "content-encoding") == "gzip"
    assert header(headers, "content-type") == "application/json"
    assert header(headers, "content-length") == str(len(exchange.request.body))
    assert exchange.decoded_size is not None
    assert exchange.decoded_size > exchange.request.wire_size
    assert severities(exchange) == {}


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_http_transport_compresses_only_when_told_to(
    compression: HttpCompression | None, server: IntakeServer, api_key: str
) -> None:
    with http_client(server.url, api_key, compression=compression) as client:
        client.emit(client_event())
    (exchange,) = arrived(server, api_key)
    assert header(exchange.request.headers, "content-encoding") == (compression and "gzip")
    assert exchange.accepted
    assert severities(exchange) == {}


def test_async_route_sends_start_before_the_end_of_its_run(server: IntakeServer, api_key: str) -> None:
    runs = [str(uuid.uuid4()) for _ in range(20)]
    with datadog_client(server.url, api_key, async_transport_rules=ASYNC_ROUTE) as client:
        for state in (RunState.START, RunState.COMPLETE):
            for run_id in runs:
                client.emit(client_event(state, run_id=run_id))
    states: dict[str, list[str]] = {}
    for exchange in arrived(server, api_key):
        body = body_of(exchange)
        states.setdefault(body["run"]["runId"], []).append(body["eventType"])
    assert states == {run_id: ["START", "COMPLETE"] for run_id in runs}
    seen = server.views.runs()
    assert {run.run_id for run in seen} == set(runs)
    assert [finding for run in seen for finding in server.views.run_findings(run, closed=True)] == []


def test_dbt_jobs_take_the_async_route_by_default(server: IntakeServer, api_key: str) -> None:
    with datadog_client(server.url, api_key) as client:
        client.emit(client_event(job_facets={"jobType": job_type("DBT")}))
    (exchange,) = arrived(server, api_key)
    assert (header(exchange.request.headers, "user-agent") or "").startswith("python-httpx2/")
    assert severities(exchange) == {"DD102": "error"}, "the integration is reserved, and the producer is not dbt's"


def test_client_adds_a_tag_to_the_run_that_no_rule_minds(server: IntakeServer, api_key: str) -> None:
    mine = tags_run.TagsRunFacet(tags=[tags_run.TagsRunFacetFields("team", "data", "USER")])
    with datadog_client(server.url, api_key) as client:
        client.emit(client_event())
        client.emit(client_event(run_facets={"tags": mine}))
    alone, beside = arrived(server, api_key)
    added = {"key": "openlineage_client_version", "source": "OPENLINEAGE_CLIENT", "value": "1.54.0"}
    assert body_of(alone)["run"]["facets"]["tags"]["tags"] == [added]
    assert severities(alone) == {}
    team = {"key": "team", "source": "USER", "value": "data"}
    assert body_of(beside)["run"]["facets"]["tags"]["tags"] == [team, added]
    (finding,) = beside.findings
    assert finding.code == "DD404"
    assert "team" in finding.message
    assert "openlineage_client_version" not in finding.message


@pytest.mark.parametrize(("value", "word"), [(float("nan"), "NaN"), (float("inf"), "Infinity")])
def test_number_that_is_no_json_goes_out_bare_and_is_refused(
    value: float, word: str, server: IntakeServer, api_key: str
) -> None:
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=value)  # type: ignore[arg-type]
    out = OutputDataset("postgres://db:5432", "shop.public.orders", outputFacets={"outputStatistics": statistics})
    with (
        datadog_client(server.url, api_key) as client,
        pytest.raises(requests.HTTPError, match="400 Client Error"),
    ):
        client.emit(client_event(outputs=[out]))
    (exchange,) = arrived(server, api_key)
    assert exchange.response.status_code == 400
    assert severities(exchange) == {"HT204": "error"}
    assert word in exchange.findings[0].message
    assert server.journal.count_events(EventFilter()) == 0


def test_lone_surrogate_goes_out_as_an_escape_and_is_taken_with_a_warning(server: IntakeServer, api_key: str) -> None:
    text = f"cannot read {os.fsdecode(b'orders-' + bytes([0xFF]))}"
    why = error_message_run.ErrorMessageRunFacet(text, "PYTHON")
    with datadog_client(server.url, api_key) as client:
        client.emit(client_event(RunState.FAIL, run_facets={"errorMessage": why}))
    (exchange,) = arrived(server, api_key)
    assert body_of(exchange)["run"]["facets"]["errorMessage"]["message"] == text
    assert severities(exchange) == {"OL301": "warning"}
    assert exchange.response.status_code == 202
    assert json.loads(exchange.response.body)["status"] == "warning"


def test_nul_character_is_taken(server: IntakeServer, api_key: str) -> None:
    why = error_message_run.ErrorMessageRunFacet("a\0b", "PYTHON")
    with datadog_client(server.url, api_key) as client:
        client.emit(client_event(RunState.FAIL, run_facets={"errorMessage": why}))
    (exchange,) = arrived(server, api_key)
    assert body_of(exchange)["run"]["facets"]["errorMessage"]["message"] == "a\0b"
    assert exchange.accepted
    assert severities(exchange) == {}


def test_event_that_is_emitted_twice_is_one_event_with_two_attempts(server: IntakeServer, api_key: str) -> None:
    event = client_event()
    with datadog_client(server.url, api_key) as client:
        client.emit(event)
        client.emit(event)
    first, second = arrived(server, api_key)
    assert first.event is not None
    assert second.event is not None
    assert first.event.id == second.event.id
    record = server.journal.event(first.event.id)
    assert record is not None
    assert record.attempts == 2
    (run,) = server.views.runs()
    assert [finding.code for finding in server.views.run_findings(run, closed=False)] == ["RC301"]


# Where it goes, and with what key


def test_site_with_a_path_loses_its_end_and_misses_the_endpoint(server: IntakeServer, api_key: str) -> None:
    with (
        datadog_client(f"{server.url}/s/abc", api_key) as client,
        pytest.raises(requests.HTTPError, match="404 Client Error"),
    ):
        client.emit(client_event())
    (exchange,) = arrived(server, api_key)
    assert exchange.request.path == "/s/api/v1/lineage"
    assert exchange.response.status_code == 404
    (finding,) = exchange.findings
    assert finding.code == "HT301"
    assert "the URL has a path of its own before the endpoint" in finding.message
    assert "Let the URL end after the host name" in finding.advice


@pytest.mark.parametrize(
    ("ending", "path"),
    # Without a slash at its end a URL loses its last part when the client joins it with the endpoint.
    [("/api/v1/lineage", "/api/v1/api/v1/lineage"), ("/api/v1/lineage/", "/api/v1/lineage/api/v1/lineage")],
)
def test_endpoint_in_the_url_is_doubled_by_the_client(
    ending: str, path: str, server: IntakeServer, api_key: str
) -> None:
    with (
        http_client(server.url + ending, api_key) as client,
        pytest.raises(requests.HTTPError, match="404 Client Error"),
    ):
        client.emit(client_event())
    (exchange,) = arrived(server, api_key)
    assert exchange.request.path == path
    (finding,) = exchange.findings
    assert finding.code == "HT301"
    assert "the endpoint is doubled" in finding.message


def test_wrong_key_is_refused_where_keys_are_known(start_server: Callable[..., IntakeServer], api_key: str) -> None:
    server = start_server(Settings(keys=Keys(known=frozenset([secrets.token_hex(16)]))))
    with (
        http_client(server.url, api_key) as client,
        pytest.raises(requests.HTTPError, match="403 Client Error"),
    ):
        client.emit(client_event())
    ((_, exchange),) = server.journal.read(0, 10)
    assert exchange.response.status_code == 403
    assert json.loads(exchange.response.body)["errors"] == [
        {"status": "403", "title": "Forbidden", "detail": "API key is invalid"}
    ]
    assert severities(exchange) == {"HT004": "error"}
    assert not exchange.accepted
    assert api_key not in repr(exchange)
    assert header(exchange.request.headers, "authorization") == f"Bearer ****{api_key[-4:]}"


# How it is told where to send: programs of their own, as the client reads its configuration once

_EMIT = f"""
import os, uuid
from datetime import UTC, datetime
from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

url, key = os.environ.get("INTAKE"), os.environ.get("KEY")
client = CLIENT
now = datetime.now(UTC).isoformat()
run, job = Run(str(uuid.uuid4())), Job("prod", "load_orders")
client.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer={PRODUCER!r}))
client.close()
"""
NO_ARGUMENTS = "OpenLineageClient()"
BY_URL = "OpenLineageClient(url=url, options=OpenLineageClientOptions(api_key=key))"
BY_DATADOG = "OpenLineageClient(transport=DatadogTransport(DatadogConfig(apiKey=key, site=url)))"
BY_ASYNC_ROUTE = (
    "OpenLineageClient(transport=DatadogTransport(DatadogConfig("
    f"apiKey=key, site=url, async_transport_rules={ASYNC_ROUTE})))"
)


def emitting(client: str) -> list[str]:
    """The command of a program that emits one event, without a jobType facet, with such a client."""
    return [sys.executable, "-c", _EMIT.replace("CLIENT", client)]


def write_netrc(home: Path) -> None:
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password open-sesame\n")
    netrc.chmod(0o600)


@pytest.mark.parametrize("client", [BY_URL, BY_DATADOG], ids=["http", "datadog"])
def test_netrc_replaces_the_bearer_header_of_the_sync_route(
    client: str, server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    write_netrc(tmp_path)
    ended = run_program(emitting(client), tmp_path, {"INTAKE": server.url, "KEY": api_key})
    assert ended.returncode == 1
    assert "401 Client Error" in ended.stderr
    ((_, exchange),) = server.journal.read(0, 10)
    assert exchange.org == UNATTRIBUTED
    (finding,) = exchange.findings
    assert finding.code == "HT002"
    assert "~/.netrc" in finding.advice
    # It is no API key but a user's password: nothing of it may show, not even its end.
    assert header(exchange.request.headers, "authorization") == "Basic ****"


def test_netrc_is_not_read_by_the_async_route(server: IntakeServer, api_key: str, tmp_path: Path) -> None:
    write_netrc(tmp_path)
    ended = run_program(emitting(BY_ASYNC_ROUTE), tmp_path, {"INTAKE": server.url, "KEY": api_key})
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    assert exchange.accepted


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENLINEAGE_URL": "{url}", "OPENLINEAGE_API_KEY": "{key}"},
        {
            "OPENLINEAGE__TRANSPORT__TYPE": "http",
            "OPENLINEAGE__TRANSPORT__URL": "{url}",
            "OPENLINEAGE__TRANSPORT__AUTH__TYPE": "api_key",
            "OPENLINEAGE__TRANSPORT__AUTH__APIKEY": "{key}",
        },
    ],
    ids=["url", "transport"],
)
def test_client_is_pointed_at_the_intake_by_variables(
    variables: dict[str, str], server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    variables = {name: value.format(url=server.url, key=api_key) for name, value in variables.items()}
    ended = run_program(emitting(NO_ARGUMENTS), tmp_path, variables)
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    assert exchange.accepted
    assert severities(exchange) == {"DD101": "error"}


@pytest.mark.parametrize("place", ["openlineage.yml", ".openlineage/openlineage.yml"])
def test_file_goes_before_the_url_that_the_program_gives(
    place: str, server: IntakeServer, api_key: str, tmp_path: Path
) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"transport:\n  type: datadog\n  apiKey: {api_key}\n  site: {server.url}\n")
    ended = run_program(emitting(BY_URL), tmp_path, {"INTAKE": f"{server.url}/elsewhere", "KEY": api_key})
    assert ended.returncode == 0, ended.stderr
    (exchange,) = arrived(server, api_key)
    assert exchange.request.path == "/api/v1/lineage"
    assert header(exchange.request.headers, "content-encoding") == "gzip"
    assert exchange.accepted


def test_endpoint_of_the_agent_is_recognised(server: IntakeServer, tmp_path: Path) -> None:
    variables = {"OPENLINEAGE_URL": server.url, "OPENLINEAGE_ENDPOINT": "openlineage/api/v1/lineage"}
    ended = run_program(emitting(NO_ARGUMENTS), tmp_path, variables)
    assert ended.returncode == 1
    assert "404 Client Error" in ended.stderr
    ((_, exchange),) = server.journal.read(0, 10)
    (finding,) = exchange.findings
    assert finding.code == "HT301"
    assert "Datadog Agent's endpoint" in finding.message
