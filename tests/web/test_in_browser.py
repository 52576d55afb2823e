"""The pages in a real browser: they read well, keep up, can be used by keyboard, and nothing hostile runs on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from mock_intake import IntakeServer
from mock_intake.journal import EventFilter
from mock_intake.server.access import Access
from tests.browser import DESK, PHONE, Opened, go, opened
from tests.conftest import REPOSITORY
from tests.control.content import ORG, id_of, run_of, send
from tests.events import dataset, run_event
from tests.web.test_escaping import HOSTILE, hostile_event
from tests.web.test_pages import JOB, LISTS, ORDERS

TITLE = "document.title"


def content(full: IntakeServer) -> dict[str, str]:
    """Every page by name."""
    error = full.journal.events(EventFilter(org=ORG, job_name="load_orders"), 1).items[0]
    return {
        **{name: f"/mock/{name}" for name in LISTS},
        "event": f"/mock/events/{error.summary.id}",
        "request": f"/mock/exchanges/{error.exchange_id}",
        "run": f"/mock/run?org={ORG}&id={id_of('first')}",
        "dataset": f"/mock/{ORDERS}&org={ORG}",
        "job": f"/mock/{JOB}&org={ORG}",
        "nothing": "/mock/events?text=nothing+has+this",
    }


def fine(seen: Opened, server: IntakeServer) -> None:
    """No error, no breach of the policy, nothing from elsewhere, nothing wider than the window."""
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(server.url + "/")] == []
    assert seen.overflow() <= 0


@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_every_page_is_fine_in_every_light_and_width(
    browser: Browser, full: IntakeServer, scheme: Literal["light", "dark"], width: int
) -> None:
    with opened(browser, full.url + "/mock/events", scheme=scheme, width=width) as seen:
        for name, path in content(full).items():
            go(seen.page, full.url + path)
            assert seen.page.locator("h1").is_visible(), name
            assert seen.page.get_by_role("main").count() == 1
            assert seen.page.get_by_role("navigation", name="Pages").is_visible()
            fine(seen, full)
            seen.screenshot(f"web-{name}-{scheme}-{width}")


def test_no_script_is_needed_to_read(browser: Browser, full: IntakeServer) -> None:
    with opened(browser, f"{full.url}/mock/events?status=error", script=False) as seen:
        page = seen.page
        page.locator("a.open").first.click()
        assert page.locator(".code-block .line").first.is_visible()
        page.get_by_role("link", name="Lineage", exact=True).click()
        page.get_by_role("link", name=re.compile("load_orders")).first.click()
        assert page.locator("h1").inner_text() == "Job load_orders"
        assert page.locator("button:visible").count() == 0


# Live.


def test_new_events_show_by_themselves_and_the_focus_stays(browser: Browser, server: IntakeServer) -> None:
    send(server, run_event("START"))
    with opened(browser, f"{server.url}/mock/events") as seen:
        page = seen.page
        expect(page.locator("#live-status")).to_have_text("new events show by themselves")
        page.locator("a.open").focus()
        send(server, run_event("COMPLETE", job={"namespace": "prod", "name": "load_orders"}))
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.locator("tbody tr").first).to_contain_text("COMPLETE")
        assert page.locator(":focus").inner_text() == "START"
        assert " ".join(page.locator(".tabs").inner_text().split()) == "All 2 process 1 show less 0 not process 1"
        fine(seen, server)


def test_what_is_filtered_away_does_not_show(browser: Browser, server: IntakeServer) -> None:
    with opened(browser, f"{server.url}/mock/events?event_type=FAIL") as seen:
        expect(seen.page.locator("#live-status")).to_have_text("new events show by themselves")
        send(server, run_event("START"))
        send(server, run_event("FAIL"))
        expect(seen.page.locator("tbody tr")).to_have_count(1)
        expect(seen.page.locator("tbody tr")).to_contain_text("FAIL")


def test_a_paused_page_waits_until_it_goes_on(browser: Browser, server: IntakeServer) -> None:
    with opened(browser, f"{server.url}/mock/exchanges") as seen:
        page = seen.page
        page.get_by_role("button", name="Live").click()
        send(server, run_event("START"))
        page.wait_for_timeout(800)
        assert page.locator("tbody tr").count() == 0
        page.get_by_role("button", name="Paused").click()
        expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize(
    ("path", "shows"), [("runs", "load_orders"), ("lineage", "shop.public.orders"), ("rules?show=found", "DD101")]
)
def test_what_is_computed_keeps_up_too(browser: Browser, server: IntakeServer, path: str, shows: str) -> None:
    send(server, run_event("START", job={"namespace": "prod", "name": "first"}))
    send(server, run_of("other"))
    with opened(browser, f"{server.url}/mock/{path}") as seen:
        expect(seen.page.locator("#live-status")).to_have_text("new events show by themselves")
        job = {"namespace": "prod", "name": "load_orders"}
        send(server, run_event("COMPLETE", job=job, inputs=[dataset()]))
        expect(seen.page.locator("main")).to_contain_text(shows)
        fine(seen, server)


def test_a_server_that_ends_is_told(browser: Browser) -> None:
    with IntakeServer() as server, opened(browser, f"{server.url}/mock/events") as seen:
        expect(seen.page.locator("#live-status")).to_have_text("new events show by themselves")
        server.stop()
        expect(seen.page.locator("#live-status")).to_have_text("the intake does not answer; trying again")


# Using it.


def test_from_a_finding_to_its_place_and_back(browser: Browser, server: IntakeServer) -> None:
    identity = send(server, run_event("START", eventTime="yesterday")).json()["id"]
    with opened(browser, f"{server.url}/mock/events/{identity}") as seen:
        page = seen.page
        page.locator("summary", has_text="Laid out").click()  # folded away
        page.locator("a.place", has_text="/eventTime").click()
        line = page.locator(":target")
        assert "yesterday" in line.inner_text()
        expect(line).to_be_in_viewport()
        page.locator(".note a", has_text="OL007").first.click()
        assert "OL007" in page.locator(":target").inner_text()


def test_filters_are_used_as_a_form(browser: Browser, full: IntakeServer) -> None:
    with opened(browser, f"{full.url}/mock/events") as seen:
        page = seen.page
        page.get_by_text("More filters").click()
        page.get_by_label("Type", exact=True).fill("FAIL")
        page.get_by_label("Job", exact=True).fill("report_orders")
        page.get_by_role("button", name="Filter").click()
        assert page.locator("tbody tr").count() == 1
        assert page.get_by_label("Type", exact=True).input_value() == "FAIL"
        page.get_by_role("link", name="Clear").click()
        assert page.locator("tbody tr").count() > 10


def test_rows_are_reached_by_keyboard_alone(browser: Browser, full: IntakeServer) -> None:
    with opened(browser, f"{full.url}/mock/events") as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to the content"
        page.keyboard.press("/")
        assert page.locator(":focus").get_attribute("type") == "search"
        page.keyboard.type("report_orders/jk")  # letters are letters in a field
        assert page.locator(":focus").input_value() == "report_orders/jk"
        page.keyboard.press("Tab")
        for key, row in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            assert page.locator(":focus").get_attribute("href") == page.locator("a.open").nth(row).get_attribute("href")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Body")).to_be_visible()


def test_bodies_and_commands_are_copied(browser: Browser, server: IntakeServer) -> None:
    body = run_event("START", note="ü \u202e")
    identity = send(server, body).json()["id"]
    with opened(browser, f"{server.url}/mock/events/{identity}") as seen:
        page = seen.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        page.get_by_role("button", name="Copy command").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith("curl")
        page.get_by_role("button", name="Copy body").click()
        expect(page.get_by_role("button", name="Copied")).to_have_count(2)
        assert page.evaluate("navigator.clipboard.readText().then(text => JSON.parse(text).note)") == "ü \u202e"


def test_the_graph_is_zoomed_panned_and_clicked(browser: Browser, full: IntakeServer) -> None:
    with opened(browser, f"{full.url}/mock/lineage?org={ORG}", width=PHONE) as seen:
        page = seen.page
        width = "document.querySelector('svg.lineage').getBoundingClientRect().width"
        left = "document.querySelector('.graph').scrollLeft"
        before = page.evaluate(width)
        page.get_by_role("button", name="Larger").click()
        assert page.evaluate(width) > before * 1.2
        page.get_by_role("button", name="Fit").click()
        assert page.evaluate(width) <= PHONE
        page.locator(".graph").focus()
        for _ in range(6):
            page.keyboard.press("+")
        assert page.evaluate(width) > PHONE
        box = page.locator(".graph").bounding_box()
        assert box is not None
        page.evaluate("document.querySelector('.graph').scrollTo(0, 0)")
        page.mouse.move(box["x"] + 200, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 80, box["y"] + 40, steps=4)
        page.mouse.up()
        assert page.evaluate(left) > 80
        assert page.url.endswith(f"lineage?org={ORG}")  # a drag is no click
        page.locator("svg a", has_text="report_orders").click()
        assert page.locator("h1").inner_text() == "Job report_orders"
        fine(seen, full)


def test_what_is_written_in_a_node_fits_into_it(browser: Browser, server: IntakeServer) -> None:
    names = (
        "SHOP.MARTS.CUSTOMERS_CLEANED_AGAIN",
        "mmmm.WWWW." * 9,
        "i.l." * 30,
        "shop.reports.daily_revenue_of_all",
        "\u58f2\u4e0a" * 40,
    )
    server_name = "snowflake://ACME-PRODUCTION-ACCOUNT-WITH-A-LONG-NAME"
    send(server, run_event(inputs=[dataset(name, server_name) for name in names]))
    with opened(browser, f"{server.url}/mock/lineage") as seen:
        widths = seen.page.evaluate(
            "[...document.querySelectorAll('.node')].flatMap(node => [...node.querySelectorAll(':scope > text')]"
            ".map(text => text.getBBox().width / node.querySelector('rect').getBBox().width))"
        )
        assert len(widths) == 2 * (len(names) + 1)
        assert max(widths) <= 1
        assert sorted(widths)[-4] > 0.7, "more would have fit"


def test_the_log_in_is_done_in_a_browser(browser: Browser) -> None:
    with IntakeServer(access=Access("the-token")) as server, opened(browser, f"{server.url}/mock/faults") as seen:
        page = seen.page
        assert page.locator(":focus").get_attribute("id") == "token"
        page.keyboard.type("the-token")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Faults")
        page.get_by_role("button", name="Two 503, then as usual").click()
        expect(page.locator("main")).to_contain_text("under way")
        assert server.faults.any
        expect(page.locator("#live-status")).to_have_text("new events show by themselves")
        page.get_by_role("button", name="Log out").click()
        expect(page.locator("h1")).to_have_text("Log in")
        page.goto(f"{server.url}/mock/events")
        expect(page.locator("h1")).to_have_text("Log in")
        fine(seen, server)


# Hostile text.


@pytest.fixture(scope="module")
def two_hundred() -> Iterator[IntakeServer]:
    """An intake with two hundred hostile texts in every field that is shown."""
    texts = [
        f"{before}{text}"
        for before in ("", "x", "'", '"', ">", "'>", '">', "</a>", "`", "]", "}", "--", "*/")
        for text in HOSTILE
    ]
    assert len(texts) >= 200
    with IntakeServer() as server:
        for text in texts:
            send(server, hostile_event(text, "FAIL"))
        yield server


def test_nothing_hostile_runs(browser: Browser, two_hundred: IntakeServer) -> None:
    """Also what is loaded by scripts: the lists are brought up to date while they are looked at."""
    server = two_hundred
    events = [record.summary.id for record in server.journal.events(EventFilter(), 300).items]
    paths = [f"/mock/{name}" for name in LISTS] + [f"/mock/events/{identity}" for identity in events[::40]]
    context = browser.new_context()
    page_ = context.new_page()
    complaints: list[str] = []
    page_.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page_.on("pageerror", lambda error: complaints.append(str(error)))
    page_.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page_.on("request", lambda one: None if one.url.startswith(server.url) else complaints.append(one.url))
    leading_on = 0
    for path in paths:
        go(page_, server.url + path)
        title = page_.evaluate(TITLE)
        assert title.endswith("· mock-intake"), path
        if path.partition("?")[0] in ("/mock/events", "/mock/runs", "/mock/exchanges"):
            for older in page_.locator("a[rel=next]").all():
                paths.append((older.get_attribute("href") or "").removeprefix(server.url))
                leading_on += 1
    assert leading_on > 3
    page_.goto(f"{server.url}/mock/events")
    expect(page_.locator("#live-status")).to_have_text("new events show by themselves")
    for number, text in enumerate(HOSTILE[:7]):
        send(server, hostile_event(text, "START", number=number))
    expect(page_.locator("tbody tr").first).to_contain_text("START")
    assert page_.evaluate(TITLE) == "Events · mock-intake"
    context.close()
    assert complaints == []


def test_what_would_run_is_noticed(browser: Browser) -> None:
    """The test of the test above: where text is not escaped and no policy holds, it does run."""
    context = browser.new_context()
    page = context.new_page()
    page.set_content(f"<title>fine</title>{HOSTILE[0]}")
    assert page.evaluate(TITLE) == "x"
    context.close()


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_colours_are_legible() -> None:
    """Contrast of 4.5 : 1 and more for text on every ground that it stands on, in both schemes."""
    style = (REPOSITORY / "mock_intake" / "report" / "style.css").read_text()
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 2
    for colours in schemes:
        grounds = {name: luminance(colours[name]) for name in colours if name.endswith("back") or name == "raised"}
        assert len(grounds) == 6
        for name in ("front", "soft", "link", "ok", "error", "warning", "info"):
            for ground, value in grounds.items():
                lighter, darker = sorted((luminance(colours[name]), value), reverse=True)
                assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (name, ground)
