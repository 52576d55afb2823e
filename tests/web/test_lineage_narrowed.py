"""The lineage of many jobs: a namespace is one node, filters narrow it, and what is drawn can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from mock_intake import IntakeServer
from tests.browser import DESK, PHONE, opened
from tests.control.content import send
from tests.events import dataset, job_type, run_event
from tests.web.looking import look

# The smallest text of the drawing, as large as it is on the screen, in pixels.
SMALLEST = """
Math.min(...[...document.querySelectorAll(".lineage .node text")].map(
    text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))
"""
# How far the middle of the focus is from the middle of the window on the graph, as shares of that.
OFF_CENTRE = """
(() => {
    const graph = document.querySelector(".graph").getBoundingClientRect();
    const node = document.querySelector(".focus").getBoundingClientRect();
    return Math.abs(node.left + node.width / 2 - graph.left - graph.width / 2) / graph.width;
})()
"""


def job(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": {"jobType": job_type()}}


@pytest.fixture(scope="module")
def many() -> Iterator[IntakeServer]:
    """Jobs of three namespaces, each with a source and a table of its own; and one that just misses another."""
    with IntakeServer() as server:
        for number in range(24):
            namespace = ("sales", "finance", "ops")[number % 3]
            out = dataset(f"SHOP.{namespace}.T{number}", "snowflake://ACME-PROD")
            event = run_event("COMPLETE", job=job(namespace, f"load_{number}"), inputs=[dataset(f"shop.raw.t{number}")])
            send(server, {**event, "outputs": [out]})
        near = run_event("COMPLETE", job=job("ops", "audit"), inputs=[dataset("SHOP.raw.t0")])
        send(server, near)
        yield server


def names(server: IntakeServer, query: str = "") -> list[str]:
    return [one.text for one in look(server, f"/mock/lineage{query}").all("text", class_="name")]


def test_of_many_nodes_those_of_a_namespace_are_one(many: IntakeServer) -> None:
    shown = names(many)
    assert sorted(shown) == sorted(
        ["8 jobs", "8 jobs", "9 jobs", "23 datasets", "24 datasets", "shop.raw.t0", "SHOP.raw.t0"]
    ), "the two that just miss joining are drawn one by one"
    page = look(many, "/mock/lineage")
    assert "74 jobs and datasets: those of a namespace are drawn as one" in page.text
    [sales] = [one for one in page.all("a") if "jobs in sales" in one.text]
    assert (sales.attributes["href"] or "").endswith("&within=sales")
    assert len(names(many, "?each=1")) == 74


def test_a_namespace_and_a_job_narrow_it(many: IntakeServer) -> None:
    sales = names(many, "?within=sales")
    assert {name for name in sales if name.startswith("load_")} == {f"load_{number}" for number in range(0, 24, 3)}
    assert len(sales) == 24, "with what they read and write"
    assert set(names(many, "?job=LOAD_17")) == {"load_17", "shop.raw.t17", "SHOP.ops.T17"}
    assert set(names(many, "?within=ops&job=load_2")) == {
        name for n in (2, 20, 23) for name in (f"load_{n}", f"shop.raw.t{n}", f"SHOP.ops.T{n}")
    }
    assert "No job and no dataset fits." in look(many, "/mock/lineage?job=nobody").text
    form = look(many, "/mock/lineage?within=sales")
    assert next(one.text for one in form.all("option") if "selected" in one.attributes) == "sales (8)"


@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_the_graph_is_readable_at_first_sight_and_has_an_overview_where_it_is_larger(
    browser: Browser, many: IntakeServer, scheme: Any, width: int
) -> None:
    with opened(browser, f"{many.url}/mock/lineage?each=1", scheme=scheme, width=width) as seen:
        page = seen.page
        assert page.evaluate(SMALLEST) > 9
        overview = page.locator(".overview")
        assert overview.is_visible()
        assert overview.locator(".node").count() == 74
        before = page.locator(".graph").evaluate("graph => graph.scrollTop")
        box = overview.bounding_box()
        assert box is not None
        overview.click(position={"x": box["width"] / 2, "y": box["height"] - 4})
        assert page.locator(".graph").evaluate("graph => graph.scrollTop") > before
        page.get_by_role("button", name="Fit").click()
        assert overview.is_hidden() == (page.locator(".graph").evaluate("g => g.scrollHeight <= g.clientHeight + 2"))
        assert (seen.overflow(), seen.complaints) == (0, [])
        seen.screenshot(f"lineage-each-{width}")


def test_what_fits_needs_no_overview_and_the_focus_is_in_the_middle(browser: Browser, many: IntakeServer) -> None:
    path = "/mock/lineage?type=job&namespace=ops&name=load_11"
    with opened(browser, many.url + path) as seen:
        assert seen.page.locator(".overview").is_hidden()
        assert seen.page.evaluate(SMALLEST) == pytest.approx(11)
    with opened(browser, many.url + path, width=PHONE) as seen:
        assert seen.page.locator(".overview").is_visible()
        assert seen.page.evaluate(OFF_CENTRE) < 0.05
        assert seen.page.evaluate(SMALLEST) > 9
        seen.screenshot("lineage-focus-phone")
