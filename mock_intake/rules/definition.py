"""What a rule is: its words, when it speaks, the function that judges, and what shows it, in one literal.

A family of rules is a table of such literals, each above its function::

    @rule(
        "DD103", "processing-type-unknown",
        severity=Severity.WARNING,
        requirement="processingType is BATCH or STREAMING.",
        ...
        when=OnFacet("jobType", "job"),
        trigger={"/job/facets/jobType/processingType": "SERVICE"},
        neighbour={"/job/facets/jobType/processingType": "STREAMING"},
    )
    def processing_type_unknown(rule: Rule, facet: FacetView) -> Iterator[Finding]:
        ...

Nothing here knows any rule; ``mock_intake.judging.catalogue`` lists them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any, Generic, TypeVar

from msgspec import Struct

from mock_intake.model.findings import Finding, Rule, Severity, Sureness
from mock_intake.model.literals import Subject

View = TypeVar("View")
Other = TypeVar("Other")
View_co = TypeVar("View_co", covariant=True)
# What is judged is judged by rules of this one form: the rule's words and a view in, findings out. It never raises,
# whatever the view holds: what comes from a producer may hold anything.
Judging = Callable[[Rule, View], Iterable[Finding]]
# What shows a rule, in the form of its subject: see mock_intake.rules.examples.
Example = Any

_CODE = re.compile(r"([A-Z]+)[0-9]+")


class RuleError(ValueError):
    """A rule, or a table of rules, that cannot be used; the message says which and why."""


class When(Generic[View_co]):
    """When a rule speaks, ``View`` being what its function is then given.

    Values are compared and hashed, so that what judges finds the rules of a moment by a look into a dictionary.
    Where being asked depends on more than one thing, a subclass names them as its fields.
    """

    __slots__ = ()

    @property
    def subject(self) -> Subject:
        """What a finding of such a rule is about. A moment that does not say so raises ``NotImplementedError``."""
        raise NotImplementedError

    @property
    def moment(self) -> When[View_co]:
        """What its rules are looked up by: the moment itself, unless that narrows another one."""
        return self


# Compared by identity: there is one of each, and a look for its rules is on the way of every request.
class Stage(When[View_co], Struct, frozen=True, eq=False):
    """A step of judging, told by its name alone."""

    name: str
    about: Subject

    @property
    def subject(self) -> Subject:
        return self.about


class JudgingRule(Struct, Generic[View], frozen=True, eq=False, kw_only=True):
    """A rule with the function that judges by it.

    ``words`` is the rule as it is shown; ``check`` takes a view and yields findings; ``when`` says at which moments
    it is called. ``given`` with ``trigger`` makes an example that the rule is broken in, ``given`` with
    ``neighbour`` the nearest one in which it is not. ``function`` is what was written below the literal, ``origin``
    the package of a rule from outside.
    """

    words: Rule
    when: tuple[When[View], ...]
    check: Callable[[View], Iterable[Finding]]
    given: Example
    trigger: Example
    neighbour: Example
    function: Judging[View]
    origin: str | None = None

    @property
    def code(self) -> str:
        """Its code, such as DD101."""
        return self.words.code


def rule(
    code: str,
    name: str,
    *,
    severity: Severity,
    requirement: str,
    because: str,
    advice: str,
    source: str,
    sureness: Sureness,
    when: When[View] | tuple[When[View], ...],
    trigger: Example,
    neighbour: Example,
    given: Example = None,
) -> Callable[[Judging[View]], JudgingRule[View]]:
    """Makes the function below it a rule.

    ``code`` is the family's prefix in upper case and a number; ``name`` a few words with hyphens. ``requirement``,
    ``because`` and ``advice`` are whole sentences: what is asked for, why that matters to whoever reads it, what to
    do unless a finding knows better. ``source`` says where the requirement is written down: a URL, or a command of
    the package's that shows it. The function takes the words (``rule.found(...)`` makes a finding) and the view that
    ``when`` brings.

    Raises ``RuleError`` for a code or words that are none.
    """
    moments = when if isinstance(when, tuple) else (when,)
    for text, what in ((name, "name"), (requirement, "requirement"), (because, "because"), (advice, "advice")):
        if not text.strip():
            raise RuleError(f"the rule {code} has no {what}")
    if not _CODE.fullmatch(code):
        raise RuleError(f"{code!r} is no code of a rule: letters in upper case and a number, such as ACME001")
    if not moments:
        raise RuleError(f"the rule {code} says not when it speaks")
    words = Rule(code, name, severity, moments[0].subject, requirement, because, advice, source, sureness)

    def made(function: Judging[View]) -> JudgingRule[View]:
        return JudgingRule(
            words=words,
            when=moments,
            check=partial(function, words),
            given={} if given is None else given,
            trigger=trigger,
            neighbour=neighbour,
            function=function,
        )

    return made


def either(one: When[View], other: When[Other]) -> tuple[When[View | Other], ...]:
    """Two moments at which a rule speaks that are given views of two types."""
    return one, other


def prefix_of(code: str) -> str:
    """The family's part of ``code``: the letters before its number."""
    return code.rstrip("0123456789")


class Table(Mapping[str, JudgingRule[Any]]):
    """Rules by code, in the order in which they are listed, and by the moments at which they speak.

    Raises ``RuleError`` where two have one code.
    """

    def __init__(self, rules: Iterable[JudgingRule[Any]]) -> None:
        self.in_order = tuple(rules)
        """The rules in the order in which they speak."""
        self._at: dict[When[Any], tuple[JudgingRule[Any], ...]] = {}
        by_code: dict[str, JudgingRule[Any]] = {}
        for each in self.in_order:
            if each.code in by_code:
                raise RuleError(f"two rules have the code {each.code}")
            by_code[each.code] = each
            for when in each.when:
                self._at[when.moment] = (*self._at.get(when.moment, ()), each)
        self._by_code = dict(sorted(by_code.items()))

    # A table is none but itself: so what is remembered of it can be found by it.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, code: str) -> JudgingRule[Any]:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)

    def at(self, when: When[View]) -> tuple[JudgingRule[View], ...]:
        """The rules that speak at the moment ``when``, in the order in which they do."""
        return self._at.get(when, ())

    def judge(self, when: When[View], view: View) -> list[Finding]:
        """What the rules of the moment ``when`` have to say about ``view``, rule by rule in the table's order."""
        return [finding for each in self.at(when) for finding in each.check(view)]

    def reason(self, when: When[View], view: View) -> Finding:
        """The first finding about ``view``, where something is refused and some rule is why. Raises ``IndexError`` if
        none is.
        """
        return self.judge(when, view)[0]


class Family(Table):
    """The rules of one family: those of its modules, in the order in which the modules are named."""

    def __init__(self, prefix: str, title: str, modules: Iterable[ModuleType]) -> None:
        super().__init__(each for module in modules for each in rules_in(module))
        self.prefix = prefix
        self.title = title
        for code in self:
            if prefix_of(code) != prefix:
                raise RuleError(f"the rule {code} stands among those of the family {prefix}")


def rules_in(module: ModuleType) -> list[JudgingRule[Any]]:
    """The rules that ``module`` defines, in the order in which it does; what it imports is not its own."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, JudgingRule) and value.function.__module__ == module.__name__
    ]
