"""The programs that the tests run: the Java producer and the Spark job of the atlas, made by Maven, pip and javac."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from mock_intake_conformance.atlas.catalogue import real_producers

# A job of seconds would spend the better half of them on making fast code.
_SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
_SPARK = (
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
    "spark.sql.adaptive.enabled=false",
    "spark.driver.host=127.0.0.1",
    "spark.driver.bindAddress=127.0.0.1",
)


@pytest.fixture(scope="session")
def java_client() -> Path:
    """Where Maven has put the Java client, in ``lib``, and javac the program, in ``classes``."""
    directory = real_producers()["java"].directory(Path(os.environ.get("TEST_JVM", "build/jvm")))
    if not (directory / "classes").exists():
        pytest.fail(f"{directory} has no Java client of OpenLineage: make test-jvm")
    return directory


@pytest.fixture(scope="session")
def daily_revenue(java_client: Path) -> Sequence[str]:
    """The command that runs it: START and COMPLETE of shop/daily_revenue."""
    return [word.replace("{cache}", str(java_client)) for word in real_producers()["java"].command]


@pytest.fixture(scope="session")
def spark_revenue(java_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[str]]:
    """The command of the atlas's Spark job, on the Spark that PySpark brings; no JVM of it may be left at the end."""
    environment = Path(os.environ.get("TEST_SPARK", ".venv-spark"))
    jars = next(environment.absolute().glob("lib/python*/site-packages/pyspark/jars"), None)
    if jars is None:
        pytest.fail(f"{environment} has no PySpark: make test-jvm")
    producer = real_producers()["spark-openlineage-java"]
    directory = tmp_path_factory.mktemp("spark")
    for name, text in producer.files.items():
        (directory / name).write_text(text)
    # Of what both bring, Spark's counts.
    libraries = f"{jars}/*{os.pathsep}{java_client}/lib/*"
    sources = [name for name in producer.files if name.endswith(".java")]
    subprocess.run(["javac", "-cp", libraries, "-d", "classes", *sources], cwd=directory, check=True)
    java, *words = [
        word.replace("{cache}/lib/*", libraries).replace("{cache}", str(directory)) for word in producer.command
    ]
    settings = [f"-D{setting}" for setting in (*_SPARK, f"spark.local.dir={directory}")]
    logging = f"-Dlog4j2.configurationFile={directory / 'log4j2.properties'}"
    yield [java, *_SHORT, *words[:-1], logging, *settings, words[-1]]
    left = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if f"spark.local.dir={directory}" in " ".join(process.info["cmdline"] or ())
    ]
    assert not left, f"JVMs that still run: {left}"
