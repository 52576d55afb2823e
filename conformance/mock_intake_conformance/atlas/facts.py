"""What was seen of a producer, as facts: JSON without what differs from one run to the next."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mock_intake.body.shown import decoded_text
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Finding
from mock_intake.report.suite import ProducerReport, Verdict
from mock_intake_conformance.observation import Observation, not_arrived
from mock_intake_conformance.scenarios import DEBUG, DISABLED, FAILING, HEALTHY

MOST_EVENTS = 40
_SAID = 300
_UUID = re.compile(r"(?:\brun )?\b([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\b")
_HERE = re.compile(r"(?:https?://)?127\.0\.0\.1:\d+")
_VERSION = re.compile(r"/(\d+-\d+-\d+)/")
_TEMPORARY = re.compile(r"(?:/private)?/(?:tmp|var/tmp)/[^\s'\",;)]*?/work\b")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")


class Scrubber:
    """Takes out of texts what differs from run to run: ids, times, directories, addresses. Ids get numbers."""

    def __init__(self, cache: Path) -> None:
        self._cache = str(cache)
        self._runs: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A text without them."""
        text = _TEMPORARY.sub("WORK", text.replace(self._cache, "CACHE"))
        text = _UUID.sub(lambda found: self.run(found[1]), _HERE.sub("INTAKE", text))
        return _TIME.sub("TIME", text)

    def run(self, run_id: str) -> str:
        """The name of a run in the atlas: runs are numbered as they come."""
        return self._runs.setdefault(run_id.lower(), f"run {len(self._runs) + 1}")


def events_of(seen: Observation, scrubber: Scrubber) -> list[dict[str, Any]]:
    """The events that were taken, in order of arrival: types, names, runs, facets with their versions."""
    bodies = [json.loads(decoded_text(exchange) or "{}") for exchange, _ in seen.taken]
    return [_event(body, scrubber) for body in bodies[:MOST_EVENTS]]


def _event(body: Mapping[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    run, job = _object(body.get("run")), _object(body.get("job"))
    facets = _object(run.get("facets"))
    parent = _object(_object(facets.get("parent") or facets.get("parentRun")).get("run")).get("runId")
    found: dict[str, Any] = {
        "type": body.get("eventType"),
        "run": scrubber.run(str(run["runId"])) if "runId" in run else None,
        "parent": scrubber.run(str(parent)) if parent else None,
        "job": _named(job, scrubber),
        "run_facets": _facets(facets),
        "job_facets": _facets(_object(job.get("facets"))),
        "inputs": [_dataset(each, scrubber) for each in _objects(body.get("inputs"))],
        "outputs": [_dataset(each, scrubber) for each in _objects(body.get("outputs"))],
    }
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _named(what: Mapping[str, Any], scrubber: Scrubber) -> str:
    return scrubber.text(f"{what.get('namespace')} / {what.get('name')}") if what else ""


def _dataset(dataset: Mapping[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    kinds = ("facets", "inputFacets", "outputFacets")
    return {
        "name": _named(dataset, scrubber),
        "facets": [facet for kind in kinds for facet in _facets(_object(dataset.get(kind)))],
    }


def _facets(facets: Mapping[str, Any]) -> list[str]:
    found = []
    for name, facet in sorted(facets.items()):
        version = _VERSION.search(str(_object(facet).get("_schemaURL", "")))
        found.append(f"{name} {version[1]}" if version else name)
    return found


def findings_of(seen: Observation, scrubber: Scrubber) -> dict[str, Any]:
    """The findings by code: their severity, how often, and how the first one reads."""
    return counted_findings([*seen.findings(), *seen.run_findings, *seen.dataset_findings], scrubber)


def counted_findings(findings: Iterable[Finding], scrubber: Scrubber) -> dict[str, Any]:
    """Findings by code, in the order of the codes."""
    found: dict[str, Any] = {}
    for finding in findings:
        first = {"severity": str(finding.severity), "times": 0, "message": scrubber.text(finding.message)}
        found.setdefault(finding.code, first)["times"] += 1
    return dict(sorted(found.items()))


def behaviour_of(seen: Observation, healthy: Observation) -> dict[str, Any]:
    """What a producer did in a scenario: its end, its requests, what was lost and what came twice."""
    accepted = Counter(exchange.event.id for exchange in seen.exchanges if exchange.accepted and exchange.event)
    found: dict[str, Any] = {
        "exit_code": seen.outcome.exit_code,
        "seconds": round(seen.outcome.seconds, 1),
        "requests": len(seen.exchanges),
        "taken": len(seen.taken),
    }
    if seen.scenario.id == HEALTHY:
        found["start_late_by"] = _lateness(seen)
    if seen.scenario.id not in (HEALTHY, DEBUG, DISABLED, FAILING):
        # What followed the redirect arrived elsewhere.
        found["lost"] = max(0, not_arrived(healthy, seen).total() - len(seen.elsewhere))
        found["attempts"] = max(map(len, seen.attempts()), default=0)
        found["duplicates"] = sum(times - 1 for times in accepted.values())
        found["told"] = _tells(seen, healthy)
    return found


def _lateness(seen: Observation) -> float | None:
    """How long after its own time the first START came, in seconds; None where that cannot be told."""
    for exchange, event in seen.taken:
        if event.event_type == "START" and event.event_time:
            try:
                sent = datetime.fromisoformat(event.event_time)
            except ValueError:
                return None
            return round((exchange.received_at - sent).total_seconds(), 1) if sent.tzinfo else None
    return None


def _tells(seen: Observation, healthy: Observation) -> bool:
    """Whether its exit code or a line that it printed says that something is not as ever."""
    if seen.outcome.exit_code != healthy.outcome.exit_code:
        return True
    return bool(re.search(r"lineage|emit|event|retry|connection|transport", _new_words(seen, healthy), re.IGNORECASE))


def _new_words(seen: Observation, healthy: Observation) -> str:
    usual = {_shape(line) for line in _lines(healthy)}
    return "\n".join(line for line in _lines(seen) if _shape(line) not in usual)


def _lines(seen: Observation) -> Sequence[str]:
    return f"{seen.outcome.stdout}\n{seen.outcome.stderr}".splitlines()


def _shape(line: str) -> str:
    return re.sub(r"[0-9a-f-]*\d[0-9a-f-]*", "0", line)


def requests_of(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """How events come: the path, encodings and agents of requests."""
    heads = [dict(exchange.request.headers) for exchange in exchanges]
    lower = [{name.lower(): value for name, value in head.items()} for head in heads]
    return {
        "paths": sorted({exchange.request.path for exchange in exchanges}),
        "content_types": sorted({head.get("content-type", "none") for head in lower}),
        "encodings": sorted({head.get("content-encoding", "none") for head in lower}),
        "agents": sorted({re.sub(r"[(;].*", "", head.get("user-agent", "none")).strip() for head in lower}),
    }


def verdicts_of(report: ProducerReport, scrubber: Scrubber) -> dict[str, Any]:
    """The verdict on each case, with what was seen where it did not pass."""
    found = {}
    for result in report.results:
        shown = result.verdict in (Verdict.FAILED, Verdict.ERRORED, Verdict.OBSERVED)
        words = scrubber.text(result.message)[:_SAID]
        found[result.case.id] = {"verdict": str(result.verdict), **({"seen": words} if shown else {})}
    return found


def said_by(seen: Observation, scrubber: Scrubber) -> str:
    """The last line of what a producer printed, for one that sent nothing."""
    lines = [line.strip() for line in _lines(seen) if line.strip()]
    return scrubber.text(lines[-1])[:_SAID] if lines else ""
