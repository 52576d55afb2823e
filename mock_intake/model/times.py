"""Event times: read, compared to the nanosecond, and written as RFC 3339.

The standard asks for RFC 3339, which has leap seconds and any number of digits of a second; ``datetime`` has neither
leap seconds nor more than six digits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from mock_intake.system.patterns import pattern_of

_LEAP_SECOND = pattern_of(r"(T\d\d:\d\d):60(\D|$)")
# The digits of a second beyond the six that datetime has, up to the nanosecond.
_BEYOND = pattern_of(r"[.,]\d{6}(\d{1,3})")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_TO_MICROSECONDS = len("2026-11-01T12:00:00.000000")
_LONGEST = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def moment(text: str | None) -> datetime | None:
    """The eventTime ``text`` as a datetime, naive where it has no offset; None where it cannot be read.

    What it has beyond microseconds is cut off: ``nanoseconds`` has it.
    """
    # Several rules read the times of a run one after the other. What is long is no time, and not remembered.
    return None if text is None else _moment(text) if len(text) <= _LONGEST else _read(text)


def _read(text: str) -> datetime | None:
    if text.isascii() and ":60" not in text:
        # As nearly all are: capitals, which make the difference below, say the same.
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    # RFC 3339 has leap seconds and lower case; datetime has not.
    upper = text.upper()
    read = _LEAP_SECOND.sub(r"\1:59\2", upper) if ":60" in upper else upper
    try:
        return datetime.fromisoformat(read) + timedelta(seconds=read != upper)
    except (ValueError, OverflowError):
        return None


_moment = lru_cache(maxsize=256)(_read)


def nanoseconds(text: str | None) -> int | None:
    """The eventTime ``text`` in nanoseconds since 1970, as UTC where it has no offset; None where it cannot be read."""
    return None if text is None else _nanoseconds(text) if len(text) <= _LONGEST else _nanoseconds_in(text)


def _nanoseconds_in(text: str) -> int | None:
    found = moment(text)
    if found is None:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    # A difference of datetimes is taken in UTC without a value of that having to exist (0001-01-01T00:00+14:00).
    since = found - _EPOCH
    whole = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    # Few have more than microseconds: those texts are longer than this.
    beyond = _BEYOND.search(text) if len(text) > _TO_MICROSECONDS else None
    return whole if beyond is None else whole + int(beyond[1].ljust(3, "0"))


_nanoseconds = lru_cache(maxsize=256)(_nanoseconds_in)


def rfc3339_of(text: str | None) -> str | None:
    """The eventTime ``text`` as RFC 3339: as it was sent where it is that, as UTC where it has no offset.

    None where it cannot be read.
    """
    found = moment(text)
    if found is None or text is None:
        return None
    written = _RFC3339.fullmatch(text)
    if written is not None:
        return text if written[2] else text + "Z"
    offset = found.utcoffset()
    if offset is not None and offset % _MINUTE:
        # RFC 3339 has no seconds there.
        try:
            found = found.astimezone(timezone(offset - offset % _MINUTE))
        except OverflowError:
            return None
    return found.isoformat() + ("Z" if offset is None else "")
