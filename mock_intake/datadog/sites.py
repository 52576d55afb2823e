"""Datadog's sites and the hosts of their OpenLineage intakes (source: the Python client's site table)."""

from __future__ import annotations

INTAKE_PREFIX = "data-obs-intake."
SITES_WITH_INTAKE = (
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
    "datad0g.com",
)
INTAKE_PATH = "/api/v1/lineage"
AGENT_PATH = "/openlineage/api/v1/lineage"


def intake_host(site: str) -> str:
    """The intake's host name on ``site``: ``data-obs-intake.datadoghq.com`` for ``datadoghq.com``."""
    return INTAKE_PREFIX + site


INTAKE_HOSTS = frozenset(intake_host(site) for site in SITES_WITH_INTAKE)
