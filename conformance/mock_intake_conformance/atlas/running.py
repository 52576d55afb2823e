"""Measures one real producer: installs it, runs the suite on it and on its cures, and makes facts of what was seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

from mock_intake import __version__
from mock_intake.report.suite import ProducerReport, Verdict
from mock_intake_conformance.atlas.facts import (
    MOST_EVENTS,
    Scrubber,
    behaviour_of,
    counted_findings,
    events_of,
    findings_of,
    requests_of,
    said_by,
    verdicts_of,
)
from mock_intake_conformance.atlas.installing import InstallError, installed
from mock_intake_conformance.atlas.model import Cure, RealProducer
from mock_intake_conformance.observation import Observation
from mock_intake_conformance.producer import Producer
from mock_intake_conformance.scenarios import FAILING, HEALTHY, SCENARIOS
from mock_intake_conformance.suite import Plan, Progress, Suite

# What producers get of the environment: nothing that could turn their events elsewhere.
_PASSED_ON = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")
_PREPARING = 600

Facts = dict[str, Any]


def measured(producer: RealProducer, cache: Path) -> Facts:
    """The facts of a producer, which is installed below ``cache``; of one that cannot be had, why."""
    directory = producer.directory(cache)
    facts: Facts = {
        "name": producer.name,
        "title": producer.title,
        "measured": date.today().isoformat(),  # noqa: DTZ011 - the day where it was measured
        "mock_intake": __version__,
        # Seconds are of a machine that had something else to do as well; the mean of a minute's, after each run.
        "load": round(os.getloadavg()[0], 1),
        "path": producer.path,
        "pins": list(producer.install.wanted),
    }
    began = time.monotonic()
    try:
        installed(producer.install, directory, producer.files)
        facts["versions"] = producer.install.versions(directory)
        prepare(producer, directory)
    except InstallError as error:
        return {**facts, "runs": False, "reason": f"It cannot be had here: {Scrubber(directory).text(str(error))}"}
    facts["install"] = {"seconds": round(time.monotonic() - began), "megabytes": _size(directory) // 1_000_000}
    seen, report, facts["load"] = _run(producer, directory)
    scrubber = Scrubber(directory)
    healthy = seen[HEALTHY]
    if not healthy.taken:
        outcome = healthy.outcome
        reason = f"No event came. The command {outcome.ended.rsplit(' after ', 1)[0]}: {said_by(healthy, scrubber)}"
        if healthy.exchanges:
            facts["requests"] = requests_of(healthy.exchanges)
            facts["findings"] = findings_of(healthy, scrubber)
        return {**facts, "runs": False, "reason": outcome.error or reason}
    return {
        **facts,
        "runs": True,
        **_seen(seen, report, scrubber),
        **_cures(producer, directory, seen, report),
    }


def _seen(seen: Mapping[str, Observation], report: ProducerReport, scrubber: Scrubber) -> Facts:
    healthy = seen[HEALTHY]
    facts: Facts = {
        "ready": report.ready,
        "requests": requests_of(healthy.exchanges),
        "events": events_of(healthy, scrubber),
        "events_left_out": max(0, len(healthy.taken) - MOST_EVENTS),
        "findings": findings_of(healthy, scrubber),
    }
    if FAILING in seen:
        facts["failing_events"] = events_of(seen[FAILING], scrubber)
        facts["failing_findings"] = findings_of(seen[FAILING], scrubber)
    facts["cases"] = verdicts_of(report, scrubber)
    facts["scenarios"] = {name: behaviour_of(seen[name], healthy) for name in SCENARIOS if name in seen}
    facts["settings"] = [f"{change.what}: {scrubber.text(change.name)}" for change in healthy.settings]
    return facts


def _cures(producer: RealProducer, directory: Path, before: Mapping[str, Observation], report: ProducerReport) -> Facts:
    return {"cures": [_tried(producer, cure, directory, before, report) for cure in producer.cures]}


def _tried(
    producer: RealProducer,
    cure: Cure,
    directory: Path,
    before: Mapping[str, Observation],
    report: ProducerReport,
) -> Facts:
    seen, cured, _ = _run(producer.cured(cure), directory)
    was = {result.case.id: str(result.verdict) for result in report.results}
    now = {result.case.id: str(result.verdict) for result in cured.results}
    # What is judged on fewer scenarios than before could pass for that alone.
    run_before, run_now = set(before), set(seen)
    judged = {
        result.case.id
        for result in cured.results
        if result.verdict not in (Verdict.SKIPPED, Verdict.OBSERVED)
        and run_before.intersection(result.case.scenarios) <= run_now
    }
    changed = {case: [was[case], now[case]] for case in was if case in judged and was[case] != now[case]}
    codes, others = (
        {name: _counted(found.get(name)) for name in cure.scenarios if name in (HEALTHY, FAILING)}
        for found in (before, seen)
    )
    return {
        "what": cure.what,
        "against": list(cure.against),
        "cases": changed,
        "gone": sorted({code for name in codes for code in codes[name] if code not in others[name]}),
        "new": sorted({code for name in codes for code in others[name] if code not in codes[name]}),
        # Of what sends less than before, less is to be found.
        "works": len(seen[HEALTHY].taken) >= len(before[HEALTHY].taken)
        and all(_met(against, codes, others, changed) for against in cure.against),
    }


def _counted(seen: Observation | None) -> Facts:
    if seen is None:
        return {}
    return counted_findings([*seen.findings(), *seen.run_findings, *seen.dataset_findings], Scrubber(Path("/none")))


def _met(
    against: str, before: Mapping[str, Facts], after: Mapping[str, Facts], changed: Mapping[str, Sequence[str]]
) -> bool:
    if "/" in against:
        return changed.get(against, ["", ""])[1] == "passed"
    return any(against in codes for codes in before.values()) and not any(against in codes for codes in after.values())


def _run(producer: RealProducer, directory: Path) -> tuple[dict[str, Observation], ProducerReport, float]:
    """What was seen by scenario, how it was judged, and the mean load of the machine."""
    seen: dict[str, Observation] = {}
    loads: list[float] = []

    def done(_producer: Producer, observation: Observation) -> None:
        seen[observation.scenario.id] = observation
        loads.append(os.getloadavg()[0])
        outcome = f"{observation.outcome.ended}, {len(observation.taken)} taken"
        sys.stderr.write(f"  {observation.scenario.id}: {outcome}\n")

    work = laid_out(producer, directory)
    # On a machine that is busy, one that is ended early would seem to hang.
    plan = Plan(jobs=producer.jobs, time_limit=producer.time_limit, scenarios=producer.scenarios, impatient=False)
    (report,) = Suite(plan, Progress(done=done)).run([suite_producer(producer, directory, work)])
    return seen, report, round(fmean(loads), 1)


def suite_producer(producer: RealProducer, directory: Path, work: Path) -> Producer:
    """A real producer as the suite runs it: in a fresh copy of its files each time."""
    failing = producer.words(producer.failing or (), directory)
    return Producer(
        producer.name,
        producer.path,
        producer.words(producer.command, directory),
        failing or None,
        environment=environment_of(producer, directory),
        directory=work,
        copied=True,
        leads=producer.leads,
    )


def environment_of(producer: RealProducer, directory: Path) -> dict[str, str]:
    """What it gets of the environment, before anything leads it: its own variables, its programs, nothing else."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {name: value.replace("{cache}", str(directory)) for name, value in producer.environment.items()}
    programs = producer.install.programs(directory)
    return {**passed, **own, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def laid_out(producer: RealProducer, directory: Path) -> Path:
    """The directory that each run has a copy of: what was prepared, with the files as they are now."""
    prepared, work = _prepared(producer, directory), directory / f"{producer.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    if prepared.exists():
        shutil.copytree(prepared, work, symlinks=True)
    for name, text in producer.files.items():
        file = work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    work.mkdir(exist_ok=True)
    return work


def prepare(producer: RealProducer, directory: Path) -> None:
    """What is done once, before any run: in a directory of its own, which is kept. Raises ``InstallError``."""
    if not producer.prepare:
        return
    prepared = _prepared(producer, directory)
    shutil.rmtree(prepared, ignore_errors=True)
    work = laid_out(producer, directory)
    environment = {**environment_of(producer, directory), "HOME": str(work)}
    for command in producer.prepare:
        words = producer.words(command, directory)
        done = subprocess.run(  # noqa: S603 - the producer's own program
            words, cwd=work, env=environment, capture_output=True, text=True, timeout=_PREPARING, check=False
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise InstallError(f"{Path(words[0]).name} ended with {done.returncode}: {' '.join(last)[:300]}")
    work.rename(prepared)


def _prepared(producer: RealProducer, directory: Path) -> Path:
    return directory / f"{producer.name}.prepared"


def _size(directory: Path) -> int:
    return sum(file.lstat().st_size for file in directory.rglob("*") if not file.is_dir())
