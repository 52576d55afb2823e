"""What OpenLineage's published schemas require, as tables of facts.

One module for each entity; ``FACETS`` joins them: every published facet with every version of it.
"""

from __future__ import annotations

from mock_intake.model.event import Entity, Kind
from mock_intake.openlineage.facts import dataset, input_output, job, registry, run, shared
from mock_intake.openlineage.facts.core import CORES, Core
from mock_intake.openlineage.facts.notation import CORE_VERSIONS, LATEST_CORE, Facet, Version

FACETS: tuple[Facet, ...] = (
    *run.FACETS,
    *job.FACETS,
    *dataset.FACETS,
    *input_output.FACETS,
    *shared.FACETS,
    *registry.FACETS,
)

__all__ = ["CORES", "CORE_VERSIONS", "FACETS", "LATEST_CORE", "Core", "Entity", "Facet", "Kind", "Version"]
