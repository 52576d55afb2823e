"""What is audited: files on whatever Spark reads, and how each is to be read."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import PurePath
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql

from mock_intake.audit.errors import AuditError
from mock_intake.audit.spark import Files, Found, escaped
from mock_intake.body.decoding import GZIP_MAGIC
from mock_intake.files.recordings import PARQUET_MAGIC, SUFFIXES, RecordingError, opened

_PARQUET, _GZIP = ".parquet", ".gz"
# What Hadoop unpacks by a file's name, and we do not look into.
_PACKED = (".bz2", ".zst", ".lz4", ".snappy", ".deflate")
_PATTERN = re.compile(r"[*?\[{]")
# So many bytes of a file are looked at, and so many where its first line is longer.
_BEGINNING, _LONG_BEGINNING = 1 << 16, 1 << 20
_AT_ONCE = 16
# What Spark has in one row.
_MOST_IN_ONE = (1 << 31) - 1


class Form(StrEnum):
    """How a file is read: line by line wherever it is split, as a whole, or as a table."""

    LINES = "lines"
    WHOLE = "whole"
    TABLE = "table"
    DATABASE = "database"


class Recording(NamedTuple):
    """A file to be audited: its path, what it is called in what is said of it, and how it is read."""

    path: str
    name: str
    size: int
    modified: int
    form: Form = Form.LINES


class Listing(NamedTuple):
    """The files of an audit in their order, and those that Spark does not read."""

    recordings: list[Recording]
    hidden: list[str]


def listed(files: Files, sources: Sequence[str]) -> Listing:
    """The files that ``sources`` name: files, directories and patterns of such. Raises ``AuditError``."""
    found: dict[str, Recording] = {}
    hidden: list[str] = []
    for source in sources:
        for each, name in _named(files, source):
            if _is_hidden(each.path):
                hidden.append(name)
            else:
                found.setdefault(each.path, Recording(each.path, name, each.size, each.modified))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return Listing(list(pool.map(lambda one: _looked_at(files, one), found.values())), hidden)


def _named(files: Files, source: str) -> Iterator[tuple[Found, str]]:
    """The files of a source, each with its name."""
    there = files.find(source)
    if there is not None:
        yield from _within(files, there, _as_given(source))
        return
    matching = files.matching(source) if _PATTERN.search(source) else []
    if not matching:
        raise AuditError(f"{source}: there is no such file")
    # What stands before the pattern is named as it was given.
    for each in matching:
        yield from _within(files, each, _as_matched(source, each.path))


def _as_given(source: str) -> str:
    return source.rstrip("/") if "://" in source else str(PurePath(source))


def _as_matched(pattern: str, path: str) -> str:
    if "://" in pattern or pattern.startswith("/"):
        return path if "://" in pattern else path.partition(":")[2].replace("//", "/")
    return "/".join(path.split("/")[-len(PurePath(pattern).parts) :])


def _within(files: Files, found: Found, name: str) -> Iterator[tuple[Found, str]]:
    if not found.is_directory:
        yield found, name
        return
    there = [each for each in files.below(found.path) if _is_recording(each.path)]
    if not there:
        raise AuditError(f"{name}: no file there ends in {', '.join((*SUFFIXES, _PARQUET))} (or the same with {_GZIP})")
    base = found.path.rstrip("/")
    # As paths are ordered: what stands in a directory goes before what has the name longer.
    for each in sorted(there, key=lambda one: one.path.split("/")):
        yield each, f"{name.rstrip('/')}/{each.path[len(base) + 1 :]}" if name != "." else each.path[len(base) + 1 :]


def _is_recording(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.removesuffix(_GZIP).endswith((*SUFFIXES, _PARQUET)) and not name.startswith(".")


def _is_hidden(path: str) -> bool:
    """Whether Spark passes over a file of that name."""
    name = path.rpartition("/")[2]
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def _looked_at(files: Files, recording: Recording) -> Recording:
    """The same with its form, which its beginning tells. Raises ``AuditError``."""
    if recording.path.endswith(_PACKED):
        return recording
    first = files.beginning(recording.path, _BEGINNING)
    if first.startswith(PARQUET_MAGIC):
        return recording._replace(form=Form.TABLE)
    if recording.size > _BEGINNING and (first.startswith(GZIP_MAGIC) or b"\n" not in first):
        # What it is shows at the end of its first line.
        first = files.beginning(recording.path, _LONG_BEGINNING)
    packed = first.startswith(GZIP_MAGIC)
    if packed:
        first = _unpacked(first)
    try:
        content = opened(io.BytesIO(first), recording.name)
    except RecordingError as error:
        raise AuditError(str(error)) from error
    # Spark unpacks by the name alone.
    if content.by_lines and packed == recording.path.endswith(_GZIP):
        return recording
    if recording.size > _MOST_IN_ONE:
        raise AuditError(
            f"{recording.name}: an array, or events over several lines, cannot be split, and Spark reads no file of "
            "more than 2 GB at once: write an event on a line."
        )
    return recording._replace(form=Form.WHOLE)


def _unpacked(first: bytes) -> bytes:
    """As much of what is packed as can be unpacked; a file may be broken, which is told when it is read."""
    try:
        return zlib.decompressobj(31).decompress(first, _LONG_BEGINNING)
    except zlib.error:
        return b""


def lines_of(spark: SparkSession, recordings: Iterable[Recording]) -> DataFrame | None:
    """The lines of files that are split: path, start of the split, the line, and no number."""
    paths = _paths(recordings, Form.LINES)
    if not paths:
        return None
    # As binary: of a text one invalid byte would be another, and a carriage return would split it.
    read = spark.read.option("lineSep", "\n").text(paths)
    return _of_splits(read, sql.col("value").cast("binary"), sql.lit(None).cast("long"))


def contents_of(spark: SparkSession, recordings: Iterable[Recording]) -> DataFrame | None:
    """Files that are read as a whole: path and content."""
    paths = _paths(recordings, Form.WHOLE)
    return spark.read.format("binaryFile").load(paths).select("path", "content") if paths else None


def rows_of_tables(spark: SparkSession, recordings: Iterable[Recording], column: str) -> DataFrame | None:
    """The events of Parquet files, as ``lines_of``, each with its number. Raises ``AuditError`` without the column."""
    paths = _paths(recordings, Form.TABLE)
    if not paths:
        return None
    read = spark.read.parquet(*paths)
    return _of_splits(read, event_column(read, column), sql.col("_metadata.row_index") + 1)


def event_column(table: DataFrame, column: str) -> Column:
    """The column with the events, as binary. Raises ``AuditError`` where there is none that has texts."""
    kinds = {field.name: field.dataType.typeName() for field in table.schema.fields}
    if column not in kinds:
        raise AuditError(f"--column: there is no column {column}; there are {', '.join(kinds) or 'none'}")
    if kinds[column] not in ("string", "binary"):
        raise AuditError(f"--column: {column} is of the type {kinds[column]}; events are strings, or binary")
    return sql.col(f"`{column}`").cast("binary")


def _of_splits(read: DataFrame, value: Column, line: Column) -> DataFrame:
    path, start = sql.col("_metadata.file_path"), sql.col("_metadata.file_block_start")
    return read.select(path.alias("path"), start.alias("start"), value.alias("value"), line.alias("line"))


def _paths(recordings: Iterable[Recording], form: Form) -> list[str]:
    return [escaped(one.path) for one in recordings if one.form is form]
