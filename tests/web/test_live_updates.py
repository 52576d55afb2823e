"""Pages that are brought up to date while they are read: in a real browser, with a reader in the middle of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mock_intake import IntakeServer
from mock_intake.faults.plans import parse_plan
from tests.browser import opened
from tests.control.content import HTTP, KEY, ORG, OTHER_KEY, api, send
from tests.events import dataset, run_event

LISTENING = "new events show by themselves"


def number_event(number: int, **fields: Any) -> dict[str, Any]:
    return run_event(number=number, job={"namespace": "prod", "name": f"job_{number}"}, **fields)


def listening(page: Page, words: str = LISTENING) -> None:
    expect(page.locator("#live-status")).to_have_text(words)


def top_of(page: Page, text: str) -> float:
    box = page.locator("tbody tr", has=page.get_by_text(text, exact=True)).bounding_box()
    assert box is not None
    return box["y"]


# Another page by now.


def test_a_lineage_that_was_empty_has_its_graph_and_its_legend_once_there_is_one(
    browser: Browser, server: IntakeServer
) -> None:
    with opened(browser, f"{server.url}/mock/lineage") as seen:
        page = seen.page
        listening(page)
        send(server, run_event(inputs=[dataset()]))
        expect(page.locator("svg.lineage")).to_be_visible()
        assert page.get_by_role("list", name="Legend").is_visible()
        width = "document.querySelector('svg.lineage').getBoundingClientRect().width"
        before = page.evaluate(width)
        page.get_by_role("button", name="Larger").click()
        assert page.evaluate(width) > before
        assert seen.complaints == []


def test_a_page_with_the_same_parts_is_not_loaded_anew(browser: Browser, server: IntakeServer) -> None:
    with opened(browser, f"{server.url}/mock/events") as seen:
        listening(seen.page)
        seen.page.evaluate("window.here = true")
        send(server, run_event())
        expect(seen.page.locator("tbody tr")).to_have_count(1)
        assert seen.page.evaluate("window.here")


# What is unfolded, read and focused.


def test_what_is_unfolded_stays_so_when_its_counts_change(browser: Browser, server: IntakeServer) -> None:
    for number in range(5):  # more than are open from the beginning
        send(server, number_event(number))
    with opened(browser, f"{server.url}/mock/coverage") as seen:
        page = seen.page
        listening(page)
        section = page.locator("section", has=page.get_by_role("link", name="job_2", exact=True))
        folds = section.locator("details")
        folds.nth(0).locator("summary").first.click()
        folds.nth(1).locator("summary").click()
        before = section.inner_text()
        send(server, number_event(2, inputs=[dataset()], eventType="COMPLETE"))
        expect(section).not_to_have_text(before, use_inner_text=True)
        assert folds.evaluate_all("all => all.map(one => one.open)") == [True, True]
        assert page.locator("main details[open]").count() == 2


def test_what_was_folded_stays_folded(browser: Browser, server: IntakeServer) -> None:
    send(server, number_event(1))
    with opened(browser, f"{server.url}/mock/coverage") as seen:
        page = seen.page
        listening(page)
        page.locator("main details").first.locator("summary").first.click()
        send(server, number_event(1, eventType="COMPLETE"))
        expect(page.locator("section h2")).to_contain_text("2 events")
        assert page.locator("main details[open]").count() == 0


def test_the_row_that_is_read_stays_where_it_is(browser: Browser, server: IntakeServer) -> None:
    for number in range(45):
        send(server, number_event(number))
    with opened(browser, f"{server.url}/mock/events") as seen:
        page = seen.page
        listening(page)
        page.evaluate("scrollTo(0, 700)")
        before = top_of(page, "job_30")
        for number in (91, 92, 93):
            send(server, number_event(number))
        expect(page.locator("tbody tr")).to_have_count(48)
        page.wait_for_timeout(100)  # what the browser itself would move
        assert abs(top_of(page, "job_30") - before) <= 1
        # At the top of the page new rows are what one waits for.
        page.evaluate("scrollTo(0, 0)")
        send(server, number_event(94))
        expect(page.locator("tbody tr")).to_have_count(49)
        assert page.evaluate("scrollY") == 0


def test_the_row_stays_also_when_others_fall_off_the_end(browser: Browser, server: IntakeServer) -> None:
    for number in range(60):
        send(server, number_event(number))
    with opened(browser, f"{server.url}/mock/events") as seen:
        page = seen.page
        listening(page)
        page.locator("tbody tr").nth(12).evaluate("row => scrollTo(0, row.offsetTop + row.offsetParent.offsetTop)")
        before = top_of(page, "job_40")
        send(server, number_event(91))
        expect(page.locator("tbody tr").first).to_contain_text("job_91")
        page.wait_for_timeout(100)
        assert abs(top_of(page, "job_40") - before) <= 1


def test_a_focus_whose_row_falls_off_goes_to_the_next_one(browser: Browser, server: IntakeServer) -> None:
    for number in range(50):
        send(server, number_event(number))
    with opened(browser, f"{server.url}/mock/events") as seen:
        page = seen.page
        listening(page)
        page.locator("a.open").last.focus()
        assert "job_0" in page.locator("tr:focus-within").inner_text()
        send(server, number_event(91))
        expect(page.locator("tbody tr").first).to_contain_text("job_91")
        assert "job_1" in page.locator("tr:focus-within").inner_text()


def test_a_focus_with_no_row_left_goes_to_the_list(browser: Browser, server: IntakeServer) -> None:
    send(server, number_event(1))
    with opened(browser, f"{server.url}/mock/exchanges") as seen:
        page = seen.page
        listening(page)
        page.locator("a.open").focus()
        assert HTTP.delete(api(server, "/exchanges")).status_code == 200
        for number in range(50):
            send(server, number_event(number + 2))
        expect(page.locator("tbody tr").first).to_contain_text("job_51")
        assert page.evaluate("document.activeElement !== document.body")


# Faults.


def test_a_plan_shows_whoever_began_it(browser: Browser, server: IntakeServer) -> None:
    with opened(browser, f"{server.url}/mock/faults") as seen:
        page = seen.page
        listening(page)
        page.get_by_label("Steps").fill("503,reset")  # what is being written stays
        HTTP.put(api(server, "/faults"), json={"sequence": [503, "lost"]}).raise_for_status()
        expect(page.locator("main")).to_contain_text("under way")
        HTTP.put(api(server, f"/faults?org={ORG}"), json={"sequence": [429]}).raise_for_status()
        expect(page.locator("h2", has_text=f"Org {ORG}")).to_be_visible()
        page.locator("section", has_text=f"Org {ORG}").get_by_role("button", name="Clear this plan").focus()
        assert send(server, run_event()).status_code == 429
        expect(page.locator("h2", has_text=f"Org {ORG}")).to_contain_text("over")
        HTTP.delete(api(server, "/faults")).raise_for_status()
        expect(page.locator("main")).to_contain_text("There is no plan")
        assert page.get_by_label("Steps").input_value() == "503,reset"
        assert seen.complaints == []


def test_a_paused_page_of_faults_does_not_look(browser: Browser, server: IntakeServer) -> None:
    with opened(browser, f"{server.url}/mock/faults") as seen:
        listening(seen.page)
        seen.page.get_by_role("button", name="Live").click()
        server.faults.set(parse_plan("503"))
        seen.page.wait_for_timeout(2500)
        assert "There is no plan" in seen.page.locator("main").inner_text()


def test_a_ready_made_plan_is_for_the_org_that_was_chosen(browser: Browser, server: IntakeServer) -> None:
    send(server, run_event(), key=OTHER_KEY)
    send(server, run_event(), key=KEY)
    with opened(browser, f"{server.url}/mock/faults") as seen:
        page = seen.page
        page.get_by_label("For org").select_option(ORG)
        page.get_by_role("button", name="Down for good").click()
        expect(page.locator("main")).to_contain_text("under way")
        [state] = server.faults.states()
        assert (state["org"], state["repeat_last"], state["sequence"][0]["step"]) == (ORG, True, 503)
        page.get_by_label("For org").select_option("")
        page.get_by_label("Delay").fill("0.01")
        page.keyboard.press("Enter")  # begins what is written, and nothing that is ready-made
        expect(page.locator("h2", has_text="For all")).to_be_visible()
        state = next(one for one in server.faults.states() if one["org"] is None)
        assert [step["step"] for step in state["sequence"]] == [503, 503, 202]


# An event.


def test_a_retry_shows_while_its_event_is_looked_at(browser: Browser, server: IntakeServer) -> None:
    identity = send(server, run_event("START", eventTime="yesterday")).json()["id"]
    with opened(browser, f"{server.url}/mock/events/{identity}") as seen:
        page = seen.page
        listening(page, "new attempts show by themselves")
        page.locator("summary", has_text="Exactly as received").click()
        page.locator("summary", has_text="Laid out").click()
        asked = len(seen.requests)
        send(server, number_event(7))  # another event: nothing is to be fetched
        page.wait_for_timeout(800)
        assert [url for url in seen.requests[asked:] if "/events/" in url] == []
        send(server, run_event("START", eventTime="yesterday"))
        attempts = page.get_by_role("group", name="Attempts")
        expect(attempts.locator("tbody tr")).to_have_count(2)
        expect(attempts).to_contain_text("2 requests had this body")
        assert page.locator("main details").evaluate_all("all => all.map(one => one.open)") == [False, True]
        assert seen.complaints == []


# What is said.


@pytest.mark.parametrize("name", ["events", "faults"])
def test_going_on_tells_of_no_requests_when_none_came(browser: Browser, server: IntakeServer, name: str) -> None:
    with opened(browser, f"{server.url}/mock/{name}") as seen:
        page = seen.page
        listening(page)
        page.evaluate(
            "window.told = []; const status = document.getElementById('live-status');"
            "new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true })"
        )
        page.get_by_role("button", name="Live").click()
        page.get_by_role("button", name="Paused").click()
        page.wait_for_timeout(1800)
        assert page.evaluate("told") == ["new events wait until you go on", LISTENING]


def test_what_cannot_be_fetched_is_told_until_it_can(
    browser: Browser, start_server: Callable[..., IntakeServer]
) -> None:
    server = start_server()
    with opened(browser, f"{server.url}/mock/events") as seen:
        page = seen.page
        listening(page)
        page.route("**/mock/events", lambda route: route.fulfill(status=503, body="no"))
        send(server, number_event(1))
        listening(page, "cannot be brought up to date: status 503")
        page.unroute("**/mock/events")
        send(server, number_event(2))
        expect(page.locator("tbody tr")).to_have_count(2)
        listening(page, "1 request came in")
