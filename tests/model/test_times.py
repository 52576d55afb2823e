"""Event times as RFC 3339 has them, to the nanosecond."""

from __future__ import annotations

import pytest

from mock_intake.model.times import nanoseconds, rfc3339_of


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("2026-11-01T10:00:00.000000900Z", "2026-11-01T10:00:00.000000100Z", 800),
        ("2026-11-01T10:00:00.1Z", "2026-11-01T10:00:00.0999999999Z", 1),
        ("2017-01-01T00:00:00Z", "2016-12-31T23:59:60Z", 0),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.5Z", 1_000_000_000),
        ("2026-11-01T11:00:00+01:00", "2026-11-01t10:00:00z", 0),
        ("2026-11-01T10:00:00", "2026-11-01T10:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", -14 * 3_600 * 10**9),
        ("1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z", -1),
    ],
)
def test_times_are_compared_to_the_nanosecond(one: str, other: str, difference: int) -> None:
    first, second = nanoseconds(one), nanoseconds(other)
    assert first is not None
    assert second is not None
    assert first - second == difference


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("2026-11-01T10:00:00.000000900Z", "2026-11-01T10:00:00.000000900Z"),
        ("2026-11-01t10:00:00z", "2026-11-01t10:00:00z"),
        ("2026-11-01T10:00:00.123456789", "2026-11-01T10:00:00.123456789Z"),
        ("2026-11-01 10:00:00", "2026-11-01T10:00:00Z"),
        ("20261101T100000Z", "2026-11-01T10:00:00+00:00"),
        ("2026-11-01T10:00:00+0100", "2026-11-01T10:00:00+01:00"),
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T10:00:00+01:00:30", "2026-11-01T09:59:30+01:00"),
        ("2026-11-01T25:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_shown_as_rfc_3339_or_not_at_all(sent: str | None, written: str | None) -> None:
    assert rfc3339_of(sent) == written
    if sent is not None and written is None:
        assert nanoseconds(sent) is None
