"""What all tests share: profiles of hypothesis, servers, keys."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from mock_intake import IntakeServer

# Durations vary with the machine, so no example is failed for being slow.
settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell that starts something in the background has it ignore SIGINT, and so would all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def api_key() -> str:
    """A well-formed API key of the test's own."""
    return secrets.token_hex(16)


@pytest.fixture
def start_server() -> Iterator[Callable[..., IntakeServer]]:
    """Starts servers with the arguments of ``IntakeServer``; all are stopped at the end of the test."""
    running: list[IntakeServer] = []

    def start(*args: Any, **kwargs: Any) -> IntakeServer:
        server = IntakeServer(*args, **kwargs)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., IntakeServer]) -> IntakeServer:
    """A running intake that takes every well-formed key."""
    return start_server()
