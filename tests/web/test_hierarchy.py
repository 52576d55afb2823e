"""Jobs and runs below one another on the pages, over HTTP: each leads up to what it is part of, and down."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from tests.control.content import id_of, send
from tests.events import dataset
from tests.views.test_hierarchy import PARENTS, event
from tests.web.looking import Look, look


@pytest.fixture(scope="module")
def nested() -> Iterator[IntakeServer]:
    """A nightly job that no event came of, the load that it starts, and the two that this one starts."""
    with IntakeServer() as server:
        for name, parent in PARENTS.items():
            if parent is not None:
                send(server, {**event(name, parent), "outputs": [dataset(f"shop.public.{name}")]})
        yield server


def fact(page: Look, title: str) -> tuple[str, set[str]]:
    """A line of the box of facts: its words and where its links lead."""
    [at] = [number for number, one in enumerate(page.elements) if (one.tag, one.text) == ("dt", title)]
    within = itertools.takewhile(lambda one: one.tag in ("a", "span", "code", "wbr"), page.elements[at + 2 :])
    links = {one.attributes["href"] or "" for one in within if one.tag == "a"}
    return " ".join(page.elements[at + 1].text.split()), links


def headings(page: Look) -> list[str]:
    return [" ".join(one.text.split()) for one in page.all("h1")]


def test_a_job_leads_to_what_it_is_part_of_and_to_its_parts(nested: IntakeServer) -> None:
    page = look(nested, "/mock/job?namespace=prod&name=load_all")
    assert fact(page, "Part of") == ("nightly (sent no event)", set())
    words, links = fact(page, "Made up of")
    assert words == "load_orders, load_customers"
    assert [headings(look(nested, link)) for link in sorted(links)] == [["Job load_customers"], ["Job load_orders"]]
    words, [link] = fact(look(nested, "/mock/job?namespace=prod&name=load_orders"), "Part of")
    assert (words, headings(look(nested, link))) == ("load_all", ["Job load_all"])


def test_a_run_leads_up_to_all_that_it_is_part_of(nested: IntakeServer) -> None:
    page = look(nested, f"/mock/run?id={id_of('load_orders')}")
    words, [link] = fact(page, "Part of")
    assert (
        words
        == f"{id_of('nightly')} (a run that sent no event) \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} load_all"
    )
    assert headings(look(nested, link)) == ["START Run of load_all"]
    below = look(nested, f"/mock/run?id={id_of('load_all')}")
    assert [row[0] for row in below.rows()][-3:] == ["load_all this run", "load_orders", "load_customers"]


def test_the_lineage_names_what_jobs_are_part_of(nested: IntakeServer) -> None:
    page = look(nested, "/mock/lineage")
    titles = {" ".join(one.text.split()) for one in page.all("title")}
    assert "job prod / load_orders: part of load_all" in titles
    listed = {" ".join(one.text.split()) for one in page.all("li")}
    assert "load_orders job in prod, part of load_all" in listed
    assert "load_all job in prod, part of nightly (sent no event)" in listed


def test_the_lineage_around_a_job_leads_up_and_down(nested: IntakeServer) -> None:
    page = look(nested, "/mock/lineage?type=job&namespace=prod&name=load_orders")
    words, [link] = fact(page, "Part of")
    assert words == "load_all"
    above = look(nested, link)
    assert headings(above) == ["Lineage around the job load_all"]
    assert fact(above, "Made up of")[0] == "load_orders, load_customers"
