"""Python's collection of garbage in a process that serves for long."""

from __future__ import annotations

import gc


def spare_the_collector() -> None:
    """Has what lives long looked at less often.

    What is loaded stays, and is looked at no more. What is young is looked at after 10,000 objects rather than 700, as
    a single event is hundreds for a moment; what has outlived that, soon after: the longer that is put off, the longer
    the server stands still for it. The oldest are looked at rarely: they are what is on record.
    """
    gc.freeze()
    gc.set_threshold(10_000, 2, 500)
