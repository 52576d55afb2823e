"""What tests of the suite report share: a browser, and requests that an intake has really had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from tests.browser import browser as browser
from tests.control.content import HTTP, ORG, api, fill
from tests.report.samples import Recorded, recorded_of


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    with IntakeServer() as server:
        fill(server)
        yield recorded_of(server, HTTP.get(api(server, f"/lineage?org={ORG}")).json())
