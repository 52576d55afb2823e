"""A producer that does everything right, with the standard library alone; the others change one thing of it.

Run as a module: ``python -m tests.producers.well_behaved [--fail]``. Host and key come from MOCK_INTAKE_URL and
MOCK_INTAKE_KEY.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import ssl
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CODE = "https://github.com/acme/etl"
FACETS = "https://openlineage.io/spec/facets"
log = logging.getLogger("producer")


class Answer(NamedTuple):
    """An answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


def facet(name: str, version: str, **fields: Any) -> dict[str, Any]:
    return {"_producer": CODE, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}", **fields}


class Producer:
    """Emits START, RUNNING and COMPLETE, or FAIL, each as its own request; never fails the job."""

    attempts = 4
    timeout = 2.0
    longest_wait = 10.0
    job_name = "load_orders"
    inputs: tuple[tuple[str, str], ...] = (("postgres://db:5432", "shop.public.orders"),)

    def __init__(self) -> None:
        self.url = os.environ["MOCK_INTAKE_URL"]
        self.key = os.environ["MOCK_INTAKE_KEY"]
        self.run_id = str(uuid.uuid4())

    # What is sent

    def event(self, event_type: str, run_facets: dict[str, Any]) -> dict[str, Any]:
        job_type = facet("JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="CUSTOM", jobType="JOB")
        return {
            "eventType": event_type,
            "eventTime": self.now(),
            "producer": CODE,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": self.run_id, "facets": run_facets},
            "job": {"namespace": "prod", "name": self.job_name, "facets": {"jobType": job_type}},
            "inputs": [{"namespace": namespace, "name": name} for namespace, name in self.inputs],
            "outputs": [{"namespace": "postgres://db:5432", "name": "shop.reports.revenue"}],
        }

    def now(self) -> str:
        return datetime.now(UTC).isoformat()

    def body(self, event: dict[str, Any]) -> bytes:
        return json.dumps(event).encode()

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

    def path(self) -> str:
        return "/api/v1/lineage"

    # How it is sent

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One attempt. Raises OSError or HTTPException."""
        parts = urlsplit(url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.netloc, timeout=self.timeout, context=self.context())
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            answer.read()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def wait(self, attempt: int, answer: Answer | None) -> float | None:
        """Seconds until the next attempt; None to give up. ``answer`` None: there was none."""
        if answer is not None and answer.status not in (429, 500, 502, 503, 504):
            return None
        asked = float((answer.headers.get("retry-after") if answer else None) or 0)
        return max(asked, 0.1 * 2.0**attempt) if asked <= self.longest_wait else None

    def deliver(self, body: bytes) -> bool:
        """Sends a body until it is taken or there is no use in it; whether it was taken."""
        for attempt in range(self.attempts):
            answer = None
            try:
                answer = self.post(self.url + self.path(), body, self.headers())
            except (OSError, http.client.HTTPException) as error:
                log.warning("attempt %d: %s", attempt, type(error).__name__)
            if answer is not None and 200 <= answer.status < 300:
                return True
            wait = self.wait(attempt, answer)
            if wait is None:
                break
            time.sleep(wait)
        return False

    def emit(self, event_type: str, **run_facets: Any) -> None:
        event = self.event(event_type, run_facets)
        if not self.deliver(self.body(event)):
            log.error("%s was lost", event_type)

    # The job

    def begin(self) -> None:
        self.emit("START")
        self.emit("RUNNING")

    def succeed(self) -> None:
        self.emit("COMPLETE")

    def fail(self) -> None:
        message = facet("ErrorMessageRunFacet", "1-0-1", message="no orders", programmingLanguage="PYTHON")
        self.emit("FAIL", errorMessage=message)

    def close(self) -> None:
        """Whatever is still to be sent is sent when this returns."""

    def run(self) -> int:
        logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
        fails = "--fail" in sys.argv
        self.begin()
        if fails:
            self.fail()
        else:
            self.succeed()
        self.close()
        return 3 if fails else 0


if __name__ == "__main__":
    sys.exit(Producer().run())
