"""What stands in place of a secret wherever names and other values of events are made into text.

A record keeps what was sent, and identity, joins and filters go by that. But what a rule found as a secret is shown
nowhere: of a value that holds one the secret's own characters become ``****``, and a short digest of the whole stands
behind, so that two values which differ only there stay two. The same value gives the same text in every run.

Bodies alone are given out as they were received, where somebody asks for that: by whoever does, in so many words.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from mock_intake.secrets.content import is_secret_variable, may_hold_secrets, redact
from mock_intake.system.patterns import pattern_of

MASK = "****"
# Of so many hexadecimal digits. Enough to tell names apart that differ in a password; too few to guess one by.
_DIGITS = 4
_DIGEST = pattern_of(r"~[0-9a-f]{4}\Z")
# The facet whose entries have a secret as their value where their name says so.
_VARIABLES = "environmentVariables"
_STRING = pattern_of(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def presented(text: str) -> str:
    """``text``, a name or another value of an event, as it is shown. What was made so stays as it is."""
    hidden = redact(text)
    return text if hidden == text else f"{hidden}~{_digest(text)}"


def presented_name(namespace: str | None, name: str | None) -> str:
    """What a job or dataset is called in a sentence: ``namespace`` and ``name``, as they are shown."""
    return " / ".join("None" if part is None else presented(part) for part in (namespace, name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def may_stand_for_another(text: str) -> bool:
    """Whether ``text`` may be what is shown of a name that holds a secret."""
    return MASK in text and _DIGEST.search(text) is not None


def stands_for(text: str, name: str) -> bool:
    """Whether ``text`` is what is shown of ``name``, which holds a secret."""
    return text.endswith(_digest(name)) and text != name and presented(name) == text


def presented_value(value: Any) -> Any:
    """``value``, which is JSON, with all of its texts as they are shown, keys too."""
    if isinstance(value, str):
        return presented(value)
    if isinstance(value, Mapping):
        return {
            presented(key): _without_values(presented_value(item), item) if key == _VARIABLES else presented_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [presented_value(item) for item in value]
    return value


def _without_values(shown: Any, variables: Any) -> Any:
    """Environment variables without the values of those that are secret by their name."""
    if not isinstance(variables, list):
        return shown
    return [
        {**one, "value": _hidden(variable["value"])} if _is_secret(variable) else one
        for one, variable in zip(shown, variables, strict=True)
    ]


def _is_secret(variable: Any) -> bool:
    return (
        isinstance(variable, dict)
        and isinstance(variable.get("name"), str)
        and isinstance(variable.get("value"), str)
        and is_secret_variable(variable["name"], variable["value"])
    )


def _hidden(text: str) -> str:
    return text if text.startswith(MASK) else f"{MASK}~{_digest(text)}"


def may_have_to_hide(text: str) -> bool:
    """Whether a JSON text may hold what is not to be shown; False only where it holds none."""
    return may_hold_secrets(text) or _VARIABLES in text


def presented_json(text: str) -> str:
    """A JSON text with its texts as they are shown, and all else as it stands: numbers, spaces, the order of keys.

    Of what is no JSON only the secrets' own characters are replaced.
    """
    if not may_have_to_hide(text):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    hidden: dict[str, str] = {}
    _collect(value, presented_value(value), hidden)
    return _STRING.sub(lambda found: _token(found[0], hidden), text) if hidden else text


def _collect(value: Any, shown: Any, hidden: dict[str, str]) -> None:
    """What is shown in place of which texts of a value."""
    if isinstance(value, str):
        if value != shown:
            hidden[value] = shown
    elif isinstance(value, dict):
        for (key, item), (shown_key, shown_item) in zip(value.items(), shown.items(), strict=False):
            _collect(key, shown_key, hidden)
            _collect(item, shown_item, hidden)
    elif isinstance(value, list):
        for item, shown_item in zip(value, shown, strict=True):
            _collect(item, shown_item, hidden)


def _token(token: str, hidden: Mapping[str, str]) -> str:
    text = json.loads(token, strict=False)
    return json.dumps(hidden[text], ensure_ascii=False) if text in hidden else token
