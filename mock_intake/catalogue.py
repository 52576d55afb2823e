"""All rules by code: the one place that knows every family."""

from __future__ import annotations

from collections.abc import Mapping

from mock_intake.datadog import joins, requests
from mock_intake.datadog import rules as datadog
from mock_intake.findings import Rule
from mock_intake.openlineage import rules as openlineage
from mock_intake.openlineage import run_cycle

FAMILIES: Mapping[str, str] = {
    "HT": "Requests: address, authentication, body",
    "OL": "Events, as OpenLineage",
    "DD": "Events, as Datadog documents them",
    "RC": "Runs, over all their events",
    "DS": "Datasets, over all events",
}

RULES: Mapping[str, Rule] = {
    rule.code: rule
    for rules in (requests.RULES, openlineage.RULES, datadog.RULES, run_cycle.RULES, joins.RULES)
    for rule in rules
}
