"""Rules of other packages: entry points of the group ``mock_intake.rules``.

The name of an entry point is the family's prefix, its value a module whose rules it is, or an iterable of rules.
They are loaded once, when a rule is first needed. How to write them: docs/how-to/extend.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from msgspec.structs import replace

from mock_intake.model.findings import OWN, Finding
from mock_intake.rules.definition import JudgingRule, RuleError, Table, prefix_of, rules_in
from mock_intake.rules.events import OnEvent, OnFacet, OnName
from mock_intake.rules.runs import OnRun
from mock_intake.system.extensions import Extension, ExtensionError, extensions

GROUP = "mock_intake.rules"
# The moments that rules of other packages can be called at.
MOMENTS = (OnEvent, OnFacet, OnName, OnRun)


class OutsideFamily(NamedTuple):
    """The rules of one entry point: the prefix of their codes, the package with its version, the rules in order."""

    prefix: str
    package: str
    rules: tuple[JudgingRule[Any], ...]

    @property
    def title(self) -> str:
        return f"Rules of {self.package}"


@cache
def outside_families() -> tuple[OutsideFamily, ...]:
    """The families that other packages bring, with their rules guarded.

    Raises ``ExtensionError`` where one cannot be used: no package is left out without a word.
    """
    families: list[OutsideFamily] = []
    for extension in extensions(GROUP):
        prefix, package = extension.name, extension.package
        if not (prefix.isascii() and prefix.isalpha() and prefix.isupper()):
            raise _unusable(extension, "the name of the entry point is the prefix of its codes: letters in upper case")
        # A setting that names a family means the same whatever is installed.
        for taken, owner in [(own, "mock-intake") for own in OWN] + [(of.prefix, of.package) for of in families]:
            if prefix.startswith(taken) or taken.startswith(prefix):
                raise _unusable(
                    extension, f"its codes cannot be told from those of {taken} ({owner}); take another one"
                )
        rules = tuple(replace(each, check=_guarded(each, package), origin=package) for each in _rules(extension))
        families.append(OutsideFamily(prefix, package, rules))
    return tuple(families)


def outside_rules() -> list[JudgingRule[Any]]:
    """All rules that other packages bring. Raises ``ExtensionError``."""
    return [each for family in outside_families() for each in family.rules]


def _unusable(extension: Extension, why: str) -> ExtensionError:
    return ExtensionError(f"{extension.package}: its rules {extension.name} cannot be used: {why}")


def _rules(extension: Extension) -> Iterator[JudgingRule[Any]]:
    value = extension.value
    found = rules_in(value) if isinstance(value, ModuleType) else value
    if not isinstance(found, Iterable) or not (rules := list(found)):
        raise _unusable(extension, "a module with rules is needed, or an iterable of them; there is none")
    for each in rules:
        if not isinstance(each, JudgingRule):
            raise _unusable(extension, f"{each!r} is no rule: mock_intake.rules.rule makes one of a function")
        if prefix_of(each.code) != extension.name:
            raise _unusable(extension, f"the code {each.code} does not begin with {extension.name}")
        if wrong := [when for when in each.when if not isinstance(when, MOMENTS)]:
            known = ", ".join(moment.__name__ for moment in MOMENTS)
            raise _unusable(extension, f"{each.code} is to speak at {wrong[0]!r}; there are {known}")
    try:
        Table(rules)
    except RuleError as error:
        raise _unusable(extension, str(error)) from error
    yield from rules


def _guarded(of: JudgingRule[Any], package: str) -> Callable[[Any], list[Finding]]:
    """What a rule from outside finds, with its mistakes told as such: nobody would look for them there."""

    def check(view: Any) -> list[Finding]:
        try:
            findings = list(of.check(view))
        except Exception as error:
            raise ExtensionError(
                f"{package}: its rule {of.code} raised {type(error).__name__}: {error}. A rule yields findings and "
                "never raises, whatever an event holds"
            ) from error
        for finding in findings:
            if not isinstance(finding, Finding) or finding.code != of.code:
                raise ExtensionError(f"{package}: its rule {of.code} yielded {finding!r}, which is no finding of it")
        return findings

    return check
