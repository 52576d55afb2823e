"""A real browser for tests of pages: Chromium as the system has it, driven by playwright.

Import ``browser`` in a ``conftest.py`` to have the fixture, and look at pages with ``opened``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

from tests.conftest import REPOSITORY

SCREENSHOTS = REPOSITORY / "build" / "screenshots"
# A picture costs more than the page that it is of, and no test looks at it.
PICTURED = bool(os.environ.get("TEST_SCREENSHOTS"))
# What judges pages, as the test set-up installs it.
NODE_MODULES = REPOSITORY / "tests" / "web" / "node_modules"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
PHONE, DESK = 360, 1280
_TALLEST = 4_000
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WATCH = """
addEventListener("securitypolicyviolation", event => console.error(`policy: ${event.violatedDirective}`));
"""


def chromium() -> str:
    """Where the browser is; it is part of what tests need, so that its absence is an error."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no Chromium on this machine; `make test` installs it on Debian: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser for the tests of a module. Without a sandbox, since CI runs as root in a container.

    Not for longer: as long as there is one, an event loop counts as running in this thread, and tests of other modules
    could not begin their own.
    """
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield found
        finally:
            _idle.clear()
            found.close()


@dataclass
class Opened:
    """An open page with what went wrong on it and what it asked for, itself included."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def visible_text(self) -> str:
        return self.page.locator("body").inner_text()

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return found

    def style(self, selector: str, name: str) -> Any:
        return self.page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")

    def screenshot(self, name: str) -> None:
        """A picture of the page, or of as much as a picture holds, if people mean to look: ``TEST_SCREENSHOTS``."""
        if not PICTURED:
            return
        file = SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"
        width, height = self.page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        )
        clip = FloatRect(x=0, y=0, width=width, height=min(height, _TALLEST))
        self.page.screenshot(path=file, full_page=True, clip=clip)


# Windows that nobody looks at, by whether scripts run in them. To open a new one costs three times as much as to load a
# page in one that is there.
_idle: dict[bool, Page] = {}


@contextmanager
def opened(
    browser: Browser, url: str, *, scheme: Literal["light", "dark"] = "light", width: int = DESK, script: bool = True
) -> Iterator[Opened]:
    """A page loaded to its end, in a window that has no cookies, and nothing else from what it showed before."""
    page = _idle.pop(script, None) or _window(browser, script=script)
    page.context.clear_cookies()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    seen = Opened(page)
    heard: dict[Any, Callable[[Any], None]] = {
        "console": lambda told: seen.complaints.append(told.text) if told.type in ("error", "warning") else None,
        "pageerror": lambda error: seen.complaints.append(str(error)),
        "request": lambda request: seen.requests.append(request.url),
    }
    for event, hear in heard.items():
        page.on(event, hear)
    try:
        go(page, url)
        yield seen
        for event, hear in heard.items():
            page.remove_listener(event, hear)
        page.unroute_all()
        page.goto("about:blank")
        if script in _idle:
            page.context.close()
        else:
            _idle[script] = page
    except BaseException:
        page.context.close()
        raise


def go(page: Page, url: str) -> None:
    """Has a window show a page, loaded to its end.

    On a busy machine another may come first, which says that the record is being read, and loads itself anew.
    """
    page.goto(url, wait_until="load")
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0, timeout=30_000)


def _window(browser: Browser, *, script: bool) -> Page:
    context = browser.new_context(java_script_enabled=script)
    context.add_init_script(_WATCH)
    return context.new_page()
