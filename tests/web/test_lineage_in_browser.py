"""Lineage in a real browser: near misses where people look, and the page of a report on screens of all widths."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from mock_intake import IntakeServer
from mock_intake.report.model import from_journal
from mock_intake.report.report_html import to_html
from mock_intake.views import Views
from tests.browser import DESK, PHONE, opened
from tests.control.content import run_of, send
from tests.events import dataset, job_type, run_event
from tests.web.looking import look

# How many of the points along dashed lines lie on nodes.
HIDDEN = """
[...document.querySelectorAll("path.near-miss")].flatMap(path => Array.from({length: 60}, (_, step) => {
    const at = path.getPointAtLength(path.getTotalLength() * (step + .5) / 60);
    const point = new DOMPoint(at.x, at.y).matrixTransform(path.getScreenCTM());
    return [...document.querySelectorAll(".node rect")].filter(node => {
        const box = node.getBoundingClientRect();
        return point.x > box.left && point.x < box.right && point.y > box.top && point.y < box.bottom;
    }).length;
})).filter(Boolean).length
"""


def job(name: str) -> dict[str, object]:
    return {"namespace": "prod", "name": name, "facets": {"jobType": job_type()}}


@pytest.fixture
def missed(server: IntakeServer) -> IntakeServer:
    """Orders that one job writes and another one reads by another name; two more jobs stand between."""
    raw, orders = dataset("shop.public.raw"), dataset("shop.public.orders")
    other, marts = dataset("SHOP.public.orders"), dataset("shop.public.marts")
    query = {"namespace": "prod", "name": "query", "facets": {"jobType": job_type(jobType="QUERY")}}
    send(server, run_event("COMPLETE", job=job("load"), inputs=[raw], outputs=[orders]))
    send(server, run_event("COMPLETE", job=query, inputs=[orders], outputs=[marts]))
    send(server, run_event("COMPLETE", job=job("export"), inputs=[other, marts], outputs=[dataset("shop.public.out")]))
    return server


def page_of(name: str, path: str = "dataset") -> str:
    identity = {"namespace": "postgres://db:5432", "name": name}
    return f"/mock/{path}?{urlencode({**identity, 'type': 'dataset', 'depth': 1} if path == 'lineage' else identity)}"


@pytest.mark.parametrize(
    "path",
    [
        "/mock/lineage",
        page_of("shop.public.orders", "lineage"),
        page_of("SHOP.public.orders", "lineage"),
        page_of("shop.public.orders"),
        page_of("SHOP.public.orders"),
        "/mock/job?namespace=prod&name=export",
    ],
)
def test_a_near_miss_is_dashed_wherever_one_of_the_two_is_drawn(
    browser: Browser, missed: IntakeServer, path: str
) -> None:
    with opened(browser, missed.url + path) as seen:
        page = seen.page
        assert page.locator("path.near-miss").count() == 1
        assert page.locator("text.miss").inner_html().startswith("DS101")
        assert page.locator(".node .name", has_text="shop.public.orders").count() == 2
        assert page.evaluate(HIDDEN) == 0
        assert seen.complaints == []
        seen.screenshot(f"lineage-near-miss-{path.partition('/mock/')[2][:50]}")


def test_the_page_of_a_dataset_leads_to_the_one_that_it_just_misses(missed: IntakeServer) -> None:
    for name, other in (("shop.public.orders", "SHOP.public.orders"), ("SHOP.public.orders", "shop.public.orders")):
        links = look(missed, page_of(name)).all("p", class_="sub")
        assert [one.text.split()[:4] for one in links] == [["The", "other", "one:", other]]
        assert look(missed, look(missed, page_of(name)).links()[other]).status == 200


def test_the_rule_for_which_a_node_is_not_shown_can_be_read_without_pointing_at_it(missed: IntakeServer) -> None:
    assert "COMPLETE · job, DD104 in prod" in [one.text for one in look(missed, "/mock/lineage").all("text")]


def test_more_of_a_name_in_capitals_is_shown(browser: Browser, server: IntakeServer) -> None:
    send(server, run_event(inputs=[dataset("ANALYTICS.MARTS.FCT_ORDERS", "snowflake://ACME-PROD")]))
    send(server, run_event(inputs=[dataset("ANALYTICS.STAGING.CUSTOMERS_OF_TODAY", "snowflake://ACME-PROD")]))
    with opened(browser, f"{server.url}/mock/lineage") as seen:
        shares = seen.page.locator(".dataset .name").evaluate_all(
            "texts => texts.map(text => text.getBBox().width / text.parentNode.querySelector('rect').getBBox().width)"
        )
        assert 0.88 < min(shares) <= max(shares) <= 1


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_of_a_report_is_no_wider_than_the_window(
    browser: Browser, missed: IntakeServer, tmp_path: Path, width: int
) -> None:
    long = "a_name_without_any_end_" * 30
    send(missed, run_of("long", job={"namespace": long, "name": long}, inputs=[dataset(long, long)]))
    file = tmp_path / "report.html"
    report = from_journal(missed.journal, Views(missed.journal), title=long, with_lineage=True)
    file.write_text(to_html(report), encoding="utf-8")
    with opened(browser, file.as_uri(), width=width) as seen:
        page = seen.page
        assert page.locator("svg.lineage path.near-miss").count() == 1
        assert page.locator("svg.lineage .unsurfaced").count() > 1
        assert seen.overflow() <= 0
        for name in ("kind", "status", "rules"):
            lines = page.locator(f"tbody .{name}").evaluate_all(
                "cells => cells.map(cell => { const range = document.createRange(); range.selectNodeContents(cell);"
                " return new Set([...range.getClientRects()].map(box => box.top)).size; })"
            )
            assert lines
            assert max(lines) <= (1 if name != "rules" else 4), name
        scrolling = page.get_by_role("region", name="What something was found in")
        assert scrolling.evaluate("box => box.scrollWidth - box.clientWidth") <= 0 or width == PHONE
        assert seen.complaints == []
        seen.screenshot(f"report-lineage-{width}")


def test_pairs_that_differ_in_several_ways_are_dashed_too(browser: Browser, server: IntakeServer) -> None:
    send(server, run_event("COMPLETE", job=job("load"), outputs=[dataset("shop.public.orders", "postgres://db:5432")]))
    send(server, run_event("COMPLETE", job=job("read"), inputs=[dataset("SHOP.public.orders", "postgres://DB")]))
    with opened(browser, f"{server.url}/mock/lineage") as seen:
        assert seen.page.locator("path.near-miss").count() == 1
        assert seen.page.locator("text.miss").inner_html().startswith("DS1")
