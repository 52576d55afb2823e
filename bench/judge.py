"""What the judgement of an event costs, beside its parts, beside pure jsonschema, and beside an earlier build.

Run: make bench, or .venv/bin/python -m bench.judge [--rounds 7]. All are measured in one run, turn by turn, on the same
events, in seconds of the processor, so that the ratios hold on any machine; the rates are this machine's.

  parse            orjson alone
  parse + core     orjson, then jsonschema-rs on the core schema: what a minimal validator would do
  judgement        everything: parse, core, every facet, secrets, Datadog's rules, summary
  pure jsonschema  orjson, then the jsonschema library on the core and on every facet, formats checked
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from bench.aims import Aim, Point, Task, alone
from bench.builds import installed
from bench.turns import CORE, JUDGE, PARSE, Turns
from mock_intake.model.event import EventView
from mock_intake.openlineage.explain import Explainer
from mock_intake.openlineage.facts import LATEST_CORE
from mock_intake.openlineage.library import standard_library

PRODUCER = "https://github.com/acme/etl"
FACETS = "https://openlineage.io/spec/facets"
SECONDS = 0.15
# How often the cost of parse + core the judgement may have, by the size of the event.
MAX_COST = {"small": 4.5, "middle": 3.4, "large": 3.0}
MIN_SPEED_UP = 20.0


def facet(name: str, version: str, **content: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}", **content}


def dataset(number: int, columns: int, *, lineage_of: str | None = None) -> dict[str, Any]:
    fields = [
        {"name": f"column_{column}", "type": "VARCHAR", "description": f"what column {column} means"}
        for column in range(columns)
    ]
    facets = {"schema": facet("SchemaDatasetFacet", "1-1-1", fields=fields)}
    if lineage_of:
        facets["columnLineage"] = facet(
            "ColumnLineageDatasetFacet",
            "1-2-0",
            fields={
                f"column_{column}": {
                    "inputFields": [
                        {
                            "namespace": "postgres://db.acme.example:5432",
                            "name": lineage_of,
                            "field": f"column_{column}",
                            "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}],
                        }
                    ]
                }
                for column in range(columns // 2)
            },
        )
    return {"namespace": "postgres://db.acme.example:5432", "name": f"shop.public.table_{number}", "facets": facets}


def event(event_type: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]], **job: Any) -> bytes:
    return orjson.dumps(
        {
            "eventType": event_type,
            "eventTime": "2026-11-01T12:00:00.000Z",
            "producer": PRODUCER,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d", "facets": {}},
            "job": {
                "namespace": "prod",
                "name": "load_orders",
                "facets": {
                    "jobType": facet(
                        "JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="CUSTOM", jobType="JOB"
                    ),
                    **job,
                },
            },
            "inputs": inputs,
            "outputs": outputs,
        }
    )


def events() -> dict[str, bytes]:
    """A small event (START), a middle one and a large one (COMPLETE with schemas and column lineage)."""
    statistics = {"outputStatistics": facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=10, size=1000)}
    middle = {**dataset(9, 12, lineage_of="shop.public.table_0"), "outputFacets": statistics}
    large = {**dataset(9, 40, lineage_of="shop.public.table_0"), "outputFacets": statistics}
    sql = facet("SQLJobFacet", "1-1-0", query="SELECT * FROM orders JOIN customers USING (customer_id) " * 10)
    return {
        "small": event("START", [], []),
        "middle": event("COMPLETE", [dataset(0, 23)], [middle], sql=sql),
        "large": event("COMPLETE", [dataset(number, 30) for number in range(4)], [large], sql=sql),
    }


def pure_jsonschema() -> Callable[[bytes], object]:
    """Judges the core and every facet by the jsonschema library."""
    library = standard_library()
    explainer = Explainer(library)
    target = library.core_target(LATEST_CORE, "RunEvent")

    def judge(body: bytes) -> None:
        value = orjson.loads(body)
        assert not explainer.errors(target, value)
        for group in EventView(value).facet_groups():
            for key, content in group.facets.items():
                schema = library.resolve(group.entity, key, content["_schemaURL"]).schema
                assert schema is not None
                assert not explainer.errors(schema.target, content)

    return judge


def seconds_per_call(call: Callable[[bytes], object], body: bytes, budget: float) -> float:
    """The mean over as many calls as fit into the budget (seconds of the processor)."""
    calls = 0
    began = time.process_time()
    while True:
        for _ in range(10):
            call(body)
        calls += 10
        spent = time.process_time() - began
        if spent > budget:
            return spent / calls


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Measures this build and the earlier one in turns, and prints what each part costs."""
    bodies, pure, found = events(), pure_jsonschema(), []
    print(f"events per second of the processor, medians of {task.rounds} rounds; Python {sys.version.split()[0]}")
    names = (PARSE, CORE, JUDGE, "pure jsonschema")
    print(f"{'event':>16} " + " ".join(f"{name:>16}" for name in names) + f"{'cost':>8}{'before':>8}{'speed-up':>10}")
    with Turns(installed(task.build), bodies) as before, Turns(Path(sys.executable), bodies) as now:
        for title, body in bodies.items():
            then: dict[str, list[float]] = {name: [] for name in (CORE, JUDGE)}
            here: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(task.rounds):
                for name in (PARSE, CORE, JUDGE):
                    here[name].append(now.cost(name, title, SECONDS).processor)
                    if name in then:
                        then[name].append(before.cost(name, title, SECONDS).processor)
                here[names[-1]].append(seconds_per_call(pure, body, SECONDS))
            costs = [_times(each[JUDGE], each[CORE]) for each in (then, here)]
            speed_up = _times(here[names[-1]], here[JUDGE])
            rates = " ".join(f"{1 / statistics.median(here[name]):>16,.0f}" for name in names)
            size = f"{len(body) / 1000:.1f} KB"
            print(f"{title:>8} {size:>7} {rates}{costs[1]:>7.1f}x{costs[0]:>7.1f}x{speed_up:>9.0f}x", flush=True)
            used = [statistics.median(each[JUDGE]) for each in (then, here)]
            found += [
                Aim(4, f"judging a {title} event ({size})", "at most", MAX_COST[title], costs[1], costs[0],
                    "times parse + core", used[0], used[1]),
                Aim(4, f"the same, beside pure jsonschema ({size})", "at least", MIN_SPEED_UP, speed_up, unit="times"),
            ]  # fmt: skip
    return found, []


def _times(one: list[float], other: list[float]) -> float:
    """How many times the other the one is, the median over rounds."""
    return statistics.median(this / that for this, that in zip(one, other, strict=True))


if __name__ == "__main__":
    alone("judge", aims, __doc__)
