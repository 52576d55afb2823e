"""What adds the jobType facet to the events of a Python producer that lacks it: a few lines, and a file of settings."""

from __future__ import annotations

from mock_intake_conformance.atlas.model import Cure

_MODULE = '''\
from openlineage.client.event_v2 import RunEvent
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport.transform import EventTransformer


class AddJobType(EventTransformer):
    """Adds the jobType facet to run events that lack it."""

    def transform(self, event):
        facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
        if hasattr(event, "run"):
            event.job.facets = {"jobType": facet, **(event.job.facets or {})}
        return event
'''
_SETTINGS = """\
transport:
  type: transform
  transformer_class: add_job_type.AddJobType
  transport: {type: datadog, site: datadoghq.com}
"""


def add_job_type() -> Cure:
    """The cure for events without jobType, as it can be set without touching the producer."""
    return Cure(
        "Put the client's transform transport around its own, with a transformer of a few lines that adds the jobType "
        "facet (openlineage.yml: type: transform, transformer_class: add_job_type.AddJobType).",
        ("DD101",),
        environment={"PYTHONPATH": "."},
        files={"openlineage.yml": _SETTINGS, "add_job_type.py": _MODULE},
        scenarios=frozenset({"healthy", "failing"}),
    )
