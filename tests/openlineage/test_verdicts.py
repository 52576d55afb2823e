"""The record of official verdicts: it stands for the documents, and is nothing that may be false or out of date."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.openlineage.schema import core_id
from tests.openlineage import verdicts
from tests.openlineage.official import documents_at_hand
from tests.openlineage.verdicts import Series, packed, record, unpacked, verdicts_on

TARGET = core_id("2-0-2") + "#/$defs/Run"
ASKED = [(TARGET, {"runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"}), (TARGET, {"runId": 7}), (TARGET, {})]
RIGHT = [True, False, False]


@pytest.fixture
def without_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "documents_at_hand", lambda: None)


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> dict[str, Series]:
    """A record with one series."""
    kept = {"tried": Series.of(ASKED, RIGHT)}
    monkeypatch.setattr(verdicts, "record", lambda: kept)
    return kept


@given(st.lists(st.booleans()))
def test_what_is_packed_is_unpacked(given_: list[bool]) -> None:
    assert unpacked(packed(given_)) == given_


@pytest.mark.usefixtures("without_documents")
def test_without_documents_the_record_judges() -> None:
    assert verdicts_on("tried", ASKED) == RIGHT


@pytest.mark.usefixtures("without_documents")
@pytest.mark.parametrize("asked", [ASKED[:2], [*ASKED[:2], (TARGET, {"runId": 8})], ASKED[::-1]])
def test_the_record_is_of_these_values_and_no_others(asked: list[verdicts.Asked]) -> None:
    with pytest.raises(AssertionError, match="make verdicts, where OPENLINEAGE_SPEC_DIR names"):
        verdicts_on("tried", asked)


@pytest.mark.usefixtures("without_documents")
def test_what_is_not_on_record_is_told_as_not_compared() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"NOT COMPARED .* no verdicts on another are on record"):
        verdicts_on("another", ASKED)


@pytest.mark.skipif(documents_at_hand() is None, reason="needs the official documents: OPENLINEAGE_SPEC_DIR")
def test_with_documents_a_record_that_is_false_or_missing_is_told(tried: dict[str, Series]) -> None:
    assert verdicts_on("tried", ASKED) == RIGHT
    tried["tried"] = Series.of(ASKED, [True, True, False])
    for name in ("tried", "another"):
        with pytest.raises(AssertionError, match="is not what the official documents say: make verdicts"):
            verdicts_on(name, ASKED)


def test_the_record_has_both_verdicts_on_every_schema() -> None:
    series = [kept for name, kept in record().items() if name.startswith(("whole ", "changes of "))]
    assert len(series) > 200
    for kept in series:
        assert {True, False} == set(unpacked(kept.bits))
        assert len(unpacked(kept.bits)) == kept.length > 40
