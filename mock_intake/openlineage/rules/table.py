"""The rules of the standard, family by family: which modules have them, in the order in which they speak."""

from __future__ import annotations

from mock_intake.openlineage.rules import content, core, facets, kinds, meanings, near, parents, runs
from mock_intake.rules.definition import Family

EVENTS = Family("OL", "Events, as OpenLineage", (kinds, core, facets, near, meanings, content))
RUNS = Family("RC", "Runs, over all their events", (runs, parents))
