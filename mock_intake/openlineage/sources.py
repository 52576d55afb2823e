"""Where the requirements of the standard are written down."""

from __future__ import annotations

SPEC = "https://openlineage.io/docs/spec/"
OBJECT_MODEL = SPEC + "object-model"
RUN_CYCLE = SPEC + "run-cycle"
FACETS = SPEC + "facets/"
CUSTOM_FACETS = SPEC + "facets/custom-facets"
NAMING = SPEC + "naming"
CORE_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
RFC_3339 = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
RFC_8259 = "https://www.rfc-editor.org/rfc/rfc8259#section-8.2"
# The vendor's, where it says of the standard what the standard does not say itself.
DATADOG = "https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/"
DATADOG_DRAFT = "https://github.com/DataDog/documentation/pull/34813"
