"""The page of a suite report in a real browser: readable, by everybody, and at peace with its own policy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from mock_intake.report.rendering import style
from mock_intake.report.suite import SuiteReport
from mock_intake.report.suite_html import to_html
from mock_intake.web.rendering import static_file
from tests.browser import AXE, DESK, PHONE, PICTURED, SCREENSHOTS, opened
from tests.report.hostile import HOSTILE
from tests.report.samples import VERDICTS, Recorded, hostile, large, samples, whole_suite
from tests.web.test_accessibility import UNFOLD, judged

Write = Callable[[SuiteReport], str]
Scheme = Literal["light", "dark"]
HEADLINES = {
    "not ready": "Not ready to go live: 1 required case failed, 1 required case could not be judged.",
    "ready": "Ready to go live: no required case failed.",
    "several": "Not ready to go live: 2 of 5 producers.",
    "measured": "Measured: ",
    "no results": "Not ready to go live: nothing was judged.",
    "nothing": "Nothing was measured.",
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the page of a report; returns the address of the file."""

    def written(report: SuiteReport) -> str:
        file = tmp_path / "report.html"
        file.write_text(to_html(report), encoding="utf-8")
        return file.as_uri()

    return written


@pytest.mark.parametrize("name", HEADLINES)
@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_the_verdict_is_seen_in_every_light_and_width(
    browser: Browser, recorded: Recorded, write: Write, name: str, scheme: Scheme, width: int
) -> None:
    url = write(samples(recorded)[name])
    with opened(browser, url, scheme=scheme, width=width) as seen:
        headline = seen.page.locator(".headline")
        assert headline.is_visible()
        assert headline.inner_text().startswith(HEADLINES[name])
        box = headline.bounding_box()
        assert box is not None
        assert box["y"] < 400  # on the first screen
        assert seen.overflow() <= 0
        assert (seen.complaints, seen.requests) == ([], [url])
        seen.screenshot(f"suite-{name}-{scheme}-{width}")


def test_dark_is_dark_and_light_is_light(browser: Browser, recorded: Recorded, write: Write) -> None:
    url = write(samples(recorded)["ready"])
    brightness = {}
    for scheme in ("light", "dark"):
        with opened(browser, url, scheme=scheme) as seen:
            colours = [seen.style("body", name) for name in ("backgroundColor", "color")]
            brightness[scheme] = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours]
    assert brightness["light"][0] > 700 > 200 > brightness["light"][1]
    assert brightness["dark"][0] < 100 < 600 < brightness["dark"][1]


def test_no_script_is_needed(browser: Browser, recorded: Recorded, write: Write) -> None:
    url = write(samples(recorded)["not ready"])
    with opened(browser, url, script=False) as seen:
        page = seen.page
        assert HEADLINES["not ready"] in seen.visible_text()
        # What is to be done is open; the rest unfolds without a script.
        assert page.locator("#failed").get_by_text("How to fix it: What to do about no-error.").is_visible()
        output = page.get_by_text("tabbed").first
        assert not output.is_visible()
        page.locator("#executions summary").first.click()
        page.get_by_text("Standard output").first.click()
        assert output.is_visible()
        assert (seen.complaints, seen.requests) == ([], [url])


def test_links_of_the_page_lead_to_places_on_it(browser: Browser, recorded: Recorded, write: Write) -> None:
    with opened(browser, write(samples(recorded)["several"])) as seen:
        places = seen.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        targets = seen.page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].map(e => e.getAttribute('href'))"
        )
        assert len(places) == len(set(places))
        assert len(targets) > 30
        assert {target.removeprefix("#") for target in targets} <= set(places)
        # What is folded opens for whoever is led there.
        seen.page.locator("#failed .matrix a.failed").first.click()
        target = seen.page.locator(":target")
        assert target.is_visible()
        assert target.inner_text().startswith("HTTP transport: ✗ failed: failed as seen")


def test_events_runs_and_requests_lead_to_one_another(browser: Browser, recorded: Recorded, write: Write) -> None:
    with opened(browser, write(samples(recorded)["not ready"])) as seen:
        page = seen.page
        page.locator("#events summary").first.click()
        run = page.locator("#events tr.group", has_text="Run").first
        assert re.search(r"Run [0-9a-f-]{36}", run.inner_text())
        event = page.locator("#events a").first
        name = event.inner_text()
        event.click()
        request = page.locator(":target")
        assert request.is_visible()
        request.get_by_text("Show").click()
        assert f'"eventType": "{name}"' in request.inner_text()
        request.get_by_role("link", name=name).click()
        assert page.locator("#events :target").inner_text().startswith(name)


@pytest.mark.parametrize(("producers", "most"), [(1, 4_000), (7, 8_000)])
def test_a_page_is_short_before_anything_is_unfolded(
    browser: Browser, recorded: Recorded, write: Write, producers: int, most: int
) -> None:
    """Of all cases and scenarios of the suite, eight of them failed."""
    with opened(browser, write(whole_suite(recorded, producers))) as seen:
        assert 800 < seen.page.evaluate("document.documentElement.scrollHeight") < most
        first = seen.page.locator("#failed article").first.bounding_box()
        assert first is not None
        assert first["y"] < 800  # on the first screen
        seen.screenshot(f"suite-of-{producers}")


@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_axe_has_nothing_against_the_page(
    browser: Browser, recorded: Recorded, write: Write, scheme: Scheme, width: int
) -> None:
    with opened(browser, write(samples(recorded)["several"]), scheme=scheme, width=width) as seen:
        seen.page.evaluate(UNFOLD)
        seen.page.evaluate(AXE.read_text(encoding="utf-8"))
        assert judged(seen) == []


def test_those_who_do_not_see_are_told_all_of_it(browser: Browser, recorded: Recorded, write: Write) -> None:
    with opened(browser, write(samples(recorded)["not ready"])) as seen:
        page = seen.page
        page.evaluate(UNFOLD)
        assert page.evaluate("document.documentElement.lang") == "en"
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(e => Number(e.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        for name in ("Verdict", "What failed", "Cases", "Executions", "Events", "Lineage"):
            assert page.get_by_role("region", name=name, exact=True).count() == 1
        block = page.locator("article", has=page.get_by_role("link", name="content/no-error", exact=True))
        assert block.get_by_role("heading").inner_text() == "✗ failed content/no-error"
        line = page.get_by_role("img", name=re.compile(r"^\d+ requests from 0.25 s to .* 1 x 503.* ran for 2.5 s$"))
        assert line.count() == 1 + 3 + len(VERDICTS)  # its own, in what failed, and with each case
        drawn = page.get_by_role("img", name=re.compile(r"^Lineage: \d+ jobs, \d+ datasets, \d+ edges$"))
        assert drawn.count() == 1
        if PICTURED:
            drawn.screenshot(path=SCREENSHOTS / "suite-lineage.png")
        assert "shop.public.orders" in page.get_by_role("table", name="Jobs").inner_text()


def test_everything_that_scrolls_is_reached_by_keyboard(browser: Browser, recorded: Recorded, write: Write) -> None:
    with opened(browser, write(samples(recorded)["several"]), width=PHONE) as seen:
        seen.page.evaluate(UNFOLD)
        boxes = seen.page.evaluate(
            "[...document.querySelectorAll('.scrolling')].map(e => [e.tabIndex, e.scrollWidth - e.clientWidth])"
        )
        assert any(overflow > 0 for _, overflow in boxes)
        assert {index for index, _ in boxes} == {0}
        seen.page.keyboard.press("Tab")
        assert seen.page.locator(":focus").inner_text() == "Skip to the verdict"
        assert seen.page.locator(":focus").is_visible()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_nothing_on_the_page(browser: Browser, write: Write, text: str) -> None:
    """Also with scripts on: the page's own policy is not what keeps it away."""
    url = write(hostile(text))
    with opened(browser, url, width=PHONE) as seen:
        plain = to_html(hostile("plain"))
        tags = seen.page.evaluate("[...document.querySelectorAll('*')].map(e => e.tagName.toLowerCase())")
        assert len(tags) - tags.count("a") == len(re.findall(r"<[a-z]", plain)) - plain.count("<a ")
        assert seen.overflow() <= 0
        assert (seen.complaints, seen.requests) == ([], [url])


def test_a_large_report_opens(browser: Browser, recorded: Recorded, write: Write) -> None:
    url = write(large(recorded, cases=3))
    with opened(browser, url, width=PHONE) as seen:
        assert seen.overflow() <= 0
        assert "... and 800 more requests, in the JSON form." in (seen.page.locator("#executions").text_content() or "")
        seen.screenshot("suite-large-phone")


def test_what_a_page_should_not_do_is_noticed(browser: Browser, tmp_path: Path) -> None:
    """The test of the tests above: a page that does it all."""
    file = tmp_path / "bad.html"
    file.write_text(
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        '<p style="color: red">styled</p><img src="https://a.example/x.png"><div style="width:9000px">.</div>'
        "<pre>" + "wide" * 999
    )
    with opened(browser, file.as_uri(), width=PHONE) as seen:
        assert [told for told in seen.complaints if told.startswith("policy: style-src")]
        assert [told for told in seen.complaints if told.startswith("policy: img-src")]
        assert seen.overflow() > 0


def test_the_page_has_the_style_of_the_pages_of_the_server(recorded: Recorded) -> None:
    """Whose colours are judged in tests/web/test_in_browser.py."""
    assert static_file("style.css") == style().encode()
    assert f"<style>{style()}</style>" in to_html(samples(recorded)["ready"])
