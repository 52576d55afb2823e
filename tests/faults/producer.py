"""A program of its own: emits one event for each job that it reads, each with a client of its own, side by side.

Reads ``{"parallel": N, "jobs": [...]}`` on standard input, and prints what reached the caller of each job as a JSON
object by job id.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport import Transport
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport


class Log(logging.Handler):
    """Keeps what the clients log from WARNING on. A line belongs to a job by its thread, or by the run it names."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[tuple[str | None, str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append((record.threadName, record.getMessage(), record.levelno))

    def worst(self, thread: str, run_id: str) -> str | None:
        levels = [level for name, text, level in self._lines if name == thread or run_id in text]
        return logging.getLevelName(max(levels)) if levels else None


def transport(job: dict[str, Any]) -> Transport:
    if job["client"] == "http":
        auth = ApiKeyTokenProvider({"apiKey": job["key"]})
        return HttpTransport(HttpConfig(url=job["url"], auth=auth, timeout=job["timeout"]))
    options: dict[str, Any] = {"apiKey": job["key"], "site": job["url"], "timeout": job["timeout"]}
    if job["client"] == "async":
        options["async_transport_rules"] = {"*": {"*": True}}
    return DatadogTransport(DatadogConfig(**options))


def event(run_id: str) -> RunEvent:
    job_type = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
    return RunEvent(
        eventType=RunState.START,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(run_id),
        job=Job("prod", "load_orders", {"jobType": job_type}),
        producer="https://github.com/acme/etl",
    )


def carry_out(job: dict[str, Any], log: Log) -> dict[str, Any]:
    """Emits the job's event, and tells what a caller gets to know."""
    threading.current_thread().name = job["id"]
    client = OpenLineageClient(transport=transport(job))
    raised: Exception | None = None
    try:
        client.emit(event(job["run_id"]))
    except Exception as error:
        raised = error
    closed = client.close()
    status = getattr(getattr(raised, "response", None), "status_code", None)
    return {
        "raised": None if raised is None else f"{type(raised).__module__}.{type(raised).__qualname__}",
        "status": status,
        "closed": closed,
        "logged": log.worst(job["id"], job["run_id"]),
    }


def main() -> None:
    log = Log()
    logging.getLogger().addHandler(log)
    task = json.load(sys.stdin)
    with ThreadPoolExecutor(task["parallel"]) as pool:
        outcomes = pool.map(lambda job: carry_out(job, log), task["jobs"])
        json.dump({job["id"]: outcome for job, outcome in zip(task["jobs"], outcomes, strict=True)}, sys.stdout)


if __name__ == "__main__":
    main()
