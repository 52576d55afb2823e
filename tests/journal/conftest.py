"""Journals of every back end, one after another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_intake.journal import Journal
from tests.journals import JOURNALS, Open, close


@pytest.fixture(params=JOURNALS)
def open_journal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Opens journals of one back end, each with a folder of its own."""
    opened: list[Journal] = []

    def open_one(**bounds: int) -> Journal:
        opened.append(JOURNALS[request.param](tmp_path_factory.mktemp("journal"), **bounds))
        return opened[-1]

    yield open_one
    for each in opened:
        close(each)


@pytest.fixture
def journal(open_journal: Open) -> Journal:
    return open_journal()
