"""Reports over the recorded journal in every format, and the recording itself: exported, checked, sent again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.same.commands import Outcome, choices, run
from tests.same.journal import RECORDING, imported
from tests.same.parts.rules import all_rules
from tests.same.texts import digest, html_lines, pretty, without_what_rules_say

EVENTS = Path("events.ndjson")
_MADE = re.compile(r'(Made |"made_at": ")\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)')


def record(folder: Path) -> Iterator[tuple[str, str]]:
    journal = imported(folder).relative_to(folder)
    for form in choices("report", "--format"):
        yield f"report.{form}.txt", _readable(form, run("report", str(journal), "--format", form))
    yield "report-of-one-org.txt", _ended(run("report", str(journal), "--org", "4ba68aa8767b", "--fail-on", "never"))
    yield "report-of-nothing.txt", _ended(run("report", str(journal), "--org", "000000000000"))
    exported = run("export", str(journal)).output
    EVENTS.write_text(exported, encoding="utf-8")
    for form in choices("check", "--format"):
        yield f"check.{form}.txt", _readable(form, run("check", str(EVENTS), "--format", form))
    yield "check-all-places.txt", _ended(run("check", str(EVENTS), "-v", "--places", "100", "--fail-on", "warning"))
    whole = run("export", str(journal), "--what", "exchanges")
    was = RECORDING.read_text(encoding="utf-8")
    again = run("import", str(RECORDING), "--to", str(journal))
    yield (
        "transfer.json",
        pretty(
            {
                "events": digest(exported.encode()),
                "exchanges are exported as they were imported": _lines(whole.output) == _lines(was),
                "imported again": [again.exit_code, again.output, again.errors],
            }
        ),
    )


def _lines(text: str) -> list[object]:
    return [json.loads(line) for line in text.splitlines()]


def _ended(done: Outcome) -> str:
    return _MADE.sub(r"\1NOW", f"exit code {done.exit_code}\n{done.output}\n{done.errors}")


def _readable(form: str, done: Outcome) -> str:
    text = done.output
    if form in ("json", "sarif"):
        text = pretty(without_what_rules_say(json.loads(text), all_rules()))
    elif form == "html":
        text = html_lines(text)
    return _ended(done._replace(output=text))
