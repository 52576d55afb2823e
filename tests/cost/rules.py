"""Events in which there is much of what rules look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.cost.measuring import Dimension, Work
from tests.cost.requests import BODY, LETTERS, filled, received, some
from tests.events import RUN_ID, base, dataset, job_type, run_event

Event = dict[str, Any]
Maker = Callable[[int, Random], Event]


def _received(make: Maker) -> Callable[[int, Random], Work]:
    return lambda size, chance: received(json.dumps(make(size, chance)), chance=chance)


def _on_job(**facets: Any) -> Event:
    return run_event(job={"namespace": "prod", "name": "load", "facets": {"jobType": job_type(), **facets}})


def _on_run(**facets: Any) -> Event:
    return run_event(run={"runId": RUN_ID, "facets": facets})


def _from(integration: str, producer: str) -> Event:
    event = _on_job(jobType=job_type(integration=integration))
    return {**event, "producer": producer}


def _writes(namespace: str = "postgres://db:5432", name: str = "shop.public.orders") -> Event:
    return run_event("COMPLETE", outputs=[dataset(name, namespace)])


# Datasets.


def _names(number: int, chance: Random) -> list[str]:
    return [f"shop.public.{some(8, chance, LETTERS)}" for _ in range(number)]


def _lineage(*names: str) -> Event:
    sources = [{"namespace": "postgres://db:5432", "name": name, "field": "a"} for name in names]
    fields = {f"column_{number}": {"inputFields": [source]} for number, source in enumerate(sources)}
    return {**base("ColumnLineageDatasetFacet", "1-0-1"), "fields": fields}


def _read_and_written(size: int, chance: Random) -> Event:
    datasets = [dataset(name) for name in _names(size // 64, chance)]
    return run_event("COMPLETE", inputs=datasets[::2], outputs=datasets[1::2])


def _lineage_of_strangers(size: int, chance: Random) -> Event:
    outputs = [dataset(columnLineage=_lineage(*_names(size // 128, chance)))]
    return run_event("COMPLETE", inputs=[dataset(*_names(1, chance))], outputs=outputs)


def _lineage_of_strangers_to_many(size: int, chance: Random) -> Event:
    outputs = [dataset(columnLineage=_lineage(*_names(size // 256, chance)))]
    return run_event("COMPLETE", inputs=[dataset(name) for name in _names(size // 128, chance)], outputs=outputs)


def _lineage_of_long_names(size: int, chance: Random) -> Event:
    outputs = [dataset(columnLineage=_lineage(some(size, chance)))]
    return run_event("COMPLETE", inputs=[dataset(some(size, chance))], outputs=outputs)


def _lineage_of_many(size: int, chance: Random) -> Event:
    names = _names(size // 512, chance)
    outputs = [dataset(name, columnLineage=_lineage(names[0])) for name in _names(size // 512, chance)]
    return run_event("COMPLETE", inputs=[dataset(name) for name in names], outputs=outputs)


def _symlinks(size: int, chance: Random) -> Event:
    identifiers = [
        {"namespace": "postgres://db:5432", "name": name, "type": "TABLE"} for name in _names(size // 128, chance)
    ]
    facet = {**base("SymlinksDatasetFacet", "1-0-1"), "identifiers": identifiers}
    outputs = [dataset(columnLineage=_lineage(*_names(size // 256, chance)))]
    return run_event("COMPLETE", inputs=[dataset(symlinks=facet)], outputs=outputs)


# Facets.


def _tags(size: int, chance: Random) -> Event:
    tags = [{"key": some(4, chance), "value": "a", "source": "x"} for _ in range(size // 64)]
    return _on_job(tags={**base("TagsJobFacet", "1-0-0"), "tags": tags})


def _parameters(size: int, chance: Random) -> Event:
    parameter = {"key": "a", **{some(8, chance): 1 for _ in range(size // 16)}}
    return _on_run(executionParameters={**base("ExecutionParametersRunFacet", "1-0-0"), "parameters": [parameter]})


_MAKERS: dict[str, Maker] = {
    "the brackets in eventTime": lambda size, _: run_event(eventTime="[" * size),
    "the digits in eventTime": lambda size, _: run_event(eventTime="2026-01-01T00:00:00." + "1" * size),
    "the length of eventType": lambda size, _: run_event("S" * size),
    "the length of runId": lambda size, _: run_event(run={"runId": filled("a-", size)}),
    "the parts of schemaURL": lambda size, _: run_event(schemaURL="https://openlineage.io/spec/" + filled("1-", size)),
    "the parts of a facet's schemaURL": lambda size, _: _on_job(
        jobType=job_type(_schemaURL="https://openlineage.io/spec/facets/" + filled("1-", size))
    ),
    "the dots in producer": lambda size, _: _from("SPARK", "https://" + filled("a.", size)),
    "the length of the host in producer": lambda size, _: _from("SPARK", "https://" + filled("a-", size)),
    "the slashes in producer": lambda size, _: _from("TABLEAU", "/" * size),
    "the length of a namespace": lambda size, chance: _writes(namespace=some(size, chance)),
    "the length of a namespace of a platform": lambda size, chance: _writes("postgres://" + some(size, chance)),
    "the dots in a namespace": lambda size, _: _writes("postgres://" + filled("a.", size)),
    "the parts of an account": lambda size, _: _writes("snowflake://" + filled("a-", size)),
    "the length of a bucket": lambda size, _: _writes("s3://" + filled("a-", size)),
    "the length of a statement in place of a name": lambda size, _: _writes(name="select " * (size // 7)),
    "the braces in a name": lambda size, _: _writes(name=filled("{{", size)),
    "the angles in a name": lambda size, _: _writes(name=filled("<a object at ", size)),
    "the digits in a job's name": lambda size, _: run_event(job={"namespace": "prod", "name": filled("a1", size)}),
    "the unknown fields of a facet": lambda size, chance: _on_job(
        jobType=job_type(**{some(8, chance): 1 for _ in range(size // 16)})
    ),
    "the unknown keys of an event": lambda size, chance: {
        **run_event(),
        **{some(8, chance): 1 for _ in range(size // 16)},
    },
    "the dots in a name": lambda size, _: _writes(name=filled("a.", size)),
    "the quotation marks in a name": lambda size, _: _writes(name='"' * size),
    "the levels of a path": lambda size, _: _writes("s3://bucket", filled("a/", size)),
    "the length of a statement": lambda size, chance: _on_job(
        sql={**base("SQLJobFacet", "1-0-0"), "query": some(size, chance)}
    ),
    "the tags": _tags,
    "the parameters that a schema does not allow": _parameters,
    "the custom facets": lambda size, chance: _on_run(**{some(8, chance): {"a": 1} for _ in range(size // 64)}),
    "the length of a facet's key": lambda size, chance: _on_run(**{some(size, chance): {"a": 1}}),
    "the datasets": _read_and_written,
    "the datasets with flaws": lambda size, _: run_event(inputs=[{"namespace": 1} for _ in range(size // 64)]),
    "the sources of columns that are no inputs": _lineage_of_strangers,
    "the sources of columns that are no inputs, and the inputs": _lineage_of_strangers_to_many,
    "the sources of columns that are no inputs, and other names": _symlinks,
    "the length of the name of a source": _lineage_of_long_names,
    "the outputs with columns, and the inputs": _lineage_of_many,
}

DIMENSIONS = tuple(Dimension(f"rule: {name}", _received(make), BODY, smallest=512) for name, make in _MAKERS.items())
