"""Pages of listings: newest first, with the cursor of the next and what retention has dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.responses import answer

T = TypeVar("T")


def page(
    control: Control, name: str, items: Sequence[Mapping[str, Any]], following: int | None, **more: Any
) -> Response:
    """A page of a listing: ``items`` under ``name``, ``next`` (``following``; None at the end), ``dropped``, and
    ``more``.
    """
    cursor = None if following is None else str(following)
    return answer({name: items, **more, "next": cursor, "dropped": control.journal.dropped})


def part(
    control: Control, call: Call, name: str, items: Sequence[T], to_dict: Callable[[T], Mapping[str, Any]]
) -> Response:
    """The page of ``items`` that ``call`` asks for, where all of them are in memory; its cursor is a count."""
    begin = call.cursor or 0
    end = begin + call.limit
    return page(control, name, [to_dict(item) for item in items[begin:end]], end if end < len(items) else None)
