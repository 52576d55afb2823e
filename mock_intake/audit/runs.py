"""Runs over a whole archive: brought together by their ids, and closed with what they ask for of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as sql

from mock_intake.audit.closing import closed_runs
from mock_intake.audit.handles import BODIES, OF_JOB, OF_RUN
from mock_intake.audit.internal import CLOSED, NAMED_RUN, OWN, TO_CLOSE
from mock_intake.audit.lines import Task
from mock_intake.audit.merging import merged_runs
from mock_intake.audit.names import names_of_runs
from mock_intake.audit.places import Places, block_position, position, shift
from mock_intake.judging.closing import MOST_UNFINISHED
from mock_intake.judging.ledger import MOST_WITHOUT_RUN

# So many run ids are closed with what is brought to all of them together.
_IN_BUCKET = 20_000
# Each brings what rules ask for beyond the round before: hierarchies are walked up one step in each.
_MOST_ROUNDS = 200
_PARTS = ("key", "shift", "line_base", "file", "payload", "bodies")


class Runs(NamedTuple):
    """All run ids of an archive: those that their blocks have closed, and what the others are closed with."""

    settled: DataFrame
    """Of ``internal.JUDGED`` with their places: these are closed."""
    settled_findings: DataFrame | None
    """The same of what was found in them."""
    whole: DataFrame
    """All run ids, each with all its events (``internal.OWN``)."""
    open: DataFrame
    """Those of ``whole`` that are to be closed, with what each has of names and events without a run."""


def runs_of(
    places: Places,
    runs: DataFrame,
    findings: DataFrame | None,
    names: DataFrame | None,
    without: DataFrame | None,
    kept: Callable[[DataFrame, str], DataFrame],
) -> Runs:
    """Brings together what blocks have of runs.

    ``runs`` and ``findings`` are rows that blocks have of run ids, and of what was found in those that they closed,
    ``names`` those of names. ``without`` has each event of a job that has no run once: position, event_id, payload
    (the job) and count (1 where it may have been meant as an event of a run). ``kept`` puts rows where they can be read
    again, under a name: of what is kept Spark knows how large it is, and sends what is small to where it is joined.
    """
    placed = places.of(runs).withColumn("shift", shift())
    heard, bodies = sql.col("heard") + sql.col("shift"), sql.when(_asks_for_bodies(), sql.array("bodies"))
    own = placed.select(*_own(jobs=_shifted_jobs(), heard=heard, bodies=bodies), _is_settled())
    again: list[DataFrame] = []
    if places.blocks > 1:
        # Most runs begin and end in one block. Of the others bodies are shuffled, and of them alone.
        several = kept(placed.groupBy("key").count().where("count > 1").select("key"), "several")
        merged = kept(_merged(placed.join(several, "key", "left_semi")), "merged")
        own = own.join(several, "key", "left_anti").unionByName(merged.withColumn("settled", sql.lit(False)))
        again += [several, _asking_for(own.where("settled"), several)]
    whole = own.select(*OWN.names)
    of_jobs = None if without is None else kept(_events_of_jobs(own, without), "of_jobs")
    if of_jobs is not None:
        again.append(of_jobs.select("key"))
    closed = placed.where(_is_settled())
    if again:
        keys = kept(reduce(DataFrame.union, again), "again")
        settled = closed.join(keys, "key", "left_anti")
        found = None if findings is None else places.of(findings).join(keys, "key", "left_anti")
        once_more = own.where("settled").join(keys, "key", "left_semi")
        left = own.where("not settled").unionByName(once_more).select(*OWN.names)
    else:
        settled, found = closed, None if findings is None else places.of(findings)
        left = own.where("not settled").select(*OWN.names)
    if names is not None:
        left = _with_names(left, places, names)
    if of_jobs is not None:
        left = left.drop("without_run").join(of_jobs, "key", "left").select(*OWN.names)
    return Runs(settled, found, whole, kept(left, "open"))


def _is_settled() -> Column:
    """Of a run that its block could close: an array is there even where it is empty."""
    return sql.col("states").isNotNull().alias("settled")


def _merged(parts: DataFrame) -> DataFrame:
    """Run ids of several blocks, each with all its events."""
    return (
        parts.withColumn("at", block_position())
        .repartition("key")
        .sortWithinPartitions("key", "at")
        # What it is sorted by goes no further, and the order stays.
        .select(*_PARTS)
        .mapInArrow(merged_runs, OWN)
    )


def _asking_for(own: DataFrame, several: DataFrame) -> DataFrame:
    """The keys of runs that ask for one of several: what they were told of it holds no longer."""
    of_several = several.select(_handle_of("key").alias("handle"))
    return own.select("key", sql.explode("asks").alias("handle")).join(of_several, "handle", "left_semi").select("key")


def _handle_of(key: str) -> Column:
    return sql.concat(sql.lit(bytearray(OF_RUN)), sql.col(key).cast("binary"))


def _own(**columns: Column) -> list[Column]:
    """The columns of ``OWN``: those given, those that are there, and nulls."""
    nulls = {field.name: sql.lit(None).cast(field.dataType) for field in OWN.fields if field.name in _NOT_YET}
    return [{**nulls, **columns}.get(name, sql.col(name)).alias(name) for name in OWN.names]


_NOT_YET = ("named", "without_run")


def _asks_for_bodies() -> Column:
    return sql.array_contains("asks", sql.lit(bytearray(BODIES)))


def _shifted_jobs() -> Column:
    return sql.transform("jobs", lambda job: job.withField("heard", job["heard"] + sql.col("shift")))


def _with_names(own: DataFrame, places: Places, names: DataFrame) -> DataFrame:
    """Run ids with the groups of names that begin with each: which those are depends on the order of all names."""
    in_order = places.of(names).select(position().alias("at"), "key", "payload").repartition(1)
    named = in_order.sortWithinPartitions("at").select("key", "payload").mapInArrow(names_of_runs, NAMED_RUN)
    return own.drop("named").join(named, "key", "left").select(*OWN.names)


def _events_of_jobs(own: DataFrame, without: DataFrame) -> DataFrame:
    """The run ids that are told of events of their job that have no run, which is its latest: key and those events."""
    of_job = Window.partitionBy("payload")
    first = (
        without.withColumn("open", sql.max("count").over(of_job))
        .withColumn("turn", sql.row_number().over(of_job.orderBy("position")))
        .where((sql.col("open") > 0) & (sql.col("turn") <= MOST_WITHOUT_RUN) & (sql.col("count") > 0))
    )
    in_order = sql.sort_array(sql.collect_list(sql.struct("position", "event_id")))
    events = first.groupBy(sql.col("payload").alias("job")).agg(
        sql.transform(in_order, lambda each: each["event_id"]).alias("events")
    )
    jobs = own.select("key", "heard", sql.explode("jobs").alias("one")).where("one.begins")
    latest = jobs.groupBy(sql.col("one.job").alias("job")).agg(sql.max_by("key", "heard").alias("key"))
    by_run = latest.join(events, "job").groupBy("key")
    return by_run.agg(sql.collect_list(sql.struct("job", "events")).alias("without_run"))


def close(
    task: Task,
    names: list[str],
    runs: Runs,
    bodies_of: Callable[[DataFrame], DataFrame],
    kept: Callable[[DataFrame, str], DataFrame],
    written: Callable[[DataFrame, int], DataFrame | None],
) -> int:
    """Closes the runs that are open, in rounds.

    ``bodies_of`` gives key and bodies of the run ids with a key; ``kept`` is as for ``runs_of``; ``written`` puts
    the result of a round where it stays, and gives those that are undecided, if there are any. Returns how many rounds
    there were.
    """
    close_all = partial(closed_runs, task, names)
    buckets = max(1, -(-runs.open.count() // _IN_BUCKET))
    is_asking = sql.size("asks") > 0
    left, rest = runs.open.where(is_asking), runs.open.where(~is_asking)
    for turn in range(_MOST_ROUNDS):
        handles = kept(_handles(left, buckets), f"asked/{turn:03}")
        closed = _brought(left, runs.whole, handles, buckets).mapInArrow(close_all, CLOSED)
        if turn == 0:
            closed = closed.unionByName(_by_themselves(rest).mapInArrow(close_all, CLOSED))
        undecided = written(closed, turn)
        if undecided is None:
            return turn + 1
        wanting = undecided.where(_asks_for_bodies()).select("key")
        left = undecided.drop("bodies").join(bodies_of(wanting), "key", "left").select(*OWN.names)
    raise AssertionError("a rule asks for runs without end")


def _by_themselves(own: DataFrame) -> DataFrame:
    nothing = sql.lit(None).cast("binary").alias("handle")
    zero, one = sql.lit(0), sql.lit(1)
    return own.select(zero.alias("bucket"), one.alias("role"), nothing, zero.alias("rank"), *OWN.names)


def _bucket(buckets: int) -> Column:
    return sql.pmod(sql.xxhash64("key"), sql.lit(buckets)).cast("int").alias("bucket")


def _handles(left: DataFrame, buckets: int) -> DataFrame:
    """What the run ids of each bucket ask for: bucket and handle."""
    each = left.select(_bucket(buckets), sql.explode("asks").alias("handle"))
    return each.where(sql.col("handle") != sql.lit(bytearray(BODIES))).distinct()


def _brought(left: DataFrame, own: DataFrame, handles: DataFrame, buckets: int) -> DataFrame:
    """Run ids to be closed, in buckets, behind what they ask for."""
    closing = left.select(
        _bucket(buckets), sql.lit(1).alias("role"), sql.lit(None).cast("binary").alias("handle"),
        sql.lit(0).alias("rank"), *OWN.names,
    )  # fmt: skip
    brought = handles.join(_given(own, handles), "handle", "left")
    nothing = {field.name: sql.lit(None).cast(field.dataType) for field in OWN.fields}
    given = {name: sql.col(name) for name in _GIVEN}
    context = brought.select(
        "bucket", sql.lit(0).alias("role"), "handle", sql.coalesce("rank", sql.lit(0)).alias("rank"),
        *[{**nothing, **given}[name].alias(name) for name in OWN.names],
    )  # fmt: skip
    return (
        closing.unionByName(context)
        .repartition(buckets, "bucket")
        .sortWithinPartitions("bucket", "role", "handle", "rank")
        .select(*TO_CLOSE.names)
    )


_GIVEN = ("key", "shift", "line_base", "file", "payload")


def _given(own: DataFrame, handles: DataFrame) -> DataFrame:
    """What is there under handles: the run ids, and of each job those that are not finished, the latest first."""
    by_id = _handle_of("key")
    distinct = handles.select("handle").distinct()
    runs = own.select(by_id.alias("handle"), sql.lit(0).alias("rank"), *_GIVEN).join(distinct, "handle", "left_semi")
    of_job = sql.concat(sql.lit(bytearray(OF_JOB)), sql.col("one.job"))
    of_jobs = own.select(*_GIVEN, sql.explode("jobs").alias("one")).where("one.unfinished")
    wanted = of_jobs.withColumn("handle", of_job).join(distinct, "handle", "left_semi")
    rank = sql.row_number().over(Window.partitionBy("handle").orderBy(sql.col("one.heard").desc()))
    latest = wanted.withColumn("rank", rank).where(sql.col("rank") <= MOST_UNFINISHED)
    return runs.select("handle", "rank", *_GIVEN).unionByName(latest.select("handle", "rank", *_GIVEN))


def all_bodies(places: Places, runs: DataFrame, keys: DataFrame) -> DataFrame:
    """The bodies of the events of run ids, in their order: key and bodies."""
    placed = places.of(runs).join(keys, "key", "left_semi").select("key", block_position().alias("at"), "bodies")
    in_order = sql.sort_array(sql.collect_list(sql.struct("at", "bodies")))
    return placed.groupBy("key").agg(sql.transform(in_order, lambda one: one["bodies"]).alias("bodies"))
