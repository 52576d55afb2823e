"""Where a session of Spark for an audit runs."""

from __future__ import annotations

import pytest

from mock_intake.audit.spark import is_local


@pytest.mark.parametrize(
    ("master", "settings", "set_up", "local"),
    [
        (None, {}, None, True),
        ("local[4]", {}, "SPARK_HOME", True),
        ("spark://host:7077", {}, None, False),
        (None, {"spark.master": "k8s://host"}, None, False),
        (None, {"spark.master": "local"}, "SPARK_HOME", True),
        (None, {}, "SPARK_HOME", False),
        (None, {}, "SPARK_CONF_DIR", False),
    ],
)
def test_spark_is_this_machine_alone_where_nothing_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, master: str | None, settings: dict[str, str], set_up: str | None, local: bool
) -> None:
    for name in ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "MASTER"):
        monkeypatch.delenv(name, raising=False)
    if set_up:
        monkeypatch.setenv(set_up, "/opt/spark")
    assert is_local(master, settings) is local
