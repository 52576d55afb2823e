"""Archives as they are audited, and what ``check`` says of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as parquet
from faker import Faker

from mock_intake.audit.tables import FINDING
from mock_intake.fake import OpenLineageProvider
from mock_intake.files.blocks import blocks_of_file
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.report.check_report import CheckReport, OverAll, to_json

_BITS = 20


def faker_of(seed: int) -> Any:
    """Makes events up, the same each time."""
    fake = Faker()
    fake.seed_instance(seed)
    fake.add_provider(OpenLineageProvider)
    return fake


def all_runs(seed: int) -> list[list[dict[str, Any]]]:
    """Runs that break each rule on events, runs and datasets, and some with children."""
    fake = faker_of(seed)
    runs = []
    for code in RULES:
        if not code.startswith("HT") and code != "OL301":  # which orjson would not write
            try:
                runs.append(fake.broken_events(code))
            except ValueError:
                continue  # what no event can break
    return [*runs, *(fake.run_cycle(children=2) for _ in range(4))]


def in_turns(runs: Sequence[Sequence[Any]]) -> list[Any]:
    """The first events of all, then the second ones: runs begin in one block and end in another."""
    return [event for turn in zip_longest(*runs) for event in turn if event is not None]


def run_of_a_misnamed_parent(seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A run whose parent facet names another job than its parent does; and an event of the parent that does too.

    With that event nothing is wrong any more.
    """
    fake = faker_of(seed)
    run = fake.broken_events("RC402")
    child = next(event for event in run if "parent" in event["run"].get("facets", {}))
    parent = child["run"]["facets"]["parent"]
    return run, {**child, "run": parent["run"], "job": parent["job"], "eventType": "START"}


def written(directory: Path, chance: Random) -> None:
    """Files of every form, with runs that go from one to the next, repeats, and with what is no event."""
    runs, whole = (all_runs(chance.randrange(1 << 30)) for _ in range(2))
    for each in (runs, whole):
        chance.shuffle(each)
    # Of some runs all events are in one block, mostly, with those of their parents; what is wrong with one of them is
    # so no longer where more is known.
    misnamed, late = run_of_a_misnamed_parent(chance.randrange(1 << 30))
    whole.insert(2, misnamed)  # behind those that come again in another file
    events = [*chain.from_iterable(whole), *in_turns(runs)]
    lines = [orjson.dumps(event) for event in events]
    first, second = sorted(chance.sample(range(len(lines) // 4, len(lines)), 2))
    again = [*chance.sample(lines, 9), *(json.dumps(event).encode() for event in chance.sample(events, 9))]
    again.append(orjson.dumps(late))
    broken = [b"", b"{", b"\xff", b"[1]", b'{"eventType": "START"', b"  " + lines[0] + b"\r"]
    files = {
        "a.ndjson": b"\xef\xbb\xbf" + b"\n".join(chain(lines[:first], broken)) + b"\n",
        "b/b [1].json": json.dumps(events[first : first + 20], indent=1).encode(),
        "b/c.ndjson.gz": gzip.compress(b"\n".join(lines[first + 20 : second]), 1),
        "d.jsonl": b"\n".join([*lines[second:], *again]),
        "e.json": json.dumps(events[0], indent=2).encode() + json.dumps(events[1], indent=2).encode(),
    }
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def checked(files: Sequence[Path]) -> dict[str, Any]:
    """What ``check --format json`` says."""
    with Check(Judge()) as check:
        results = check.check_blocks(block for file in files for block in blocks_of_file(file))
        said: dict[str, Any] = json.loads("".join(to_json(CheckReport(check, results, over_all=OverAll(kept=False)))))
    return said


def table(directory: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    rows: list[dict[str, Any]] = parquet.read_table(directory / name).to_pylist()
    return rows


def write_table(file: Path, events: Sequence[bytes | None], column: str) -> None:
    """A Parquet file of events, in several row groups."""
    parquet.write_table(pa.table({"id": list(range(len(events))), column: list(events)}), file, row_group_size=20)


def audit_as_check(directory: Path) -> dict[str, Any]:
    """The tables of an audit in the shape of ``check --format json``."""
    findings: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sorted(table(directory, "findings"), key=lambda row: (row["position"], row["number"])):
        place = (row["position"], row["number"] >> _BITS) if row["about"] == "run" else (row["position"],)
        findings.setdefault((row["about"], *place), []).append(_finding(row))
    events = sorted(table(directory, "events"), key=lambda row: row["position"])
    runs = sorted(table(directory, "runs"), key=lambda row: (row["position"], row["number"]))
    of_datasets = [row for row in table(directory, "findings") if row["about"] == "dataset"]
    statuses = [event["status"] for event in events]
    return {
        "events": [
            {
                **{name: event[name] for name in ("source", "line", "status", "kind")},
                "findings": findings.pop(("event", event["position"]), []),
            }
            for event in events
        ],
        "runs": list(_runs(runs, findings)),
        "findings": [_finding(row) for row in sorted(of_datasets, key=lambda row: int(row["number"]))],
        "summary": {"events": len(events), **{each: statuses.count(each) for each in ("ok", "warning", "error")}},
    }


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in FINDING.names}
    return {**{name: value for name, value in found.items() if name != "advice_source"}, "source": row["advice_source"]}


def _runs(rows: Sequence[dict[str, Any]], findings: dict[tuple[Any, ...], list[Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            "run_id": row["run_id"],
            "org": "recorded",
            "job": {"namespace": row["job_namespace"], "name": row["job_name"]},
            **{name: row[name] for name in ("states", "state", "started_at", "ended_at", "duration", "parent")},
            "events": row["events"],
            "findings": findings.pop(("run", row["position"], row["number"]), []),
        }
