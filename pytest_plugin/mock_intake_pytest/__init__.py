"""The pytest plugin: ``intake``, a stand-in for Datadog's OpenLineage intake as a fixture.

Here are the names that tests import: matchers for ``intake.assert_event``, and types for annotations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_intake_pytest.handle import IntakeHandle
    from mock_intake_pytest.matchers import ABSENT, ANY, satisfying, unordered
    from mock_intake_pytest.records import Event, LineageGraph, Request, Run
    from mock_intake_pytest.telling import IntakeFailure, Verdict

__all__ = [
    "ABSENT",
    "ANY",
    "Event",
    "IntakeFailure",
    "IntakeHandle",
    "LineageGraph",
    "Request",
    "Run",
    "Verdict",
    "satisfying",
    "unordered",
]

_HOMES = {
    "ABSENT": "matchers",
    "ANY": "matchers",
    "Event": "records",
    "IntakeFailure": "telling",
    "IntakeHandle": "handle",
    "LineageGraph": "records",
    "Request": "records",
    "Run": "records",
    "Verdict": "telling",
    "satisfying": "matchers",
    "unordered": "matchers",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mock_intake_pytest.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
