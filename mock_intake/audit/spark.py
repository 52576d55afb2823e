"""The session of Spark that an audit runs in, and files as Hadoop sees them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from mock_intake.audit.errors import AuditError

# With a slash: there may be a colon in the name of a file.
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*:/")
Session = SparkSession
"""A session of Spark."""

_ESCAPED = str.maketrans({each: f"\\{each}" for each in "\\*?[]{}"})


class Found(NamedTuple):
    """A file: its path as Hadoop has it, its size in bytes, and when it was written (milliseconds since 1970)."""

    path: str
    size: int
    modified: int
    is_directory: bool


@contextmanager
def session(master: str | None, settings: dict[str, str]) -> Iterator[SparkSession]:
    """A session for one audit; ``master`` as Spark takes it. Raises ``AuditError`` where there can be none."""
    # Workers that are started on this machine are to run what runs here.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("mock-intake audit")
    if master is not None:
        builder = builder.master(master)
    for name, value in {**_SETTINGS, **(_LOCAL if is_local(master, settings) else {}), **settings}.items():
        builder = builder.config(name, value)
    there = SparkSession.getActiveSession()
    if there is not None:  # a program's own, which goes on with it
        yield there
        return
    try:
        made = builder.getOrCreate()
    except PySparkException as error:
        raise AuditError(_why_not(error)) from error
    if made.sparkContext.master.startswith("local") and _PARTITIONS not in settings:
        # Spark's 200 are tasks of nothing, mostly.
        made.conf.set(_PARTITIONS, str(made.sparkContext.defaultParallelism))
    try:
        yield made
    finally:
        made.stop()


def is_local(master: str | None, settings: dict[str, str]) -> bool:
    """Whether Spark will run on this machine alone, as it does where nothing says otherwise."""
    named = master or settings.get("spark.master")
    if named is not None:
        return named.startswith("local")
    return not any(name in os.environ for name in _OF_SPARK)


_OF_SPARK = ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "MASTER")
# A user's own setting (--conf, spark-defaults.conf of SPARK_HOME) goes before none of these but the last.
_SETTINGS = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
    "spark.sql.maxConcurrentOutputFileWriters": "16",
    "spark.sql.session.timeZone": "UTC",
    # Where in Python each column was written down takes as many calls into Java as all the rest of it.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
}
# A partition of a shuffle is to be of the events of so many bytes.
_IN_PARTITION = 256 << 20
_MOST_PARTITIONS = 2_000
_PARTITIONS = "spark.sql.shuffle.partitions"
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Nobody waits for a pause: what counts is how much of the processors is left to Python, which judges. What a user
    # sets (spark.driver.extraJavaOptions) stands behind these.
    "spark.driver.defaultJavaOptions": "-XX:+UseParallelGC -XX:MetaspaceSize=256m",
}


def _why_not(error: Exception) -> str:
    text = str(error)
    if "JAVA_GATEWAY" in text or "Java gateway" in text:
        return (
            "Spark cannot be started: it needs Java 17 or later, found by JAVA_HOME or as java in the PATH "
            f"(JAVA_HOME is {os.environ.get('JAVA_HOME') or 'not set'})."
        )
    return f"Spark cannot be started: {text.splitlines()[0] if text else error!r}"


@contextmanager
def settings_of_audit(spark: SparkSession, size: int) -> Iterator[None]:
    """How queries run over sources of so many bytes; a session that goes on has its own settings again after it."""
    partitions = max(spark.sparkContext.defaultParallelism, min(-(-size // _IN_PARTITION), _MOST_PARTITIONS))
    settings = {
        # Where a plan changes while it runs, rows that were brought together by a key may come apart again: Spark
        # leaves out a repartition whose work a join seemed to do, and then joins in another way.
        "spark.sql.adaptive.enabled": "false",
        # Rows of forty columns: what follows from each condition about others takes longer to find out than it saves.
        "spark.sql.constraintPropagation.enabled": "false",
        _PARTITIONS: str(partitions),
    }
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, earlier in before.items():
            if earlier is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, earlier)


def escaped(path: str) -> str:
    """A path that Spark takes as it stands, and not as a pattern."""
    return path.translate(_ESCAPED)


class Files:
    """Files on whatever Spark reads: local ones, HDFS, object stores."""

    def __init__(self, spark: SparkSession) -> None:
        context = spark.sparkContext
        self._jvm: Any = context._jvm
        self._configuration: Any = context._jsc.hadoopConfiguration()
        system = getattr(self._jvm, "org.apache.hadoop.fs.FileSystem")
        # By its whole name: for each part of one Java would look into all its archives for a class.
        self._new_path: Any = getattr(self._jvm, "org.apache.hadoop.fs.Path")
        self._is_local = system.getDefaultUri(self._configuration).getScheme() == "file"

    def absolute(self, path: str) -> str:
        """A path that leads to the same place from everywhere: one of this machine's begins where this process is."""
        if not self._is_local or path.startswith("/") or _SCHEME.match(path):
            return path
        return str(Path.cwd() / path)

    def _at(self, path: str) -> tuple[Any, Any]:
        made = self._new_path(self.absolute(path))
        return made.getFileSystem(self._configuration), made

    def find(self, path: str) -> Found | None:
        """What stands at a path; None where there is nothing."""
        system, made = self._at(path)
        return self._found(system.getFileStatus(made)) if system.exists(made) else None

    def matching(self, pattern: str) -> list[Found]:
        """What a pattern fits, in the order of names."""
        system, made = self._at(pattern)
        return sorted(map(self._found, system.globStatus(made) or ()))

    def below(self, directory: str) -> list[Found]:
        """All files in a directory, and in those within, in the order of paths."""
        system, made = self._at(directory)
        found, each = [], system.listFiles(made, True)
        while each.hasNext():
            found.append(self._found(each.next()))
        return sorted(found)

    def names(self, directory: str) -> list[str]:
        """What stands in a directory, by name; nothing where there is none."""
        system, made = self._at(directory)
        if not system.exists(made):
            return []
        return sorted(status.getPath().getName() for status in system.listStatus(made))

    def beginning(self, path: str, size: int) -> bytes:
        """So many bytes of a file, or all where it has fewer."""
        system, made = self._at(path)
        stream = system.open(made)
        try:
            return bytes(stream.readNBytes(size))
        finally:
            stream.close()

    def read(self, path: str) -> bytes:
        """The bytes of a small file."""
        return self.beginning(path, 1 << 30)

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file, over what is there."""
        system, made = self._at(path)
        stream = system.create(made, True)
        try:
            stream.write(content)
        finally:
            stream.close()

    def remove(self, path: str) -> None:
        """Removes a file or a directory, if there is one."""
        system, made = self._at(path)
        system.delete(made, True)

    def rename(self, path: str, to: str) -> None:
        """Moves a file or a directory."""
        system, made = self._at(path)
        system.rename(made, self._new_path(to))

    def make(self, directory: str) -> None:
        """Makes a directory."""
        system, made = self._at(directory)
        system.mkdirs(made)

    @staticmethod
    def _found(status: Any) -> Found:
        path = status.getPath().toString()
        return Found(path, status.getLen(), status.getModificationTime(), status.isDirectory())
