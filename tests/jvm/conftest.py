"""The program that the tests run: the atlas's Java producer, as Maven and javac have made it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from mock_intake_conformance.atlas.catalogue import real_producers


@pytest.fixture(scope="session")
def daily_revenue() -> Sequence[str]:
    """The command that runs it: START and COMPLETE of shop/daily_revenue."""
    producer = real_producers()["java"]
    directory = producer.directory(Path(os.environ.get("TEST_JVM", "build/jvm")))
    if not (directory / "classes").exists():
        pytest.fail(f"{directory} has no Java client of OpenLineage: make test-jvm")
    return [word.replace("{cache}", str(directory)) for word in producer.command]
