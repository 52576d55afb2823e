"""Where the exchanges of each run, or of each job, stand in a journal that is held in memory."""

from __future__ import annotations

from collections.abc import Iterator


class PositionIndex:
    """The positions of exchanges by one value of them, in order.

    Most values come with few: the position alone where it is one, else a dictionary, which Python's collector of cycles
    passes over where it holds integers only.
    """

    def __init__(self) -> None:
        self._places: dict[str, int | dict[int, None]] = {}

    def add(self, value: str, position: int) -> None:
        """Adds a ``position`` that is behind all others."""
        places = self._places.setdefault(value, position)
        if places is position:
            return
        if isinstance(places, int):
            self._places[value] = {places: None, position: None}
        else:
            places[position] = None

    def remove(self, value: str, position: int) -> None:
        """Takes a ``position`` out again."""
        places = self._places[value]
        if not isinstance(places, int):
            del places[position]
        if isinstance(places, int) or not places:
            del self._places[value]

    def newest(self, value: str, before: int | None) -> Iterator[int]:
        """The positions of ``value``, those before ``before`` where it is given, the last first."""
        places = self._places.get(value, ())
        for place in (places,) if isinstance(places, int) else reversed(places):
            if before is None or place < before:
                yield place

    def __len__(self) -> int:
        return len(self._places)
