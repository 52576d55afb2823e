"""What producers tried to reach beside the intake: attempts at a real one are exchanges, with a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mock_intake.datadog.rules import REQUESTS
from mock_intake.datadog.rules.endpoint import HTTPS, REAL_SITE_REACHED, Outside, real_site_reached
from mock_intake.model.exchange import NO_ANSWER, UNATTRIBUTED, Exchange, ReceivedRequest, Response, new_exchange_id
from mock_intake.producers.guard import Attempt, is_intake, read, variables
from mock_intake.producers.interception import SITE_DIRECTORY

GUARD_FILE = "reached.jsonl"
"""Where children write what they tried to reach, in the directory of the files that lead them."""


def guarding(directory: Path, level: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that have Python children guarded, and write to a directory what they tried; none if it is off."""
    if level == "off":
        return {}
    path = environ.get("PYTHONPATH", "")
    site = str(SITE_DIRECTORY)
    first = path if path.split(":")[0] == site else site + (f":{path}" if path else "")
    return {**variables(str(directory / GUARD_FILE), level), "PYTHONPATH": first}


def attempts_in(directory: Path, skip: int = 0) -> list[Attempt]:
    """What children tried to reach so far, in order, but for the first so many."""
    file = directory / GUARD_FILE
    if not file.is_file():
        return []
    return read(file.read_text(encoding="utf-8", errors="replace").splitlines()[skip:])


def exchanges_of(attempts: Iterable[Attempt], org: str = UNATTRIBUTED) -> list[Exchange]:
    """An exchange for each that was stopped, once for each host and process: a look-up comes before a connection."""
    found: dict[tuple[str, int], Attempt] = {}
    for attempt in attempts:
        if attempt.stopped:
            found.setdefault((attempt.host, attempt.pid), attempt)
    return [_exchange(attempt, org) for attempt in found.values()]


def is_stopped(exchange: Exchange) -> bool:
    """Whether an exchange stands for a connection that was stopped: nobody was asked, and nobody answered."""
    return any(finding.code == real_site_reached.code for finding in exchange.findings)


def let_through(attempts: Iterable[Attempt]) -> list[str]:
    """The other hosts of Datadog's that were not stopped, a line each: worth a word, and no fault."""
    counted = Counter(attempt.host for attempt in attempts if not attempt.stopped)
    return [f"{host} ({'once' if count == 1 else f'{count} times'})" for host, count in sorted(counted.items())]


def through_text(attempts: Sequence[Attempt]) -> str:
    """A sentence on what was let through; empty if nothing was."""
    hosts = let_through(attempts)
    if not hosts:
        return ""
    return (
        f"Other hosts of Datadog's that were looked up or reached: {', '.join(hosts)}. "
        'guard = "datadog" in [tool.mock-intake] stops that.'
    )


def _exchange(attempt: Attempt, org: str) -> Exchange:
    port = attempt.port or HTTPS
    request = ReceivedRequest(
        id=new_exchange_id(),
        method="CONNECT",
        path=f"{attempt.host}:{port}",
        query="",
        headers=(),
        body=b"",
        received_at=datetime.fromtimestamp(attempt.at, UTC),
        peer=None,
    )
    finding = REQUESTS.reason(REAL_SITE_REACHED, Outside(attempt.host, port, is_intake(attempt.host)))
    return Exchange(request, org, Response(NO_ANSWER, (), b""), False, None, (finding,), None)
