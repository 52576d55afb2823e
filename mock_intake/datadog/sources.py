"""Where Datadog's requirements are written down."""

from __future__ import annotations

from pathlib import Path

CUSTOM_JOBS = "https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/"
AGENT_PROXY = CUSTOM_JOBS + "datadog_agent_for_openlineage/"
DRAFT = "https://github.com/DataDog/documentation/pull/34813"
API_KEYS = "https://docs.datadoghq.com/account_management/api-app-keys/"
STANDARD_NAMING = "https://openlineage.io/docs/spec/naming/"
STANDARD_API = "https://openlineage.io/apidocs/openapi/"
ASSUMPTIONS = "mock-intake rules --assumptions"
"""The command that shows the page of them: whoever reads a finding has the package, and not its repository."""


def assumptions() -> str:
    """The page of what is documented and what is assumed, as it is installed."""
    return (Path(__file__).parent / "assumptions.md").read_text(encoding="utf-8")
