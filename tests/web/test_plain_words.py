"""What pages say of dates, of orders, of plans and of filters, read without scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.system.clock import utc_now
from mock_intake.web.site import PAGES
from tests.control.content import HTTP, KEY, ORG, OTHER_KEY, api, send
from tests.events import run_event
from tests.web.looking import Look, look, submit


def tabs(page: Look) -> str:
    [found] = page.all("ul", class_="tabs")
    return " ".join(found.text.split())


def received_earlier(server: IntakeServer, days: int, elsewhere: IntakeServer) -> None:
    """Puts what one intake has on the record of another, as if it had been received some days before."""
    lines = []
    for line in HTTP.get(api(server, "/export?what=exchanges")).text.splitlines():
        exchange = json.loads(line)
        exchange["received_at"] -= days * 24 * 60 * 60 * 1_000_000
        lines.append(json.dumps(exchange))
    HTTP.post(api(elsewhere, "/import"), content="\n".join(lines)).raise_for_status()


# Orgs.


def test_all_orgs_are_shown_with_the_other_filters_kept(full: IntakeServer) -> None:
    page = look(full, f"/mock/events?org={ORG}&event_type=FAIL&text=report_orders")
    link = page.links()["Show all orgs"]
    assert link == "/mock/events?event_type=FAIL&text=report_orders"
    assert len(look(full, link).rows()) >= len(page.rows()) > 0
    assert look(full, f"/mock/runs?org={ORG}&cursor=1").links()["Show all orgs"] == "/mock/runs"


def test_all_orgs_are_offered_wherever_they_can_be_shown_together(full: IntakeServer) -> None:
    for path in [page.path for page in PAGES if page.title]:
        page = look(full, f"{path}?org={ORG}")
        assert f"Only org {ORG}" in page.text, path
        assert ("Show all orgs" in page.links()) == (path != "/mock/lineage"), path


# Dates and orders.


@pytest.mark.parametrize("name", ["events", "exchanges"])
def test_times_have_a_date_today_too(start_server: Callable[..., IntakeServer], name: str) -> None:
    first, second = start_server(), start_server()
    send(first, run_event(number=1))
    received_earlier(first, 3, second)
    send(second, run_event(number=2))
    days = [(utc_now() - timedelta(days=ago)).strftime("%Y-%m-%d") for ago in (0, 3)]
    seen = [row[0].split() for row in look(second, f"/mock/{name}").rows()]
    assert [date for date, _ in seen] == days
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", clock) for _, clock in seen)


def test_attempts_and_requests_are_told_to_the_millisecond(server: IntakeServer) -> None:
    identity = send(server, run_event()).json()["id"]
    page = look(server, f"/mock/events/{identity}")
    request = next(href for href in page.links().values() if href.startswith("/mock/exchanges/") and "body" not in href)
    exact = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
    assert exact.fullmatch(page.rows()[-1][0])
    for shown in (page, look(server, request)):
        assert exact.search(shown.all("dl", class_="facts")[0].text)


def test_findings_are_in_the_order_of_severity_and_then_of_place(server: IntakeServer) -> None:
    body = run_event(inputs=[{"namespace": "x", "name": ""}], eventTime="2026-11-01T12:00:00", producer="no uri")
    identity = send(server, {**body, "run": {"runId": "no-uuid", "facets": {}}}).json()["id"]
    page = look(server, f"/mock/events/{identity}")
    ranks = {"error": 0, "warning": 1, "info": 2}
    found = [
        (ranks[(one.attributes["class"] or "").split()[-1]], int((re.search(r"line (\d+)", one.text) or "00")[1]))
        for one in page.all("li", class_="finding")
    ]
    assert len(found) > 3
    assert len({rank for rank, _ in found}) > 1
    assert found == sorted(found)
    # Notes at the lines still lead to their findings.
    codes = {one.attributes["id"]: one.text.split()[0] for one in page.all("li", class_="finding")}
    notes = [(href, words) for words, href in page.links().items() if href.startswith("#finding-")]
    assert notes
    assert all(codes[href[1:]] == words for href, words in notes)


# The command.


@pytest.mark.parametrize("body", [run_event(), run_event(note="x" * 30_000)], ids=["short", "long"])
def test_the_command_says_that_it_needs_a_key(server: IntakeServer, body: dict[str, Any]) -> None:
    identity = send(server, body).json()["id"]
    page = look(server, f"/mock/events/{identity}")
    [command] = [one.text for one in page.all("pre") if one.attributes.get("id") == "curl"]
    environment = {name: value for name, value in os.environ.items() if name != "DD_API_KEY"} | {"no_proxy": "*"}
    before = server.journal.position
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "set DD_API_KEY to your key" in done.stderr
    assert server.journal.position == before


# Faults.


def test_a_planned_answer_is_called_so_once(server: IntakeServer) -> None:
    submit(server, "/mock/faults", {"plan": "429,202,lost"})
    for _ in range(3):
        with suppress(httpx.TransportError):  # one answer is lost
            send(server, run_event())
    page = look(server, "/mock/exchanges")
    assert [row[2] for row in page.rows()] == ["202 fault: lost", "202 planned", "429 planned"]
    lost, _, refused = [look(server, one.attributes["href"] or "") for one in page.all("a", class_="open")]
    assert "lost: the answer was lost" in lost.text
    assert "the answer was planned" in refused.text


def test_a_plan_that_is_over_is_cleared(server: IntakeServer) -> None:
    submit(server, "/mock/faults", {"plan": "503,202"})
    assert "0 requests took a step" in look(server, "/mock/faults").text
    assert [one.text for one in look(server, "/mock/faults").all("button", name="clear")] == ["Clear this plan"]
    for number in range(2):
        send(server, run_event(number=number))
    page = look(server, "/mock/faults")
    assert "2 requests took a step" in page.text
    assert [one.text for one in page.all("button", name="clear")] == ["Clear this plan"]
    submit(server, "/mock/faults", {"clear": "this", "org": ""})
    assert not server.faults.any


def test_a_ready_made_plan_takes_the_org_and_nothing_else_of_the_form(server: IntakeServer) -> None:
    preset = '{"sequence": [403], "repeat_last": true}'
    fields = {"org": ORG, "plan": "503", "delay": "7", "preset": preset}
    assert submit(server, "/mock/faults", fields).status_code == 303
    [state] = server.faults.states()
    assert (state["org"], state["delay"], state["repeat_last"]) == (ORG, 0, True)
    assert send(server, run_event(), key=OTHER_KEY).status_code == 202
    assert send(server, run_event(), key=KEY).status_code == 403


# Filters.


def test_a_rule_is_found_in_any_case_and_its_whole_list_is_not_said_to_be_looked_through(full: IntakeServer) -> None:
    page = look(full, "/mock/events?rule=DD101")
    assert look(full, "/mock/events?rule=dd101").rows() == page.rows() != []
    assert "looked through" not in page.text
    assert "looked through" not in look(full, f"/mock/events?rule=DD101&org={ORG}").text
    assert "looked through" in look(full, "/mock/events?rule=DD101&event_type=FAIL").text
    refused = look(full, "/mock/events?rule=dd999")
    assert refused.status == 400


def test_tabs_count_only_where_the_list_has_as_many(full: IntakeServer) -> None:
    for name in ("events", "exchanges"):
        for query in ("", f"?org={ORG}"):
            assert re.search(r"All [\d,]+", tabs(look(full, f"/mock/{name}{query}"))), query
        assert not re.search(r"\d", tabs(look(full, f"/mock/{name}?text=orders")))
    for query in ("event_type=FAIL", "rule=DD101", "job_name=load_orders"):
        assert not re.search(r"\d", tabs(look(full, f"/mock/events?{query}"))), query
    page = look(full, "/mock/events?status=error")
    number = re.search(r"not process ([\d,]+)", tabs(page))
    assert number
    assert int(number[1]) == len(page.rows())
