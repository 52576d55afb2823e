"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """A number of things, the ``word`` for one of them in the singular or the plural: ``1 event``, ``2 events``."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")
