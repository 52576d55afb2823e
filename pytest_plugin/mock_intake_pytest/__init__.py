"""The pytest plugin: ``intake``, a stand-in for Datadog's OpenLineage intake as a fixture.

Here are the names that tests import: matchers for ``intake.assert_event``, and types for annotations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_intake_pytest.failures import IntakeFailure, Verdict
    from mock_intake_pytest.handle import IntakeHandle
    from mock_intake_pytest.matchers import ABSENT, ANY, Matcher, Unordered, satisfying, unordered
    from mock_intake_pytest.records import (
        ColumnEdge,
        ColumnName,
        DatasetName,
        Edge,
        Event,
        Exchange,
        LineageGraph,
        Parent,
        Run,
        RunError,
    )

__all__ = [
    "ABSENT",
    "ANY",
    "ColumnEdge",
    "ColumnName",
    "DatasetName",
    "Edge",
    "Event",
    "Exchange",
    "IntakeFailure",
    "IntakeHandle",
    "LineageGraph",
    "Matcher",
    "Parent",
    "Run",
    "RunError",
    "Unordered",
    "Verdict",
    "satisfying",
    "unordered",
]

_HOMES = {
    "ABSENT": "matchers",
    "ANY": "matchers",
    "ColumnEdge": "records",
    "ColumnName": "records",
    "DatasetName": "records",
    "Edge": "records",
    "Event": "records",
    "IntakeFailure": "failures",
    "IntakeHandle": "handle",
    "LineageGraph": "records",
    "Matcher": "matchers",
    "Parent": "records",
    "Exchange": "records",
    "Run": "records",
    "RunError": "records",
    "Unordered": "matchers",
    "Verdict": "failures",
    "satisfying": "matchers",
    "unordered": "matchers",
}


# Names that were there under another.
_RENAMED = {"Request": "Exchange"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mock_intake_pytest.{_HOMES[name]}"), name)
    if name in _RENAMED:
        raise AttributeError(f"mock_intake_pytest.{name} is called {_RENAMED[name]} now")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
