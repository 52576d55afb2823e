"""What a journal may keep at most."""

from __future__ import annotations

from typing import NamedTuple


class Retention(NamedTuple):
    """What a journal may keep at most; None is no limit.

    ``hours`` count back from the latest exchange; ``bytes`` are what exchanges take up, headers, findings and
    indexes included.
    """

    exchanges: int | None = None
    hours: float | None = None
    bytes: int | None = None
