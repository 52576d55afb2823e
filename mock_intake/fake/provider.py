"""The Faker provider: ``Faker().add_provider(OpenLineageProvider)``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from faker.providers import BaseProvider

from mock_intake.fake import broken
from mock_intake.fake.facets import make_facet
from mock_intake.fake.flows import draw_flow
from mock_intake.fake.patching import patched
from mock_intake.fake.runs import EventType, Worker, dataset_event, draw_scene
from mock_intake.model.event import Entity, JsonObject

_EVENT_TYPES: tuple[EventType, ...] = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
_COMMON_TYPES: tuple[EventType, ...] = ("START", "START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL")
_ENDS: tuple[EventType | None, ...] = ("COMPLETE", "FAIL", "ABORT", None)


class OpenLineageProvider(BaseProvider):
    """Makes OpenLineage events for Faker: realistic ones, and ones that are wrong in a known way.

    Events are plain dicts that ``json.dumps`` takes. All of it, times too, comes from Faker's seeded generator, so
    the same seed makes the same events. Times begin on a fixed day unless ``at`` says when: a datetime with an
    offset. ``platform`` is a title of the naming table such as "PostgreSQL" or "S3": a dataset of the event is
    there. ``overrides`` are laid over an event as a JSON Merge Patch (RFC 7396): objects are merged, None takes a
    field out, anything else stands in place of what was there. Unknown platforms, keys and rules and a time without
    offset raise ``ValueError``.
    """

    @property
    def _random(self) -> Random:
        random: Random = self.generator.random
        return random

    def run_event(self, *, at: datetime | None = None, platform: str | None = None, **overrides: Any) -> JsonObject:
        """One event of a run, with what belongs to its ``eventType``: ``eventType="FAIL"`` says why it failed.

        ``at``, ``platform`` and ``overrides`` are as for all events. Nothing is wrong with the event by itself; that
        its run lacks others is for the rules of runs to say. Raises ``ValueError`` for an unknown platform, or a time
        without offset.
        """
        event_type = overrides.get("eventType")
        if event_type not in _EVENT_TYPES:
            event_type = self._random.choice(_COMMON_TYPES)
        moment = _in_utc(at)
        worker = Worker(self._random, began=moment, flow=draw_flow(self._random, platform))
        return patched(worker.run_event(event_type, moment), overrides)

    def job_event(self, *, at: datetime | None = None, platform: str | None = None, **overrides: Any) -> JsonObject:
        """A job as it is designed, with its datasets; ``at``, ``platform`` and ``overrides`` as for ``run_event``."""
        worker = Worker(self._random, began=_in_utc(at), flow=draw_flow(self._random, platform))
        return patched(worker.job_event(), overrides)

    def dataset_event(self, *, at: datetime | None = None, platform: str | None = None, **overrides: Any) -> JsonObject:
        """What is known of a dataset outside of any run; ``at``, ``platform``, ``overrides`` as for ``run_event``."""
        return patched(dataset_event(self._random, _in_utc(at), platform), overrides)

    def run_cycle(
        self,
        end: str | None = "COMPLETE",
        *,
        running: int | None = None,
        children: int = 0,
        parent: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        platform: str | None = None,
        **overrides: Any,
    ) -> list[JsonObject]:
        """All events of a run in order: START, some RUNNING, and the end; those of its children in between.

        ``end`` is COMPLETE, FAIL or ABORT, or None for a streaming run that goes on. With ``children`` the job only
        starts others, one after the other; where it fails, so did the last of them. ``parent`` is any event of the
        run that started this one. ``running`` is the number of RUNNING events, ``at`` when the run starts.
        """
        if end not in _ENDS:
            raise ValueError(f"a run ends with COMPLETE, FAIL, ABORT or (None) not at all, not with {end!r}")
        if not overrides.keys().isdisjoint(("eventType", "eventTime")):
            raise ValueError("the events of a run differ in eventType and eventTime: say end, running and at")
        worker = Worker(
            self._random,
            began=_in_utc(at),
            flow=draw_flow(self._random, platform),
            parent=parent,
            orchestrates=children > 0,
            endless=end is None,
        )
        worker.lasted *= max(children, 1)
        events = worker.cycle(end, self._random.randrange(3) if running is None else running)
        events = [patched(event, overrides) for event in events]
        if children:
            events += self._children(worker, events[0], children, end, platform)
            events.sort(key=lambda event: event["eventTime"])
        return events

    def run_facet(self, key: str, /, **fields: Any) -> JsonObject:
        """A run facet of the standard by its ``key``, in its latest version: ``run_facet("parent")``.

        ``fields`` are laid over it. Raises ``ValueError`` for a key that no run facet of the standard has.
        """
        return self._facet("run", key, fields)

    def job_facet(self, key: str, /, **fields: Any) -> JsonObject:
        """A job facet of the standard by its ``key``, in its latest version: ``job_facet("sql")``; else as
        ``run_facet``.
        """
        return self._facet("job", key, fields)

    def dataset_facet(self, key: str, /, **fields: Any) -> JsonObject:
        """A dataset facet of the standard by its ``key``, in its latest version: ``dataset_facet("schema")``.

        Else as ``run_facet``.
        """
        return self._facet("dataset", key, fields)

    def input_facet(self, key: str, /, **fields: Any) -> JsonObject:
        """A facet for ``inputFacets`` by its ``key``: ``input_facet("inputStatistics")``; else as ``run_facet``."""
        return self._facet("input", key, fields)

    def output_facet(self, key: str, /, **fields: Any) -> JsonObject:
        """A facet for ``outputFacets`` by its ``key``: ``output_facet("outputStatistics")``; else as ``run_facet``."""
        return self._facet("output", key, fields)

    def broken_event(self, rule: str) -> JsonObject:
        """An event that breaks this rule (OL, DD) and, judged by itself, no other.

        A rule that one event cannot break raises ``ValueError``, which says what can. OL301 needs ``json.dumps``:
        the text in it is none that orjson would write.
        """
        return broken.broken_event(self._random, rule)

    def broken_events(self, rule: str) -> list[JsonObject]:
        """Events that, sent in this order, break the ``rule`` (a code of OL, DD, RC or DS) and no other.

        Raises ``ValueError`` for one that no event can break, with the reason.
        """
        return broken.broken_events(self._random, rule)

    def broken_requests(self, rule: str) -> list[broken.Request]:
        """The requests to send, in this order, to break the ``rule`` of any family and no other.

        Raises ``ValueError`` for one that no request can break, with the reason.
        """
        return broken.broken_requests(self._random, rule)

    def _facet(self, entity: Entity, key: str, fields: Mapping[str, Any]) -> JsonObject:
        return make_facet(draw_scene(self._random), entity, key, **fields)

    def _children(
        self, worker: Worker, parent: JsonObject, count: int, end: str | None, platform: str | None
    ) -> list[JsonObject]:
        """The events of the runs that a run starts, each within its share of the time."""
        share = worker.lasted / (count + 1)
        events = []
        for number in range(count):
            child = Worker(
                self._random,
                began=worker.began + share * (number + 0.5),
                flow=draw_flow(self._random, platform),
                parent=parent,
            )
            child.lasted = share * self._random.uniform(0.2, 0.9)
            failed = end == "FAIL" and number == count - 1
            events += child.cycle("FAIL" if failed else "COMPLETE")
        return events


def _in_utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no offset; say datetime(..., tzinfo=UTC)")
    return at.astimezone(UTC)
