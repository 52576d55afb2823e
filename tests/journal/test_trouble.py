"""A journal that cannot be written while the server runs: 503 with Retry-After, never a 2xx, and well again after."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from mock_intake.journal import EventFilter
from mock_intake.journal.sqlite import SqliteJournal
from tests.journal.serving import Answer, Load, Sent, Serving, command, new_event, serving

ROOM = 3 * 1024 * 1024


def assert_unavailable(answer: Answer, reason: str) -> None:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    (error,) = answer.body["errors"]
    assert error["title"] == "Service Unavailable"
    assert "mock-intake cannot keep the event: " in error["detail"]
    assert reason in error["detail"]


# In use by another program.


@contextmanager
def locked(file: Path, how: str = "EXCLUSIVE") -> Iterator[None]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"BEGIN {how}")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_file_that_another_program_locks_is_told_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    SqliteJournal(file).close()
    with locked(file):
        done = command("serve", "--port", "0", "--journal", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--journal: {file}: the file is in use by another program." in " ".join(done.stderr.split())
    with serving(tmp_path, "--journal", file) as server:
        assert server.send(new_event()).status == 202


def test_while_another_program_locks_the_file_events_are_answered_503(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with serving(tmp_path, "--journal", file) as server:
        kept = server.send(new_event())
        with locked(file):
            # Before a producer gives up by itself, which is after 5 s unless told otherwise, also if it comes
            # while others are waiting.
            with Load(server, 8) as load:
                load.wait_for(16)
            assert {each.status for each in load.sent} == {503}
            assert max(each.seconds for each in load.sent) < 5
            assert_unavailable(server.send(new_event()), "the file is in use by another program.")
            # What is on record can still be read.
            assert [event["id"] for event in server.get("/events").body["events"]] == [kept.body["id"]]
        assert server.send(new_event()).status == 202
        assert len(server.get("/events").body["events"]) == 2
        assert server.end() == 0
        log = server.errors.read_text()
        # Once each, however many events there were.
        assert log.count("What comes in is answered 503 until the journal can be written.") == 1
        assert log.count("the journal can be written again") == 1


def test_a_lock_that_is_held_for_a_moment_only_delays_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    answers: list[Answer] = []
    with serving(tmp_path, "--journal", file) as server:
        sender = threading.Thread(target=lambda: answers.append(server.send(new_event())))
        with locked(file):
            sender.start()
            sender.join(0.5)
            assert answers == [], "answered before it was on record"
        sender.join()
        assert answers[0].status == 202
        assert len(server.get("/events").body["events"]) == 1


# Taken away.


def test_nothing_is_acknowledged_into_a_file_that_was_removed(tmp_path: Path) -> None:
    """The system lets go on who has it open, and throws away what they write."""
    file, aside = tmp_path / "journal.db", tmp_path / "aside.db"
    with serving(tmp_path, "--journal", file) as server:
        kept = [server.send(new_event()).body["id"]]
        file.rename(aside)
        assert_unavailable(server.send(new_event()), "was removed or replaced; put it back, or begin again")
        # It is not made anew by whoever comes to read it.
        assert server.get("/events").status == 200
        assert not file.exists()
        file.touch()
        assert_unavailable(server.send(new_event()), "was removed or replaced")
        aside.replace(file)
        kept.append(server.send(new_event()).body["id"])
        assert [event["id"] for event in server.get("/events").body["events"]] == kept[::-1]
        assert server.end() == 0


# No room.


class Disk:
    """Where a server writes, with little room; ``free`` makes more."""

    def __init__(self, folder: Path, free: Callable[[Serving], None], fill: Callable[[], None] | None) -> None:
        self.folder = folder
        self.free = free
        self.fill = fill


@contextmanager
def small_disk(folder: Path, room: int = ROOM) -> Iterator[Disk]:
    """A disk of its own, for whom may mount one; half of it is taken already."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={2 * room}", "tmpfs", disk], check=True)
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * room)

    def fill() -> None:
        with (disk / "more").open("wb", buffering=0) as more:
            try:
                while more.write(b"x" * 4096):
                    pass
            except OSError:
                return

    try:
        yield Disk(disk, lambda _server: ballast.unlink(), fill)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@contextmanager
def small_files(folder: Path) -> Iterator[Disk]:
    """A limit to the size of files, for everybody else."""

    def free(server: Serving) -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (100 * ROOM, resource.RLIM_INFINITY))

    yield Disk(folder, free, None)


DISKS = {"files of limited size": small_files} | ({"a small disk": small_disk} if os.geteuid() == 0 else {})
LIMIT_FILES = ("prlimit", f"--fsize={ROOM}:unlimited")


@pytest.mark.parametrize("kind", DISKS)
def test_without_room_events_are_answered_503_until_there_is_room_again(tmp_path: Path, kind: str) -> None:
    with DISKS[kind](tmp_path) as disk:
        file = disk.folder / "journal.db"
        with serving(tmp_path, "--journal", file, before=LIMIT_FILES if disk.fill is None else ()) as server:
            with Load(server, 4, lambda: new_event(padding="x" * 20_000)) as load:
                until = time.monotonic() + 60
                while not any(each.status == 503 for each in list(load.sent)):
                    assert time.monotonic() < until, "the disk never was full"
                    time.sleep(0.01)
            assert {each.status for each in load.sent} == {202, 503}
            taken = [each for each in load.sent if each.status == 202]
            # The log is written back and begun anew, as long as the file has room; then neither can grow.
            refused = 0
            while refused < 3:
                assert time.monotonic() < until, "the disk never was full for good"
                event = new_event(padding="x" * 500_000)
                answer = server.send(event)
                if answer.status == 202:
                    taken.append(Sent(orjson.dumps(event), answer.body["id"], 202, 0))
                    refused = 0
                else:
                    assert_unavailable(answer, "full")
                    refused += 1
                    time.sleep(0.2)
            assert server.get("/events").status == 200
            disk.free(server)
            after = server.send(new_event(padding="x" * 50_000))
            assert after.status == 202
            assert server.end() == 0
        journal = SqliteJournal(file, read_only=True)
        for each in taken:
            record = journal.event(each.event_id)
            assert record is not None
            assert (record.attempts, journal.exchange(record.exchange_id).request.body) == (1, each.body)  # type: ignore[union-attr]
        # Of those that were answered 503 nothing is left.
        assert journal.count_events(EventFilter()) == journal.position == len(taken) + 1
        journal.close()


@pytest.mark.parametrize("kind", DISKS)
def test_a_disk_that_is_full_is_told_at_the_start(tmp_path: Path, kind: str) -> None:
    with DISKS[kind](tmp_path) as disk:
        before: tuple[str, ...] = ("prlimit", "--fsize=8192:unlimited")
        if disk.fill is not None:
            before = ()
            disk.fill()
        done = command("serve", "--port", "0", "--journal", disk.folder / "journal.db", before=before)
        assert (done.returncode, done.stdout) == (2, "")
        assert "full" in done.stderr
        assert "Traceback" not in done.stderr
