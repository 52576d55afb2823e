"""What recordings of all producers are put together from."""

from __future__ import annotations

from typing import Any

from tests.cases.judged import Body

SPEC = "https://openlineage.io/spec"
CORE = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/"


def run_id(number: int) -> str:
    """An id as the clients make them, with the time in it."""
    return f"0193a1b2-0000-7000-8000-{number:012}"


class Producer:
    """Whose events they are: its address, which stands in each facet too."""

    def __init__(self, address: str) -> None:
        self.address = address

    def facet(self, name: str, version: str, /, **content: Any) -> Body:
        """A facet of the standard."""
        url = f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"
        return {"_producer": self.address, "_schemaURL": url, **content}

    def own(self, base: str, **content: Any) -> Body:
        """A facet of its own, which names a base type of the core as its schema."""
        return {"_producer": self.address, "_schemaURL": CORE + base, **content}

    def event(self, event_type: str, minute: float, run: Body, job: Body, **more: Any) -> Body:
        """An event so many minutes after noon."""
        seconds = round(minute * 60)
        return {
            "eventType": event_type,
            "eventTime": f"2026-11-20T12:{seconds // 60:02}:{seconds % 60:02}.123456Z",
            "producer": self.address,
            "schemaURL": CORE + "RunEvent",
            "run": run,
            "job": job,
            "inputs": [],
            "outputs": [],
            **more,
        }

    def schema(self, **columns: str) -> Body:
        fields = [{"name": name, "type": of} for name, of in columns.items()]
        return self.facet("SchemaDatasetFacet", "1-1-1", fields=fields)

    def parent(self, run: str, namespace: str, name: str, root: tuple[str, str] | None = None) -> Body:
        """A parent facet; the root, an id and the name of a job in the same namespace, is the parent by default."""
        root_id, root_name = root or (run, name)
        return self.facet(
            "ParentRunFacet",
            "1-1-0",
            run={"runId": run},
            job={"namespace": namespace, "name": name},
            root={"run": {"runId": root_id}, "job": {"namespace": namespace, "name": root_name}},
        )


def from_column(namespace: str, name: str, field: str, kind: str = "DIRECT", subtype: str = "IDENTITY") -> Body:
    """A column that another is made of, as Spark tells it."""
    how = {"type": kind, "subtype": subtype, "description": "", "masking": False}
    return {"namespace": namespace, "name": name, "field": field, "transformations": [how]}
