"""Servers for the tests of the control API: every back end, empty or with a day's record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from tests.control.content import JOURNALS, fill


def _serving(back_end: str, folder: Path) -> Iterator[IntakeServer]:
    journal = JOURNALS[back_end](folder)
    with IntakeServer(journal=journal) as server:
        yield server
    journal.close()


@pytest.fixture(scope="module", params=JOURNALS)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeServer]:
    """A server with ``content.fill`` on record; not to be changed by tests."""
    for server in _serving(request.param, tmp_path_factory.mktemp("recorded")):
        fill(server)
        yield server


@pytest.fixture(params=JOURNALS)
def intake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IntakeServer]:
    """A server with nothing on record."""
    yield from _serving(request.param, tmp_path)
