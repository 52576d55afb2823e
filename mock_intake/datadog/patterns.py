"""Names that stand for several datasets, for a part of one, or for one that is gone tomorrow."""

from __future__ import annotations

import re
from typing import NamedTuple

from mock_intake.datadog.platforms import Platform, name_parts
from mock_intake.system.patterns import pattern_of

_LONGEST_LOOKED_AT = 2_048
_QUOTED = pattern_of(r"\"[^\"]*\"|`[^`]*`|\[[^\[\]]*\]")
_GLOB = pattern_of(r"[*?]|\[[^\[\]/]+\]|\{[^{}/]*,[^{}/]*\}")
_KEY_AND_VALUE = pattern_of(r"(?:^|/)([A-Za-z_]\w{0,127}=[^/]*)")
# $20260101, $2026010112, and what BigQuery calls rows without a partition; @ and milliseconds name a snapshot.
_DECORATOR = pattern_of(r"\$(?:\d{4,10}|__(?:NULL|UNPARTITIONED)__)$|@-?\d+(?:-(?:-?\d+)?)?$")
_OF_TABLE = pattern_of(r"[*?]|%$|%\.|/[A-Za-z_]\w{0,127}=")
_OF_TOPIC = pattern_of(r"[*?|^+\\]|%$|\[[^\[\]]+\]|\$$")
_TEMPORARY = pattern_of(
    r"(?:^|/)(?:tmp|temp|_tmp|\.tmp|_temporary|__temporary|\.staging|var/folders|AppData/Local/Temp"
    r"|\.spark-staging[^/]*|\.hive-staging[^/]*|pytest-of-[^/]+)(?:/|$)",
    re.IGNORECASE,
)
_BIGQUERY = "BigQuery"
_TOPICS = ("Kafka",)


class Pattern(NamedTuple):
    """What makes a name one of several things: the text of it, in words what it is, and whether it is usual there."""

    text: str
    words: str
    usual: bool


def pattern_in(platform: Platform, name: str) -> Pattern | None:
    """The pattern or partition that ``name``, a dataset's on ``platform``, is or ends in; None if there is none."""
    name = name[:_LONGEST_LOOKED_AT]
    if platform.title in _TOPICS:
        found = _OF_TOPIC.search(name)
        return Pattern(found[0], "a pattern of topics", usual=False) if found else None
    if platform.is_path:
        return _in_path(name)
    if not platform.parts:
        return None
    bare = name.strip("`") if platform.title == _BIGQUERY else _QUOTED.sub("", name)
    if platform.title == _BIGQUERY:
        last = name_parts(bare)[-1]
        if found := _DECORATOR.search(last):
            return Pattern(found[0], "a partition of a table", usual=True)
        if "*" in last:
            return Pattern("*", "a wildcard over tables", usual=True)
    if found := _KEY_AND_VALUE.search(bare):
        return Pattern(found[1], "a partition of a table", usual=False)
    found = _OF_TABLE.search(bare)
    return Pattern(found[0], "a pattern of tables", usual=False) if found else None


def _in_path(name: str) -> Pattern | None:
    if found := _KEY_AND_VALUE.search(name):
        return Pattern(found[1], "a partition", usual=True)
    found = _GLOB.search(name)
    return Pattern(found[0], "a pattern of paths", usual=True) if found else None


def temporary_in(platform: Platform, name: str) -> str | None:
    """The part of a path (``name`` on ``platform``) by which it is a temporary one; None if there is none."""
    if not platform.is_path:
        return None
    found = _TEMPORARY.search(name[:_LONGEST_LOOKED_AT].replace("\\", "/"))
    return found[0].strip("/") if found else None
