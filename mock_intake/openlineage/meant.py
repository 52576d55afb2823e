"""The value that was meant where a schema refuses the one that is there, as far as that can be told from it.

Pure functions of values; what is not clear is None: a wrong value to write would be worse than none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from mock_intake.system.patterns import pattern_of

_LONGEST = 60
_WHOLE = pattern_of(r"-?(?:0|[1-9]\d{0,17})")
_NUMBER = pattern_of(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?")
_WORDS = {"true": "true", "false": "false"}
# What other systems call the states of a run. A run that is done or finished may have failed.
_STATES = {
    **dict.fromkeys(("STARTED", "STARTING", "BEGIN", "BEGUN"), "START"),
    **dict.fromkeys(("RUN", "PROGRESS", "IN_PROGRESS", "INPROGRESS", "EXECUTING"), "RUNNING"),
    **dict.fromkeys(("COMPLETED", "SUCCESS", "SUCCEEDED", "SUCCESSFUL"), "COMPLETE"),
    **dict.fromkeys(("FAILED", "FAILURE", "ERROR", "ERRORED"), "FAIL"),
    **dict.fromkeys(("ABORTED", "CANCEL", "CANCELED", "CANCELLED", "KILLED"), "ABORT"),
}
# Seconds and milliseconds since 1970, of this century.
_EPOCH = pattern_of(r"(\d{10})(\d{3})?")
_BARE_HOST = pattern_of(r"(?:www\.|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|example)\b)\S*", re.ASCII)
_OF_GIT = pattern_of(r"(git@[\w.-]+):(?!//)([\w./-]+)")


def of_type(value: Any, types: Collection[str]) -> str | None:
    """A value as JSON of one of these types: ``12`` for the text "12", ``"12"`` for the number."""
    if isinstance(value, str) and len(value) <= _LONGEST:
        if "boolean" in types and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if ("integer" in types and _WHOLE.fullmatch(value)) or ("number" in types and _NUMBER.fullmatch(value)):
            return value
    if "string" in types and isinstance(value, int | float):
        return json.dumps(str(value).lower() if isinstance(value, bool) else str(value))
    return None


def state(word: str) -> str | None:
    """The eventType that another word for a state stands for."""
    return _STATES.get(word.strip().upper().replace(" ", "_").replace("-", "_")) if len(word) <= _LONGEST else None


def event_type(word: str | None) -> str | None:
    """The eventType that ``word`` is, or was meant as: written in other letters, or another system's word."""
    if word is None or len(word) > _LONGEST:
        return None
    upper = word.strip().upper()
    return upper if upper in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER") else state(word)


def time_of(value: Any) -> str | None:
    """The time that a number is, or a text of digits: seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value if isinstance(value, str) else f"{value:.0f}" if abs(value) < 10**14 else ""
    found = _EPOCH.fullmatch(text)
    if found is None:
        return None
    time = datetime.fromtimestamp(int(found[1]), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{time}.{found[2]}Z" if found[2] else f"{time}Z"


def address(value: Any) -> str | None:
    """The URI that a text was meant as that lacks no more than its scheme, or has git's form of one."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    if found := _OF_GIT.fullmatch(value):
        return f"ssh://{found[1]}/{found[2]}"
    return f"https://{value}" if _BARE_HOST.fullmatch(value) else None
