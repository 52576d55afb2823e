"""How far Spark is: the tasks of what it works on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

# Seconds between two looks.
_PAUSE = 0.5


@contextmanager
def tasks_followed(spark: SparkSession, seen: Callable[[int, int], None]) -> Iterator[None]:
    """Has ``seen`` called, in a thread, with how many tasks of what Spark works on are done, and of how many."""
    ended = threading.Event()
    tracker = spark.sparkContext.statusTracker()

    def follow() -> None:
        while not ended.wait(_PAUSE):
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            known = [stage for stage in stages if stage is not None]
            if known:
                seen(sum(stage.numCompletedTasks for stage in known), sum(stage.numTasks for stage in known))

    thread = threading.Thread(target=follow, name="mock-intake-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
