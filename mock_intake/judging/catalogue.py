"""All rules by code: the one place that knows every family, those of other packages included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from mock_intake.datadog import rules as datadog
from mock_intake.datadog.platforms import load_platforms
from mock_intake.model.findings import Rule
from mock_intake.openlineage import rules as openlineage
from mock_intake.rules.definition import Family, JudgingRule
from mock_intake.rules.outside import outside_families, outside_rules

_Value = TypeVar("_Value")

# The families of this package, in the order in which they are listed.
OWN: tuple[Family, ...] = (
    datadog.REQUESTS,
    openlineage.EVENTS,
    datadog.EVENTS,
    openlineage.RUNS,
    datadog.DATASETS,
)


class _Loaded(Mapping[str, _Value], Generic[_Value]):
    """A mapping that is made when it is first looked into: only then other packages are asked for their rules.

    Any look into it raises ``ExtensionError`` where what a package brings cannot be used.
    """

    def __init__(self, make: Callable[[], dict[str, _Value]]) -> None:
        self._make = make
        self._made: dict[str, _Value] | None = None

    @property
    def _all(self) -> dict[str, _Value]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> _Value:
        return self._all[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def _listed() -> Iterable[JudgingRule[Any]]:
    for family in OWN:
        yield from family.values()
    yield from sorted(outside_rules(), key=lambda each: each.code)


def load_extensions() -> None:
    """Loads what other packages bring, so that what cannot be used is known before there is anything to judge.

    Raises ``ExtensionError``.
    """
    outside_families()
    load_platforms()


JUDGING: Mapping[str, JudgingRule[Any]] = _Loaded(lambda: {each.code: each for each in _listed()})
"""Every rule with the function that judges by it."""

RULES: Mapping[str, Rule] = _Loaded(lambda: {each.code: each.words for each in _listed()})
"""Every rule as it is shown."""

FAMILIES: Mapping[str, str] = _Loaded(
    lambda: {
        **{family.prefix: family.title for family in OWN},
        **{family.prefix: family.title for family in outside_families()},
    }
)
"""The titles of families by the prefix of their codes."""
