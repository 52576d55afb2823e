"""Names that were others once: whoever writes an old one is told the new one, where Python would only say that it is
not there. Type checkers know the new ones alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

KEYWORDS: Mapping[str, str] = {"type": "event_type", "run": "run_id"}
"""Of the handle's methods: called as in ``mock_intake.client``, and as the fields of events there."""

OF_EVENTS: Mapping[str, str] = {"type": "event_type now", "time": "event_time now"}
OF_RUNS: Mapping[str, str] = {"id": "run_id now"}
OF_THE_HANDLE: Mapping[str, str] = {
    "fail": 'set_faults now: intake.set_faults("503"), and for ever with repeat_last=True',
    "sequence": 'set_faults now: intake.set_faults("503,reset,202")',
    "slow": "set_faults now: intake.set_faults(delay=0.5)",
    "well": "clear_faults now: intake.clear_faults()",
}


def check_keywords(method: str, given: Iterable[str]) -> None:
    """Raises ``TypeError`` for a keyword that has another name now."""
    __tracebackhide__ = True
    for name in given:
        if name in KEYWORDS:
            raise TypeError(f"{method}() has no {name}: it is called {KEYWORDS[name]} now")


def with_new_keywords(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A method that raises ``TypeError`` with the new name for a keyword that has another name now."""

    @wraps(method)
    def checked(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        __tracebackhide__ = True
        check_keywords(method.__name__, keywords)
        return method(*arguments, **keywords)

    return checked


def check_attribute(owner: str, name: str, renamed: Mapping[str, str]) -> None:
    """Raises ``AttributeError`` for an attribute that has another name now; ``owner`` is what a test calls its owner.

    For ``__getattr__``, which Python calls for what is not there.
    """
    __tracebackhide__ = True
    if name in renamed:
        raise AttributeError(f"{owner}.{name} is called {renamed[name]}")
