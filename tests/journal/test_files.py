"""Files that are no journal, or cannot be had: told at the start, with what to do, and left as they are."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake.journal import JournalError
from mock_intake.journal.files import file_system
from mock_intake.journal.layout import FIRST_VERSION, VERSION
from mock_intake.journal.sqlite import SqliteJournal
from tests.journal.exchanges import plain
from tests.journal.serving import command, new_event, serving
from tests.processes import linux_only

# Root may write anywhere; without these capabilities it is bound by permissions as everybody is.
AS_USER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def refusal(file: Path, *before: str) -> str:
    """What ``serve`` says to a file that it does not take, in one line."""
    done = command("serve", "--port", "0", "--journal", file, before=before)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_what_is_on_record_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    # A user who lets everybody read new files meant those, and no bodies of requests.
    open_handed = ("sh", "-c", 'umask 000; exec "$@"', "sh")
    with serving(tmp_path, "--journal", file, before=open_handed) as server:
        assert server.send(new_event()).status == 202
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("journal.db*")}
    names = ("journal.db", "journal.db-wal", "journal.db-shm", "journal.db-writer", "journal.db-reserve")
    assert modes == dict.fromkeys(names, 0o600)


def test_a_file_is_where_it_was_opened_wherever_its_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = SqliteJournal(Path("journal.db"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    journal.append([plain("a")])
    assert journal.position == 1
    journal.close()
    assert list(Path().iterdir()) == []


def test_a_file_that_its_owner_shares_stays_shared(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    SqliteJournal(file).close()
    file.chmod(0o640)
    SqliteJournal(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    text = "These are notes, long enough to be mistaken for a database by its size alone.\n" * 20
    file.write_text(text)
    assert "the file is no SQLite database, so it is no journal." in refusal(file)
    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]
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


@pytest.mark.parametrize(("version", "age"), [(VERSION + 1, "a later"), (FIRST_VERSION - 1, "an earlier")])
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
    known = f"this one knows {FIRST_VERSION} to {VERSION}"
    assert f"was written by {age} mock-intake (journal version {version}; {known})" in said
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
    assert (done.returncode, done.stderr) == (0, "1 exchange exported\n")
    assert done.stdout.count("\n") == 1


def test_a_journal_that_cannot_be_read_is_told(closed_folder: Path) -> None:
    (closed_folder / "journal.db").chmod(0)
    done = command("export", closed_folder / "journal.db", before=AS_USER)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the file cannot be opened: does its directory exist, and may this user read and write there?" in " ".join(
        done.stderr.split()
    )


# Drives of other machines.

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /home rw,nosuid shared:2 master:1 propagate_from:2 - nfs4 server:/export/home rw,vers=4.2
31 30 0:27 / /home/me/Own\040Files rw - xfs /dev/vdb1 rw
32 22 0:28 / /mnt/share rw - cifs //server/share rw
33 32 0:29 / /mnt/share rw - tmpfs tmpfs rw
34 22 0:30 / /mnt/back\134slash\011 rw - fuse.sshfs me@server: rw

a line of another form
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/journal.db", "ext4"),
        ("/homely/journal.db", "ext4"),
        ("/home/journal.db", "nfs4"),
        ("/home/me/deep/down/journal.db", "nfs4"),
        ("/home/me/Own Files/journal.db", "xfs"),
        ("/mnt/share/journal.db", "tmpfs"),
        ("/mnt/back\\slash\t/journal.db", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_tells_what_a_file_is_on(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind
    assert file_system(Path(path), "") is None


@linux_only
@pytest.mark.parametrize("path", ["/", "/proc", "/proc/self/status", "/dev/shm", os.path.realpath(__file__)])
def test_what_a_file_is_on_is_told_as_the_system_tells_it(path: str) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", path]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert file_system(Path(path), mounts) == told[-1]
