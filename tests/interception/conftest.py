"""What the tests of interception share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.server.http.tls import FLAWS, Certificates, Flaw
from tests.clients import cut_off
from tests.interception.bystander import Bystander, bystander
from tests.interception.traces import state


@pytest.fixture
def all_is_undone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    cut_off(monkeypatch, tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    before = state()
    yield
    assert state() == before


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates()) as server:
        yield server


@pytest.fixture(scope="module")
def other() -> Iterator[Bystander]:
    with bystander() as running:
        yield running


@pytest.fixture(scope="module")
def flawed() -> Iterator[dict[Flaw, IntakeServer]]:
    """Servers with wrong certificates."""
    with ExitStack() as stack:
        yield {flaw: stack.enter_context(IntakeServer(tls=Certificates(flaw=flaw))) for flaw in FLAWS}
