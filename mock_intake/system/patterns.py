"""Regular expressions that are compiled when they are asked for the first time.

There are more than a hundred of them, most of which look at what few events have. To compile them all takes longer than
a small recording takes to be judged, or a first test to be run.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

# What is asked of patterns. Other attributes are there as well, and looked up each time.
_METHODS = ("match", "fullmatch", "search", "sub", "finditer", "findall", "split")


class Pattern:
    """What stands for a pattern: its methods are those of the compiled one from the first time on that one is asked."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        # Python asks so for what is not there.
        if name.startswith("_"):
            raise AttributeError(name)
        compiled: re.Pattern[Any] = re.compile(*self._given)
        vars(self).update({method: getattr(compiled, method) for method in _METHODS})
        return getattr(compiled, name)


def pattern_of(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """The pattern of ``text``, as ``re.compile`` gives it, but that a mistake in it is told at its first use."""
    return cast("re.Pattern[AnyStr]", Pattern(text, flags))
