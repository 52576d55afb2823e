"""Why no event may have come: what is known in this process of clients, keys and switches."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mock_intake.secrets.api_keys import mask
from mock_intake.secrets.content import redact
from mock_intake_pytest.clients import Leg, LiveClient, live_clients
from mock_intake_pytest.failures import printable
from mock_intake_pytest.host import Host, Record

_SWITCHES = ("OPENLINEAGE_DISABLED", "AIRFLOW__OPENLINEAGE__DISABLED")
_ON = ("true", "1", "yes", "on", "t", "y")
_MOST_CLIENTS = 5
QUESTIONS = (
    "Does the code under test emit any? Was its client told where to (intake_env, or intake.url and intake.api_key)? "
    "Was it closed before the test ended?"
)
_LATE_CLIENTS = (
    "Make the client when the test runs, or let all tests share one key: intake_scope = session in the ini file."
)


def hints_text(host: Host, record: Record, api_key: str) -> str:
    """What is known of why nothing came to a test, a line each; empty if nothing is."""
    lines = list(dict.fromkeys(_hints(host, record, api_key)))
    return "\n".join(["Known of why:", *(f"  - {line}" for line in lines)]) if lines else ""


def _hints(host: Host, record: Record, api_key: str) -> Iterator[str]:
    clients = live_clients()
    kept: dict[str, list[str]] = {}
    for client in clients:
        for leg in client.legs:
            owner = host.owner_of(leg.api_key) if leg.api_key and leg.api_key != api_key else None
            if owner is not None and owner.closed and owner.by_key:
                kept.setdefault(owner.nodeid, []).append(client.name)
    yield from _of_keys_of_others(record, kept)
    hints = [
        (client, hint) for client in clients for leg in client.legs for hint in _of_leg(client, leg, host, api_key)
    ]
    # One that no module keeps may be a traceback's of a test that has failed: told of where there is no better.
    named = [hint for client, hint in hints if client.name]
    yield from list(dict.fromkeys(named or [hint for _, hint in hints]))[:_MOST_CLIENTS]
    for program in dict.fromkeys(record.not_led):
        yield (
            f"{printable(program)} was started with an environment of its own, which lacks what leads here: let it "
            "inherit this process's, or give it env={**os.environ, **intake.env()}."
        )
    for name in _SWITCHES:
        if os.environ.get(name, "").strip().lower() in _ON:
            yield f"{name} is {os.environ[name]!r}: clients that are made now send nothing."


def _of_keys_of_others(record: Record, kept: dict[str, list[str]]) -> Iterator[str]:
    for nodeid in dict.fromkeys([*record.with_keys_of_others, *kept]):
        count = record.with_keys_of_others[nodeid]
        names = ", ".join(sorted({name for name in kept.get(nodeid, ()) if name}))
        client = f"a client is kept from there{f' ({names})' if names else ''}"
        if count:
            came = (
                f"1 request came meanwhile with the key of {nodeid}"
                if count == 1
                else (f"{count} requests came meanwhile with the key of {nodeid}")
            )
            yield f"{came}, which has ended: {client}. {_LATE_CLIENTS}"
        else:
            yield f"{client[0].upper()}{client[1:]} with the key of {nodeid}, which has ended. {_LATE_CLIENTS}"


def _of_leg(client: LiveClient, leg: Leg, host: Host, api_key: str) -> Iterator[str]:
    named = (
        f"The client {client.name}"
        if client.name
        else "A client that is kept in this process (by a fixture, or by what a failed test has left)"
    )
    if leg.url is None and leg.kind in ("console", "noop", "file"):
        does = {"console": "writes to its log", "noop": "is switched off", "file": "writes to a file"}[leg.kind]
        yield (
            f"{named} {does} (transport {leg.kind}): it was made before the environment led here, as at import, or is "
            f"set so in its code. {_LATE_CLIENTS}"
        )
    elif leg.pending:
        events = "1 event that is" if leg.pending == 1 else f"{leg.pending} events that are"
        yield f"{named} sends from a thread and has {events} not sent yet: close it, or wait with intake.wait_for()."
    elif leg.url is not None and not host.serves(leg.url):
        yield (
            f"{named} leads to {redact(leg.url)}: it was made before the environment led here, as at import, or is set "
            f"so in its code. {_LATE_CLIENTS}"
        )
    elif leg.url is not None and leg.api_key and leg.api_key != api_key and host.owner_of(leg.api_key) is None:
        yield f"{named} leads here with the key {mask(leg.api_key)}, which is no test's."
