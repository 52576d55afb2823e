"""Pages of listings: newest first, with the cursor of the next and what retention has dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.responses import Bodies, answer, listing_with_bodies

T = TypeVar("T")


def page(
    control: Control, name: str, items: Sequence[Mapping[str, Any]], following: int | None, **more: Any
) -> Response:
    """A page of a listing: ``items`` under ``name``, ``next`` (``following``; None at the end), ``dropped``, and
    ``more``.
    """
    return answer({name: items, **more, **_behind(control, following)})


def page_with_bodies(
    control: Control, name: str, items: Iterable[tuple[Mapping[str, Any], Bodies]], following: int | None
) -> Response:
    """Such a page, whose items have bodies too."""
    return listing_with_bodies(name, items, _behind(control, following))


def _behind(control: Control, following: int | None) -> dict[str, Any]:
    return {"next": None if following is None else str(following), "dropped": control.journal.dropped}


def part(
    control: Control, call: Call, name: str, items: Sequence[T], to_dict: Callable[[T], Mapping[str, Any]]
) -> Response:
    """The page of ``items`` that ``call`` asks for, where all of them are in memory; its cursor is a count."""
    begin = call.cursor or 0
    end = begin + call.limit
    return page(control, name, [to_dict(item) for item in items[begin:end]], end if end < len(items) else None)
