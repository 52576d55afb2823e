"""The files in which a worker hands on what it made of blocks."""

from __future__ import annotations

import io

import pyarrow.parquet as pq

from mock_intake.audit import parts
from mock_intake.audit.internal import EVENT, NAME, PARTS, RUN, SPLIT
from mock_intake.audit.parts import PartFiles
from mock_intake.files.recordings import PARQUET_MAGIC


def read(files: PartFiles) -> dict[str, list[dict[str, object]]]:
    """The rows of each part, as whoever puts a file together has them."""
    rows: dict[str, list[dict[str, object]]] = {}
    for batch in files.files():
        [part], [content] = (column.to_pylist() for column in batch.columns)
        table = pq.read_table(io.BytesIO(content + PARQUET_MAGIC))
        assert table.schema.names == PARTS[part].names
        rows.setdefault(part, []).extend(table.to_pylist())
    return rows


def test_rows_of_a_part_are_one_file_with_what_they_have_in_common() -> None:
    files = PartFiles()
    files.add(EVENT, {"line": [1, 2], "event_id": ["a", None]}, file=3, source="events.ndjson")
    files.add_rows(EVENT, [{"line": 7, "event_id": "b"}], file=4, source="more.ndjson")
    files.add(SPLIT, {"count": [9]}, file=3)
    made = read(files)
    assert [(row["file"], row["source"], row["line"], row["event_id"], row["status"]) for row in made[EVENT]] == [
        (3, "events.ndjson", 1, "a", None),
        (3, "events.ndjson", 2, None, None),
        (4, "more.ndjson", 7, "b", None),
    ]
    assert [row["count"] for row in made[SPLIT]] == [9]
    assert read(files) == {}


def test_no_rows_are_no_file() -> None:
    files = PartFiles()
    files.add(EVENT, {"line": [], "event_id": []}, file=3)
    files.add_rows(RUN, [], file=3)
    assert read(files) == {}


def test_lists_and_bytes_come_back() -> None:
    job = {"job": b"\x92\x00", "heard": 5, "begins": True, "unfinished": False}
    files = PartFiles()
    files.add_rows(RUN, [{"key": "run", "jobs": [job], "asks": [b"r", b""], "bodies": b"\xff\x00", "states": []}])
    [row] = read(files)[RUN]
    assert [row[name] for name in ("jobs", "asks", "bodies", "states")] == [[job], [b"r", b""], b"\xff\x00", []]


def test_texts_show_no_secret_but_for_those_that_are_compared_alone() -> None:
    name = "postgres://etl:hunter22secret@db.example:5432"
    files = PartFiles()
    files.add(EVENT, {"job_namespace": [name]}, source=name)
    files.add(NAME, {"key": [name]})
    made = read(files)
    [event], [named] = made[EVENT], made[NAME]
    assert "hunter22secret" not in f"{event['job_namespace']} {event['source']}"
    assert named["key"] == name


def test_what_is_held_is_bounded() -> None:
    files = PartFiles()
    rows = 0
    while not files.is_full:
        files.add_rows(RUN, [{"key": "run", "bodies": bytes(1 << 20)}] * 4)
        rows += 4
        assert rows << 20 <= parts._HELD + (8 << 20)
    assert len(read(files)[RUN]) == rows
    assert not files.is_full
