"""Where Datadog's requirements are written down."""

from __future__ import annotations

CUSTOM_JOBS = "https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/"
AGENT_PROXY = CUSTOM_JOBS + "datadog_agent_for_openlineage/"
DRAFT = "https://github.com/DataDog/documentation/pull/34813"
SITES = "https://docs.datadoghq.com/getting_started/site/"
API_KEYS = "https://docs.datadoghq.com/account_management/api-app-keys/"
STANDARD_NAMING = "https://openlineage.io/docs/spec/naming/"
STANDARD_API = "https://openlineage.io/apidocs/openapi/"
ASSUMPTIONS = "docs/explanation/assumptions.md"
