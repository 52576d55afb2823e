"""Python's collection of garbage in a process that serves for long."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many objects more than before are there when garbage is looked for. A block's events are as many for a moment, and
# nothing of them is garbage: with Python's 700 a fifteenth of the time goes into looking for some, and a quarter where
# rows are made of them too.
OBJECTS_BETWEEN_COLLECTIONS = 100_000


def spare_the_collector() -> None:
    """Has what lives long looked at less often.

    What is loaded stays, and is looked at no more. What is young is looked at after 10,000 objects rather than 700, as
    a single event is hundreds for a moment; what has outlived that, soon after: the longer that is put off, the longer
    the server stands still for it. The oldest are looked at rarely: they are what is on record.
    """
    gc.freeze()
    gc.set_threshold(10_000, 2, 500)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Has garbage looked for rarely while recorded events are judged, in processes that begin meanwhile too."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
