"""What the real clients do about each fault is what docs/paths.md says: measured again, and compared."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.faults.matrix import ASYNC, CLIENTS, CURLS, FAULTS, HTTP, SYNC, Measured, Row, measure
from tests.faults.page import PAGE, client_version, read

STORED = read(PAGE.read_text(encoding="utf-8"))
CELLS = [(fault.name, client) for fault in FAULTS for client in CLIENTS]
# Waits are seen from the server: on a busy machine an attempt is read late, so that one wait seems longer and the
# next one shorter. What a client does about it is meant to show all the same: waits double.
_SHORTER, _LONGER = 0.5, 2.0


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Every client against every fault: about 15 seconds."""
    return measure()


def test_the_page_has_every_fault_with_every_client() -> None:
    assert list(STORED) == [(fault, client) for client in CLIENTS for fault in (fault.name for fault in FAULTS)]


def test_the_page_was_measured_with_the_client_that_is_installed() -> None:
    assert client_version(PAGE.read_text(encoding="utf-8")) == version("openlineage-python")


@pytest.mark.parametrize(("fault", "client"), CELLS, ids=[" | ".join(cell) for cell in CELLS])
def test_a_client_does_what_the_page_says(fault: str, client: str, measured: Measured) -> None:
    stored, now = STORED[fault, client], measured.rows[fault, client]
    assert _without_waits(now) == _without_waits(stored), f"{client}, {fault}: make paths, and look at what changed"
    assert len(now.waits) == len(stored.waits)
    for seconds, expected in zip(now.waits, stored.waits, strict=True):
        assert expected - _SHORTER <= seconds <= 1.5 * expected + _LONGER, (now.waits, stored.waits)


def _without_waits(row: Row) -> tuple[int, str, bool, int]:
    return row.attempts, row.caller, row.delivered, row.accepted


def test_no_client_brings_its_key_to_another_origin(measured: Measured) -> None:
    """The Python clients follow the redirect, and leave the key behind; so the event is lost."""
    assert len(measured.elsewhere) == len((HTTP, SYNC, ASYNC))
    assert measured.keys_elsewhere == 0
    assert [exchange.response.status_code for exchange in measured.elsewhere] == [401] * 3


# What the page says in words.


def test_the_asynchronous_route_tells_its_caller_nothing() -> None:
    assert {row.caller for (_, client), row in STORED.items() if client == ASYNC} == {"returns", "returns, logs ERROR"}
    assert all(row.delivered == ("logs" not in row.caller) for (_, client), row in STORED.items() if client == ASYNC)


def test_plain_curl_ends_with_0_whatever_status_it_got() -> None:
    by_status = [row for (fault, client), row in STORED.items() if client == "curl" and fault[:3].isdigit()]
    assert len(by_status) == 11
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


def test_only_an_answer_that_comes_in_time_goes_unnoticed() -> None:
    """A fault that changed nothing for any client would not be one."""
    cells = {fault.name: [STORED[fault.name, client] for client in CLIENTS] for fault in FAULTS}
    unnoticed = {fault for fault, rows in cells.items() if all(_is_ordinary(row) for row in rows)}
    assert unnoticed == {"drip once", "answer late, in time"}


def _is_ordinary(row: Row) -> bool:
    return _without_waits(row) in ((1, "returns", True, 1), (1, "exit 0", True, 1))
