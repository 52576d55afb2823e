"""Several processes and one journal file: one writes, any number read beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_intake.journal import EventFilter, JournalError, walk
from mock_intake.journal.sqlite import SqliteJournal
from tests.journal.exchanges import plain
from tests.journal.serving import Load, Serving, command, new_event, serving

IN_USE = "is written to by another mock-intake; give each its own file."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_a_second_server_on_the_file_is_refused_and_the_first_goes_on(tmp_path: Path, file: Path) -> None:
    with serving(tmp_path, "--journal", file) as first:
        second = command("serve", "--port", "0", "--journal", file)
        assert (second.returncode, second.stdout) == (2, "")
        assert f"--journal: {file} {IN_USE}" in " ".join(second.stderr.split())
        assert first.send(new_event()).status == 202
        assert first.end() == 0
    with serving(tmp_path, "--journal", file) as third:
        assert len(third.get("/events").body["events"]) == 1


def test_another_name_of_the_file_is_no_way_around(tmp_path: Path, file: Path) -> None:
    journal = SqliteJournal(file)
    alias = tmp_path / "alias.db"
    alias.symlink_to(file)
    with pytest.raises(JournalError, match="is written to by another mock-intake"):
        SqliteJournal(alias)
    journal.close()
    SqliteJournal(alias).close()


def test_the_file_is_free_as_soon_as_its_server_was_killed(tmp_path: Path, file: Path) -> None:
    first = Serving(tmp_path, "--journal", file)
    try:
        assert first.send(new_event()).status == 202
    finally:
        first.kill()
    with serving(tmp_path, "--journal", file) as second:
        assert len(second.get("/events").body["events"]) == 1


def test_a_reader_beside_a_server_sees_what_was_acknowledged_at_once(tmp_path: Path, file: Path) -> None:
    with serving(tmp_path, "--journal", file) as server:
        reader = SqliteJournal(file, read_only=True)
        with Load(server, 4) as load:
            load.wait_for(100)
            for _ in range(50):
                seen = list(load.sent)
                assert reader.count_events(EventFilter()) >= len(seen)
                assert reader.event(seen[-1].event_id) is not None
        assert reader.position == reader.count_events(EventFilter()) == len(load.sent)
        assert {exchange.request.body for _, exchange in walk(reader)} == {each.body for each in load.sent}
        reader.close()


def test_a_reader_writes_nothing(file: Path) -> None:
    SqliteJournal(file).close()
    reader = SqliteJournal(file, read_only=True)
    with pytest.raises(JournalError, match="is open for reading only"):
        reader.append([plain("a")])
    with pytest.raises(JournalError, match="is open for reading only"):
        reader.forget()
    assert reader.position == 0
    reader.close()


def test_a_reader_that_stays_open_keeps_nobody_from_writing(file: Path) -> None:
    writer = SqliteJournal(file)
    reader = SqliteJournal(file, read_only=True)
    for number in range(20):
        writer.append([plain(f"{number}")])
        assert reader.position == number + 1
    writer.close()
    assert reader.position == 20
    again = SqliteJournal(file)
    again.append([plain("more")])
    assert reader.position == 21
    reader.close()
    again.close()


def test_a_journal_that_was_closed_says_so(file: Path) -> None:
    journal = SqliteJournal(file)
    journal.append([plain("a")])
    journal.close()
    journal.close()
    for use in (lambda: journal.append([plain("b")]), lambda: journal.position, lambda: journal.event("a")):
        with pytest.raises(JournalError, match="closed"):
            use()
