"""What ``mock-intake check`` finds: in the cases, in what the tests judge, and in made-up events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.same.commands import run
from tests.same.fakes import Event, facets, line, lines, seeded, valid_recordings
from tests.same.parts.rules import all_rules
from tests.same.texts import JsonObject, digest, pretty, without_what_rules_say

CASES = Path("inputs/cases")
TESTS = Path("inputs/tests")
# How often each rule is broken: recipes draw among several forms.
_ROUNDS = 3
# Each event by itself: what is found over all of them would be of a recording that nobody made.
_SINGLY = ("--select", "HT", "--select", "OL", "--select", "DD")


def record(_folder: Path) -> Iterator[tuple[str, str]]:
    rules = all_rules()
    for file in sorted(CASES.rglob("*.*")):
        yield f"cases/{file.relative_to(CASES).with_suffix('.json')}", pretty(checked(rules, str(file)))
    yield "tests/events.json", pretty(checked(rules, *_SINGLY, str(TESTS / "events.ndjson")))
    yield "tests/names.json", pretty(_names(rules))
    yield "tests/recordings.json", pretty(_recordings(rules))
    yield "fake/facets.json", pretty(_facets())
    yield "fake/valid.json", pretty(_valid(rules))
    for family in sorted({code[:2] for code in rules}):
        yield f"fake/broken-{family}.json", pretty(_broken(rules, family))


def checked(rules: dict[str, JsonObject], *arguments: str, stdin: bytes = b"") -> JsonObject:
    """What ``check --format json`` says, with its exit code and what it wrote to standard error."""
    done = run("check", "--format", "json", *arguments, stdin=stdin)
    said: Any = json.loads(done.output) if done.output else None
    return {"exit_code": done.exit_code, "errors": done.errors, "output": without_what_rules_say(said, rules)}


def _names(rules: dict[str, JsonObject]) -> JsonObject:
    """What is found in the name of a dataset, by namespace and name; those with nothing are there too."""
    names = [json.loads(text) for text in (TESTS / "names.ndjson").read_text(encoding="utf-8").splitlines()]
    events = [
        {
            "eventTime": "2026-11-01T12:00:00Z",
            "producer": "https://github.com/acme/etl",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
            "job": {"namespace": "prod", "name": "reads_one"},
            "inputs": [{"namespace": namespace, "name": name}],
        }
        for namespace, name in names
    ]
    found = checked(rules, *_SINGLY, "-", stdin=lines(events))["output"]["events"]
    return {json.dumps(name, ensure_ascii=False): each["findings"] for name, each in zip(names, found, strict=True)}


def _recordings(rules: dict[str, JsonObject]) -> JsonObject:
    found = {}
    for text in (TESTS / "recordings.ndjson").read_text(encoding="utf-8").splitlines():
        recording = json.loads(text)
        found[recording["name"]] = checked(rules, "-", stdin="\n".join(recording["bodies"]).encode())
    return found


def _facets() -> JsonObject:
    return {name: json.loads(line(facet)) for name, facet in facets().items()}


def _valid(rules: dict[str, JsonObject]) -> JsonObject:
    return _each_together(rules, valid_recordings())


def _broken(rules: dict[str, JsonObject], family: str) -> JsonObject:
    """What is found in events that break a rule, or why none can."""
    made: dict[str, list[Event]] = {}
    found: JsonObject = {}
    for code in (code for code in rules if code.startswith(family)):
        for number in range(_ROUNDS):
            try:
                made[f"{code}-{number}"] = seeded(f"{code}-{number}").broken_events(code)
            except ValueError as error:
                found[code] = str(error)
                break
    by_name = _each_alone if all(len(events) == 1 for events in made.values()) else _each_together
    return {**found, **by_name(rules, made)}


def _each_together(rules: dict[str, JsonObject], made: dict[str, list[Event]]) -> JsonObject:
    """What is found in recordings, by name."""
    return {
        name: {"made": digest(lines(events)), **checked(rules, "-", stdin=lines(events))}
        for name, events in made.items()
    }


def _each_alone(rules: dict[str, JsonObject], made: dict[str, list[Event]]) -> JsonObject:
    """What is found in recordings of one event each, by name: in all at once, which is faster."""
    if not made:
        return {}
    whole = lines(event for events in made.values() for event in events)
    found = checked(rules, *_SINGLY, "-", stdin=whole)["output"]["events"]
    return {
        name: {"made": digest(lines(events)), **each} for (name, events), each in zip(made.items(), found, strict=True)
    }
