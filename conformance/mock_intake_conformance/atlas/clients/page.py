"""docs/paths.md: what the documented clients do, made of what was measured, so that it says that and nothing else."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from mock_intake_conformance.atlas.clients.facts import Facts, Row, Rows, read_facts
from mock_intake_conformance.atlas.clients.situations import (
    CIRCUMSTANCES,
    CLIENTS,
    DEFAULT_TIMEOUT,
    ELSEWHERE,
    FAULTS,
    HERE,
    PYTHON_CLIENTS,
    SITUATIONS,
    Situation,
)
from mock_intake_conformance.page import MARKS, with_matrix

_ORIGIN = """
    This page is measured, not written: `make paths` runs every client in every situation, over real sockets, and keeps
    what happened; this page is made of that. A test measures again, and fails where a client no longer does what
    stands here. What whole producers do is in [the atlas](producers.md).
"""
# Each sentence has a test of its own, over what was measured.
_EXPLANATION = """
    The asynchronous route tells its caller nothing: `emit()` returns and `close()` gives `True` whatever happened,
    and a line in the log is all that is left of an event that was given up. Plain curl ends with 0 whatever status
    it got. The synchronous engine does not send again after an answer that was cut short, and raises although the
    event was taken; a lost answer makes every client that does send again deliver twice. The Python clients follow
    a redirect to another origin without their API key, so the event is refused there. A redirect of 301, 302 or 303
    makes a GET of the POST, also at this origin: the event is lost. A Retry-After of an hour holds up the job for an
    hour where the engine is synchronous, and refused connections hold up `close()` for a minute on the asynchronous
    route. 304 is a success to the synchronous engine, and the event is not there.
"""
_CASE = "resilience/not-lost-in-silence"
_SILENTLY = f"""
    *Silently*: not delivered, and the caller is told neither by an exception nor by an exit code. Whether a producer
    does so is asked by `mock-intake certify`:
    [{_CASE}](reference/conformance.md#{_CASE.replace("/", "")}).
"""
_DANGEROUS = """
    Where a Python client has lost an event and its caller hears nothing of it, and the case of `mock-intake certify`
    that finds a producer which does so. A line in its log is enough for that case. The one that asks for 304 and 301,
    which no intake has a reason to answer, is of level MAY.
"""
_CONDITIONS = f"""
    Each is a fault plan of an org of its own ([how to set one](how-to/misbehave.md)); when it has ended, requests are
    answered as usual. The Python clients have their default retries, and their default time-out of
    {DEFAULT_TIMEOUT:g} s but where the table has a shorter one, which keeps the measurement short. curl sends the
    documented request; by default it waits for ever, so it is given the same time-out with `--max-time`. `{HERE}`
    stands for the intake, `{ELSEWHERE}` for a second intake on another port. The head that is cut short is that of the
    intake's own answer, after 40 bytes.
"""
_COLUMNS = """
    *Attempts* counts requests, those to the other origin included. *Waits* is the time from each attempt's arrival to
    the next one's, so the time-out is in it where the client waited in vain for an answer. *Accepted* counts how often
    the intake took the event: more than once means that it was sent again after it had arrived.
"""
_TITLES = ("Situation", "Attempts", "Waits, s", "Reaches the caller", "Delivered", "Accepted", "Besides")


def paths_page(facts: Facts | None = None) -> str:
    """The whole page."""
    facts = facts or read_facts()
    blocks = [
        "# What clients do when the intake misbehaves",
        _prose(_ORIGIN),
        _prose(f"Measured on {facts.measured} with {_tools(facts)}. Waits are the median of the measurements."),
        _prose(_EXPLANATION),
        "## Is the event delivered?",
        _overview(facts.rows, FAULTS, CLIENTS),
        _prose(_SILENTLY),
        "## How it is set up, and how it ends",
        _circumstances(facts.rows),
        "## Lost, and called a success",
        _prose(_DANGEROUS),
        _dangerous(facts.rows),
        "## Other versions",
        _other_versions(facts),
        with_matrix("".join(MARKS)),
        "## The faults",
        _prose(_CONDITIONS),
        _plans(),
        "## Client by client",
        _prose(_COLUMNS),
    ]
    for client in CLIENTS:
        cells = [(name, row) for (name, other), row in facts.rows.items() if other == client]
        blocks += [f"### {client}", _table(_TITLES, [_cells(name, row) for name, row in cells])]
    return "\n\n".join(blocks) + "\n"


def _tools(facts: Facts) -> str:
    tools = [f"{name} {version}" for name, version in facts.tools.items()]
    return ", ".join([f"openlineage-python {facts.newest}", *tools[:-1]]) + f" and {tools[-1]}"


def _overview(rows: Rows, situations: Sequence[Situation], clients: Sequence[str]) -> str:
    cells = ([each.name, *(_in_words(rows.get((each.name, client))) for client in clients)] for each in situations)
    return _table(("Situation", *clients), cells)


def _circumstances(rows: Rows) -> str:
    def cells() -> Iterator[list[str]]:
        for each in CIRCUMSTANCES:
            own = [_with_notes(rows.get((each.name, client))) for client in PYTHON_CLIENTS]
            yield [each.name, each.explained, *own]

    return _table(("Situation", "What it is", *PYTHON_CLIENTS), cells())


def _dangerous(rows: Rows) -> str:
    def cells() -> Iterator[list[str]]:
        for each in SITUATIONS:
            own = {client: rows[each.name, client] for client in PYTHON_CLIENTS if (each.name, client) in rows}
            silent = [client for client, row in own.items() if is_lost_in_silence(row)]
            if silent:
                says = sorted({"a line in the log" if "logs" in own[client].caller else "nothing" for client in silent})
                found_by = f"[{each.found_by}]({_anchor(each.found_by)})"
                yield [each.name, "; ".join(silent), ", or ".join(says), found_by]

    return _table(("Situation", "Client", "What is left of it", "Found by"), cells())


def is_lost_in_silence(row: Row) -> bool:
    """Whether an event is not there, and the caller is told of no error."""
    return row.delivered < row.events and not row.reports_an_error


def _anchor(case: str) -> str:
    return f"reference/conformance.md#{case.replace('/', '')}"


def _other_versions(facts: Facts) -> str:
    older = list(facts.versions)[1:]
    named = " and ".join(older)
    different = [
        [*cell, *map(_in_full, (row, *others))]
        for cell, row in facts.rows.items()
        if (others := [rows[cell] for name, rows in facts.versions.items() if name in older and cell in rows])
        and any(differs(row, other) for other in others)
    ]
    measured = f"openlineage-python {named} were measured in all of these situations too."
    if not different:
        return _prose(f"{measured} They do the same as {facts.newest}.")
    said = _prose(f"{measured} They do otherwise than {facts.newest} in these, and in no others.")
    return f"{said}\n\n{_table(('Situation', 'Client', *facts.versions), different)}"


def differs(row: Row, other: Row) -> bool:
    """Whether two versions do something else: not where an exception has got another name, or a line another level."""
    return (_in_words(row), row.attempts, row.accepted, row.notes) != (
        _in_words(other), other.attempts, other.accepted, other.notes,
    )  # fmt: skip


def _in_words(row: Row | None) -> str:
    if row is None:
        return ""
    waiting = ", " + row.caller if row.caller.startswith("still") else ""
    if row.delivered < row.events:
        how = "no" if not row.delivered else f"{row.delivered} of {row.events}"
        if waiting:
            return how + waiting
        return f"{how}, told" if row.reports_an_error else f"**{how}, silently**"
    times = "yes" if row.accepted == row.events else f"yes, {row.accepted} times"
    if waiting:
        return times + waiting
    return f"{times}, yet told of an error" if row.reports_an_error else times


def _with_notes(row: Row | None) -> str:
    return "" if row is None else "; ".join((_in_words(row), *row.notes))


def _in_full(row: Row | None) -> str:
    if row is None:
        return ""
    attempts = f"{row.attempts} attempt{'' if row.attempts == 1 else 's'}"
    return "; ".join((_in_words(row), attempts, row.caller, *row.notes))


def _plans() -> str:
    cells = ([each.name, f"`{json.dumps(each.plan)}`", f"{each.timeout:g} s"] for each in FAULTS if each.sequence)
    return _table(("Fault", "Plan", "Time-out"), cells)


def _cells(name: str, row: Row) -> list[str]:
    waits = ", ".join(f"{wait:g}" for wait in row.waits) or "-"
    delivered = "no" if not row.delivered else "yes" if row.delivered == row.events else f"{row.delivered} of 2"
    return [name, str(row.attempts), waits, row.caller, delivered, str(row.accepted), "; ".join(row.notes)]


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows))


def _prose(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)
