"""The page with the measured table: written from rows, and read back into them."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mock_intake_conformance.page import MARKS, with_matrix
from tests.faults.matrix import CLIENTS, DEFAULT_TIMEOUT, ELSEWHERE, FAULTS, HERE, Measured, Row

PAGE = Path(__file__).parent.parent.parent / "docs" / "paths.md"
_PACKAGES = ("openlineage-python", "requests", "urllib3", "httpx2")

_ORIGIN = """
    This page is measured, not written: `make paths` runs every client against every fault, over real sockets, and
    writes what happened. A test does the same, and fails where a client no longer does what stands here.
"""
# Each sentence has a test of its own, over the rows of the page.
_EXPLANATION = """
    The asynchronous route tells its caller nothing: `emit()` returns and `close()` gives `True` whatever happened,
    and a line in the log is all that is left of an event that was given up. Plain curl ends with 0 whatever status
    it got. The synchronous engine does not send again after an answer that was cut short, and raises although the
    event was taken; a lost answer makes every client that does send again deliver twice. The Python clients follow
    a redirect to another origin without their API key, so the event is refused there.
"""
_SILENTLY = "*Silently*: not delivered, and the caller is told neither by an exception nor by an exit code."
_CONDITIONS = f"""
    Each is a fault plan of an org of its own ([how to set one](how-to/misbehave.md)); when it has ended, requests are
    answered as usual. The Python clients have their default retries, and their default time-out of
    {DEFAULT_TIMEOUT:g} s but where the table has a shorter one, which keeps the measurement short. curl sends the
    documented request; by default it waits for ever, so it is given the same time-out with `--max-time`. `{HERE}`
    stands for the intake, `{ELSEWHERE}` for a second intake on another port.
"""
_COLUMNS = """
    *Attempts* counts requests, those to the other origin included. *Waits* is the time from each attempt's arrival to
    the next one's, so the time-out is in it where the client waited in vain for an answer. *Accepted* counts how often
    the intake took the event: more than once means that it was sent again after it had arrived.
"""
_TITLES = ("Fault", "Attempts", "Waits, s", "Reaches the caller", "Delivered", "Accepted")
_BY_CLIENT = "## Client by client"


def write(measured: Measured) -> str:
    """The whole page."""
    blocks = [
        "# What clients do when the intake misbehaves",
        _prose(_ORIGIN),
        _prose(
            f"Measured on {datetime.now(UTC).date()} with {_versions()}. Waits are the median of three measurements."
        ),
        _prose(_EXPLANATION),
        "## Is the event delivered?",
        _overview(measured.rows),
        _SILENTLY,
        with_matrix("".join(MARKS)),
        "## The faults",
        _prose(_CONDITIONS),
        _plans(),
        _BY_CLIENT,
        _prose(_COLUMNS),
    ]
    for client in CLIENTS:
        rows = [_cells(fault.name, measured.rows[fault.name, client]) for fault in FAULTS]
        blocks += [f"### {client}", _table(_TITLES, rows)]
    return "\n\n".join(blocks) + "\n"


def read(page: str) -> dict[tuple[str, str], Row]:
    """The rows of a page, by fault and client."""
    rows: dict[tuple[str, str], Row] = {}
    client = ""
    for line in page.partition(_BY_CLIENT)[2].splitlines():
        if line.startswith("### "):
            client = line.removeprefix("### ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] in (_TITLES[0], "---"):
            continue
        name, attempts, waits, caller, delivered, accepted = cells
        times = tuple(float(wait) for wait in waits.split(", ") if wait != "-")
        assert (name, client) not in rows, f"the page has two rows for {name} with {client}"
        rows[name, client] = Row(int(attempts), times, caller, delivered == "yes", int(accepted))
    return rows


def client_version(page: str) -> str:
    """The version of the OpenLineage client that a page says it was measured with."""
    found = re.search(r"openlineage-python\s([^\s,]+)", page)
    assert found, "the page does not say what it was measured with"
    return found[1]


def _versions() -> str:
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return ", ".join([*packages, f"Python {platform.python_version()}"]) + f" and curl {curl}"


def _overview(rows: dict[tuple[str, str], Row]) -> str:
    return _table(
        ("Fault", *CLIENTS),
        [[fault.name, *(_in_a_word(rows[fault.name, client]) for client in CLIENTS)] for fault in FAULTS],
    )


def _in_a_word(row: Row) -> str:
    told = row.caller.startswith("raises") or (row.caller.startswith("exit") and row.caller != "exit 0")
    if not row.delivered:
        return "no, told" if told else "**no, silently**"
    times = "yes" if row.accepted == 1 else f"yes, {row.accepted} times"
    return f"{times}, yet told of an error" if told else times


def _plans() -> str:
    return _table(
        ("Fault", "Plan", "Time-out"),
        [[fault.name, f"`{json.dumps(fault.plan)}`", f"{fault.timeout:g} s"] for fault in FAULTS],
    )


def _cells(fault: str, row: Row) -> list[str]:
    waits = ", ".join(f"{wait:g}" for wait in row.waits) or "-"
    return [fault, str(row.attempts), waits, row.caller, "yes" if row.delivered else "no", str(row.accepted)]


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows))


def _prose(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)
