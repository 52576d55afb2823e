"""Real producers of the atlas, led to production by all that they read, run by ``run``, ``certify`` and the plugin.

Run: make producers, or .venv/bin/python -m bench.producers [NAME]... It installs them as the atlas does, below
build/atlas, which takes minutes and some gigabytes; it is no part of CI. A second server stands for production: each
producer sends there once, untouched, and then never again. What is counted goes to bench/producers/figures.json: events
here and there, namespaces, tags, verdicts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bench.producers.table import PRODUCERS, TAG, Led
from mock_intake import IntakeServer, Keys, Settings
from mock_intake.body.shown import decoded_text
from mock_intake_conformance.atlas.installing import installed
from mock_intake_conformance.atlas.running import environment_of, laid_out, prepare

CACHE = Path("build/atlas").absolute()
FIGURES = Path(__file__).parent / "figures.json"
COMMAND = str(Path(sys.executable).parent / "mock-intake")
LIMIT = 300
TEST = """
import json, os, subprocess
import pytest

@pytest.mark.intake(path={path!r}, fail_on="never", timeout=30)
def test_it(intake, intake_env):
    done = subprocess.run({command!r}, cwd={work!r}, timeout=280)
    with open({out!r}, "w") as file:
        json.dump({{"exit_code": done.returncode, "events": [event.body for event in intake.events()]}}, file)
"""


def main(names: list[str]) -> None:
    """Measures the producers of these names, or all, and keeps what was measured of the others."""
    chosen = [producer for producer in PRODUCERS if not names or producer.name in names]
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for producer in chosen:
        real = producer.real
        directory = real.directory(CACHE)
        installed(real.install, directory, real.files)
        prepare(real, directory)
        anyone = Settings(keys=Keys(anonymous=True))
        with tempfile.TemporaryDirectory(prefix="mock-intake-") as place, IntakeServer(anyone) as production:
            work = Path(place) / "work"
            shutil.copytree(laid_out(real, directory), work, symlinks=True)
            figures[producer.name] = measured(producer, work, production)
        print(json.dumps({producer.name: figures[producer.name]}, indent=2))
    FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    wrong = [producer.name for producer in chosen if not right(figures[producer.name])]
    if wrong:
        sys.exit(f"not as it should be: {', '.join(wrong)}")


def measured(producer: Led, work: Path, production: IntakeServer) -> dict[str, Any]:
    """What came here and what went there, by each way of running it."""
    real = producer.real
    directory = real.directory(CACHE)
    own = environment_of(real, directory)
    environment = {**own, **producer.production(production.url), "HOME": str(work)}
    versions = real.install.versions(directory)
    found: dict[str, Any] = {"measured": date.today().isoformat(), "packages": versions}  # noqa: DTZ011
    command = real.words(real.command, directory)
    alone = {name: value.replace("{production}", production.url) for name, value in producer.alone.items()}
    found["production"] = by_itself(command, work, {**environment, **alone}, production)
    before = production.journal.position
    ways = {"run": by_run, "certify": by_certify, "plugin": by_plugin}
    for way in producer.ways:
        found[way] = ways[way](producer, command, work, environment)
    found["elsewhere"] = production.journal.position - before
    return found


def by_itself(
    command: list[str], work: Path, environment: Mapping[str, str], production: IntakeServer
) -> dict[str, Any]:
    """The producer as production has it: what it sends there."""
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, timeout=LIMIT, check=False)
    sent = [exchange for _, exchange in production.journal.read(0, 10_000) if exchange.accepted and exchange.event]
    return {"exit_code": done.returncode, **told_of([json.loads(decoded_text(each) or "{}") for each in sent])}


def by_run(producer: Led, command: list[str], work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """``mock-intake run``: how it ended, and its line of counts."""
    words = [COMMAND, "run", "-v", "--path", producer.path, *producer.options, "--", *command]
    done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    lines = done.stderr.splitlines()
    counts = next((line for line in lines if " taken: " in line), "")
    settings = [line for line in lines if line.startswith(("replaced:", "taken out:", "kept:"))]
    if not counts or counts.startswith("0 "):
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
    return {"exit_code": done.returncode, "counts": counts, "settings": [hidden(line, work) for line in settings]}


def hidden(line: str, work: Path) -> str:
    """A line without what differs from one time to the next."""
    words = line.replace(str(work), "WORK")
    return " ".join("URL)" if "127.0.0.1:" in word else word for word in words.split(" "))


def by_certify(producer: Led, command: list[str], work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """``mock-intake certify``: the verdict on delivery, and what its healthy run sent."""
    report = work / "report.json"
    only = ("--only", "delivery", "--only", "content", "--time-limit", "200")
    words = [COMMAND, "certify", "--path", producer.path, *producer.options, *only, "-o", str(report), "--", *command]
    done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, timeout=900, check=False)
    (found,) = json.loads(report.read_text())["producers"]
    requests = found["executions"][0]["requests"]
    bodies = [json.loads(seen["body"]) for seen in requests if seen["exchange"].get("event_id") and seen["body"]]
    delivery = {each["case"]: each["verdict"] for each in found["results"] if each["case"].startswith("delivery/")}
    return {"exit_code": done.returncode, "delivery": delivery, **told_of(bodies)}


def by_plugin(producer: Led, command: list[str], work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """A test of pytest's, in a process of its own, that runs the producer."""
    tests, out = work / "tests", work / "plugin.json"
    tests.mkdir()
    text = TEST.format(path=producer.path, command=command, work=str(work), out=str(out))
    (tests / "test_it.py").write_text(text)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    if not out.exists():
        print(done.stdout[-4000:], file=sys.stderr)
        return {"exit_code": None, **told_of([])}
    found = json.loads(out.read_text())
    return {"exit_code": found["exit_code"], **told_of(found["events"])}


def told_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """How many events, of which namespaces, and how many of the run events carry production's tag."""
    tags = [event.get("run", {}).get("facets", {}).get("tags", {}).get("tags", []) for event in events]
    return {
        "events": len(events),
        "namespaces": sorted({event["job"]["namespace"] for event in events if "job" in event}),
        "tagged": sum(any(tag.get("key") == TAG for tag in each) for each in tags),
    }


def right(found: Mapping[str, Any]) -> bool:
    """Whether all came here as production would have it, and nothing went there."""
    alike = ("events", "namespaces", "tagged")
    expected = {name: found["production"][name] for name in alike}
    compared = [{name: found[way][name] for name in alike} for way in ("certify", "plugin") if way in found]
    counted = found["run"]["counts"].startswith(f"{expected['events']} event")
    as_expected = counted and all(one == expected for one in compared)
    return bool(expected["events"]) and found["elsewhere"] == 0 and as_expected


if __name__ == "__main__":
    main(sys.argv[1:])
