"""Runs along their time in a real browser: bars can be compared, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from mock_intake import IntakeServer
from tests.browser import DESK, PHONE, Opened, opened
from tests.control.content import id_of, send
from tests.web.test_hierarchy import timed

WIDTHS = (PHONE, 390, DESK)


@pytest.fixture(scope="module")
def nights() -> Iterator[IntakeServer]:
    """Three nights of a job with a task and its query."""
    with IntakeServer() as server:
        for day in ("01", "02", "03"):
            top = f"nightly_shop_{day}"
            events = [
                *timed(top, None, "00:00", "10:00", day=day),
                *timed(f"{top}.load_orders_of_the_whole_shop", top, "02:00", "07:00", day=day),
                *timed(f"{top}.query", f"{top}.load_orders_of_the_whole_shop", "03:00", "04:00", day=day),
            ]
            for one in events:
                send(server, one)
        yield server


def left_of(page: Page, selector: str) -> list[float]:
    """Where things begin, in pixels from the left."""
    found: list[float] = page.locator(selector).evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().left))"
    )
    return found


def width_of(page: Page, selector: str) -> list[float]:
    found: list[float] = page.locator(selector).evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().width))"
    )
    return found


def fine(seen: Opened) -> None:
    assert seen.complaints == []
    assert seen.overflow() <= 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/mock/runs", f"/mock/run?id={id_of('nightly_shop_03')}"])
def test_bars_begin_and_end_at_the_same_places(browser: Browser, nights: IntakeServer, width: int, path: str) -> None:
    with opened(browser, nights.url + path, width=width) as seen:
        page = seen.page
        assert len(set(left_of(page, ".runs svg.time"))) == 1
        [whole] = set(width_of(page, ".runs svg.time"))
        if width != DESK:
            assert whole > width * 0.9
        # The task took half of the night, the query a tenth.
        bars = width_of(page, ".runs svg.time rect")
        assert bars[:3] == pytest.approx([whole, whole / 2, whole / 10], abs=2)
        assert len(set(left_of(page, ".runs .state"))) == 1
        fine(seen)
        seen.screenshot(f"runs-{'one' if 'id=' in path else 'list'}-{width}")


@pytest.mark.parametrize("width", WIDTHS)
def test_each_step_down_is_indented_further(browser: Browser, nights: IntakeServer, width: int) -> None:
    with opened(browser, f"{nights.url}/mock/runs", width=width) as seen:
        top, task, query, *_ = left_of(seen.page, ".runs tbody th a.open")
        assert top + 8 <= task <= query - 8


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/mock/runs", {"Started", "Duration", "Run"}),
        (f"/mock/run?id={id_of('nightly_shop_03')}", {"Received", "Event time", "Started", "Duration"}),
    ],
)
def test_cells_say_what_they_are_where_there_is_no_head(
    browser: Browser, nights: IntakeServer, path: str, labels: set[str]
) -> None:
    shown = """all => all.map(one => getComputedStyle(one, "::before").content).filter(one => one !== "none")"""
    for width, wanted in ((PHONE, labels), (DESK, set())):
        with opened(browser, nights.url + path, width=width) as seen:
            told = seen.page.locator(".rows tbody td").evaluate_all(shown)
            # Browsers give the words with or without the space that is added to them.
            assert {"".join(one.split('"')).strip() for one in told} == wanted
            fine(seen)
