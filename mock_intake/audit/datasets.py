"""Datasets over a whole archive: how many events name each, and which would not join, though they were meant to."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sql

from mock_intake.audit.internal import DATASETS_SEEN, MISSES, SYMLINKED
from mock_intake.audit.lines import Task
from mock_intake.audit.names import joined_datasets, latest_symlinks, misses, with_join_keys
from mock_intake.audit.places import Places, block_position, position

_FOR_KEYS = ("payload", "events", "first", "position", "file", "line", "best")


def datasets_seen(places: Places, datasets: DataFrame, symlinks: DataFrame | None) -> DataFrame:
    """The datasets that events name, each once (``internal.DATASETS_SEEN``)."""
    placed = places.of(datasets).select(
        "payload",
        sql.col("count").alias("events"),
        position().alias("first"),
        # Of lineage alone a dataset has no line.
        sql.when(sql.col("line").isNotNull(), block_position() + sql.col("heard")).alias("position"),
        "file",
        (sql.col("line") + sql.col("line_base")).alias("line"),
    )
    each = placed.groupBy("payload").agg(
        sql.sum("events").alias("events"),
        sql.min("first").alias("first"),
        sql.max(sql.when(sql.col("line").isNotNull(), sql.struct("position", "file", "line"))).alias("last"),
    )
    if symlinks is None:
        named = each.withColumn("best", sql.lit(None).cast("binary"))
    else:
        named = each.join(_common_names(places, symlinks), sql.col("one") == sql.col("payload"), "left")
    return (
        named.select("payload", "events", "first", "last.*", "best")
        .select(*_FOR_KEYS)
        .mapInArrow(with_join_keys, DATASETS_SEEN)
    )


def _common_names(places: Places, symlinks: DataFrame) -> DataFrame:
    said = places.of(symlinks).select("dataset", position().alias("position"), sql.col("payload"))
    latest = said.repartition("dataset").sortWithinPartitions("dataset", "position")
    # Which names are one follows from all of them: that is found in one place.
    return latest.mapInArrow(latest_symlinks, SYMLINKED).repartition(1).mapInArrow(joined_datasets, SYMLINKED)


def missed_joins(task: Task, seen: DataFrame) -> DataFrame:
    """Findings of datasets that would not join (``internal.MISSES``), and ``number``, which is their order."""
    several = seen.withColumn("others", sql.count("*").over(Window.partitionBy("join_key"))).where("others > 1")
    groups = several.sortWithinPartitions("join_key", "first").select("join_key", "first", "canonical", "events")
    found = groups.mapInArrow(partial(misses, task), MISSES)
    return found.withColumn("number", sql.row_number().over(Window.orderBy("first", "order")).cast("long"))
