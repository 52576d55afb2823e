"""What recipes share: valid events to begin with, and ways into them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from mock_intake.fake.facets import make_facet
from mock_intake.fake.flows import draw_flow, draw_table, reading
from mock_intake.fake.runs import EventType, Worker, dataset_event, draw_scene
from mock_intake.model.event import EventView, JsonObject

Recipe = Callable[[Random], JsonObject]


def run_event(random: Random, event_type: EventType | None = None) -> JsonObject:
    common: tuple[EventType, ...] = ("START", "RUNNING", "COMPLETE", "FAIL")
    return Worker(random).run_event(random.choice(common) if event_type is None else event_type)


def any_event(random: Random) -> JsonObject:
    """An event of any of the three kinds."""
    choice = random.randrange(4)
    if choice == 0:
        return Worker(random).job_event()
    return dataset_event(random) if choice == 1 else run_event(random)


def start_reading(random: Random, platform: str) -> JsonObject:
    """START of a run that reads a table of this platform, its one input."""
    return Worker(random, flow=reading(random, draw_table(random, platform))).run_event("START")


def sql_worker(random: Random) -> Worker:
    """A run of a job that is done in SQL."""
    while True:
        flow = draw_flow(random)
        if flow.query is not None:
            return Worker(random, flow=flow)


def facet_of(random: Random, entity: Any, key: str, **fields: Any) -> JsonObject:
    """A facet by itself, about whatever."""
    return make_facet(draw_scene(random), entity, key, **fields)


class Place(NamedTuple):
    """A facet in an event: what it is among, and its key."""

    facets: JsonObject
    key: str

    @property
    def facet(self) -> JsonObject:
        facet: JsonObject = self.facets[self.key]
        return facet


def some_facet(random: Random, event: JsonObject) -> Place:
    """Any facet of an event."""
    places = [
        Place(group.facets, key)  # type: ignore[arg-type]  # the view reads, and these are the event's own
        for group in EventView(event).facet_groups()
        for key in group.facets
    ]
    return random.choice(places)


def renamed(value: Any, old: JsonObject, **new: str) -> Any:
    """A value in which a dataset, wherever it is spoken of, has another namespace or name."""
    if isinstance(value, list):
        return [renamed(item, old, **new) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: renamed(item, old, **new) for key, item in value.items()}
    same = (made.get("namespace"), made.get("name")) == (old["namespace"], old["name"])
    return made | new if same else made
