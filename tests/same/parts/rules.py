"""The rules as they are listed and explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.same.commands import choices, run
from tests.same.texts import JsonObject, pretty


def record(_folder: Path) -> Iterator[tuple[str, str]]:
    for form in choices("rules", "--format"):
        done = run("rules", "--format", form)
        # A list, so the order of the rules is on record too.
        yield f"rules.{form}.txt", pretty(json.loads(done.output)) if form == "json" else done.output
    yield "explained.txt", run("rules", *all_rules()).output


def all_rules() -> dict[str, JsonObject]:
    """The listing of all rules by code."""
    return {rule["code"]: rule for rule in json.loads(run("rules", "--format", "json").output)}
