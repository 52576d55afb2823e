"""A stand-in for Datadog's OpenLineage intake, and a judge of what producers send to it.

The names below are the package's API (docs/reference/python-api.md); importing the package loads none of what they need
until used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_intake.datadog.agent import AgentSettings
    from mock_intake.datadog.authentication import Keys
    from mock_intake.datadog.joins import NearMiss
    from mock_intake.faults import FaultError, Faults, Match, Plan, PlanChange, PlanStore, Step, parse_plan
    from mock_intake.journal import (
        EventFilter,
        EventRecord,
        ExchangeFilter,
        Journal,
        JournalError,
        MemoryJournal,
        Page,
        UnkeepableError,
    )
    from mock_intake.journal.postgres import PostgresJournal
    from mock_intake.journal.protocol import ExtractStore, OrgStatistics, Statistics
    from mock_intake.journal.retention import Retention
    from mock_intake.journal.sqlite import SqliteJournal
    from mock_intake.judging.intake import Intake, Settings
    from mock_intake.model.event import DatasetId
    from mock_intake.model.exchange import EventSummary, Exchange, Hop, ReceivedRequest, Response
    from mock_intake.model.findings import Finding, Rule, Selection, Severity, Status, Sureness
    from mock_intake.model.runs import Repeat, RunEventFact, RunFacts
    from mock_intake.openlineage.library import FacetLibrary, UserSchemaError
    from mock_intake.server.access import Access
    from mock_intake.server.http.tls import Certificates, TlsError
    from mock_intake.server.ingest.forwarding import Target, TargetError
    from mock_intake.server.interception import intercept
    from mock_intake.server.limits import Limits
    from mock_intake.server.listen import Listener
    from mock_intake.server.runner import IntakeServer, ServerError
    from mock_intake.views import Lineage, Run, Views
    from mock_intake.views.lineage import Column, DatasetNode, JobId, JobNode, Transformation
    from mock_intake.views.run import JobFilter

__version__ = "1.0.0rc1"

__all__ = [
    "Access",
    "AgentSettings",
    "Certificates",
    "Column",
    "DatasetId",
    "DatasetNode",
    "EventFilter",
    "EventRecord",
    "EventSummary",
    "Exchange",
    "ExchangeFilter",
    "ExtractStore",
    "FacetLibrary",
    "FaultError",
    "Faults",
    "Finding",
    "Hop",
    "Intake",
    "IntakeServer",
    "JobFilter",
    "JobId",
    "JobNode",
    "Journal",
    "JournalError",
    "Keys",
    "Limits",
    "Lineage",
    "Listener",
    "Match",
    "MemoryJournal",
    "NearMiss",
    "OrgStatistics",
    "Page",
    "Plan",
    "PlanChange",
    "PlanStore",
    "PostgresJournal",
    "ReceivedRequest",
    "Repeat",
    "Response",
    "Retention",
    "Rule",
    "Run",
    "RunEventFact",
    "RunFacts",
    "Selection",
    "ServerError",
    "Settings",
    "Severity",
    "SqliteJournal",
    "Statistics",
    "Status",
    "Step",
    "Sureness",
    "Target",
    "TargetError",
    "TlsError",
    "Transformation",
    "UnkeepableError",
    "UserSchemaError",
    "Views",
    "__version__",
    "intercept",
    "parse_plan",
]

_HOMES = {
    "Access": "mock_intake.server.access",
    "AgentSettings": "mock_intake.datadog.agent",
    "Certificates": "mock_intake.server.http.tls",
    "Column": "mock_intake.views.lineage",
    "DatasetId": "mock_intake.model.event",
    "DatasetNode": "mock_intake.views.lineage",
    "Listener": "mock_intake.server.listen",
    "EventFilter": "mock_intake.journal",
    "EventRecord": "mock_intake.journal",
    "EventSummary": "mock_intake.model.exchange",
    "Exchange": "mock_intake.model.exchange",
    "ExchangeFilter": "mock_intake.journal",
    "ExtractStore": "mock_intake.journal.protocol",
    "FacetLibrary": "mock_intake.openlineage.library",
    "FaultError": "mock_intake.faults",
    "Faults": "mock_intake.faults",
    "Finding": "mock_intake.model.findings",
    "Hop": "mock_intake.model.exchange",
    "Intake": "mock_intake.judging.intake",
    "IntakeServer": "mock_intake.server.runner",
    "JobId": "mock_intake.views.lineage",
    "JobFilter": "mock_intake.views.run",
    "JobNode": "mock_intake.views.lineage",
    "Journal": "mock_intake.journal",
    "JournalError": "mock_intake.journal",
    "Keys": "mock_intake.datadog.keys",
    "Limits": "mock_intake.server.limits",
    "Lineage": "mock_intake.views",
    "Match": "mock_intake.faults",
    "MemoryJournal": "mock_intake.journal",
    "NearMiss": "mock_intake.datadog.joins",
    "OrgStatistics": "mock_intake.journal.protocol",
    "Page": "mock_intake.journal",
    "Plan": "mock_intake.faults",
    "PlanChange": "mock_intake.faults",
    "PlanStore": "mock_intake.faults",
    "PostgresJournal": "mock_intake.journal.postgres",
    "ReceivedRequest": "mock_intake.model.exchange",
    "Repeat": "mock_intake.model.runs",
    "Response": "mock_intake.model.exchange",
    "Retention": "mock_intake.journal.retention",
    "Rule": "mock_intake.model.findings",
    "Run": "mock_intake.views",
    "RunEventFact": "mock_intake.model.runs",
    "RunFacts": "mock_intake.model.runs",
    "Selection": "mock_intake.model.findings",
    "ServerError": "mock_intake.server.listen",
    "Settings": "mock_intake.judging.intake",
    "Severity": "mock_intake.model.findings",
    "SqliteJournal": "mock_intake.journal.sqlite",
    "Statistics": "mock_intake.journal.protocol",
    "Status": "mock_intake.model.findings",
    "Step": "mock_intake.faults",
    "Sureness": "mock_intake.model.findings",
    "Target": "mock_intake.server.ingest.forwarding",
    "TargetError": "mock_intake.server.ingest.forwarding",
    "TlsError": "mock_intake.server.http.tls",
    "Transformation": "mock_intake.views.lineage",
    "UnkeepableError": "mock_intake.journal",
    "UserSchemaError": "mock_intake.openlineage.library",
    "Views": "mock_intake.views",
    "intercept": "mock_intake.server.interception",
    "parse_plan": "mock_intake.faults",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that can be had, also those that were not loaded yet: a shell completes them."""
    return sorted({*globals(), *__all__})
