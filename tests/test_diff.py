"""Two recordings side by side: what came, went or changed, what is a loss, in every format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.report.formats import Kind, formats
from tests.events import base, dataset, job_type, run_event, schema

SCHEMA = schema("id", "amount")
EVENTS = [
    run_event("START", inputs=[dataset("shop.public.raw", schema=SCHEMA)]),
    run_event("COMPLETE", inputs=[dataset("shop.public.raw", schema=SCHEMA)], outputs=[dataset(schema=SCHEMA)]),
]
Events = list[dict[str, Any]]


def diff(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["diff", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write(file: Path, events: Events) -> Path:
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def changed(change: Callable[[Events], Any]) -> Events:
    events: Events = json.loads(json.dumps(EVENTS))  # nothing of one is shared with another
    change(events)
    return events


def without_output(events: Events) -> None:
    events[1]["outputs"] = []


def older_job_type(events: Events) -> None:
    for event in events:
        event["job"]["facets"]["jobType"] |= base("JobTypeJobFacet", "2-0-2")


def without_job_type(events: Events) -> None:
    for event in events:
        del event["job"]["facets"]["jobType"]


def with_a_further_field(events: Events) -> None:
    events[0]["inputs"][0]["facets"]["schema"]["fields"][0]["description"] = "the key"


def with_a_column_less(events: Events) -> None:
    """Names of columns are values."""
    events[0]["inputs"][0]["facets"]["schema"]["fields"].pop()


def other_values(events: Events) -> None:
    for event in events:
        event["run"]["runId"] = "0191a3c4-7b1c-7d38-9f3e-0242ac120002"
        event["eventTime"] = "2026-11-02T09:30:00.000Z"


JOB = "prod/load_orders"
CASES: dict[str, tuple[Callable[[Events], Any], set[tuple[str, str, str, str, bool]]]] = {
    "values": (other_values, set()),
    "columns": (with_a_column_less, set()),
    "an event that went": (
        lambda events: events.pop(0),
        {("START", "events", "events", "went", True), ("run", "findings", "RC101", "came", True)},
    ),
    "more events": (
        lambda events: events.insert(0, deepcopy(events[0]) | {"eventTime": "2026-11-01T11:59:00.000Z"}),
        {("START", "events", "events", "changed", False)},
    ),
    "a dataset": (
        without_output,
        {
            ("COMPLETE", "datasets", "output postgres://db:5432 shop.public.orders", "went", True),
        },
    ),
    "a version": (
        older_job_type,
        {(kind, "versions", "job jobType", "changed", False) for kind in ("START", "COMPLETE")},
    ),
    "a field": (with_a_further_field, {("START", "fields", "dataset schema: fields.description", "came", False)}),
    "a facet and what is found without it": (
        without_job_type,
        {
            entry
            for kind in ("START", "COMPLETE")
            for entry in (
                (kind, "facets", "job jobType", "went", True),
                (kind, "versions", "job jobType", "went", False),
                (kind, "findings", "DD101", "came", True),
                *((kind, "fields", f"job jobType: {name}", "went", True) for name in job_type() if name[0] != "_"),
            )
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_different_and_whether_it_is_a_loss(case: str, tmp_path: Path) -> None:
    change, expected = CASES[case]
    before, after = write(tmp_path / "a.ndjson", EVENTS), write(tmp_path / "b.ndjson", changed(change))
    result = diff(before, after, "--format", "json")
    answer = json.loads(result.stdout)
    found = {
        (each["event_type"], each["aspect"], each["name"], each["change"], each["loss"]) for each in answer["changes"]
    }
    # What else is found in the run, as where an event is missing, is for the rules' own tests.
    assert expected <= found
    assert {entry for entry in found - expected if entry[0] in ("START", "COMPLETE")} == set()
    losses = [each for each in answer["changes"] if each["loss"]]
    assert result.exit_code == (1 if losses else 0)
    assert answer["summary"] == {"changes": len(answer["changes"]), "losses": len(losses)}
    # The other way round what went comes.
    turned = json.loads(diff(after, before, "--format", "json").stdout)["changes"]
    other = {"came": "went", "went": "came", "changed": "changed"}
    assert {(each["aspect"], each["name"], other[each["change"]]) for each in turned} == {
        (each["aspect"], each["name"], each["change"]) for each in answer["changes"]
    }


def test_in_some_events_only_is_a_loss_where_all_had_it(tmp_path: Path) -> None:
    twice = [*EVENTS, *({**event, "run": {"runId": "0191a3c4-7b1c-7d38-9f3e-0242ac120002"}} for event in EVENTS)]
    some = deepcopy(twice)
    some[2]["inputs"] = []
    result = diff(write(tmp_path / "a.ndjson", twice), write(tmp_path / "b.ndjson", some))
    assert "~ facets   dataset schema: in all -> in some  (loss)" in result.output
    assert result.exit_code == 1


class Cells(HTMLParser):
    """What a page's tables hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_format_tells_the_same_also_in_files(tmp_path: Path) -> None:
    hostile = changed(without_output)
    hostile[0]["job"]["facets"]["<b>|x"] = {"a": 1}
    before, after = write(tmp_path / "a.ndjson", EVENTS), write(tmp_path / "b.ndjson", hostile)
    files = [tmp_path / f"diff{each.suffix}" for each in formats(Kind.DIFFERENCE).values()]
    result = diff(before, after, *(word for file in files for word in ("-o", file)))
    assert result.exit_code == 1
    assert result.stdout == (tmp_path / "diff.txt").read_text()
    assert "1 of them a loss." in result.stdout or "of them losses." in result.stdout
    assert set(formats(Kind.DIFFERENCE)) == {"text", "json", "markdown", "html"}
    page = (tmp_path / "diff.html").read_text()
    assert "facets: job <b>|x" in Cells(page).texts
    assert "<b>|x" not in page
    markdown = (tmp_path / "diff.md").read_text().splitlines()
    rows = [line for line in markdown if line.startswith("| ")][1:]
    assert rows[0].startswith("| **"), "losses come first"
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)


def test_recordings_of_every_kind(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.ndjson", EVENTS)
    journal, packed, folder = tmp_path / "events.db", tmp_path / "exchanges.ndjson.gz", tmp_path / "folder"
    folder.mkdir()
    for number, event in enumerate(EVENTS):
        write(folder / f"{number}.json", [event])
    with IntakeServer() as server:
        for event in EVENTS:
            httpx.post(server.url + INTAKE_PATH, json=event, headers={"authorization": f"Bearer {'a' * 32}"})
        httpx.post(server.url + INTAKE_PATH, json={})  # which is refused
        exported = httpx.get(f"{server.url}/api/mock/v1/export", params={"what": "exchanges"}).content
        packed.write_bytes(gzip.compress(exported))
        assert CliRunner().invoke(main, ["import", str(packed), "--to", str(journal)]).exit_code == 0
        for source in (server.url, journal, packed, folder):
            result = diff(plain, source, "--fail-on", "change")
            assert (result.exit_code, "no difference" in result.output) == (0, True), result.output


def test_when_it_fails(tmp_path: Path) -> None:
    before, lost = write(tmp_path / "a.ndjson", EVENTS), write(tmp_path / "b.ndjson", changed(without_output))
    assert diff(before, lost, "--fail-on", "never").exit_code == 0
    more = write(tmp_path / "c.ndjson", changed(with_a_further_field))
    assert diff(before, more).exit_code == 0
    assert diff(before, more, "--fail-on", "change").exit_code == 1
    empty = write(tmp_path / "empty.ndjson", [])
    for arguments in ((before, empty), (before, tmp_path / "nowhere"), (before, lost, "-o", tmp_path / "x.doc")):
        assert diff(*arguments).exit_code == 2, arguments
