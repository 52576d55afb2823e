"""What runs are asked for by, where they are brought to those whose rules ask for them."""

from __future__ import annotations

from mock_intake.model.runs import run_id_key

OF_RUN, OF_JOB = b"r", b"j"
"""What handles begin with: those of the runs with an id, and those of the runs of a job that are not finished."""
BODIES = b"b"
"""The handle of a run's own bodies."""


def handle_of_key(key: str) -> bytes:
    """What the runs with an id are asked for by, the id as it is compared."""
    return OF_RUN + key.encode("utf-8", "surrogatepass")


def handle_of_run(run_id: str) -> bytes:
    """What the runs with an id are asked for by."""
    return handle_of_key(run_id_key(run_id))
