"""Datadog's sites and the hosts of their OpenLineage intakes (source: the Python client's site table)."""

from __future__ import annotations

from mock_intake.datadog.sources import SITES

SITES_SOURCE = SITES
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
# The client takes these, but the documentation says that the product is not supported there.
UNSUPPORTED_SITES = ("ddog-gov.com", "us2.ddog-gov.com")
INTAKE_PATH = "/api/v1/lineage"
AGENT_PATH = "/openlineage/api/v1/lineage"


def intake_host(site: str) -> str:
    """The intake's host name on a site, e.g. ``data-obs-intake.datadoghq.com``."""
    return INTAKE_PREFIX + site


INTAKE_HOSTS = frozenset(intake_host(site) for site in SITES_WITH_INTAKE)
