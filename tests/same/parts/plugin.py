"""The pytest plugin: what it offers, what it says of tests that fail, and what it costs those who do not use it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

from tests.same.commands import environment
from tests.same.parts.rules import all_rules
from tests.same.texts import pretty, without_what_rules_say

PLUGIN = "mock_intake"
REPOSITORY = Path(__file__).parents[3]
TESTS = Path("inputs/plugin")
MILLISECONDS = "import-milliseconds.txt"
_TIME_LIMIT = 300.0
_ROUNDS = 3
# What differs from run to run, and what stands there instead. Ids of runs are those of the tests and stay.
_VARYING = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)(?=[ \"])(?<!00\.000Z)", "TIME"),
    (r"\*{4}[0-9a-f]{4}\b", "****KEY"),
    (r"(?<![0-9a-f-])[0-9a-f]{32}(?![0-9a-f-])", "API-KEY"),
    (r"(?<![0-9a-f-])[0-9a-f]{20}(?![0-9a-f-])", "EXCHANGE"),
    (r"(?<![0-9a-f-])[0-9a-f]{16}(?![0-9a-f-])", "EVENT"),
    (r"(?<![0-9a-f-])[0-9a-f]{12}(?![0-9a-f-])", "ORG"),
    (r" in \d+\.\d+s", " in SECONDS"),
    # Where in a line it was, as Python's version marks it.
    (r"(?m)^ *[~^]+\n", ""),
)
# What importing the plugin loads beyond pytest, and how long that takes: printed by a process of its own.
_IMPORT = """
import importlib, json, sys, time
import pytest
before = set(sys.modules)
began = time.perf_counter()
importlib.import_module(sys.argv[1])
took = time.perf_counter() - began
print(json.dumps({"took": took, "loaded": sorted(set(sys.modules) - before)}))
"""


def record(folder: Path) -> Iterator[tuple[str, str]]:
    yield "options.txt", _of_plugin(_pytest("-q", "--help"), "intake_")
    yield "markers.txt", _paragraphs(_pytest("-q", "--markers"), "@pytest.mark.intake")
    yield "fixtures.txt", _fixtures(_pytest("-v", "--fixtures"))
    report = folder / "report.json"
    said = _pytest(
        "-q", "-rA", "--tb=short", f"--basetemp={folder / 'base'}", f"--intake-report={report}", "outcomes.py"
    )
    yield "outcomes.txt", _lasting(said.replace(str(folder), "FOLDER").replace(str(REPOSITORY), "REPOSITORY"))
    yield "report.json", _lasting(pretty(without_what_rules_say(json.loads(report.read_bytes()), all_rules())))
    loaded, milliseconds = _import()
    yield "imports.json", pretty(loaded)
    yield MILLISECONDS, f"{milliseconds:.1f}\n"


def _pytest(*options: str) -> str:
    """What a user's pytest prints that has no other plugin."""
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "--no-header", *options]
    done = subprocess.run(
        command,
        cwd=TESTS,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT,
        check=False,
    )
    return done.stdout + done.stderr


def _of_plugin(text: str, setting: str) -> str:
    """The plugin's group of options and its settings, of the help of pytest."""
    group = next((part for part in text.split("\n\n") if "  --intake-fail-on" in part), "")
    settings = re.findall(rf"^  {setting}.*\n(?:    .*\n)*", text, re.MULTILINE)
    return "".join([f"{group}\n\n", *settings])


def _paragraphs(text: str, beginning: str) -> str:
    return "".join(f"{part}\n" for part in text.split("\n\n") if part.startswith(beginning))


def _fixtures(text: str) -> str:
    """The plugin's fixtures without the places where they are defined, and without those that are its own business."""
    defined = text.partition("--- fixtures defined from mock_intake")[2].partition("\n")[2]
    defined = re.sub(r" -- \S+:\d+$", "", re.split(r"\n+(?:---|===)", defined)[0], flags=re.MULTILINE)
    return "\n\n".join(part for part in defined.split("\n\n") if not part.startswith("_")) + "\n"


def _lasting(text: str) -> str:
    for pattern, instead in _VARYING:
        text = re.sub(pattern, instead, text)
    return text


def _import() -> tuple[dict[str, object], float]:
    """What importing the plugin's module loads beyond pytest, and the median of how many milliseconds that takes."""
    [plugin] = (point for point in entry_points(group="pytest11") if point.name == PLUGIN)
    command = [sys.executable, "-c", _IMPORT, plugin.module]
    rounds = [
        json.loads(subprocess.run(command, env=environment(), capture_output=True, check=True).stdout)
        for _ in range(_ROUNDS)
    ]
    loaded = rounds[0]["loaded"]
    # Which modules of its own the standard library loads is a matter of Python's version.
    ours = [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names]
    return {"modules": ours, "count": len(ours)}, median(one["took"] for one in rounds) * 1000
