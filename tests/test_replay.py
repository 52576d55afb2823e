"""``mock-intake replay``: sends recorded events to an intake, patiently, once, and never where it should not."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mock_intake import IntakeServer
from mock_intake.cli.replay import replay
from mock_intake.files.retiming import retimed
from mock_intake.journal.sqlite import SqliteJournal
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, start_command
from tests.control.content import HTTP, KEY, ORG, OTHER_KEY, api, run_of, send
from tests.events import job_event
from tests.signalling import Moment, signalled

EVENTS = [run_of("one", "START"), run_of("one", "COMPLETE"), job_event()]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS))
    return file


def replayed(recording: Path | str, target: str, *options: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    done = mock_intake("replay", recording, "--to", target, *options, DD_API_KEY=key)
    assert key not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def arrived(server: IntakeServer) -> list[dict[str, Any]]:
    """The events that were taken, with all their attempts, in order."""
    events = HTTP.get(api(server, "/events")).json()["events"][::-1]
    return [HTTP.get(api(server, f"/events/{event['id']}")).json() for event in events]


# From where.


def test_a_file_is_sent_in_its_order(server: IntakeServer, recording: Path) -> None:
    done = replayed(recording, server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"3 of 3 events taken by {server.url.removeprefix('http://')} (3 x 202)\n"
    assert [event["raw"] for event in arrived(server)] == [json.dumps(event) for event in EVENTS]
    assert {event["org"] for event in arrived(server)} == {ORG}
    assert "\x1b" not in done.stdout


def test_the_key_comes_from_the_variable_that_is_named(server: IntakeServer, recording: Path) -> None:
    done = mock_intake(
        "replay", recording, "--to", server.url, "--api-key-env", "ANOTHER", DD_API_KEY=OTHER_KEY, ANOTHER=KEY + "\n"
    )
    assert (done.returncode, {event["org"] for event in arrived(server)}) == (0, {ORG})


def test_journals_and_exports_of_whole_exchanges_are_sent_as_their_events(
    server: IntakeServer, start_server: Any, tmp_path: Path
) -> None:
    journal = SqliteJournal(tmp_path / "events.db")
    with IntakeServer(journal=journal) as source:
        for event in EVENTS:
            send(source, event)
        send(source, b"no JSON")
        export = HTTP.get(api(source, "/export?what=exchanges")).content
        assert replayed(tmp_path / "events.db", server.url).returncode == 0
    journal.close()
    packed = tmp_path / "exchanges.ndjson.gz"
    packed.write_bytes(gzip.compress(export))
    other = start_server()
    assert "3 of 3" in replayed(packed, other.url).stdout
    for target in (server, other):
        assert [event["body"] for event in arrived(target)] == EVENTS


def test_a_directory_is_sent_file_by_file(server: IntakeServer, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps(EVENTS[1:]))
    (tmp_path / "a.ndjson").write_text(json.dumps(EVENTS[0]))
    (tmp_path / "notes.txt").write_text("not sent")
    assert replayed(tmp_path, server.url).returncode == 0
    assert [event["body"] for event in arrived(server)] == EVENTS


def test_what_holds_no_events_is_unusable(server: IntakeServer, tmp_path: Path) -> None:
    (tmp_path / "empty.ndjson").write_text("\n\n")
    (tmp_path / "folder").mkdir()
    for source, word in (
        (tmp_path / "empty.ndjson", "no events"),
        (tmp_path / "missing", "no such file"),
        (tmp_path / "folder", "no file there"),
    ):
        done = replayed(source, server.url)
        assert (done.returncode, word in done.stderr) == (2, True)
    assert server.journal.position == 0


# How.


def test_what_is_refused_for_a_while_is_sent_again(server: IntakeServer, recording: Path) -> None:
    plan = [503, {"step": 429, "headers": {"Retry-After": "2"}}, "reset", {"step": 202, "times": 9}]
    HTTP.put(api(server, "/faults"), json=plan)
    began = time.monotonic()
    done = replayed(recording, server.url)
    assert time.monotonic() - began > 2.3
    assert (done.returncode, "3 of 3 events taken" in done.stdout) == (0, True)
    assert [event["attempts"] for event in arrived(server)] == [4, 1, 1]
    first, second, third, _ = (exchange.received_at for _, exchange in server.journal.read(0, 4))
    assert timedelta(seconds=0.25) < second - first < timedelta(seconds=10)
    assert timedelta(seconds=2) <= third - second < timedelta(seconds=10)


def test_retry_after_may_be_a_date_or_nonsense(server: IntakeServer, tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_text(json.dumps(EVENTS[0]))
    # Later than the command takes to begin.
    soon = (datetime.now(UTC) + timedelta(seconds=5)).replace(microsecond=0)
    plan = [
        {"step": 503, "headers": {"Retry-After": text}} for text in (f"{soon:%a, %d %b %Y %H:%M:%S} GMT", "soon", "-1")
    ]
    HTTP.put(api(server, "/faults"), json=plan)
    assert replayed(tmp_path / "one.ndjson", server.url).returncode == 0
    _, second, *_ = (exchange.received_at for _, exchange in server.journal.read(0, 4))
    assert second >= soon


def test_after_five_times_it_is_given_up(server: IntakeServer, tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_text(json.dumps(EVENTS[0]))
    HTTP.put(api(server, "/faults"), json={"sequence": [503], "repeat_last": True})
    done = replayed(tmp_path / "one.ndjson", server.url)
    assert (done.returncode, "0 of 1 event taken" in done.stdout, "(1 x 503)" in done.stdout) == (1, True, True)
    assert server.journal.position == 5


def test_what_is_refused_for_good_is_sent_once_and_the_rest_too(server: IntakeServer, recording: Path) -> None:
    recording.write_bytes(b"no JSON\n" + recording.read_bytes())
    HTTP.put(api(server, "/faults"), json=[{"step": 202}, 413])
    done = replayed(recording, server.url)
    assert done.returncode == 1
    assert "2 of 4 events taken" in done.stdout
    assert {"2 x 202", "1 x 400", "1 x 413"} == set(done.stdout.partition("(")[2].rstrip(")\n").split(", "))
    assert server.journal.position == 4


def test_redirects_are_not_followed(server: IntakeServer, start_server: Any, recording: Path) -> None:
    """The key would go where nobody said that it should."""
    elsewhere = start_server()
    step = {"step": "redirect", "location": elsewhere.url + "/api/v1/lineage", "times": 9}
    HTTP.put(api(server, "/faults"), json=[step])
    done = replayed(recording, server.url)
    assert (done.returncode, "(3 x 307)" in done.stdout) == (1, True)
    assert (server.journal.position, elsewhere.journal.position) == (3, 0)


def test_nobody_there_is_told_after_the_first_event(recording: Path) -> None:
    done = replayed(recording, "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "0 of 3 events taken by 127.0.0.1:9 (1 x ConnectError)" in done.stdout
    assert "127.0.0.1:9 does not answer: 2 events not sent" in done.stderr


def test_a_rate_is_kept(server: IntakeServer, tmp_path: Path) -> None:
    lines = [json.dumps(job_event(number=number)) for number in range(8)]
    (tmp_path / "events.ndjson").write_text("\n".join(lines))
    assert replayed(tmp_path / "events.ndjson", server.url, "--rate", "10").returncode == 0
    times = [exchange.received_at for _, exchange in server.journal.read(0, 8)]
    assert timedelta(seconds=0.65) < times[-1] - times[0] < timedelta(seconds=10)


def test_an_interrupted_replay_says_how_far_it_came(server: IntakeServer, recording: Path) -> None:
    command = [MOCK_INTAKE, "replay", str(recording), "--to", server.url, "--rate", "0.5"]
    environment = clean_environment(DD_API_KEY=KEY)
    with start_command(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as sent:
        assert server.changes.wait_for(lambda: server.journal.position == 1, 20)
        time.sleep(0.2)
        sent.send_signal(signal.SIGINT)
        out, err = sent.communicate(timeout=10)
    assert sent.returncode == 1
    assert out.startswith("1 of ")
    assert "not sent" in err
    assert "Traceback" not in err


def test_a_replay_that_is_interrupted_while_its_client_holds_a_lock_ends(
    server: IntakeServer, recording: Path, tmp_path: Path
) -> None:
    """The lock of the pool of connections, without which the client cannot be closed either. Nobody answers."""
    HTTP.put(api(server, "/faults"), json=[{"step": "hang", "times": 9}])
    held = Moment("httpcore/_synchronization.py", "__exit__", "self._lock.release()", signal.SIGINT, tmp_path)
    command = signalled([held], "replay", str(recording), "--to", server.url, everywhere=True)
    environment = clean_environment(DD_API_KEY=KEY)
    with start_command(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as sent:
        try:
            out, err = sent.communicate(timeout=60)
        finally:
            sent.kill()
    assert sent.returncode == 1
    assert out.startswith("0 of 3 events taken")
    assert err == "Interrupted: 3 events not sent, or not answered yet.\n"


def test_times_are_moved_alike_so_that_the_last_is_now(server: IntakeServer, tmp_path: Path) -> None:
    times = [
        "2020-01-01T10:00:00.000Z",
        "2020-01-01T12:30:00.250+02:00",  # half an hour later than the first
        "2020-01-01T11:00:00",  # the last of them, without offset
        "yesterday",
    ]
    events: list[Any] = [run_of("one", "RUNNING", eventTime=text) for text in times]
    events.append({**job_event(), "eventTime": 5})
    (tmp_path / "events.ndjson").write_text("\n".join(json.dumps(event) for event in events))
    before = datetime.now(UTC)
    assert replayed(tmp_path / "events.ndjson", server.url, "--retime").returncode == 0
    bodies = [event["body"] for event in arrived(server)]
    first, second, last = (datetime.fromisoformat(body["eventTime"]) for body in bodies[:3])
    assert second - first == timedelta(minutes=30, milliseconds=250)
    assert second.utcoffset() == timedelta(hours=2)
    # What was wrong with a time is as wrong as before.
    assert last.tzinfo is None
    assert last.replace(tzinfo=UTC) - first == timedelta(hours=1)
    assert before <= last.replace(tzinfo=UTC) <= datetime.now(UTC)
    assert [body["eventTime"] for body in bodies[3:]] == ["yesterday", 5]
    for body, event in zip(bodies, events, strict=True):
        assert {**body, "eventTime": None} == {**event, "eventTime": None}


def test_without_times_there_is_nothing_to_move(server: IntakeServer, tmp_path: Path) -> None:
    line = '{"job": {"namespace": "a",   "name": "b"}, "eventTime": null, "x": 1.50}'
    (tmp_path / "events.ndjson").write_text(line)
    assert replayed(tmp_path / "events.ndjson", server.url, "--retime").returncode == 0
    assert [event["raw"] for event in arrived(server)] == [line]


def test_a_progress_bar_is_for_terminals_only(server: IntakeServer, tmp_path: Path) -> None:
    lines = [json.dumps(job_event(number=number)) for number in range(6)]
    (tmp_path / "events.ndjson").write_text("\n".join(lines))
    command = [MOCK_INTAKE, "replay", str(tmp_path / "events.ndjson"), "--to", server.url, "--rate", "10"]
    terminal, other_end = pty.openpty()
    process = start_command(
        command, stdout=subprocess.PIPE, stderr=other_end, env=clean_environment(DD_API_KEY=KEY, TERM="xterm")
    )
    os.close(other_end)
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # the other end has closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(terminal)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"replaying" in shown
    assert b"\x1b[" in shown
    assert KEY.encode() not in shown
    assert b"6 of 6" in out
    assert replayed(tmp_path / "events.ndjson", server.url).stderr == ""


# Where not. No key is set, so that nothing could be sent even if a spelling were let through.


def told(target: str, *options: str) -> str:
    """What is said of a target before anything is sent."""
    done = CliRunner(env={"DD_API_KEY": None}).invoke(replay, ["no-recording", "--to", target, *options])
    assert done.exit_code == 2
    return " ".join(done.output.split())


@pytest.mark.parametrize(
    "target",
    [
        "datadoghq.com",
        "us3.datadoghq.com",
        "datadoghq.eu",
        "ddog-gov.com",
        "us2.ddog-gov.com",
        "datad0g.com",
        "https://data-obs-intake.datadoghq.com",
        "https://data-obs-intake.datadoghq.com/api/v1/lineage",
        "http://data-obs-intake.us5.datadoghq.com:8080/elsewhere",
        "https://DATA-OBS-INTAKE.DataDogHQ.COM",
        "https://data-obs-intake.datadoghq.com.",
        "https://data-obs-intake.datadoghq.com..",
        "https://data-obs-intake\u3002datadoghq\u3002com",
        "https://data-obs-intake\uff0edatadoghq\uff61com/",
        "https://anything.new.datadoghq.com?x=1#y",
        "https://datadoghq.com",
        "https://127.0.0.1.datadoghq.eu/",
        "https://ap9.datad0g.com:443",
        "https:////data-obs-intake.datadoghq.com",
        "https://data-obs-intake.datadoghq.com\t/x",
    ],
)
def test_real_datadog_intakes_are_refused_however_they_are_spelled(target: str) -> None:
    answer = told(target)
    assert (
        ("real Datadog intake" in answer and "--yes-really" in answer) or "is no URL" in answer or "no host" in answer
    )
    if "real Datadog" in answer:
        assert "There is no API key" in told(target, "--yes-really")


def test_most_of_these_spellings_are_understood_not_only_refused() -> None:
    assert "real Datadog intake" in told("https://data-obs-intake\u3002datadoghq\u3002com")
    assert "real Datadog intake" in told("https://data-obs-intake.datadoghq.com.")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:8580",
        "http://localhost:8580/datadoghq.com",
        "http://datadoghq.com.example.test",
        "http://notdatadoghq.com",
        "http://example.test/?site=datadoghq.com",
        "http://example.test#datadoghq.com",
    ],
)
def test_other_hosts_are_not_taken_for_datadog(target: str) -> None:
    assert "There is no API key: set DD_API_KEY" in told(target)


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("localhost:8580", "takes a URL or one of the sites"),
        ("data-obs-intake.datadoghq.com", "takes a URL or one of the sites"),
        ("ftp://localhost", "takes a URL"),
        ("http://", "no host"),
        ("http://[::", "is no URL"),
        ("http://user:secret@localhost", "no user or password"),
        ("http://data-obs-intake.datadoghq.com@localhost", "no user or password"),
        ("http://localhost@data-obs-intake.datadoghq.com", "no user or password"),
        ("http://localhost:99999", "is no URL"),
    ],
)
def test_a_target_that_is_none_is_told(target: str, word: str) -> None:
    answer = told(target)
    assert word in answer
    assert "secret" not in answer


@pytest.mark.parametrize("key", ["", "  ", "with space", "with\nline", "schl\u00fcssel", "nul\x7f"])
def test_what_can_be_no_key_is_told_and_not_shown(key: str) -> None:
    done = CliRunner(env={"SECRET": key}).invoke(
        replay, ["no-recording", "--to", "http://127.0.0.1:9", "--api-key-env", "SECRET"]
    )
    assert done.exit_code == 2
    assert "SECRET" in done.output
    assert not key.strip() or key not in done.output


@pytest.mark.parametrize(
    ("target", "path"),
    [("", "/api/v1/lineage"), ("/", "/api/v1/lineage"), ("/a/b?c=d", "/a/b"), ("?api-version=2", "/api/v1/lineage")],
)
def test_a_url_without_a_path_gets_the_endpoints(server: IntakeServer, recording: Path, target: str, path: str) -> None:
    replayed(recording, server.url + target)
    (_, exchange), *_ = server.journal.read(0, 1)
    assert exchange.request.path == path
    assert exchange.request.query == target.partition("?")[2]


def test_a_retimed_event_is_a_copy_but_for_its_time(server: IntakeServer) -> None:
    case = Path(__file__).parent / "folds" / "cases" / "48-retime.ndjson"
    lines = case.read_bytes().splitlines()
    done = replayed(case, server.url, "--retime")
    assert (done.returncode, f"{len(lines)} of {len(lines)} events taken" in done.stdout) == (0, True)
    raw = [event["raw"].encode() for event in arrived(server)]
    assert len(raw) == len(lines) == len(set(raw))
    times = []
    for sent, given in zip(lines, raw, strict=True):
        before, after = (json.loads(each)["eventTime"] for each in (sent, given))
        assert given == sent.replace(before.encode(), after.encode())
        times.append((before, after))
    moved = [after for before, after in times if before != after]
    assert len(moved) == len(lines) - 1  # "no time" stays
    assert len({after for before, after in times if "00:31:00" in before}) == 2
    assert sum(re.search(r"\.\d{9}Z", after) is not None for after in moved) == 2
    assert [before[-6:] for before, after in times if before[-6:-5] == "+"] == [
        after[-6:] for _, after in times if after[-6:-5] == "+"
    ]


def test_the_same_event_twice_is_taken_once(server: IntakeServer, tmp_path: Path) -> None:
    line = json.dumps(job_event())
    (tmp_path / "events.ndjson").write_text(f"{line}\n{line}\n")
    done = replayed(tmp_path / "events.ndjson", server.url)
    place = server.url.removeprefix("http://")
    assert done.stdout == f"1 of 1 event taken by {place} (2 x 202); 1 of the requests was an event once more\n"


@pytest.mark.parametrize(
    ("event", "moved"),
    [
        (
            '{"eventTime":"2026-01-01T00:00:00Z","eventTime":"2026-01-01T00:00:01Z"}',
            '"eventTime":"2026-01-01T00:00:00Z"',
        ),
        (r'{"\u0065ventTime" : "2026-01-01T00:00:01Z"}', '{"'),
        (
            '{"a":{"eventTime":"2026-01-01T00:00:01Z"},"b":["eventTime","x"],"eventTime":"2026-01-01T00:00:01Z"}',
            '"b":[',
        ),
        ('{"x":"\\"eventTime\\":","ü":1e5,"eventTime":"2026-01-01T00:00:01Z"}', '"ü":1e5'),
    ],
)
def test_the_time_that_counts_is_moved_and_no_other(event: str, moved: str) -> None:
    [given] = retimed([event.encode()], 1_767_225_602 * 10**9)
    text = given.decode()
    assert moved in text
    assert json.loads(text) == {**json.loads(event), "eventTime": "2026-01-01T00:00:02.000000Z"}
    assert text.replace("2026-01-01T00:00:02.000000Z", "2026-01-01T00:00:01Z") == event
