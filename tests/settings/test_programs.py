"""Small programs that read what the real producers read: by every way of testing all events come here, none elsewhere.

A second server stands for production, which all that they read leads to. bench/producers does the same with the real
ones: Airflow, dbt, dlt, Dagster, Prefect and ddtrace.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from mock_intake import IntakeServer
from tests.commands import mock_intake
from tests.conftest import REPOSITORY
from tests.settings import AS_AIRFLOW, led_by_airflow

AS_ETL = REPOSITORY / "tests" / "settings" / "as_etl.py"
CONTENT = {"OPENLINEAGE_NAMESPACE": "my_ns", "OPENLINEAGE__TAGS__RUN": '{"stage": "nightly"}', "DD_ENV": "prod"}


def production(way: str, url: str, home: Path) -> dict[str, str]:
    """What leads a program to production in its ways, and what makes its events."""
    to = {"type": "http", "url": url}
    if way == "airflow":
        return {**led_by_airflow("transport", url, home), **CONTENT}
    if way == "file":
        transform = {"type": "transform", "transformer_class": "tests.settings.as_etl.OwnedBy", "transport": to}
        transform["transformer_properties"] = {"owner": "orders"}
        (home / "openlineage.yml").write_text(yaml.safe_dump({"transport": transform}))
        return {**CONTENT, "PYTHONPATH": str(REPOSITORY)}
    if way == "traced":
        return {**CONTENT, "OPENLINEAGE_URL": url, "DD_TRACE_AGENT_URL": url, "DD_AGENT_HOST": "127.0.0.1"}
    return {**CONTENT, "OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": "of-production"}


def command(way: str) -> list[str]:
    """The program of a way."""
    return [sys.executable, str(AS_AIRFLOW)] if way == "airflow" else [sys.executable, str(AS_ETL), way]


def path_of(way: str) -> str:
    """The path by which each goes live."""
    return "agent" if way == "traced" else "datadog"


WAYS = ("airflow", "file", "demanding", "traced")


@pytest.mark.parametrize("way", WAYS)
def test_by_run(way: str, server: IntakeServer, tmp_path: Path) -> None:
    settings = production(way, server.url, tmp_path)
    done = mock_intake(
        "run", "--path", path_of(way), "--fail-on", "error", "--", *command(way),
        cwd=tmp_path, stdin=b"", HOME=str(tmp_path), **settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 events taken: 2 ok" in done.stderr
    assert "my_ns/" in done.stderr
    assert ("my_ns/orders.load" in done.stderr) == (way == "file"), "the transformer has had its turn"
    assert server.journal.position == 0


@pytest.mark.parametrize("way", ["file", "traced"])
def test_by_certify(way: str, server: IntakeServer, tmp_path: Path) -> None:
    settings = production(way, server.url, tmp_path)
    report = tmp_path / "report.json"
    done = mock_intake(
        "certify", "--path", path_of(way), "--only", "delivery", "-o", str(report), "--", *command(way),
        cwd=tmp_path, stdin=b"", HOME=str(tmp_path), **settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (producer,) = json.loads(report.read_text())["producers"]
    bodies = [json.loads(seen["body"]) for seen in producer["executions"][0]["requests"] if seen["body"]]
    events = [body for body in bodies if isinstance(body, dict) and "eventType" in body]
    assert [event["job"]["namespace"] for event in events] == ["my_ns", "my_ns"]
    assert all(has_tag(event) for event in events)
    assert server.journal.position == 0


def has_tag(event: Mapping[str, Any]) -> bool:
    """Whether the run has the tag of production."""
    return any(tag["key"] == "stage" for tag in event["run"]["facets"]["tags"]["tags"])
