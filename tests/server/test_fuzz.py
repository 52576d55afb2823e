"""Whatever is sent, the intake answers 2xx or 4xx, puts it on record exactly once, and lives on.

``tests/fuzz.py`` says what counts as a request, and makes the attacks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, note, settings

from mock_intake import IntakeServer, Settings
from mock_intake.model.findings import Status
from tests.fuzz import FAMILIES, FLAWED, Attack, carry_out, recorded, request_bytes, send

# With six families more than the 500 requests that are asked for.
EXAMPLES = max(200, settings().max_examples)


@pytest.fixture(scope="module")
def target() -> Iterator[IntakeServer]:
    """One intake for all attacks, with limits that they can reach."""
    with IntakeServer(Settings(max_body=100_000, max_decoded=1_000_000)) as server:
        yield server


@pytest.mark.parametrize("family", FAMILIES)
def test_every_malformed_request_is_answered_and_recorded_once(
    target: IntakeServer, family: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    requests = 0
    began = target.journal.position

    # Not shrunk: an attack that goes unrecorded costs a second each time, and is short enough to read.
    @settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.generate))
    @given(FAMILIES[family])
    def withstands(attack: Attack) -> None:
        nonlocal requests
        note(f"{attack!r:.2000}")
        before = target.journal.position
        answers = carry_out(target, attack)
        exchanges = recorded(target.journal, before, attack.requests)
        statuses = [exchange.response.status_code for exchange in exchanges]
        requests += attack.requests
        assert len(exchanges) == attack.requests, f"{statuses} on record, {[answer.status for answer in answers]} sent"
        assert all(200 <= status < 300 or 400 <= status < 500 for status in statuses), statuses
        # What went out is what is on record, in the same order; all of it where the client waited.
        assert [answer.status for answer in answers] == statuses[: len(answers)]
        assert attack.end != "wait" or len(answers) == attack.requests
        for exchange in exchanges:
            assert exchange.findings
            assert exchange.accepted == (exchange.response.status_code < 300)
        assert send(target, request_bytes(target="/healthz", method="GET"))[0].status == 200

    withstands()
    assert requests >= EXAMPLES - 20  # empty connections and blank lines are no requests
    # Nothing comes in late, and the next event is judged as ever.
    assert send(target, request_bytes(FLAWED))[0].json()["status"] == Status.ERROR
    assert target.journal.position - began == requests + 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Traceback" not in capfd.readouterr().err


def test_the_families_together_make_more_than_five_hundred_requests() -> None:
    assert (EXAMPLES - 20) * len(FAMILIES) >= 500
