"""What a format of JSON Schema asks of a text, and the very value to write instead where that can be told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from mock_intake.model.times import moment
from mock_intake.openlineage import meant
from mock_intake.secrets.content import redact
from mock_intake.system.patterns import pattern_of

# What is longer is told the form: nobody would read it.
_LONGEST = 60
_UUID_LENGTH = 36
_TIME = pattern_of(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
# As many languages print a time: with a blank, an offset without a colon, or UTC as a word.
_NEARLY = pattern_of(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:[.]\d+)?)?) ?(?:[Zz]|UTC|GMT|([+-])(\d\d):?(\d\d)?)")
_NAIVE = pattern_of(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?")


def is_naive(value: Any) -> bool:
    """Whether a value is a date and time that lacks nothing but its UTC offset."""
    return isinstance(value, str) and _NAIVE.fullmatch(value) is not None


def describe_format(format_name: str, value: Any, field: str = "") -> tuple[str, str]:
    """What a format asks for, and what to do about a value of a field that does not have it."""
    if format_name == "date-time":
        return "RFC 3339 date-time with a UTC offset", _date_time_advice(value)
    if format_name == "uri":
        return _uri_advice(field, value)
    if format_name == "uuid":
        return "UUID in its 36-character form", _uuid_advice(value)
    return f"string of the format {format_name}", f"Send a valid {format_name}."


def _uri_advice(field: str, value: Any) -> tuple[str, str]:
    right = f"Write {redact(found)}." if (found := meant.address(value)) else None
    if field in ("", "producer", "_producer"):
        return (
            "URI with a scheme, such as https://github.com/acme/etl",
            right or "Use an absolute URI without spaces, for instance the address of the code that makes the event.",
        )
    if field in ("url", "repoUrl"):
        return "URI with a scheme, such as https://github.com/acme/etl", right or (
            f"Use an absolute URI without spaces, user and password: {field} begins with a scheme, as https:// is one."
        )
    if field in ("schemaURL", "_schemaURL"):
        return (
            "URI with a scheme, such as https://acme.example/schemas/NotesJobFacet.json",
            "Use the absolute address of the JSON Schema that describes it.",
        )
    return (
        "URI with a scheme, such as postgres://db:5432/shop",
        f"Use an absolute URI without spaces, user and password: {field} begins with a scheme, as file:///srv does.",
    )


_HEX = pattern_of(r"[0-9A-Fa-f]{32}")
_WITHIN = pattern_of(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _uuid_advice(value: Any) -> str:
    """What is wrong with an id that is no UUID, and the one that was meant where that can be told."""
    otherwise = "Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5()."
    if not isinstance(value, str) or len(value) > _LONGEST:
        return otherwise
    bare = value.strip().removeprefix("urn:uuid:").strip("{}").replace("-", "")
    if _HEX.fullmatch(bare):
        return f"Write {UUID(bare)}."
    if len(found := _WITHIN.findall(value)) == 1:
        return f"Write {found[0]}, without what stands around it."
    if len(value) != _UUID_LENGTH and value.count("-") == 4 and not value.strip("0123456789abcdefABCDEF-"):
        return f"It has {len(value)} characters of {_UUID_LENGTH}. {otherwise}"
    return otherwise


def _ends_in_brackets(text: str) -> bool:
    text = text.rstrip()
    return text.endswith("]") and "[" in text[:-1].rpartition("]")[2]


def _date_time_advice(value: Any) -> str:
    now = "datetime.now(timezone.utc).isoformat()"
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"Write it like 2026-01-31T12:00:00.000Z; in Python `{now}`."
    if is_naive(value):
        return (
            f"no UTC offset: add `Z` or use `{now}` (datetime.utcnow() gives none). If it is in UTC, write "
            f"{_completed_time(value)}."
        )
    if isinstance(value, str) and _ends_in_brackets(value):
        without = value.rstrip().rpartition("[")[0]
        right = f" Write {without}." if _TIME.fullmatch(without) else ""
        return (
            f"The zone in brackets is Java's, not RFC 3339: keep the offset, drop the brackets, or use `{now}`.{right}"
        )
    if written := meant.time_of(value):
        return f"Write {written}; in Python `{now}`."
    if isinstance(value, str) and (written := _rewritten_time(value)):
        return f"Write {written}; in Python `{now}`."
    return f"Write it like 2026-01-31T12:00:00.000Z; in Python `{now}`."


def _completed_time(value: str) -> str:
    """A time without an offset as one in UTC."""
    seconds = "" if value.count(":") > 1 else ":00"
    return f"{value.replace(' ', 'T').replace('t', 'T')}{seconds}Z"


def _rewritten_time(value: str) -> str | None:
    """A time that is nearly RFC 3339, in its form: a blank for the T, an offset without colon, or without minutes."""
    found = _NEARLY.fullmatch(value.strip())
    if found is None:
        return None
    date, clock, sign, hours, minutes = found.groups()
    clock += "" if clock.count(":") > 1 else ":00"
    written = f"{date}T{clock}" + (f"{sign}{hours}:{minutes or '00'}" if sign else "Z")
    return written if written != value and _TIME.fullmatch(written) and moment(written) is not None else None
