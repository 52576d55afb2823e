"""API keys: their form, and which of them an intake knows."""

from __future__ import annotations

import re

from msgspec import Struct

KEY_LENGTH = 32
APPLICATION_KEY_LENGTH = 40
HEX = re.compile(r"[0-9A-Fa-f]*")


class Keys(Struct, frozen=True):
    """Which API keys the intake knows.

    ``known`` names them; where it is None, every well-formed key is known. ``anonymous`` also takes
    requests without any key.
    """

    known: frozenset[str] | None = None
    anonymous: bool = False

    def accepts(self, key: str) -> bool:
        """Whether ``key`` is one of those that are known."""
        return is_well_formed(key) if self.known is None else key in self.known


def is_well_formed(key: str) -> bool:
    """Whether ``key`` has the form of an API key: 32 hexadecimal digits."""
    return len(key) == KEY_LENGTH and HEX.fullmatch(key) is not None
