"""Every page as axe judges it, in a real browser and under the pages' own policy: no rule of it has anything to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pytest
from playwright.sync_api import Browser

from mock_intake import IntakeServer
from mock_intake.faults.plans import parse_plan
from mock_intake.journal import EventFilter
from mock_intake.server.access import Access
from tests.browser import AXE, DESK, NODE_MODULES, PHONE, Opened, go, opened
from tests.control.content import fill, id_of, send
from tests.views.test_hierarchy import PARENTS, event
from tests.web.test_in_browser import content

# What is folded away is judged as well: it can be unfolded.
UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify([found.violations, found.passes]))"


class Violation(NamedTuple):
    """What axe objects to: its rule, how bad that is, and the elements."""

    rule: str
    impact: str
    elements: tuple[str, ...]


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, str]]:
    """An address for every page by name: a day's work, jobs below one another, a fault plan; nothing; who are you?"""
    with IntakeServer() as server, IntakeServer() as empty, IntakeServer(access=Access("the-token")) as closed:
        fill(server)
        for name, parent in PARENTS.items():
            send(server, event(name, parent))
        server.faults.set(parse_plan([503, "lost", 202]))
        there = {name: server.url + path for name, path in content(server).items()}
        there["run below others"] = f"{server.url}/mock/run?id={id_of('load_all')}"
        there["job below others"] = f"{server.url}/mock/job?namespace=prod&name=load_all"
        there["lineage around a job"] = f"{server.url}/mock/lineage?type=job&namespace=prod&name=load_orders"
        found = server.journal.events(EventFilter(run_id=id_of("first")), 2).items
        one, other = (record.summary.id for record in found)
        there["changes"] = f"{server.url}/mock/events/{one}/changes?since={other}"
        there["lineage of a namespace"] = f"{server.url}/mock/lineage?within=prod"
        there["not found"] = f"{server.url}/mock/nothing"
        there["bad query"] = f"{server.url}/mock/events?status=wrong"
        there["greeting"] = f"{empty.url}/mock/events"
        there["log in"] = f"{closed.url}/mock/login"
        yield there


def judged(seen: Opened) -> list[Violation]:
    """What axe has against a page: by WCAG 2 (A and AA), and by what it calls best practice. No rule is turned off."""
    violations, passes = json.loads(seen.page.evaluate(RUN))
    assert len(passes) > 10, "axe has hardly looked at anything"
    return [Violation(one["id"], str(one["impact"]), tuple(_told(node) for node in one["nodes"])) for one in violations]


def _told(node: dict[str, Any]) -> str:
    return f"{node['target']}: {node['failureSummary']}"


def with_axe(seen: Opened, url: str) -> None:
    """Goes to a page, and gives it axe as a debugger would: the page's policy stands."""
    go(seen.page, url)
    seen.page.evaluate(UNFOLD)
    seen.page.evaluate(AXE.read_text())


@pytest.mark.timeout(300)  # so many pages may take their time where much else is going on
@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_axe_has_nothing_against_any_page(
    browser: Browser, pages: dict[str, str], scheme: Literal["light", "dark"], width: int
) -> None:
    found: dict[str, list[Violation]] = {}
    with opened(browser, pages["events"], scheme=scheme, width=width) as seen:
        for name, url in pages.items():
            with_axe(seen, url)
            if violations := judged(seen):
                found[name] = violations
        assert [told for told in seen.complaints if "policy" in told] == []
    assert found == {}


@pytest.mark.parametrize(
    ("page", "damage", "rule", "impact"),
    [
        ("log in", "document.querySelector('label').remove()", "label", "critical"),
        ("events", "document.querySelector('main').replaceWith(...document.querySelector('main').childNodes)",
         "landmark-one-main", "moderate"),
        ("exchanges", "for (const one of document.querySelectorAll('.rows a')) one.style.textDecoration = 'none'",
         "link-in-text-block", "serious"),
        ("rules", "document.querySelector('article p').style.color = '#888888'", "color-contrast", "serious"),
    ],
)  # fmt: skip
def test_what_is_done_wrong_is_noticed(
    browser: Browser, pages: dict[str, str], page: str, damage: str, rule: str, impact: str
) -> None:
    """The test of the test above."""
    with opened(browser, pages[page]) as seen:
        with_axe(seen, pages[page])
        seen.page.evaluate(damage)
        assert (rule, impact) in [(one.rule, one.impact) for one in judged(seen)]


def test_what_npm_brings_comes_as_it_was_locked() -> None:
    """Nothing says where it comes from: that is for whoever installs it. What comes is what was looked at."""
    folder = NODE_MODULES.parent
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
    assert set(wanted) == {"axe-core", "@microsoft/jest-sarif"}
    for name, version in wanted.items():
        assert json.loads((NODE_MODULES / name / "package.json").read_text())["version"] == version
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all(
        entry["integrity"].startswith("sha512-") and "resolved" not in entry for name, entry in lock.items() if name
    )
