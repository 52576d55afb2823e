"""The documented ways in as producers: each sends the documented run, and fails where it is asked to."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from mock_intake_conformance.producer import Producer
from mock_intake_conformance.scenarios import Path as SendingPath

_PROGRAMS = Path(__file__).parent / "producers"
# What programs get of the environment: nothing that could turn their events elsewhere.
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


def builtin_producers() -> list[Producer]:
    """All of them, in the order of the documentation."""
    return [
        _producer("curl", "custom", "bash", str(_PROGRAMS / "documented_run.sh")),
        _python("HTTP", "custom", "http"),
        _python("HTTP, env", "http", "environment"),
        _python("Datadog", "custom", "datadog"),
        _python("Datadog, env", "datadog", "environment"),
        _python("Datadog, async", "async", "environment"),
        _python("Agent", "agent", "environment"),
    ]


def missing() -> str | None:
    """What the built-in producers need and is not installed, with what to do; None if all is there."""
    for command in ("bash", "curl"):
        if shutil.which(command) is None:
            return f"{command} is not installed, or not on PATH (Debian: apt-get install {command})."
    if find_spec("openlineage") is None:
        return "The OpenLineage Python client is not installed: pip install 'mock-intake[openlineage]'"
    return None


def _python(name: str, path: SendingPath, way: str) -> Producer:
    return _producer(name, path, sys.executable, str(_PROGRAMS / "documented_run.py"), way)


def _producer(name: str, path: SendingPath, *command: str) -> Producer:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return Producer(name, path, command, (*command, "--fail"), environment)
