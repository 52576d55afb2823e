"""What one does on pages beyond reading: forget, export, compare, search; and what they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from mock_intake import IntakeServer
from mock_intake.faults.plans import parse_plan
from mock_intake.journal import EventFilter
from mock_intake.server.access import Access
from tests.browser import PHONE, opened
from tests.control.content import HTTP, ORG, OTHER_KEY, OTHER_ORG, fill, run_of, send
from tests.events import base, dataset, job_type
from tests.web.looking import WEB, Look, look, submit
from tests.web.test_in_browser import content


@pytest.fixture(scope="module")
def worked() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        fill(server)
        yield server


def status_of(server: IntakeServer, job: str) -> str:
    [row] = [row for row in look(server, "/mock/events").rows() if row[3].startswith(job)]
    return row[1]


def page_of(server: IntakeServer, event_type: str) -> tuple[str, Look]:
    """The page of the first event of this type that is listed, and its id."""
    link = look(server, f"/mock/events?event_type={event_type}").links()[event_type]
    return link.rpartition("/")[2], look(server, link)


def test_what_is_on_record_is_forgotten_when_it_is_asked_for(server: IntakeServer) -> None:
    send(server, run_of("mine"))
    send(server, run_of("theirs"), key=OTHER_KEY)
    assert "Clear…" in look(server, "/mock/events").text
    assert submit(server, "/mock/clear", {"clear": "record", "org": OTHER_ORG}).status_code == 303
    assert {record.org for record in server.journal.events(*no_filter()).items} == {ORG}
    assert submit(server, "/mock/clear", {"org": ""}).status_code == 400
    assert submit(server, "/mock/clear", {"clear": "record", "org": ""}).status_code == 303
    assert server.journal.events(*no_filter()).items == []


def no_filter() -> tuple[EventFilter, int]:
    return EventFilter(), 50


def test_no_other_site_has_it_forgotten(server: IntakeServer) -> None:
    send(server, run_of("mine"))
    refused = WEB.post(server.url + "/mock/clear", data={"clear": "record"}, headers={"origin": "https://evil.test"})
    assert refused.status_code == 403
    assert len(server.journal.events(*no_filter()).items) == 1


def test_the_record_is_exported_by_whoever_may_see_it(worked: IntakeServer) -> None:
    link = look(worked, f"/mock/events?org={ORG}").links()["Export"]
    lines = HTTP.get(worked.url + link).content.splitlines()
    assert {json.loads(line)["org"] for line in lines} == {ORG}
    with IntakeServer(access=Access("the-token")) as closed:
        send(closed, run_of("mine"))
        cookie = submit(closed, "/mock/login", {"token": "the-token"}).headers["set-cookie"].partition(";")[0]
        got = WEB.get(closed.url + "/api/mock/v1/export", headers={"cookie": cookie})
        assert (got.status_code, len(got.text.splitlines())) == (200, 1)


def test_every_page_says_that_a_fault_plan_is_on(server: IntakeServer) -> None:
    paths = ("/mock/events", "/mock/runs", "/mock/rules", "/mock/nothing")
    assert not any("A fault plan is on" in look(server, path).text for path in paths)
    server.faults.set(parse_plan([503, 202]))
    assert all("A fault plan is on" in look(server, path).text for path in paths)
    assert "A fault plan is on" not in look(server, "/mock/faults").text
    for _ in range(2):
        send(server, run_of("one"))
    assert "A fault plan is on" not in look(server, "/mock/events").text, "it is over"


def test_from_event_to_event_of_a_run(server: IntakeServer) -> None:
    for event_type in ("START", "RUNNING", "COMPLETE"):
        send(server, run_of("one", event_type))
        send(server, run_of("another", event_type))
    _, first = page_of(server, "START")
    assert "First of its run" in first.text
    middle = look(server, first.links()["Next: RUNNING"])
    assert middle.links()["Previous: START"] == "/mock/events/" + middle.links()["Previous: START"].rpartition("/")[2]
    last = look(server, middle.links()["Next: COMPLETE"])
    assert "Latest of its run" in last.text
    assert (
        look(server, last.links()["Previous: RUNNING"]).links()["Next: COMPLETE"].endswith(last.response.url.path[-16:])
    )


def test_what_changed_between_two_events_of_a_run(server: IntakeServer) -> None:
    send(server, run_of("one", "START", inputs=[dataset("shop.public.raw")]))
    secret = dataset("orders", "postgres://user:hunter2hunter2@db:5432")
    send(server, run_of("one", "COMPLETE", inputs=[dataset("shop.public.raw")], outputs=[secret]))
    _, last = page_of(server, "COMPLETE")
    page = look(server, last.links()["What changed since"])
    lines = [one.text for one in page.all("code") if one.text[:1] in "+-"]
    assert '-  "eventType": "START",' in lines
    assert '+  "eventType": "COMPLETE",' in lines
    assert not any("shop.public.raw" in line for line in lines)
    assert "hunter2" not in page.text
    same = look(server, last.links()["What changed since"].replace("?since=", "?since=nothing"))
    assert same.status == 404
    assert look(server, last.links()["What changed since"].partition("?")[0]).status == 400


def test_remarks_stand_folded_below_the_body(server: IntakeServer) -> None:
    unknown = {"facets": {**run_of("x")["run"]["facets"], "custom_own": base("CustomOwnRunFacet", "1-0-0")}}
    send(server, run_of("one", "ABORT"))
    send(server, {**run_of("one", "START"), "run": {**run_of("one")["run"], **unknown}})
    for event_type in ("START", "ABORT"):
        _, page = page_of(server, event_type)
        infos = [one for one in page.all("li", class_="finding") if "info" in (one.attributes["class"] or "")]
        text = page.response.text
        for one in infos:
            assert text.index('id="body"') < text.index(f'id="{one.attributes["id"]}"')
        if infos:
            assert f"{len(infos)} remark" in page.text


def test_the_sentence_of_a_rule_is_shown_on_hover(worked: IntakeServer) -> None:
    codes = {one.text: one.attributes["title"] for one in look(worked, "/mock/events").all("a", class_="code")}
    assert codes["DD101"] == "error: Every run event carries the jobType job facet."
    codes = {one.text: one.attributes.get("title") for one in look(worked, "/mock/runs").all("a", class_="code")}
    assert "Every run event carries the jobType job facet." in (codes["DD101"] or "")


def test_what_datadog_would_do_is_said_and_unknown_where_that_is_assumed(server: IntakeServer) -> None:
    ok = {"namespace": "prod", "name": "well", "facets": {"jobType": job_type()}}
    send(server, run_of("1", job=ok))
    send(server, run_of("2", job={"namespace": "prod", "name": "untyped"}))
    send(server, run_of("3", job={**ok, "name": "less"}, outputs=[dataset("orders", "nowhere")]))
    send(server, run_of("4", job={**ok, "name": "assumed", "facets": {"jobType": {**job_type(), "jobType": 3}}}))
    found = {name: status_of(server, name) for name in ("well", "untyped", "less", "assumed")}
    assert found == {"well": "process", "untyped": "not process", "less": "show less", "assumed": "unknown"}
    heads = [one.text for one in look(server, "/mock/events").all("th", scope="col")]
    assert "Datadog would" in heads
    assert "Status" not in heads


def test_unknown_parameters_are_refused_as_the_api_refuses_them(worked: IntakeServer) -> None:
    for path in ("/mock/events", "/mock/runs", "/mock/lineage", "/mock/rules", "/mock/coverage", "/mock/exchanges"):
        page = look(worked, f"{path}?stat=error")
        assert page.status == 400
        assert "There is no parameter 'stat' here; there are" in page.text
    api = HTTP.get(worked.url + "/api/mock/v1/events?stat=error")
    assert api.status_code == 400
    assert "There is no parameter 'stat' here; there are" in api.text


def test_no_link_of_a_page_has_a_parameter_that_is_refused(worked: IntakeServer) -> None:
    targets = {href for path in content(worked).values() for href in look(worked, path).links().values()}
    pages = sorted(one for one in targets if one.startswith("/mock/") and "?" in one)
    assert len(pages) > 20
    # One of each page and set of parameters.
    kinds = {re.sub(r"=[^&]*", "", one): one for one in pages}
    assert {one: look(worked, one).status for one in kinds.values()} == dict.fromkeys(kinds.values(), 200)


def test_rules_and_coverage_are_searched_what_matters_first(worked: IntakeServer) -> None:
    def codes(query: str) -> list[str]:
        return [one.attributes["id"] or "" for one in look(worked, f"/mock/rules{query}").all("article")]

    assert "DD101" in codes("?text=JOBTYPE")
    assert codes("?text=dd101") == ["DD101"]
    assert "No rule says that." in look(worked, "/mock/rules?text=nobody+says+this").text
    datadog = [code for code in codes("") if code.startswith("DD")]
    assert datadog[0] == "DD101", "the worst that has findings"
    covered = [one.text.split()[0] for one in look(worked, "/mock/coverage?job_name=REPORT").all("h2")]
    assert covered == ["report_orders"]


def test_times_have_one_format_with_the_date(worked: IntakeServer) -> None:
    for path in content(worked).values():
        for one in look(worked, path).all("time"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", one.text), path


def test_an_event_that_was_sent_often_leads_to_all_of_its_attempts(server: IntakeServer) -> None:
    for _ in range(103):
        send(server, run_of("one"))
    _, page = page_of(server, "START")
    assert "Shown are the latest 100" in page.text
    assert len(look(server, page.links()["All 103 attempts"]).rows()) == 50
    assert "103 requests had this body" in page.text


def test_a_body_that_is_larger_than_a_page_leads_to_all_of_it(server: IntakeServer) -> None:
    send(server, run_of("large", custom={f"key {number}": "x" * 500 for number in range(5_000)}))
    [record] = server.journal.events(*no_filter()).items
    # To be read as text: of a page of this size a parser in Python takes long.
    text = WEB.get(f"{server.url}/mock/events/{record.summary.id}").text
    assert re.search(r"only the first [\d,]+ are laid out", text)
    found = re.search(r'<a href="([^"]*)">Download all of it</a>', text)
    assert found
    assert len(WEB.get(server.url + found[1]).content) > 2_500_000


def test_on_a_phone_navigation_is_one_line_and_no_word_is_broken(browser: Browser, worked: IntakeServer) -> None:
    with opened(browser, worked.url + "/mock/events", width=PHONE) as seen:
        bar = seen.page.locator("header.top").bounding_box()
        assert bar is not None
        assert bar["height"] < 60
        last = seen.page.get_by_role("link", name="Send events")
        last.scroll_into_view_if_needed()
        assert seen.overflow() <= 0
        seen.screenshot("events-phone-one-line")
    with opened(browser, worked.url + "/mock/events") as seen:
        heights = seen.page.locator("th.type a").evaluate_all(
            "links => links.map(link => link.getClientRects().length)"
        )
        assert set(heights) == {1}
