"""Real producers, led to production by all that they read, run by ``run``, by ``certify`` and by the plugin.

Run: make producers, or .venv/bin/python -m bench.producers [NAME]... It installs them, each into a virtual environment
of its own below build/producers, which takes minutes and some gigabytes; it is no part of CI. A second server stands
for production: each producer sends there once, untouched, and then never again. What is counted goes to
bench/producers/figures.json: events here and there, namespaces, tags, verdicts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bench.producers.table import PRODUCERS, PROGRAMS, TAG, RealProducer
from mock_intake import IntakeServer, Keys, Settings
from mock_intake.body.shown import decoded_text

VENVS = Path("build/producers").absolute()
JARS = "java"
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
        install(producer)
        anyone = Settings(keys=Keys(anonymous=True))
        with tempfile.TemporaryDirectory(prefix="mock-intake-") as directory, IntakeServer(anyone) as production:
            figures[producer.name] = measured(producer, Path(directory), production)
        print(json.dumps({producer.name: figures[producer.name]}, indent=2))
    FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    wrong = [producer.name for producer in chosen if not right(figures[producer.name])]
    if wrong:
        sys.exit(f"not as it should be: {', '.join(wrong)}")


def install(producer: RealProducer) -> None:
    """Makes the producer's environment, unless it is there."""
    venv = VENVS / (JARS if producer.has_jars else producer.name)
    if (venv / ".ready").exists():
        return
    print(f"installing {producer.name} ...", flush=True)
    if producer.has_jars:
        with_jars(producer.packages, venv)
        (venv / ".ready").touch()
        return
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, *producer.packages], check=True)
    (venv / ".ready").touch()


def with_jars(packages: Sequence[str], directory: Path) -> None:
    """Has Maven get jars, with all that they need, into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    tags = ("groupId", "artifactId", "version")
    wanted = [zip(tags, package.split(":"), strict=True) for package in packages]
    dependencies = "".join(
        f"<dependency>{''.join(f'<{tag}>{text}</{tag}>' for tag, text in one)}</dependency>" for one in wanted
    )
    (directory / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>mock-intake</groupId><artifactId>producers</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )
    words = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={directory / 'lib'}"]
    subprocess.run(words, cwd=directory, check=True)


def measured(producer: RealProducer, work: Path, production: IntakeServer) -> dict[str, Any]:
    """What came here and what went there, by each way of running it."""
    if producer.copies:
        shutil.copytree(PROGRAMS / producer.copies, work / producer.copies)
    environment = surroundings(producer, work, production.url)
    if producer.prepare:
        words = command_of(producer, producer.prepare, work)
        subprocess.run(words, cwd=work, env=environment, check=True, capture_output=True, timeout=LIMIT)
    found: dict[str, Any] = {"measured": date.today().isoformat(), "packages": versions(producer)}  # noqa: DTZ011
    command = command_of(producer, producer.command, work)
    alone = {name: value.replace("{production}", production.url) for name, value in producer.alone.items()}
    found["production"] = by_itself(command, work, {**environment, **alone}, production)
    before = production.journal.position
    ways = {"run": by_run, "certify": by_certify, "plugin": by_plugin}
    for way in producer.ways:
        found[way] = ways[way](producer, command, work, environment)
    found["elsewhere"] = production.journal.position - before
    return found


def surroundings(producer: RealProducer, work: Path, url: str) -> dict[str, str]:
    """The environment that leads the producer to production."""
    own = {name: filled(value, work) for name, value in producer.environment.items()}
    path = f"{VENVS / producer.name / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENLINEAGE", "DD_", "AIRFLOW"))}
    return {**kept, **own, **producer.production(url), "PATH": path, "HOME": str(work)}


def filled(text: str, work: Path) -> str:
    """A word with directories in their places."""
    places = {"{work}": work, "{programs}": PROGRAMS, "{jars}": VENVS / JARS / "lib"}
    for name, place in places.items():
        text = text.replace(name, str(place))
    return text


def command_of(producer: RealProducer, words: Any, work: Path) -> list[str]:
    """A command with its program's path."""
    first, *rest = words
    if producer.has_jars:
        return [first, *(filled(word, work) for word in rest)]
    return [str(VENVS / producer.name / "bin" / first), *(filled(word, work) for word in rest)]


def by_itself(
    command: list[str], work: Path, environment: Mapping[str, str], production: IntakeServer
) -> dict[str, Any]:
    """The producer as production has it: what it sends there."""
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, timeout=LIMIT, check=False)
    sent = [exchange for _, exchange in production.journal.read(0, 10_000) if exchange.accepted and exchange.event]
    return {"exit_code": done.returncode, **told_of([json.loads(decoded_text(each) or "{}") for each in sent])}


def by_run(producer: RealProducer, command: list[str], work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
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


def by_certify(
    producer: RealProducer, command: list[str], work: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
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


def by_plugin(producer: RealProducer, command: list[str], work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
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


def versions(producer: RealProducer) -> dict[str, str]:
    """What is installed of what was asked for."""
    if producer.has_jars:
        return {package.rpartition(":")[0]: package.rpartition(":")[2] for package in producer.packages}
    pip = [str(VENVS / producer.name / "bin/python"), "-m", "pip", "list", "--format=json"]
    listed = subprocess.run([*pip, "--disable-pip-version-check"], capture_output=True, text=True, check=True)
    installed = {one["name"].lower(): one["version"] for one in json.loads(listed.stdout)}
    names = [package.partition("=")[0].partition("[")[0] for package in producer.packages]
    return {name: installed[name] for name in [*names, "openlineage-python"] if name in installed}


if __name__ == "__main__":
    main(sys.argv[1:])
