"""What rules are made of, for the families of this package and for those of others (docs/how-to/extend.md)."""

from __future__ import annotations

from mock_intake.model.accumulated import Accumulated, DatasetFacets, Facet, FacetsByKey
from mock_intake.model.event import Dataset, EventView, FacetGroup
from mock_intake.model.findings import Finding, Rule, Severity, Sureness
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Repeat, RunEventFact, RunFacts
from mock_intake.rules.definition import JudgingRule, RuleError, When, rule
from mock_intake.rules.events import DatasetName, FacetView, JobName, OnEvent, OnFacet, OnJobName, OnName
from mock_intake.rules.examples import ABSENT
from mock_intake.rules.runs import OnRun, RunView

__all__ = [
    "ABSENT",
    "Accumulated",
    "Dataset",
    "DatasetFacets",
    "DatasetName",
    "EventView",
    "Facet",
    "FacetGroup",
    "FacetView",
    "FacetsByKey",
    "Finding",
    "JobName",
    "JudgingRule",
    "NamedPerRun",
    "OnEvent",
    "OnFacet",
    "OnJobName",
    "OnName",
    "OnRun",
    "Repeat",
    "Rule",
    "RuleError",
    "RunEventFact",
    "RunFacts",
    "RunView",
    "Severity",
    "Sureness",
    "When",
    "rule",
]
