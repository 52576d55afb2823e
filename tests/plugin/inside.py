"""Fixtures of the pytest that runs inside: senders that need no OpenLineage client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_intake_pytest import IntakeHandle
from tests.events import run_event

PATH = "/api/v1/lineage"


def post(handle: IntakeHandle, event: Any, *, key: str | None = None, path: str = PATH) -> int | None:
    """Sends an event, or bytes; gives the status, or None where no answer came."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    connection = http.client.HTTPConnection(handle.host, timeout=10)
    headers = {"Authorization": f"Bearer {key or handle.api_key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.fixture(name="send")
def _send(intake: IntakeHandle) -> Callable[..., int | None]:
    """Sends an event to the test's intake: ``send()``, ``send("COMPLETE", job=...)``, ``send(event)``."""

    def send(event: Any = "START", *, key: str | None = None, path: str = PATH, **changes: Any) -> int | None:
        return post(intake, run_event(event, **changes) if isinstance(event, str) else event, key=key, path=path)

    return send
