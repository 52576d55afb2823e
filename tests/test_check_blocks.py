"""``check`` goes through a recording in blocks, here or in workers: what it says depends on neither."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from faker import Faker

from mock_intake.datadog.native import RUN_EXEMPTIONS, RunExemption
from mock_intake.fake import OpenLineageProvider
from mock_intake.files.blocks import SIZE, Block, blocks_of_file
from mock_intake.files.exports import FORMAT
from mock_intake.files.recordings import RecordingError, read_file
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check, Checked
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Severity
from mock_intake.report.check_report import CheckReport, OverAll
from mock_intake.report.formats import FORMATS, Kind, rendered
from mock_intake.rules.examples import changed, good_event
from mock_intake.system.clock import utc_now
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake
from tests.cost.measuring import Dimension, Work, growth_of
from tests.events import base, job_type, run_event
from tests.processes import alive

Event = dict[str, Any]
# Formats that say when they were made.
DATED = ("html", "markdown", "junit")
_JOBS = ("nightly", "weekly")
JUDGE = Judge()


@pytest.fixture(scope="module")
def fake() -> Faker:
    made = Faker()
    made.seed_instance(20)
    made.add_provider(OpenLineageProvider)
    return made


def taking_turns(runs: Sequence[Sequence[Event]]) -> list[Event]:
    """The first events of all, then the second ones: runs begin in one block and end in another."""
    return [event for turn in zip_longest(*runs) for event in turn if event is not None]


def broken_in_every_way(fake: Faker) -> Iterator[list[Event]]:
    """Events that break each rule on runs and datasets, and rules of each event."""
    for code in RULES:
        if not code.startswith("HT") and code != "OL301":  # which orjson would not write
            try:
                yield fake.broken_events(code)
            except ValueError:
                continue  # what no event can break


@pytest.fixture(scope="module")
def recordings(fake: Faker, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of every form, with runs that go from one to the next, and with what is no event."""
    directory = tmp_path_factory.mktemp("recordings")
    runs = [*broken_in_every_way(fake), *(fake.run_cycle(children=2) for _ in range(4))]
    Random(1).shuffle(runs)
    events = taking_turns(runs)
    third = len(events) // 3
    lines = [orjson.dumps(event) for event in events]
    # The same event once more, and once more written otherwise.
    again = [*lines[third + 3 : third + 9], *(json.dumps(event, indent=None).encode() for event in events[5:9])]
    broken = [b"", b"{", b"\xff", b"[1]", b'{"eventType": "START"', b"  " + lines[0] + b"\r"]
    files = {
        "a.ndjson": b"\xef\xbb\xbf" + b"\n".join(chain(lines[:third], broken)) + b"\n",
        "b.json": json.dumps(events[third : 2 * third], indent=1).encode(),
        "c.ndjson.gz": gzip.compress(b"\n".join(lines[2 * third :]), 1),
        "d.jsonl": b"\n".join([*again, *lines[:40]]),
        "e.json": json.dumps(events[0], indent=2).encode() + json.dumps(events[1], indent=2).encode(),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return [directory / name for name in files]


def blocks(files: Sequence[Path], size: int) -> Iterator[Block]:
    for file in files:
        yield from blocks_of_file(file, size=size)


class Said:
    """What is said of a recording, in each format, when it is gone through in one way."""

    def __init__(self, files: Sequence[Path], *, size: int, jobs: int = 1, held: int = 0) -> None:
        with Check(JUDGE, jobs=jobs, held=held) as check:
            self.results: list[Checked] = list(check.check_blocks(blocks(files, size)))
            over_all = OverAll()
            self.formats = {}
            for each in FORMATS:
                if Kind.CHECK in each.renderings and each.name not in DATED:
                    report = CheckReport(check, iter(self.results), 3, Severity.INFO, over_all=over_all)
                    self.formats[each.name] = "".join(rendered(Kind.CHECK, each.name, report))
            assert over_all.runs is not None
            self.runs = [(closed.run_id, closed.job, closed.line, closed.findings) for closed in over_all.runs]
            self.severities = check.severities


@pytest.fixture(scope="module")
def at_once(recordings: list[Path]) -> Said:
    """All of it in memory, each file as one block."""
    return Said(recordings, size=1 << 30, held=1 << 30)


# So small that most runs have events in several blocks, and that a run has them in many.
@pytest.mark.parametrize(("size", "jobs"), [(1 << 30, 2), (20_000, 1), (20_000, 2), (3_000, 1), (1, 2)])
def test_what_is_said_depends_on_neither_blocks_nor_workers(
    size: int, jobs: int, recordings: list[Path], at_once: Said
) -> None:
    said = Said(recordings, size=size, jobs=jobs)
    assert said.results == at_once.results
    assert said.runs == at_once.runs
    assert said.severities == at_once.severities
    assert said.formats == at_once.formats


def test_the_comparison_holds_all_that_runs_and_datasets_can_have_wrong(at_once: Said) -> None:
    found = {finding.code for _, _, _, findings in at_once.runs for finding in findings}
    found |= {finding["code"] for finding in json.loads(at_once.formats["json"])["findings"]}
    found |= {finding.code for result in at_once.results for finding in result.findings}
    wanted = {code for code in RULES if code.startswith(("RC", "DS"))}
    assert wanted <= found
    assert len({result.source for result in at_once.results}) == 5
    assert sum(result.event is None for result in at_once.results) == 4


def test_what_is_judged_together_is_judged_as_each_by_itself(recordings: list[Path]) -> None:
    bodies = [one.body for file in recordings for one in read_file(file)]
    large = {**orjson.loads(bodies[0]), "own": [f"text {number}" for number in range(10_000)]}
    bodies += [orjson.dumps(large), b'{"producer": "\\ud800", "run": {}, "job": {}}']
    now = utc_now()
    together = JUDGE.judge_together(bodies, "org", now)
    assert [judgement for judgement, _ in together] == [JUDGE.judge(body, "org", arrived=now) for body in bodies]
    for body, (judgement, view) in zip(bodies, together, strict=True):
        assert (view is None) is (judgement.event is None)
        assert view is None or b"\\u" in body or view.body == orjson.loads(body)


def test_every_event_stands_at_its_line(recordings: list[Path], at_once: Said) -> None:
    read = [(one.source, one.line) for file in recordings for one in read_file(file)]
    assert [(result.source, result.line) for result in at_once.results] == read


def test_a_block_gives_each_event_as_it_is_read(recordings: list[Path]) -> None:
    for file in recordings:
        read = [(one.line, one.body) for one in read_file(file)]
        for size in (1, 5_000, SIZE):
            made = [(block, part, body) for block in blocks_of_file(file, size=size) for part, body in block.events()]
            assert [(part.line, body) for _, part, body in made] == read
            # Again, later, from where they are.
            for block, part, body in made:
                kept = block if block.file is None else block._replace(data=None)
                assert kept.body(part.start, part.size) == body


def test_a_file_that_becomes_shorter_meanwhile_is_told(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"a": 1}\n' * 10)
    [block] = blocks_of_file(file)
    file.write_bytes(b"")
    with pytest.raises(RecordingError, match="became shorter"):
        list(block._replace(data=None).events())


def test_what_is_no_event_ends_the_check_wherever_it_stands(tmp_path: Path, recordings: list[Path]) -> None:
    file = tmp_path / "exchange.ndjson"
    file.write_bytes(recordings[3].read_bytes() + b'\n{"format":"' + FORMAT.encode() + b'","request":1}\n')
    line = file.read_bytes().count(b"\n")
    for jobs in (1, 2):
        with Check(JUDGE, jobs=jobs, held=0) as check, pytest.raises(RecordingError, match=f"line {line} is a whole"):
            list(check.check_blocks(blocks([file], 5_000)))


def test_runs_are_counted_as_they_are_closed(large: Path) -> None:
    with Check(JUDGE) as check:
        told: list[tuple[int, int]] = []
        check.closed = lambda number, of: told.append((number, of))
        for _ in check.check_blocks(blocks([large], SIZE)):
            pass
        runs = list(check.closed_runs())
    ids = len({run.run_id for run in runs})
    assert ids > 400
    assert told == [(min(number, ids), ids) for number in range(400, ids + 400, 400)]


def test_runs_of_which_nothing_is_said_need_not_be_gone_through(recordings: list[Path]) -> None:
    said = []
    for silent in (True, False):
        with Check(JUDGE, jobs=2, held=0) as check:
            for _ in check.check_blocks(blocks(recordings, 50_000)):
                pass
            said.append(list(check.closed_runs(silent=silent)))
    assert said[1] == [run for run in said[0] if run.findings]
    assert 0 < len(said[1]) < len(said[0])


def codes_of_runs(files: Sequence[Path]) -> set[tuple[str, str]]:
    with Check(JUDGE, held=0) as check:
        for _ in check.check_blocks(blocks(files, SIZE)):
            pass
        return {(closed.run_id, finding.code) for closed in check.closed_runs() for finding in closed.findings}


def test_what_a_parent_answers_in_a_block_counts_for_nothing_once_it_goes_on_in_another(tmp_path: Path) -> None:
    above, below = str(UUID(int=1 << 120)), str(UUID(int=2 << 120))
    nightly, weekly = ({"namespace": "prod", "name": name, "facets": {"jobType": job_type()}} for name in _JOBS)
    parent = {
        **base("ParentRunFacet", "1-1-0"),
        "run": {"runId": above},
        "job": {"namespace": "prod", "name": _JOBS[1]},
    }
    child = {"runId": below, "facets": {"parent": parent}}
    first = [
        run_event("START", run={"runId": above}, job=nightly),
        run_event("START", run=child),
        run_event("COMPLETE", run=child),
    ]
    last = [run_event("COMPLETE", run={"runId": above}, job=weekly)]
    files = [tmp_path / "first.ndjson", tmp_path / "last.ndjson", tmp_path / "all.ndjson"]
    for file, events in zip(files, (first, last, first + last), strict=True):
        file.write_bytes(b"\n".join(map(orjson.dumps, events)))
    assert (below, "RC402") in codes_of_runs(files[:1])
    assert (below, "RC402") not in codes_of_runs(files[2:])
    assert codes_of_runs(files[:2]) == codes_of_runs(files[2:])


@pytest.mark.parametrize("exemption", RUN_EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
@pytest.mark.parametrize("at_once", [1, 1 << 30])
def test_what_the_user_of_a_native_run_cannot_change_is_found_so_at_the_end_too(
    exemption: RunExemption, at_once: int, tmp_path: Path
) -> None:
    for steps, severity in ((exemption.example, Severity.INFO), (exemption.neighbour, Severity.WARNING)):
        file = tmp_path / f"{severity}.ndjson"
        file.write_bytes(b"\n".join(orjson.dumps(changed(good_event(), step)) for step in steps))
        said = Said([file], size=at_once)
        found = [one for _, _, _, findings in said.runs for one in findings if one.code == exemption.code]
        assert [one.severity for one in found] == [severity]


def test_datasets_are_counted_over_more_names_than_are_held_in_memory(tmp_path: Path) -> None:
    first, second = (DatasetId("postgres://db:5432", f"shop.public.{name}") for name in ("Orders", "orders"))
    others = [DatasetId("postgres://db:5432", f"shop.public.table_{number}") for number in range(12_000)]
    # The second one is named by most events only once those behind the many names are counted with those before.
    written = [(first, second), (first,), (first, second)]
    written += [tuple(others[start : start + 100]) for start in range(0, len(others), 100)]
    written += [(second,), (second,)]
    lines = [
        run_event(
            "RUNNING", eventTime=f"2026-11-01T12:{number // 60:02}:{number % 60:02}Z", outputs=list(map(output, names))
        )
        for number, names in enumerate(written)
    ]
    (file := tmp_path / "events.ndjson").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    with Check(JUDGE) as check:
        for _ in check.check_blocks(blocks([file], 50_000)):
            pass
        assert [(miss.one, miss.other) for miss in check.near_misses()] == [(second, first)]
        assert list(check.datasets()) == [first, second, *others]
        assert [check.line_of(one)[1] for one in (first, second, others[0])] == [3, len(lines), 4]


def test_long_names_of_datasets_do_not_fill_the_memory(tmp_path: Path) -> None:
    names = [DatasetId("postgres://db:5432", f"shop.public.{number:06}" * 5_500) for number in range(120)]
    lines = [run_event("RUNNING", outputs=[output(name)]) for name in names]
    (file := tmp_path / "events.ndjson").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    with Check(JUDGE) as check:
        tracemalloc.start()
        try:
            for _ in check.check_blocks(blocks([file], 500_000)):
                pass
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # Of 12 MB; what is in the database does not count here.
        assert kept < 5_000_000
        assert list(check.datasets()) == names


def output(dataset: DatasetId) -> dict[str, str]:
    return {"namespace": dataset.namespace, "name": dataset.name}


# What share one run id: the job and the minute of an event, by its number.
SHARING: dict[str, Callable[[int], tuple[int, int]]] = {
    "a run again and again": lambda _: (0, 0),
    "runs of a few jobs, again and again": lambda number: (number // 3 % 8, 0),
    "a run that goes on after each of its ends": lambda number: (0, number // 3),
    "a run for each of many jobs": lambda number: (number // 3, 0),
}


def check_of_one_run_id(file: Path, sharing: Callable[[int], tuple[int, int]], size: int, chance: Random) -> Work:
    """Checks so many events of one run id: START, RUNNING, COMPLETE and so on."""
    run_id = str(UUID(int=chance.getrandbits(128), version=4))
    lines = []
    for number in range(size):
        job, minute = sharing(number)
        second = number % 3
        event = run_event(("START", "RUNNING", "COMPLETE")[second], run={"runId": run_id, "facets": {}})
        event["job"]["name"] = f"load_{job}"
        event["eventTime"] = f"2026-01-{minute // 1440 + 1:02}T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}Z"
        lines.append(orjson.dumps(event) + b"\n")
    file.write_bytes(b"".join(lines))

    def work() -> None:
        with Check(JUDGE) as check:
            for _ in check.check_blocks(blocks([file], SIZE)):
                pass
            assert sum(len(run.events) + len(run.repeats) for run in check.closed_runs()) == size

    return work


@pytest.mark.parametrize("sharing", SHARING)
def test_the_cost_is_linear_in_the_events_of_one_run_id(sharing: str, tmp_path: Path) -> None:
    make = partial(check_of_one_run_id, tmp_path / "events.ndjson", SHARING[sharing])
    # Four times the least tells them apart. Past 1,200 there is a step in what each event costs, which is no growth.
    growth = growth_of(Dimension(sharing, make, largest=1_200, smallest=300))
    assert not growth.too_steep, str(growth)


# As a command.


@pytest.fixture(scope="module")
def large(fake: Faker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of which workers judge the most."""
    file = tmp_path_factory.mktemp("large") / "events.ndjson"
    lines = [orjson.dumps(event) + b"\n" for _ in range(40) for event in fake.run_cycle()]
    with file.open("wb") as stream:
        for number in range(5 * SIZE // sum(map(len, lines)) + 1):
            # Runs of their own each time.
            stream.writelines(line.replace(b'"runId":"', b'"runId":"%d-' % number) for line in lines)
    assert file.stat().st_size > 4 * SIZE
    return file


def test_the_command_says_the_same_with_workers_and_without(large: Path) -> None:
    one, two = (mock_intake("check", "--jobs", jobs, "--format", "json", large) for jobs in ("1", "2"))
    assert one.stderr == two.stderr == ""
    assert one.stdout == two.stdout
    assert len(json.loads(one.stdout)["events"]) == large.read_bytes().count(b"\n")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_command_however_that_ends(how: signal.Signals, large: Path, tmp_path: Path) -> None:
    environment = {**clean_environment(), "TMPDIR": str(tmp_path)}
    command = [MOCK_INTAKE, "check", "--jobs", "2", "-"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdin is not None
            # More is to come: it waits for that.
            process.stdin.write(large.read_bytes())
            process.stdin.flush()
            until = time.monotonic() + 30
            while len(workers := children(process.pid)) < 2 and time.monotonic() < until:
                time.sleep(0.02)
            assert len(workers) == 2
            process.send_signal(how)
            process.wait(30)
            while any(map(alive, workers)) and time.monotonic() < until:
                time.sleep(0.02)
            assert not any(map(alive, workers))
        finally:
            process.kill()
    if how is signal.SIGKILL:  # what was killed leaves its files for the next to clear away
        assert list(tmp_path.iterdir())
        mock_intake("check", "--jobs", "2", large, TMPDIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
