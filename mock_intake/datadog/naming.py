"""What the rules have to say of a dataset's namespace and name, wherever it stands."""

from __future__ import annotations

from functools import cache

from mock_intake.datadog.platforms import PLATFORMS, Form, Platform, name_parts, platform_of
from mock_intake.datadog.rules import EVENTS
from mock_intake.model.findings import Finding
from mock_intake.rules.events import LONGEST_NAMES, NameRules
from mock_intake.rules.outside import outside_rules

__all__ = ["PLATFORMS", "Form", "Platform", "name_parts", "naming_issues", "platform_of"]


@cache
def _rules() -> NameRules:
    return NameRules([*EVENTS.in_order, *outside_rules()])


def naming_issues(namespace: str, name: str) -> tuple[Finding, ...]:
    """All that is wrong with how a dataset is named. What was found is remembered.

    The findings point to ``/namespace`` and ``/name``. Raises ``ExtensionError`` where a package's rules or platforms
    cannot be used.
    """
    rules = _rules()
    usual = len(namespace) + len(name) <= LONGEST_NAMES
    return rules.judge(namespace, name) if usual else rules.anew(namespace, name)
