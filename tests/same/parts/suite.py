"""Reports of the suite in every format, over a producer that always does the same."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.same.commands import run
from tests.same.parts.rules import all_rules
from tests.same.texts import html_lines, pretty, without_what_rules_say

_CASES = (
    "content",
    "lifecycle",
    "delivery/reaches-the-endpoint",
    "delivery/job-succeeds",
    "delivery/same-events-again",
    "resilience/503-once",
)
_SUFFIXES = (".json", ".xml", ".md", ".html", ".txt")
# What differs from run to run, and what stands there instead.
_VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)(?=[ \"])(?<!00:00Z)", "TIME"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\*{4}[0-9a-f]{4}\b", "****KEY"),
    (r"(?<![0-9a-f-])[0-9a-f]{20}(?![0-9a-f-])", "EXCHANGE"),
    (r"(?<![0-9a-f-])[0-9a-f]{16}(?![0-9a-f-])", "EVENT"),
    (r"(?<![0-9a-f-])[0-9a-f]{12}(?![0-9a-f-])", "ORG"),
    (r"\b\d+(\.\d+)? s\b", "N s"),
    (r"(\"(?:at|seconds)\": )[\d.]+", r"\1N"),
    (r"( time=\")[\d.]+", r"\1N"),
    # Marks on the line of time.
    (r"(M\d+ 2v12)+", "MARKS"),
)


def record(folder: Path) -> Iterator[tuple[str, str]]:
    # Without what is installed here it starts sooner.
    producer = f"{sys.executable} -I -S inputs/producer.py"
    options = [option for case in _CASES for option in ("--only", case)]
    options += [option for suffix in _SUFFIXES for option in ("-o", f"suite{suffix}")]
    done = run("certify", "--path", "custom", *options, "--failing", f"{producer} --fail", "--", *producer.split())
    yield "ended.txt", f"exit code {done.exit_code}\n{done.errors}"
    for suffix in _SUFFIXES:
        text = (folder / f"suite{suffix}").read_text(encoding="utf-8")
        if suffix == ".json":
            text = pretty(without_what_rules_say(json.loads(text), all_rules()))
        elif suffix == ".html":
            text = html_lines(text)
        yield f"suite{suffix}.txt", _lasting(text.replace(sys.executable, "PYTHON"))


def _lasting(text: str) -> str:
    for pattern, instead in _VARYING:
        text = re.sub(pattern, instead, text)
    return text
