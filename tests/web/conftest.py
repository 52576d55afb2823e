"""What tests of pages share: servers with a day's work on record, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from tests.browser import browser as browser
from tests.control.content import fill


@pytest.fixture(scope="session")
def full() -> Iterator[IntakeServer]:
    """An intake with all kinds of events, refusals and faults on record; not to be changed."""
    with IntakeServer() as server:
        fill(server)
        yield server
