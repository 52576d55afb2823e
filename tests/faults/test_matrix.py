"""What the real clients do in each situation is what docs/paths.md says: measured again, and compared."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path

import psutil
import pytest

from mock_intake_conformance.atlas.clients.facts import Row, read_facts, steadied
from mock_intake_conformance.atlas.clients.measuring import PROGRAM, Measured, measure
from mock_intake_conformance.atlas.clients.page import is_lost_in_silence, paths_page
from mock_intake_conformance.atlas.clients.situations import (
    ASYNC,
    CIRCUMSTANCES,
    CLIENTS,
    CURLS,
    FAULTS,
    HTTP,
    SITUATIONS,
    SYNC,
)
from mock_intake_conformance.cases import CASES
from tests.conftest import REPOSITORY

FACTS = read_facts()
STORED = FACTS.rows
CELLS = [(each.name, client) for each in SITUATIONS for client in each.clients if client not in CURLS or each.of_curl]
PYTHON = (HTTP, SYNC, ASYNC)
# All of it is measured before the first test.
pytestmark = pytest.mark.timeout(400)
# Waits are seen from the server: on a busy machine an attempt is read late, so that one wait seems longer and the
# next one shorter. What a client does about it is meant to show all the same: waits double, and no attempt comes sooner
# after the first than it did.
_SHORTER, _LONGER = 0.5, 2.0


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Every client in every situation: about 25 seconds, most of them of waiting."""
    return measure(SITUATIONS)


def test_the_page_is_made_of_every_situation_with_every_client() -> None:
    assert list(STORED) == CELLS
    assert list(FACTS.versions)[1:] == ["1.46.0", "1.37.0"]
    for rows in FACTS.versions.values():
        assert {cell for cell in rows if cell[1] in PYTHON} == {cell for cell in CELLS if cell[1] in PYTHON}
    assert (REPOSITORY / "docs" / "paths.md").read_text(encoding="utf-8") == paths_page()


def test_it_was_measured_with_the_client_that_is_installed() -> None:
    assert FACTS.newest == version("openlineage-python")


@pytest.mark.parametrize(("situation", "client"), CELLS, ids=[" | ".join(cell) for cell in CELLS])
def test_a_client_does_what_the_page_says(situation: str, client: str, measured: Measured) -> None:
    stored, now = STORED[situation, client], measured.rows[situation, client]
    assert essence(now) == essence(stored), f"{client}, {situation}: make paths, and see what changed"
    assert len(now.waits) == len(stored.waits)
    if situation not in {fault.name for fault in FAULTS}:
        # There the waits are between two events, not between attempts of one.
        return
    for seconds, expected in zip(now.waits, stored.waits, strict=True):
        assert seconds <= 1.5 * expected + _LONGER, (now.waits, stored.waits)
    for seconds, expected in zip(accumulate(now.waits), accumulate(stored.waits), strict=True):
        assert seconds >= expected - _SHORTER, (now.waits, stored.waits)


def essence(row: Row) -> Row:
    """What is the same each time: on a busy machine a connection that was kept may be warned of, and made anew."""
    return replace(row.without_waits(), caller=row.caller.replace(", logs WARNING", ""))


def test_no_client_brings_its_key_to_another_origin(measured: Measured) -> None:
    """The Python clients follow the redirect, and leave the key behind; so the event is lost."""
    redirected = [exchange for exchange in measured.elsewhere if not exchange.accepted]
    assert len(redirected) == len(PYTHON)
    assert [exchange.response.status_code for exchange in redirected] == [401] * 3
    # What openlineage.yml leads there, before the arguments, brings the key that the file has.
    assert measured.keys_elsewhere == len(measured.elsewhere) - len(PYTHON) == 1


def test_nothing_of_it_runs_on(measured: Measured) -> None:
    """What a client forks may wait for ever, and goes with it."""
    assert measured.rows["the process forks after the first event", ASYNC].caller.startswith("still waiting")
    assert left_running() == []


def test_what_runs_on_would_be_found(tmp_path: Path) -> None:
    here, gone = tmp_path, tmp_path / "gone"
    waits = [sys.executable, "-c", "import time; time.sleep(60)", str(PROGRAM)]
    started = [subprocess.Popen(waits, env={"HOME": str(home)}) for home in (here, gone)]
    try:
        found: list[int] = []
        until = time.monotonic() + 20
        while started[1].pid not in found and time.monotonic() < until:
            found = left_running()
        assert started[1].pid in found
        assert started[0].pid not in found
    finally:
        for process in started:
            process.kill()
            process.wait(10)


def left_running() -> list[int]:
    """Clients whose home is gone, as a measurement takes it away at its end: another worker may measure meanwhile."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "environ"])
        if str(PROGRAM) in (process.info["cmdline"] or ())
        and not Path((process.info["environ"] or {}).get("HOME", ".")).is_dir()
    ]


def test_measurements_that_differ_are_none() -> None:
    cell, row = next(iter(STORED.items()))
    assert steadied([{cell: row}, {cell: row}]) == {cell: row}
    with pytest.raises(ValueError, match="not the same every time"):
        steadied([{cell: row}, {cell: STORED["drip once", HTTP]}])


# What the page says in words.


def test_the_asynchronous_route_tells_its_caller_nothing() -> None:
    rows = [STORED[each.name, ASYNC] for each in FAULTS if not each.refused]
    assert {row.caller for row in rows} == {"returns", "returns, logs ERROR"}
    assert all(bool(row.delivered) == ("logs" not in row.caller) for row in rows if row.accepted < 2)


def test_plain_curl_ends_with_0_whatever_status_it_got() -> None:
    by_status = [row for (fault, client), row in STORED.items() if client == "curl" and fault[:3].isdigit()]
    assert len(by_status) == 20
    assert {(row.attempts, row.caller) for row in by_status} == {(1, "exit 0")}


def test_the_synchronous_engine_gives_up_on_an_answer_that_was_cut_short() -> None:
    for client in (HTTP, SYNC):
        row = STORED["truncate once", client]
        assert (row.attempts, row.accepted) == (1, 1)
        assert row.caller.startswith("raises")


def test_a_lost_answer_makes_whoever_sends_again_deliver_twice() -> None:
    rows = {client: STORED["lost once", client] for client in CLIENTS}
    assert {client for client, row in rows.items() if row.accepted == 2} == {HTTP, SYNC, ASYNC, [*CURLS][-1]}
    assert all(row.accepted == row.attempts for row in rows.values())


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_makes_a_get_of_the_post(status: int) -> None:
    for client in PYTHON:
        row = STORED[f"{status} to this origin, once", client]
        assert (row.delivered, row.notes) == (0, ("sent again as GET",))


def test_an_hour_is_waited_for_where_the_engine_is_synchronous() -> None:
    for status in (429, 503):
        rows = {client: STORED[f"{status} with Retry-After: 3600, once", client] for client in PYTHON}
        assert {client for client, row in rows.items() if row.caller.startswith("still waiting")} == {HTTP, SYNC}


def test_refused_connections_hold_up_the_asynchronous_route() -> None:
    rows = {client: STORED["connections refused", client] for client in PYTHON}
    assert {client for client, row in rows.items() if row.caller.startswith("still waiting")} == {ASYNC}


def test_304_is_a_success_to_the_synchronous_engine() -> None:
    for client in (HTTP, SYNC):
        row = STORED["304 once", client]
        assert (row.delivered, row.caller, row.reports_an_error) == (0, "returns", False)


def test_only_an_answer_that_comes_in_time_goes_unnoticed() -> None:
    """A fault that changed nothing for any client would not be one."""
    cells = {fault.name: [STORED[fault.name, client] for client in CLIENTS] for fault in FAULTS}
    usual = {(1, "returns", 1, 1), (1, "exit 0", 1, 1)}
    unnoticed = {
        fault
        for fault, rows in cells.items()
        if all((row.attempts, row.caller, row.delivered, row.accepted) in usual for row in rows)
    }
    assert unnoticed == {"drip once", "answer late, in time"}


def test_what_is_lost_in_silence_is_found_by_a_case() -> None:
    """Each of those situations is named with a case that there is, on the page."""
    page = paths_page(FACTS).partition("## Lost, and called a success")[2].partition("\n## ")[0]
    silent = [each for each in SITUATIONS if any(is_silent(each.name, client) for client in PYTHON)]
    assert [line.split(" | ")[0].strip("| ") for line in page.splitlines() if line.startswith("| ")][2:] == [
        each.name for each in silent
    ]
    assert {each.name for each in silent if each.found_by not in {case.id for case in CASES}} == set()


def is_silent(situation: str, client: str) -> bool:
    row = STORED.get((situation, client))
    return row is not None and is_lost_in_silence(row)


def test_versions_that_differ_are_told_side_by_side() -> None:
    assert "1.46.0 and 1.37.0 were measured in all of these situations too. They do the" in paths_page(FACTS)
    cell = ("drip once", HTTP)
    other = replace(STORED[cell], delivered=0, accepted=0)
    versions = {**FACTS.versions, "1.37.0": {**FACTS.versions["1.37.0"], cell: other}}
    page = paths_page(replace(FACTS, versions=versions))
    same, lost = "yes; 1 attempt; returns", "**no, silently**; 1 attempt; returns"
    assert f"| drip once | {HTTP} | {same} | {same} | {lost} |" in page


def test_each_circumstance_is_said_what_it_is() -> None:
    assert all(each.explained.endswith(".") for each in CIRCUMSTANCES)
