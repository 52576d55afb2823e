"""What a record says of runs, jobs and datasets, folded slowly from all of it after these words; nothing is ours here.

* Facets. "Each new event adds to what came before; a facet replaces the one of the same name entirely"
  (openlineage.io/docs/spec/object-model, on accumulation); ``_deleted``: "set to true to delete a facet" (JobFacet and
  DatasetFacet of the 2-0-2 core; facets of runs have no such flag). What is no object is no facet (BaseFacet).
* Time. ``eventTime`` is "the time the event occurred at" (BaseEvent); of one time, later is what arrived later.
* COMPLETE_SNAPSHOT: "events contain complete state", "can be processed independently" (JobTypeJobFacet 2-0-4).
* Runs. "1 START event and 1 of [ COMPLETE, ABORT, FAIL ]" (RunEvent): the first of each is that of the run. A run is
  one "of a job" (object model), so an id that several jobs began under is that of several runs.
* UUIDs: "output as lower case characters and are case insensitive on input" (RFC 9562, section 4).
* Parents: "the id of the parent run and job" (ParentRunFacet); Datadog's draft: the facet makes a parent node and edge.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

Json = Any
ENDS = ("COMPLETE", "ABORT", "FAIL")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - as plain as can be


class Attempt(NamedTuple):
    """One accepted request: its position on record, when it was received, whose it is, and the event."""

    position: int
    received: int
    org: str
    text: str
    event: Json


def when(event: Json) -> int:
    """The eventTime in nanoseconds; before all others where there is none."""
    found = re.fullmatch(r"(\d{4}-\S{14})\.?(\d*)Z", event.get("eventTime", ""))
    if found is None:
        return -(10**30)
    whole = (datetime.fromisoformat(found[1] + "+00:00") - EPOCH) // timedelta(seconds=1)
    return int(whole * 10**9 + int(found[2].ljust(9, "0")))


def events_of(record: list[Attempt], org: str) -> list[Attempt]:
    """The events of an org in order of arrival, each text once."""
    own = sorted((one for one in record if one.org == org), key=lambda one: (one.received, one.position))
    return [one for number, one in enumerate(own) if one.text not in {before.text for before in own[:number]}]


def in_time(events: list[Attempt]) -> list[Attempt]:
    return sorted(events, key=lambda one: (when(one.event), one.received, one.position))


def standing(events: list[Attempt]) -> list[Attempt]:
    """Events in order of time, from the last on that stands for itself."""
    ordered = in_time(events)
    return ordered[max((number for number, one in enumerate(ordered) if is_snapshot(one.event)), default=0) :]


def job_of(event: Json) -> tuple[str, str]:
    return event["job"]["namespace"], event["job"]["name"]


def is_snapshot(event: Json) -> bool:
    kind = event.get("job", {}).get("facets", {}).get("jobType") or {}
    return bool(kind.get("emissionPattern", {}).get("eventContentMode") == "COMPLETE_SNAPSHOT")


def folded(facets: list[Json], *, deletable: bool = True) -> dict[str, Json]:
    """Facets by key, of those that events had one after the other."""
    state = {key: facet for each in facets for key, facet in each.items() if isinstance(facet, dict)}
    return {key: facet for key, facet in state.items() if not (deletable and facet.get("_deleted") is True)}


def facets_of(events: list[Attempt], what: str) -> dict[str, Json]:
    """The facets of "run" or "job" over events in order of time."""
    return folded([one.event.get(what, {}).get("facets", {}) for one in events], deletable=what == "job")


def runs(record: list[Attempt], org: str, *, lossy: bool) -> dict[tuple[str, str], Json]:
    """Runs by id, in lower case, and the name of the job."""
    by_id: dict[str, list[Attempt]] = {}
    for attempt in events_of(record, org):
        if "run" in attempt.event:
            by_id.setdefault(attempt.event["run"]["runId"].lower(), []).append(attempt)
    found = {}
    for run_id, events in by_id.items():
        jobs = list(dict.fromkeys(job_of(one.event) for one in events))
        begun = {job_of(one.event) for one in events if one.event.get("eventType") == "START"}
        begun = begun or {job_of(one.event) for one in events if one.event.get("eventType") in ENDS}
        several = len(jobs) > 1 and (len(begun) > 1 or lossy)
        for part in [[job] for job in jobs] if several else [jobs]:
            own = [one for one in events if job_of(one.event) in part]
            found[run_id, job_of(own[0].event)[1]] = _run(own)
    return found


def _run(events: list[Attempt]) -> Json:
    types = [one.event.get("eventType") for one in events]
    start = next((one.event for one in events if one.event.get("eventType") == "START"), None)
    end = next((one.event for one in events if one.event.get("eventType") in ENDS), None)
    state = end["eventType"] if end else next((each for each in ("RUNNING", "START", "OTHER") if each in types), None)
    left = standing(events)
    return {
        "states": types,
        "state": state,
        "duration": (when(end) - when(start)) / 10**9 if start and end and min(when(start), when(end)) > 0 else None,
        "parent": facets_of(left, "run").get("parent", {}).get("run", {}).get("runId"),
        "run facets": facets_of(left, "run"),
        "job facets": facets_of(left, "job"),
        "outputs": {each["name"] for one in left for each in one.event.get("outputs", [])},
    }


def datasets(record: list[Attempt], org: str) -> dict[str, Json]:
    """Columns and what they are made of, by the name of the dataset; one namespace, no symlinks."""
    facets: dict[str, list[Json]] = {}
    for one in in_time(events_of(record, org)):
        subject = [one.event["dataset"]] if "dataset" in one.event else []
        for each in [*one.event.get("inputs", []), *one.event.get("outputs", []), *subject]:
            facets.setdefault(each["name"], []).append(each.get("facets", {}))
    found = {}
    for name, state in {name: folded(each) for name, each in facets.items()}.items():
        of = state.get("columnLineage", {}).get("fields", {}).items()
        made_of = {(column, one["name"], one["field"]) for column, how in of for one in how["inputFields"]}
        columns = [field["name"] for field in state.get("schema", {}).get("fields", [])]
        found[name] = {"columns": columns, "made of": made_of}
    return found


def jobs(record: list[Attempt], org: str) -> dict[str, Json]:
    """Jobs by name: how many events, which runs, what they read and write, who they are part of."""
    events = [one for one in events_of(record, org) if "job" in one.event]
    found: dict[str, Json] = {}
    for name in dict.fromkeys(job_of(one.event)[1] for one in events):
        own = [one for one in events if job_of(one.event)[1] == name]
        by_run: dict[str, list[Attempt]] = {}
        for one in own:
            by_run.setdefault(one.event.get("run", {}).get("runId", "").lower(), []).append(one)
        left = [one for part in by_run.values() for one in standing(part)]
        above = [facets_of(standing(part), "run").get("parent") for part in by_run.values()]
        found[name] = {
            "events": len(own),
            "runs": len(by_run.keys() - {""}),
            "job_type": facets_of(in_time(own), "job").get("jobType", {}).get("jobType"),
            "inputs": {each["name"] for one in left for each in one.event.get("inputs", [])},
            "outputs": {each["name"] for one in left for each in one.event.get("outputs", [])},
            "parents": {parent["job"]["name"] for parent in above if parent} - {name},
        }
    return found
