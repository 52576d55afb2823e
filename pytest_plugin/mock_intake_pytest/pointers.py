"""JSON Pointers into events, in which ``*`` stands for any key or index."""

from __future__ import annotations

from collections.abc import Sequence

from mock_intake.system.patterns import pattern_of

_ESCAPE = pattern_of(r"~(?![01])")


def parts_of(pointer: str) -> tuple[str, ...]:
    """The keys and indexes that it leads through. Raises ``ValueError``."""
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON Pointer: it begins with a slash, as in /run/facets/nominalTime")
    if _ESCAPE.search(pointer):
        raise ValueError(f"{pointer!r} is no JSON Pointer: ~ is written ~0 in it, and a slash in a name ~1")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def covered(path: tuple[str, ...], pointers: Sequence[tuple[str, ...]]) -> bool:
    """Whether one of the pointers leads to this place."""
    return any(
        len(path) == len(pointer) and all(want in ("*", have) for want, have in zip(pointer, path, strict=True))
        for pointer in pointers
    )
