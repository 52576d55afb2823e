"""One local session of Spark for all tests of the audit: it takes seconds to start.

xdist gives each worker a part of all tests, in their order, and others take from its end what is left when they are
done. This directory's come first, so they stay together, and there is one session in a run of all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session with two workers, which leaves nothing outside of the tests' own directory."""
    from pyspark.sql import SparkSession

    directory = tmp_path_factory.mktemp("spark")
    os.environ.update(PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        # Of a run of seconds the better half would be spent on making fast code, on verifying classes of Spark's own,
        # and on collecting garbage whenever there are some more of them. One compiler by itself is given 48 MB for its
        # code, which are full in the second audit: from then on it would throw code away and make it again.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m "
        "-XX:+UseSerialGC -Xms1g -Xmn512m "
        "-XX:MetaspaceSize=512m -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote "
        f"-Dderby.stream.error.file={directory}/derby.log",
        # A query that is planned again after each of its stages takes the longer, the less there is to plan for.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.constraintPropagation.enabled": "false",
        "spark.sql.maxConcurrentOutputFileWriters": "16",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # As an audit of its own has it: a third of all calls into Java would be for where in Python a column is made.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # The small files that steps hand on to each other are read several in a task, as by whoever has not had sources
        # cut in pieces.
        "spark.sql.files.openCostInBytes": "1000",
        "spark.local.dir": str(directory / "local"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
