"""How tall pages are before anything is unfolded, in a real browser: nobody reads what nobody scrolls to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from mock_intake import IntakeServer
from tests.browser import DESK, PHONE, go, opened
from tests.control.content import fill
from tests.web.test_in_browser import content

HEIGHT = "document.documentElement.scrollHeight"


@pytest.fixture(scope="module")
def filled() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        fill(server)
        yield server


@pytest.mark.parametrize(("width", "most"), [(DESK, 3_000), (PHONE, 6_000)])
def test_no_page_over_a_days_work_is_endless(browser: Browser, filled: IntakeServer, width: int, most: int) -> None:
    heights: dict[str, int] = {}
    with opened(browser, filled.url + "/mock/events", width=width) as seen:
        for name, path in content(filled).items():
            go(seen.page, filled.url + path)
            heights[name] = seen.page.evaluate(HEIGHT)
    assert {name: height for name, height in heights.items() if height > most} == {}


def test_rules_are_folded_by_family_and_unfold_for_who_looks_for_one(browser: Browser) -> None:
    with IntakeServer() as empty, opened(browser, empty.url + "/mock/rules") as seen:
        page = seen.page
        assert page.evaluate(HEIGHT) < 1_000
        assert not page.locator("#DD101").is_visible()
        page.get_by_text("rules: DD101 to").click()
        assert page.locator("#DD101").is_visible()
        page.goto(empty.url + "/mock/rules#RC102")
        assert page.locator("#RC102").is_visible()
        page.goto(empty.url + "/mock/rules")
        page.get_by_role("searchbox").fill("jobtype")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=jobtype**")
        assert page.locator("#DD101").is_visible()
        assert not page.locator("details").count()
        seen.screenshot("rules-searched")


def test_rules_that_have_found_something_are_not_folded(browser: Browser, filled: IntakeServer) -> None:
    with opened(browser, filled.url + "/mock/rules") as seen:
        assert seen.page.locator("article", has=seen.page.locator(".counts")).first.is_visible()
        assert seen.page.locator("article:visible").count() == seen.page.locator(".counts").count()
        seen.screenshot("rules-folded")
