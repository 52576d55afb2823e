"""Names that symlinks make names of one dataset, along however many of them they lead to each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

N = TypeVar("N")


class Names(Generic[N]):
    """Names in groups: each of a group is a name of the same thing."""

    def __init__(self) -> None:
        # Each name leads to its group's list, which all of the group have in common.
        self._groups: dict[N, list[N]] = {}

    def join(self, one: N, other: N) -> None:
        """Both are names of one, and so is all that was joined with either."""
        few, many = sorted((self._groups.setdefault(each, [each]) for each in (one, other)), key=len)
        if few is not many:
            # The smaller into the larger: each name moves as often as its group doubles.
            many += few
            for name in few:
                self._groups[name] = many

    def of(self, name: N) -> Sequence[N]:
        """All names of what ``name`` is one of, itself included."""
        return self._groups.get(name, (name,))

    def __iter__(self) -> Iterator[Sequence[N]]:
        """The groups."""
        return iter({id(group): group for group in self._groups.values()}.values())
