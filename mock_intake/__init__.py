"""A stand-in for Datadog's OpenLineage intake, and a judge of what producers send to it.

The names below are the package's API; importing the package loads none of what they need until used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_intake.findings import Finding, Rule, Selection, Severity, Status
    from mock_intake.intake import Intake, Settings
    from mock_intake.interception import intercept
    from mock_intake.server.runner import IntakeServer

__version__ = "0.1.0"

__all__ = [
    "Finding",
    "Intake",
    "IntakeServer",
    "Rule",
    "Selection",
    "Settings",
    "Severity",
    "Status",
    "__version__",
    "intercept",
]

_HOMES = {
    "Finding": "mock_intake.findings",
    "Intake": "mock_intake.intake",
    "IntakeServer": "mock_intake.server.runner",
    "Rule": "mock_intake.findings",
    "Selection": "mock_intake.findings",
    "Settings": "mock_intake.intake",
    "Severity": "mock_intake.findings",
    "Status": "mock_intake.findings",
    "intercept": "mock_intake.interception",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
