"""Files that are no journal, or cannot be had: told at the start, with what to do, and left as they are."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake.journal import JournalError
from mock_intake.journal.sqlite import VERSION, SqliteJournal
from tests.journal.exchanges import plain
from tests.journal.serving import command, new_event, serving

# Root may write anywhere; without these capabilities it is bound by permissions as everybody is.
AS_USER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def refusal(file: Path, *before: str) -> str:
    """What ``serve`` says to a file that it does not take, in one line."""
    done = command("serve", "--port", "0", "--journal", file, before=before)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    text = "These are notes, long enough to be mistaken for a database by its size alone.\n" * 20
    file.write_text(text)
    assert "the file is no SQLite database, so it is no journal." in refusal(file)
    assert file.read_text() == text
    with pytest.raises(JournalError, match="no SQLite database"):
        SqliteJournal(file, read_only=True)


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE events (id TEXT)")
    connection.close()
    before = file.read_bytes()
    assert f"{file} is a database, and no journal of mock-intake." in refusal(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(("version", "age"), [(VERSION + 1, "a later"), (VERSION - 1, "an earlier")])
def test_a_journal_of_another_version_is_refused_and_left_alone(tmp_path: Path, version: int, age: str) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    journal.append([plain("a")])
    journal.close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = file.read_bytes()
    said = refusal(file)
    assert f"was written by {age} mock-intake (journal version {version}; this one knows {VERSION})" in said
    assert "Export it with that one and import the lines here, or begin a new file." in said
    assert file.read_bytes() == before
    with pytest.raises(JournalError, match=f"{age} mock-intake"):
        SqliteJournal(file, read_only=True)


def test_a_damaged_file_is_called_so(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    journal.append([plain(f"{number}") for number in range(500)])
    journal.close()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 8192 * 4096])
    with pytest.raises(JournalError, match="the file is damaged"):
        SqliteJournal(file).read(0, 1_000)


def test_an_empty_file_becomes_a_journal_and_is_none_to_a_reader(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    file.touch()
    with pytest.raises(JournalError, match="is empty: there is no journal in it"):
        SqliteJournal(file, read_only=True)
    with serving(tmp_path, "--journal", file) as server:
        assert server.send(new_event()).status == 202


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert f"{tmp_path} is a directory, and no file." in refusal(tmp_path)
    assert list(tmp_path.parent.glob("*-writer")) == []


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "journal.db"
    said = refusal(file)
    assert f"{file}: No such file or directory" in said
    assert "its directory must exist and be writable" in said
    assert not file.parent.exists()


def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    file = tmp_path / "plain" / "journal.db"
    assert f"{file}: Not a directory: its directory must exist and be writable" in refusal(file)


def test_a_reader_of_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"journal\.db does not exist"):
        SqliteJournal(tmp_path / "journal.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a journal in it that nothing can be written to."""
    folder = tmp_path / "closed"
    folder.mkdir()
    journal = SqliteJournal(folder / "journal.db")
    journal.append([plain("a")])
    journal.close()
    (folder / "journal.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_to_is_told_at_the_start(closed_folder: Path) -> None:
    new = refusal(closed_folder / "new.db", *AS_USER)
    assert f"{closed_folder / 'new.db'}: Permission denied: its directory must exist and be writable" in new
    (closed_folder / "journal.db-writer").chmod(0o444)
    assert "Permission denied: its directory must exist and be writable" in refusal(
        closed_folder / "journal.db", *AS_USER
    )


def test_a_file_that_cannot_be_written_to_is_told_at_the_start(closed_folder: Path) -> None:
    closed_folder.chmod(0o755)
    said = refusal(closed_folder / "journal.db", *AS_USER)
    assert f"{closed_folder / 'journal.db'}: the file, or its directory, cannot be written to." in said


def test_a_journal_that_cannot_be_written_to_can_be_read(closed_folder: Path) -> None:
    done = command("export", "--what", "exchanges", closed_folder / "journal.db", before=AS_USER)
    assert (done.returncode, done.stderr) == (0, "1 exchanges exported\n")
    assert done.stdout.count("\n") == 1


def test_a_journal_that_cannot_be_read_is_told(closed_folder: Path) -> None:
    (closed_folder / "journal.db").chmod(0)
    done = command("export", closed_folder / "journal.db", before=AS_USER)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the file cannot be opened: does its directory exist, and may this user read and write there?" in " ".join(
        done.stderr.split()
    )
