"""What the judgement of an event costs, beside its parts and beside pure jsonschema.

Run: make bench, or .venv/bin/python bench/judge.py. All four are measured in one run, turn by turn, on the same
events, in seconds of the processor, so that the ratios hold on any machine; the rates are this machine's.

  parse            orjson alone
  parse + core     orjson, then jsonschema-rs on the core schema: what a minimal validator would do
  judgement        everything: parse, core, every facet, secrets, Datadog's rules, summary
  pure jsonschema  orjson, then the jsonschema library on the core and on every facet, formats checked
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from mock_intake.judging.judgement import Judge
from mock_intake.model.event import EventView
from mock_intake.openlineage.explain import Explainer
from mock_intake.openlineage.facts import LATEST_CORE
from mock_intake.openlineage.library import standard_library

PRODUCER = "https://github.com/acme/etl"
FACETS = "https://openlineage.io/spec/facets"
ROUNDS = 7
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


def contestants() -> dict[str, Callable[[bytes], object]]:
    library = standard_library()
    core = library.core(LATEST_CORE, "RunEvent")
    explainer = Explainer(library)
    target = library.core_target(LATEST_CORE, "RunEvent")
    judge = Judge()

    def pure(body: bytes) -> None:
        value = orjson.loads(body)
        assert not explainer.errors(target, value)
        for group in EventView(value).facet_groups():
            for key, content in group.facets.items():
                schema = library.resolve(group.entity, key, content["_schemaURL"]).schema
                assert schema is not None
                assert not explainer.errors(schema.target, content)

    return {
        "parse": orjson.loads,
        "parse + core": lambda body: core(orjson.loads(body)),
        "judgement": lambda body: judge.judge(body, "bench"),
        "pure jsonschema": pure,
    }


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


def main() -> int:
    names = contestants()
    print(f"events per second of the processor, best of {ROUNDS} rounds; Python {sys.version.split()[0]}")
    print(f"{'event':>16} " + " ".join(f"{name:>16}" for name in names) + f"{'cost':>8}{'speed-up':>10}")
    met = True
    for title, body in events().items():
        best = dict.fromkeys(names, float("inf"))
        for _ in range(ROUNDS):
            for name, call in names.items():
                best[name] = min(best[name], seconds_per_call(call, body, 0.15))
        cost = best["judgement"] / best["parse + core"]
        speed_up = best["pure jsonschema"] / best["judgement"]
        met = met and cost <= MAX_COST[title] and speed_up >= MIN_SPEED_UP
        rates = " ".join(f"{1 / seconds:>16,.0f}" for seconds in best.values())
        print(f"{title:>8} {len(body) / 1000:>5.1f} KB {rates}{cost:>7.1f}x{speed_up:>9.0f}x")
    aims = ", ".join(f"{most:g}x ({title})" for title, most in MAX_COST.items())
    print(f"cost: judgement to parse + core (aim: at most {aims}); ", end="")
    print(f"speed-up: judgement to pure jsonschema (aim: at least {MIN_SPEED_UP:g}x)")
    print("aims met" if met else "aims missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
