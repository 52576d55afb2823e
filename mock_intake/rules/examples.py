"""The examples of rules: one that a rule is broken in, and the nearest one in which it is not.

An example is told by what is different in it from something that no rule has anything to say about:

* of an event: places (JSON Pointers) of ``good_event`` with what stands there instead; ``ABSENT`` for nothing;
* of a run: the same for each of its events, in order of arrival;
* of datasets: the namespaces and names of one that a job writes and of one that another job reads;
* of a request: places as findings name them (``header:Authorization``, ``path``, ``body``, a pointer into its event),
  or a setting of the intake (``intake:keys``).

From here they go into tests, into docs/rules.md and into made-up events that break a rule.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from mock_intake.model.event import JsonObject
from mock_intake.rules.definition import JudgingRule

Changes = Mapping[str, Any]

PRODUCER = "https://github.com/acme/etl"
RUN_ID = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
OTHER_RUN_ID = "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"
# Made up, as all keys in examples are.
KEY = "5e11ab1e5e11ab1e5e11ab1e5e11ab1e"
OTHER_KEY = "0ddba110ddba110ddba110ddba110ddb"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets"


class Absent(Enum):
    """What stands where nothing does."""

    ABSENT = "nothing"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT


class Repeated(NamedTuple):
    """A text many times over, where an example is too large to be written out; and what stands around all of them."""

    text: str
    times: int
    before: str = ""
    behind: str = ""

    def __str__(self) -> str:
        return self.before + self.text * self.times + self.behind


def facet(name: str, version: str, /, **content: Any) -> JsonObject:
    """A facet of the standard: ``content``, with the ``_schemaURL`` of this class (``name``) and ``version``."""
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{version}/{name}.json#/$defs/{name}", **content}


def dataset(name: str, namespace: str = "postgres://db:5432", **facets: Any) -> JsonObject:
    """A dataset with these facets, a table of a PostgreSQL server."""
    return {"namespace": namespace, "name": name, "facets": facets}


def good_event() -> JsonObject:
    """START of a run, without datasets, in which nothing is wrong. A new one with each call."""
    return {
        "eventType": "START",
        "eventTime": "2026-11-01T12:00:00Z",
        "producer": PRODUCER,
        "schemaURL": CORE + "RunEvent",
        "run": {"runId": RUN_ID, "facets": {}},
        "job": {
            "namespace": "prod",
            "name": "load_orders",
            "facets": {
                "jobType": facet(
                    "JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="CUSTOM", jobType="JOB"
                ),
            },
        },
        "inputs": [],
        "outputs": [],
    }


def changed(event: JsonObject, changes: Changes) -> JsonObject:
    """A copy of an event with other content at these places; objects on the way to a place are made.

    Raises ``ValueError`` for a pointer that leads nowhere.
    """
    event = copy.deepcopy(event)
    for pointer, value in changes.items():
        *way, last = [_unescaped(part) for part in pointer.split("/")[1:]]
        holder: Any = event
        for part in way:
            holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
        if isinstance(holder, list):
            holder[int(last)] = copy.deepcopy(value)
        elif not isinstance(holder, dict):
            raise ValueError(f"{pointer} leads nowhere")
        elif value is ABSENT:
            holder.pop(last, None)
        else:
            holder[last] = copy.deepcopy(value)
    return event


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def example_events(rule: JudgingRule[Any], example: Any, event: JsonObject | None = None) -> list[JsonObject]:
    """The events of an example of a rule about events, runs or datasets, in order of arrival.

    They are made from ``event``, by default the good one. Raises ``ValueError`` for a rule about requests.
    """
    event = changed(good_event() if event is None else event, rule.given)
    match rule.words.subject:
        case "event":
            return [changed(event, example)]
        case "run":
            return [changed(event, step) for step in example]
        case "dataset":
            return _written_and_read(event, *example)
        case _:
            raise ValueError(f"the example of {rule.code} is a request")


def _written_and_read(event: JsonObject, written: Sequence[str], read: Sequence[str]) -> list[JsonObject]:
    """One job writes a dataset and another reads it: so it was meant."""
    one, other = ([{"namespace": namespace, "name": name, "facets": {}}] for namespace, name in (written, read))
    return [
        changed(event, {"/inputs": [], "/outputs": one}),
        changed(event, {"/inputs": other, "/outputs": [], "/job/name": "report_orders", "/run/runId": OTHER_RUN_ID}),
    ]


_LONGEST_VALUE = 200
_SHOWN_OF_LONG = 60
_BASE_FIELDS = ("_producer", "_schemaURL")


def in_words(rule: JudgingRule[Any]) -> str:
    """The example of ``rule`` as a sentence in Markdown: where it is found, and where it is not."""
    if rule.words.subject in ("run", "dataset"):
        words_of = _steps_in_words if rule.words.subject == "run" else _names_in_words
        return f"found in {words_of(rule.trigger)}; not in {words_of(rule.neighbour)}."
    given = f"where {_changes_in_words(rule.given)}, it is " if rule.given else ""
    if not rule.neighbour:
        right = "otherwise" if rule.given else "in the event as it is"
    elif len(rule.trigger) == 1 and rule.trigger.keys() == rule.neighbour.keys():
        right = f"if it is {_value_in_words(*rule.neighbour.values())}"
    else:
        right = f"if {_changes_in_words(rule.neighbour)}"
    return f"{given}found if {_changes_in_words(rule.trigger)}, and not {right}."


def _changes_in_words(changes: Changes) -> str:
    return " and ".join(f"`{place}` is {_value_in_words(value)}" for place, value in changes.items())


def _steps_in_words(steps: Sequence[Changes]) -> str:
    """The events of a run: of each its type, the seconds of its time, and what else is different in it."""
    texts = []
    for step in steps:
        others = {place: value for place, value in step.items() if place not in ("/eventType", "/eventTime")}
        changed = f" whose {_changes_in_words(others)}" if others else ""
        texts.append(f"{step['/eventType']} at {int(str(step['/eventTime'])[-3:-1])} s{changed}")
    return ", ".join(texts)


def _names_in_words(names: Sequence[Sequence[str]]) -> str:
    return " and ".join(f"`{namespace}` `{name}`" for namespace, name in names)


def _value_in_words(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    if isinstance(value, Repeated):
        around = f" between `{value.before}` and `{value.behind}`" if value.before else ""
        return f"{value.times:,} times {_value_in_words(value.text)}{around}"
    text = json.dumps(_without_base(value))
    if len(text) <= _LONGEST_VALUE:
        return f"`{text}`"
    return f"`{text[:_SHOWN_OF_LONG]}...` ({len(text)} characters)"


def _without_base(value: Any) -> Any:
    """A value without the base fields of facets, which say nothing here and are long."""
    if isinstance(value, dict):
        return {key: _without_base(item) for key, item in value.items() if key not in _BASE_FIELDS}
    return [_without_base(item) for item in value] if isinstance(value, list | tuple) else value
