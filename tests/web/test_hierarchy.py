"""Jobs and runs below one another on the pages, over HTTP: each leads up to what it is part of, and down."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from mock_intake import IntakeServer
from tests.control.content import id_of, send
from tests.events import dataset, run_event
from tests.views.test_hierarchy import PARENTS, event, parent_facet
from tests.web.looking import Look, look


@pytest.fixture(scope="module")
def nested() -> Iterator[IntakeServer]:
    """A nightly job that no event came of, the load that it starts, and the two that this one starts."""
    with IntakeServer() as server:
        for name, parent in PARENTS.items():
            if parent is not None:
                send(server, {**event(name, parent), "outputs": [dataset(f"shop.public.{name}")]})
        yield server


def timed(
    name: str, parent: str | None, start: str, end: str, namespace: str = "prod", job: str = "", day: str = "01"
) -> list[dict[str, Any]]:
    """START and COMPLETE of a run of a name."""
    of_run = {"runId": id_of(name), "facets": {"parent": parent_facet(parent)} if parent else {}}
    of_job = {"namespace": namespace, "name": job or name}
    return [
        run_event(event_type, eventTime=f"2026-11-{day}T02:{time}Z", run=of_run, job=of_job)
        for event_type, time in (("START", start), ("COMPLETE", end))
    ]


@pytest.fixture(scope="module")
def nights() -> Iterator[IntakeServer]:
    """Two nights of a job with 120 tasks, of which the first asks the warehouse for something."""
    with IntakeServer() as server:
        for day in ("01", "02"):
            top = f"night{day}"
            events = timed(top, None, "00:00", "10:00", day=day)
            for number in range(120):
                events += timed(f"{top}-{number}", top, "01:00", "03:00", job=f"task{number}", day=day)
            events += timed(f"{top}-query", f"{top}-0", "02:00", "02:30", "warehouse", "task1", day)
            for one in events:
                send(server, one)
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


# Lists of runs.


def names(page: Look) -> list[str]:
    return [row[0] for row in page.rows()]


def test_a_family_goes_on_over_pages_below_its_top_and_on_one_scale(nights: IntakeServer) -> None:
    first, third = look(nights, "/mock/runs"), look(nights, "/mock/runs?cursor=100")
    assert names(first)[:4] == [
        "night02 prod", "below the run above: task0 prod", "below the run above: task1 warehouse",
        "below the run above: task1 prod",
    ]  # fmt: skip
    assert len(names(first)) == 50
    assert first.links()["Older"] == "/mock/runs?cursor=50"
    assert names(third)[0] == "night02 prod (on a page before)"
    assert names(third)[1:23] == [f"below the run above: task{number} prod" for number in range(98, 120)]
    assert names(third)[23] == "night01 prod"
    scale = "Scale: 10 min 0 s from 2026-11-{} 02:00:00.000, a line each 2 min"
    assert [row[4] for row in first.rows() if row[4]] == [scale.format("02")]
    assert [row[4] for row in third.rows() if row[4]] == [scale.format("02"), scale.format("01")]
    # Tasks take two of ten minutes, on whichever page of whichever night.
    for page in (first, third):
        assert ("100", "200") in {(one.attributes["x"], one.attributes["width"]) for one in page.all("rect")}
        assert "beyond the scale" not in page.text


def test_a_filtered_list_shows_who_stands_above_and_says_that_they_do_not_fit(nights: IntakeServer) -> None:
    page = look(nights, "/mock/runs?job_namespace=warehouse")
    unfit = ["night02 prod (does not fit the filter)", "below the run above: task0 prod (does not fit the filter)"]
    assert names(page)[:3] == [*unfit, "below the run above: task1 warehouse"]
    assert [len(page.rows()), len(page.all("tr", class_="context"))] == [6, 4]
    [caption] = page.all("caption")
    assert caption.text.startswith("2 runs,")
    assert "Runs that do not fit the filter are shown where others stand below them, and not counted." in caption.text


def test_what_stands_above_and_cannot_be_shown_is_told(server: IntakeServer) -> None:
    for number in range(1, 31):
        send(server, event(f"step{number}", f"step{number - 1}"))
    send(server, event("beside", "step0"))
    rows = look(server, "/mock/runs?job_name=step30").rows()
    assert [row[0] for row in rows[:3]] == [
        f"{id_of('step0')} (a run that sent no event)",
        "below the run above: step1 prod (does not fit the filter)",
        "9 more above this one",
    ]
    assert rows[-1][0] == "below the run above: step30 prod"


def test_a_jobs_runs_are_those_of_its_namespace(nights: IntakeServer) -> None:
    for namespace, first in (("prod", id_of("night02-1")), ("warehouse", id_of("night02-query"))):
        words, [link] = fact(look(nights, f"/mock/job?namespace={namespace}&name=task1"), "Runs")
        page = look(nights, link)
        fitting = [row for row in page.rows() if "does not fit" not in row[0]]
        assert (words, [row[0] for row in fitting]) == (
            "2: 2 COMPLETE",
            [f"below the run above: task1 {namespace}"] * 2,
        )
        assert fitting[0][5] == f"…{first[-8:]}"
        [field] = page.all("input", name="job_namespace")
        assert field.attributes["value"] == namespace


def test_a_run_lists_all_below_it_nested_up_to_a_limit(nights: IntakeServer) -> None:
    page = look(nights, f"/mock/run?id={id_of('night01')}")
    rows = [(one.attributes.get("class"), " ".join(one.text.split())) for one in page.all("th", scope="row")][-101:]
    assert rows[:4] == [
        ("below-0", "night01 this run"), ("below-1", "task0"), ("below-2", "task1"), ("below-1", "task1"),
    ]  # fmt: skip
    assert "21 more below it are left out." in page.text
    below = look(nights, f"/mock/run?id={id_of('night01-0')}")
    assert [row[0] for row in below.rows()][-2:] == ["task0 this run", "task1"]
    assert "left out" not in below.text
