"""Metrics as Prometheus reads them: right numbers, for whom the control API is, in both formats."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.server.access import Access
from mock_intake.server.latencies import BOUNDS, Latencies
from mock_intake.system.clock import utc_now
from tests.events import job_event, run_event

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def send(server: IntakeServer, body: Any, key: str = "a" * 32) -> None:
    httpx.post(server.url + INTAKE_PATH, json=body, headers={"authorization": f"Bearer {key}"})


def scraped(server: IntakeServer, *, accept: str = "text/plain") -> Samples:
    answer = httpx.get(f"{server.url}/metrics", headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    openmetrics = "openmetrics" in answer.headers["content-type"]
    assert openmetrics == ("openmetrics" in accept)
    families = (read_openmetrics if openmetrics else read_text)(answer.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"mock_intake_{name}", tuple(sorted(labels.items()))), 0)


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_what_came_is_counted_and_counted_on(accept: str) -> None:
    with IntakeServer() as server:
        before = scraped(server, accept=accept)
        assert of(before, "journal_exchanges") == of(before, "orgs") == 0
        send(server, run_event())
        send(server, job_event(), key="b" * 32)
        send(server, {})
        httpx.put(f"{server.url}/api/mock/v1/faults", json=[503])
        send(server, run_event("COMPLETE"))
        httpx.put(f"{server.url}/api/mock/v1/faults", json=[503])
        after = scraped(server, accept=accept)
        assert of(after, "exchanges_total", code="202", fault="") == 3
        assert of(after, "exchanges_total", code="503", fault="503") == 1
        assert of(after, "events_total", status="ok", kind="RunEvent") == 1
        assert of(after, "findings_total", rule="OL001", severity="error") >= 1
        assert (of(after, "orgs"), of(after, "fault_plans"), of(after, "journal_exchanges")) == (2, 1, 4)
        assert of(after, "received_bytes_total") > 500
        assert of(after, "record_seconds_count") == 4
        assert of(after, "record_seconds_bucket", le="+Inf") == 4
        httpx.delete(f"{server.url}/api/mock/v1/exchanges")
        send(server, run_event())
        end = scraped(server, accept=accept)
        assert (of(end, "exchanges_total", code="202", fault=""), of(end, "journal_exchanges")) == (3, 1)


def test_they_are_for_whom_the_control_api_is() -> None:
    with IntakeServer(access=Access("s3cret-token")) as server:
        url = f"{server.url}/metrics"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer s3cret-token"}).status_code == 200
        foreign = {"authorization": "Bearer s3cret-token", "host": "elsewhere.example"}
        assert httpx.get(url, headers=foreign).status_code == 403
        assert server.journal.position == 0, "a scrape is not on record"


def test_without_the_client_it_says_what_to_install() -> None:
    program = """
import sys, httpx
sys.modules["prometheus_client"] = None
from mock_intake import IntakeServer
with IntakeServer() as server:
    answer = httpx.get(server.url + "/metrics")
    print(answer.status_code, answer.json()["error"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("501 ")
    assert "pip install 'mock-intake[metrics]'" in done.stdout


def test_latencies_fall_into_their_buckets() -> None:
    latencies, now = Latencies(), utc_now()
    for seconds in (-1.0, 0.0005, 0.3, 60.0):
        latencies.add([now - timedelta(seconds=seconds)], now)
    histogram = latencies.histogram()
    assert dict(zip(BOUNDS, histogram.up_to, strict=False))[0.001] == 2
    assert dict(zip(BOUNDS, histogram.up_to, strict=False))[0.5] == 3
    assert histogram.up_to[-1] == 4
    assert histogram.seconds == pytest.approx(60.3005)
