"""A request's own key in other spellings, and keys of other orgs that the server has heard of."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import EventFilter, ExchangeFilter
from mock_intake.model.exchange import Exchange
from mock_intake.secrets.other_orgs import KnownOrgs, keys_of_orgs
from tests.events import run_event
from tests.fuzz import request_bytes, send

KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
OTHER = "5e4d3c2b1a09f8e7d6c5b4a39281706f"


def kept(server: IntakeServer, body: str, key: str = KEY) -> Exchange:
    send(server, request_bytes(body.encode(), key=key))
    return server.journal.exchanges(ExchangeFilter(), 1).items[0]


def noting(text: str) -> str:
    return json.dumps({**run_event(), "note": text})


@pytest.mark.parametrize(
    "spelled",
    [
        KEY.upper(),
        b64encode(KEY.encode()).decode(),
        b64encode(f"user:{KEY}".encode()).decode(),
        b64encode(f"u:{KEY}:".encode()).decode(),
        urlsafe_b64encode(f"??{KEY}??".encode()).decode(),
        "".join(f"%{ord(character):02X}" for character in KEY),
        quote(f"key={KEY}&"),
        f"glued{KEY}together{KEY}",
        f"0{KEY}0",
    ],
)
def test_the_requests_own_key_is_masked_however_it_is_spelled(spelled: str) -> None:
    with IntakeServer() as server:
        exchange = kept(server, noting(f"a {spelled} b"))
        assert exchange.accepted
        note = json.loads(exchange.request.body)["note"]
        assert "****" in note
        # The mask has the last four characters.
        hidden = {KEY[:-4], KEY[:-4].upper(), spelled[8:24]}
        assert not [one for one in hidden if one in note]
        assert "HT007" in [finding.code for finding in exchange.findings]


@pytest.mark.parametrize("spelled", [OTHER, OTHER.upper(), f"key={OTHER}.", f"/{OTHER}/"])
def test_the_key_of_another_org_is_masked_once_that_is_known(spelled: str) -> None:
    with IntakeServer() as server:
        before = kept(server, noting(spelled))
        assert spelled.encode() in before.request.body
        assert not before.findings
        kept(server, json.dumps(run_event("COMPLETE")), OTHER)
        after = kept(server, noting(f"{spelled} again"))
        assert OTHER.encode() not in after.request.body.lower()
        assert "HT007" in [finding.code for finding in after.findings]
        assert server.journal.count_events(EventFilter()) == 3


def test_orgs_on_record_are_known_from_the_start() -> None:
    with IntakeServer() as server:
        kept(server, json.dumps(run_event()), OTHER)
        journal = server.journal
    with IntakeServer(journal=journal) as server:
        assert OTHER.encode() not in kept(server, noting(OTHER)).request.body


def test_a_word_that_is_no_known_key_stays() -> None:
    orgs = KnownOrgs(["unattributed", "anonymous", "0123456789ab"])
    assert orgs.beside("0123456789ab") is False
    assert orgs.beside("ba9876543210") is True
    assert keys_of_orgs(f"{OTHER} {OTHER}{KEY} {OTHER[:31]}".encode(), orgs) == frozenset()


def test_of_very_many_orgs_the_latest_are_known() -> None:
    orgs = KnownOrgs(f"{number:012x}" for number in range(50_001))
    assert f"{0:012x}" not in orgs
    assert f"{50_000:012x}" in orgs
