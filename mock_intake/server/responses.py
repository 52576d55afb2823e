"""JSON answers of the control API.

No secret that a rule would find is in them, but in the members by which a body is asked for as it was received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mock_intake.body.parsing import dumps
from mock_intake.secrets.presenting import may_have_to_hide, presented_value

if TYPE_CHECKING:
    from starlette.responses import Response

# What is given as it was made by whoever asks: the answers of fault steps.
AS_RECEIVED = frozenset(("body", "raw"))
Bodies = Mapping[str, Callable[[], Any]]
"""What makes the members that are given as they were received, by their names."""


def answer(content: Any, status_code: int = 200) -> Response:
    return _answered(shown(content), status_code)


def answer_with_bodies(content: Mapping[str, Any], bodies: Bodies) -> Response:
    """An answer whose last members are given as they were received; each is made when it is written, and let go of.

    An event of 20 MB takes a hundred once it is parsed, and as much again as text.
    """
    return _answered(_with_bodies(content, bodies))


def listing_with_bodies(
    name: str, items: Iterable[tuple[Mapping[str, Any], Bodies]], more: Mapping[str, Any]
) -> Response:
    """An answer with such items in a list under ``name``, and ``more`` behind it."""
    listed = b",".join([_with_bodies(content, bodies) for content, bodies in items])
    return _answered(b"".join((b"{", dumps(name), b":[", listed, b"],", shown(more)[1:])))


def _with_bodies(content: Mapping[str, Any], bodies: Bodies) -> bytes:
    parts = [shown(content)[:-1]]
    for name, make in bodies.items():
        parts += [b",", dumps(name), b":", dumps(make())]
    parts.append(b"}")
    return b"".join(parts)


def _answered(data: bytes, status_code: int = 200) -> Response:
    # With the first answer: a server that is sent events alone gives none of these.
    from starlette.responses import Response

    return Response(data, status_code, media_type="application/json")


def shown(content: Any) -> bytes:
    """``content`` as JSON; names and other texts of events that hold secrets as they are shown."""
    data = dumps(content)
    return dumps(_presented(content)) if may_have_to_hide(data.decode()) else data


def _presented(content: Any) -> Any:
    """The content without secrets, but for the bodies in a listing."""
    if not isinstance(content, dict):
        return presented_value(content)
    return {name: _listed(value) for name, value in content.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, list):
        return presented_value(value)
    return [
        {**presented_value(item), **{name: item[name] for name in AS_RECEIVED if name in item}}
        if isinstance(item, dict)
        else presented_value(item)
        for item in value
    ]


def failure(status_code: int, message: str) -> Response:
    return answer({"error": message}, status_code)
