"""Runs producers as programs of their own, and reads what arrived from them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mock_intake import IntakeServer
from mock_intake.body.decoding import decode
from mock_intake.journal import ExchangeFilter
from mock_intake.model.exchange import Exchange, header
from mock_intake.secrets.api_keys import org_of

_TIMEOUT = 60


def run_program(
    command: Sequence[str | Path], home: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs a program with ``home`` as home and working directory, and no environment but PATH and ``variables``."""
    return subprocess.run(
        command,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **variables},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )


def arrived(server: IntakeServer, api_key: str) -> list[Exchange]:
    """All exchanges with a key, in order of arrival."""
    return server.journal.exchanges(ExchangeFilter(org=org_of(api_key)), limit=1_000).items[::-1]


def body_of(exchange: Exchange) -> dict[str, Any]:
    """The event in an exchange, read with a parser of its own."""
    request = exchange.request
    body = json.loads(decode(request.body, header(request.headers, "content-encoding"), 10_000_000))
    assert isinstance(body, dict)
    return body


def severities(exchange: Exchange) -> dict[str, str]:
    """The codes of an exchange's findings, each with its severity."""
    return {finding.code: str(finding.severity) for finding in exchange.findings}
