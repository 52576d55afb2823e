"""Power cuts, modelled: every acknowledged event is there again, whatever the disk had kept of what it was not told to.

A program that appends to a journal runs with its writes and syncs recorded (``power/shim.c``). From the record files
are made as a disk may have them when the power goes at some moment: what was written before the last sync of a file is
there; of what came since, each write is there, or not, or in part, in any order.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from mock_intake.journal import EventFilter, walk
from mock_intake.journal.sqlite import SqliteJournal
from tests.commands import clean_environment
from tests.conftest import REPOSITORY
from tests.journal.serving import SOAK

HERE = Path(__file__).parent / "power"
EVENTS = 600 if SOAK else 120
CUTS = 2_000 if SOAK else 60
SECTOR = 512

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="writes are recorded by a C library, on Linux"
)


class Step(NamedTuple):
    """What the program did to a file, as power/shim.c has it."""

    kind: str
    file: str
    offset: int
    data: bytes


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that records what a program does to its files."""
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "shim.c", "-ldl"], check=True)
    return library


def recorded(shim: Path, folder: Path, *what: str) -> list[Step]:
    """What the driver does to its files, all of it."""
    log, disk = folder / "log", folder / "disk"
    disk.mkdir()
    subprocess.run(
        [sys.executable, HERE / "driver.py", disk, str(EVENTS), *what],
        env=clean_environment(
            PYTHONPATH=str(REPOSITORY), LD_PRELOAD=str(shim), POWER_LOG=str(log), POWER_FOLDER=str(disk)
        ),
        check=True,
        timeout=300,
    )
    return list(read(log.read_bytes()))


def read(log: bytes) -> Iterator[Step]:
    at = 0
    while at < len(log):
        kind, path_length, offset, length = struct.unpack_from("<cIQQ", log, at)
        at += 21
        path = log[at : at + path_length].decode()
        at += path_length
        yield Step(kind.decode(), Path(path).name, offset, log[at : at + length])
        at += length


class Disk:
    """What a disk has of each file for sure, and what it may have."""

    def __init__(self) -> None:
        self.sure: dict[str, bytearray] = {}
        self.pending: dict[str, list[Step]] = {}
        # How much of what is pending the sync that is under way is for.
        self._asked: dict[str, int] = {}
        self.acknowledged: list[str] = []

    def take(self, step: Step) -> None:
        if step.file == "acknowledged":
            if step.kind == "W":
                self.acknowledged += step.data.decode().split()
            return
        self.sure.setdefault(step.file, bytearray())
        pending = self.pending.setdefault(step.file, [])
        match step.kind:
            case "W" | "T":
                pending.append(step)
            case "S":
                self._asked[step.file] = len(pending)
            case "E":
                for each in pending[: self._asked[step.file]]:
                    put(self.sure[step.file], each)
                del pending[: self._asked[step.file]]
            case "U":
                # Directories are synced where it matters, which is before the first event.
                del self.sure[step.file], self.pending[step.file]

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as they may be: nothing, some or all of what nobody was promised, whole or torn, in any order."""
        keeps = chance.choice((0.0, 0.2, 0.5, 0.9, 1.0))
        files = {}
        for name, sure in self.sure.items():
            content = bytearray(sure)
            pending = [step for step in self.pending[name] if chance.random() < keeps]
            if chance.random() < 0.5:
                chance.shuffle(pending)
            for step in pending:
                put(content, torn(step, chance) if chance.random() < 0.3 else step)
            files[name] = bytes(content)
        return files


def put(content: bytearray, step: Step) -> None:
    if step.kind == "T":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    content.extend(bytes(max(0, step.offset - len(content))))
    content[step.offset : step.offset + len(step.data)] = step.data


def torn(step: Step, chance: random.Random) -> Step:
    """A write of which some sectors, at its beginning, have come to the disk."""
    return step._replace(data=step.data[: chance.randrange(0, len(step.data) // SECTOR + 1) * SECTOR])


def test_every_acknowledged_event_outlives_a_power_cut(shim: Path, tmp_path: Path) -> None:
    steps = recorded(shim, tmp_path)
    chance = random.Random(11)
    acknowledged: list[str] = []
    since_the_first = range(acknowledgements(steps)[0] + 1, len(steps))
    for cut, file, acknowledged in after_cuts(steps, chance, since_the_first, CUTS, tmp_path):
        assert_all_there(file, acknowledged, cut)
    assert len(acknowledged) > EVENTS // 2
    # It was recorded, then: the log was synced for each group, and written back, which is a sync of the file itself.
    syncs = [step.file for step in steps if step.kind == "E"]
    assert syncs.count("journal.db-wal") > EVENTS // 2
    assert syncs.count("journal.db") > 3


def test_to_forget_and_to_write_the_file_anew_outlives_a_power_cut(shim: Path, tmp_path: Path) -> None:
    steps = recorded(shim, tmp_path, "forget")
    chance = random.Random(12)
    begins, ends = (acknowledgements(steps, word)[0] for word in ("forgetting", "forgotten"))
    # What is free in the file goes back to the disk: it was written anew, and is shorter then.
    assert any((step.kind, step.file) == ("T", "journal.db") for step in steps[begins:ends])

    half = seen = 0
    # Most of the cuts while it is forgotten, and some in what came after.
    for part, most in ((range(begins + 1, ends), CUTS), (range(ends + 1, len(steps)), CUTS // 3)):
        for cut, file, acknowledged in after_cuts(steps, chance, part, most, tmp_path):
            done = "forgotten" in acknowledged
            names = [name for name in acknowledged if name not in ("forgetting", "forgotten")]
            later = [name for name in names if name[0] in "23"]
            kept = assert_whole(file, cut)
            assert set(later) <= kept, cut
            earlier = {name for name in names if name[0] in "01"}
            assert not kept & earlier if done else kept >= earlier or kept < earlier, cut
            half += not done and len(kept) < len(earlier)
            seen += bool(later)
    assert half, "of some cuts it was forgotten already, and nobody told so"
    assert seen


def acknowledgements(steps: list[Step], word: str = "") -> list[int]:
    """At which steps something was acknowledged; ``word`` alone."""
    return [number for number, step in enumerate(steps) if step.file == "acknowledged" and word in step.data.decode()]


def after_cuts(
    steps: list[Step], chance: random.Random, part: range, most: int, folder: Path
) -> Iterator[tuple[int, Path, list[str]]]:
    """The journal's file as it may be after cuts at random steps of a part, and what was acknowledged by then."""
    disk, done = Disk(), 0
    for cut in sorted(chance.sample(part, min(most, len(part)))):
        for step in steps[done:cut]:
            disk.take(step)
        done = cut
        place = folder / str(cut)
        place.mkdir()
        for name, content in disk.after_a_cut(chance).items():
            if name in ("journal.db", "journal.db-wal"):
                (place / name).write_bytes(content)
        yield cut, place / "journal.db", disk.acknowledged
        shutil.rmtree(place)


def assert_whole(file: Path, cut: int) -> set[str]:
    """Nothing of the journal is half there; the names of the events that it holds."""
    with closing(SqliteJournal(file)) as journal:
        kept = [exchange for _, exchange in walk(journal)]
        assert len(kept) == journal.count_events(EventFilter()) == journal.statistics().exchanges
        assert all(each.event and each.request.body.startswith(each.event.id[6:].encode()) for each in kept)
        assert journal.damaged == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], cut
    return {each.event.id[6:] for each in kept if each.event}


def assert_all_there(file: Path, acknowledged: list[str], cut: int) -> None:
    lost = {*acknowledged} - assert_whole(file, cut)
    assert not lost, (cut, lost)


def test_the_model_loses_what_was_not_synced() -> None:
    """Else it could show nothing."""
    disk = Disk()
    for step in (
        Step("W", "a", 0, b"kept"),
        Step("S", "a", 0, b""),
        Step("W", "a", 4, b"lost"),
        Step("E", "a", 0, b""),
        Step("T", "a", 2, b""),
    ):
        disk.take(step)
    assert disk.sure["a"] == b"kept"
    found = {disk.after_a_cut(random.Random(seed))["a"] for seed in range(50)}
    assert {b"kept", b"keptlost", b"ke"} <= found
