"""Recordings that move: ``mock-intake export`` and ``import``, as a user runs them (``replay``: test_replay)."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_intake import IntakeServer
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.server.access import Access
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, run_command
from tests.control.content import HTTP, KEY, ORG, OTHER_KEY, OTHER_ORG, api, fill, run_of, send
from tests.forking import Started

MakeServer = Any


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeServer]:
    """A server that keeps a day's record in a file."""
    journal = SqliteJournal(tmp_path_factory.mktemp("recorded") / "events.db")
    with IntakeServer(journal=journal) as server:
        fill(server)
        yield server
    journal.close()


@pytest.fixture(scope="module")
def journal_file(recorded: IntakeServer) -> Path:
    """The file, while its server runs."""
    assert isinstance(recorded.journal, SqliteJournal)
    return recorded.journal.file


def exported(server: IntakeServer, **query: str) -> bytes:
    return HTTP.get(api(server, "/export"), params=query).content


def usage_error(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Unusable input: 2, a clear word, and no traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in " ".join(done.stderr.split()), done.stderr


# Export.


@pytest.mark.parametrize("source", ["server", "file"])
def test_events_are_exported_as_the_api_exports_them(recorded: IntakeServer, journal_file: Path, source: str) -> None:
    place = recorded.url if source == "server" else journal_file
    done = run_command([MOCK_INTAKE, "export", str(place)], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout == exported(recorded)
    count = done.stdout.count(b"\n")
    assert done.stderr.decode() == f"{count} events exported\n"


@pytest.mark.parametrize("source", ["server", "file"])
def test_whole_exchanges_are_exported_to_a_file(
    recorded: IntakeServer, journal_file: Path, source: str, tmp_path: Path
) -> None:
    place = recorded.url if source == "server" else journal_file
    file = tmp_path / "recording.ndjson"
    done = mock_intake("export", place, "--what", "exchanges", "--org", OTHER_ORG, "-o", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert file.read_bytes() == exported(recorded, what="exchanges", org=OTHER_ORG)
    assert f"1 exchange exported to {file}" in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_an_export_of_nothing_fails_and_leaves_no_file(server: IntakeServer, tmp_path: Path) -> None:
    usage_error(mock_intake("export", server.url, "-o", tmp_path / "x.ndjson"), f"no events in {server.url}")
    send(server, b"no JSON")
    usage_error(mock_intake("export", server.url, "--org", ORG, "-o", tmp_path / "x.ndjson"), "no events")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.ndjson").write_text("an earlier one")
    usage_error(
        mock_intake("export", server.url, "--org", "nobody", "--what", "exchanges", "-o", tmp_path / "x.ndjson")
    )
    assert (tmp_path / "x.ndjson").read_text() == "an earlier one"


def test_what_cannot_be_exported_is_told(tmp_path: Path, recorded: IntakeServer) -> None:
    (tmp_path / "text.db").write_text("this is no database, and long enough to be one " * 5)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)").connection.close()
    usage_error(mock_intake("export", tmp_path / "missing.db"), "there is no such journal file")
    usage_error(mock_intake("export", tmp_path / "text.db"), "text.db", "no journal")
    usage_error(mock_intake("export", tmp_path / "other.db"), "other.db", "no journal")
    usage_error(mock_intake("export", tmp_path), "no such journal file")
    usage_error(mock_intake("export", "http://127.0.0.1:9"), "http://127.0.0.1:9 does not answer")
    usage_error(mock_intake("export", "http://[::"), "is no URL")
    usage_error(mock_intake("export", recorded.url, "-o", tmp_path / "no" / "such" / "folder"), "No such file")
    usage_error(mock_intake("export", recorded.url + "/healthz"), "control API of a mock-intake")


def test_the_token_comes_from_an_option_or_the_environment(start_server: MakeServer) -> None:
    guarded = start_server(access=Access("the-token"))
    send(guarded, run_of("one"))
    usage_error(mock_intake("export", guarded.url), "needs its token")
    assert mock_intake("export", guarded.url, "--control-token", "the-token").returncode == 0
    done = mock_intake("export", guarded.url, MOCK_INTAKE_CONTROL_TOKEN="the-token")
    assert json.loads(done.stdout) == run_of("one")
    assert "the-token" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "export {0}",
        "report {0}",
        "diff {0} {0}",
        "import exchanges.ndjson --to {0}",
        "replay {0} --to {0}",
    ],
)
def test_every_command_that_takes_a_server_takes_its_token(
    start_server: MakeServer, tmp_path: Path, command: str
) -> None:
    """And says how, where there is none: replay could not be given it at all."""
    guarded = start_server(access=Access("the-token"))
    send(guarded, run_of("one"))
    exchanges = mock_intake("export", guarded.url, "--what", "exchanges", "--control-token", "the-token").stdout
    (tmp_path / "exchanges.ndjson").write_text(exchanges)
    words = command.format(guarded.url).split()
    settings: dict[str, Any] = {"cwd": tmp_path, "DD_API_KEY": KEY}
    hint = "Give it by --control-token, or by MOCK_INTAKE_CONTROL_TOKEN."
    usage_error(mock_intake(*words, **settings), hint)
    usage_error(mock_intake(*words, "--control-token", "another", **settings), f"this is another one. {hint}")
    assert mock_intake(*words, "--control-token", "the-token", **settings).returncode == 0
    assert mock_intake(*words, **settings, MOCK_INTAKE_CONTROL_TOKEN="the-token").returncode == 0


def test_what_retention_had_dropped_is_told(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "j.db", retention=Retention(exchanges=2))
    with IntakeServer(journal=journal) as server:
        for name in "abcde":
            send(server, run_of(name))
        for place in (server.url, tmp_path / "j.db"):
            done = mock_intake("export", place)
            assert (done.returncode, done.stdout.count("\n")) == (0, 2)
            assert "Retention had dropped 3 exchanges" in done.stderr
    journal.close()


@pytest.mark.parametrize("command", ["export {} --what exchanges", "report {} --fail-on never"])
def test_a_reader_that_has_seen_enough_is_no_accident(command: str, journal_file: Path) -> None:
    words = [MOCK_INTAKE, *command.format(journal_file).split()]
    with Started(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()  # long before anything is written
        told = writer.stderr.read()
    # Of an export that nobody has read to its end, no count is told either; why a report ends as it does is.
    assert writer.returncode == 0
    assert [line for line in told.splitlines() if not line.startswith(b"Exit code 0: --fail-on never")] == []


def test_a_device_or_a_pipe_is_written_to_and_stays_what_it_is(journal_file: Path, tmp_path: Path) -> None:
    """Only a plain file can be put in place as a whole."""
    done = mock_intake("export", journal_file, "-o", "/dev/stdout")
    assert (done.returncode, done.stdout) == (0, mock_intake("export", journal_file).stdout)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Started(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        assert mock_intake("export", journal_file, "-o", pipe).returncode == 0
        assert reader.communicate(timeout=10)[0] == done.stdout
    assert pipe.is_fifo()
    usage_error(mock_intake("export", journal_file, "-o", "/dev/full"), "/dev/full: No space left")
    assert Path("/dev/full").is_char_device()


def test_what_a_link_leads_to_is_written_and_the_link_stays(journal_file: Path, tmp_path: Path) -> None:
    link, target = tmp_path / "link.ndjson", tmp_path / "elsewhere" / "target.ndjson"
    target.parent.mkdir()
    link.symlink_to(target)
    for _ in range(2):
        assert mock_intake("export", journal_file, "-o", link).returncode == 0
        assert link.readlink() == target
        assert target.read_text() == mock_intake("export", journal_file).stdout
    assert [file.name for file in target.parent.iterdir()] == ["target.ndjson"]


def test_standard_output_that_takes_no_more_is_told(journal_file: Path) -> None:
    for command in ("export", "report"):
        with Path("/dev/full").open("w") as full:
            done = run_command(
                [MOCK_INTAKE, command, journal_file],
                stdout=full, stderr=subprocess.PIPE, env=clean_environment(), check=False,
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (2, b"Error: standard output: No space left on device\n")


# Import.


@pytest.fixture(scope="module")
def recording(recorded: IntakeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recording") / "recording.ndjson"
    file.write_bytes(exported(recorded, what="exchanges"))
    return file


def test_an_imported_file_is_the_record_again(recorded: IntakeServer, recording: Path, tmp_path: Path) -> None:
    target = tmp_path / "again.db"
    count = recording.read_bytes().count(b"\n")
    done = mock_intake("import", recording, "--to", target)
    assert (done.returncode, done.stdout) == (0, f"{count} exchanges imported, 0 were there already\n")
    journal = SqliteJournal(target)
    try:
        assert journal.read(0, 1_000) == recorded.journal.read(0, 1_000)
    finally:
        journal.close()
    done = mock_intake("import", recording, "--to", target)
    assert (done.returncode, done.stdout) == (0, f"0 exchanges imported, {count} were there already\n")


def test_a_running_server_takes_imports_compressed_and_from_standard_input(
    server: IntakeServer, recording: Path, tmp_path: Path
) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    packed = tmp_path / "first.ndjson.gz"
    packed.write_bytes(gzip.compress(b"".join(lines[:3])))
    assert mock_intake("import", packed, "--to", server.url).stdout.startswith("3 exchanges imported")
    done = mock_intake("import", "-", "--to", server.url, stdin=b"".join(lines))
    assert done.stdout == f"{len(lines) - 3} exchanges imported, 3 were there already\n"
    assert exported(server, what="exchanges") == b"".join(lines)


@pytest.mark.parametrize("target", ["server", "file", "file with a record"])
def test_a_broken_line_imports_nothing(server: IntakeServer, recording: Path, tmp_path: Path, target: str) -> None:
    first, second, *_ = recording.read_bytes().splitlines()
    place: str | Path = server.url if target == "server" else tmp_path / "target.db"
    if target == "file with a record":
        assert mock_intake("import", "-", "--to", place, stdin=first).returncode == 0
    done = mock_intake("import", "-", "--to", place, stdin=b"\n".join((first, second, first[:-50])))
    usage_error(done, "line 3", "nothing was imported")
    if target == "server":
        assert server.journal.position == 0
    elif target == "file":
        assert list(tmp_path.iterdir()) == []
    else:
        journal = SqliteJournal(tmp_path / "target.db", read_only=True)
        assert journal.statistics().exchanges == 1
        journal.close()


def test_what_cannot_be_imported_is_told(recording: Path, tmp_path: Path, journal_file: Path) -> None:
    whole = gzip.compress(recording.read_bytes())
    (tmp_path / "cut.gz").write_bytes(whole[:-20])
    (tmp_path / "flipped.gz").write_bytes(whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:])
    target = tmp_path / "target.db"
    usage_error(mock_intake("import", tmp_path / "cut.gz", "--to", target), "cut.gz")
    usage_error(mock_intake("import", tmp_path / "flipped.gz", "--to", target), "flipped.gz")
    usage_error(mock_intake("import", "-", "--to", target, stdin=b" \n"), "no exchanges")
    event = json.dumps(run_of("one")).encode()
    usage_error(mock_intake("import", "-", "--to", target, stdin=event), "line 1", "mock-intake replay")
    usage_error(mock_intake("import", tmp_path / "missing", "--to", target), "does not exist")
    assert not target.exists()
    usage_error(mock_intake("import", recording, "--to", tmp_path / "no" / "folder.db"), "folder.db")
    usage_error(mock_intake("import", recording, "--to", tmp_path), str(tmp_path))
    usage_error(mock_intake("import", recording, "--to", journal_file), "written to by another mock-intake")
    usage_error(mock_intake("import", recording, "--to", "http://127.0.0.1:9"), "does not answer")


def test_no_key_goes_through_a_recording(recording: Path) -> None:
    for key in (KEY, OTHER_KEY):
        assert key.encode() not in recording.read_bytes()
