"""Whether the work of a process can be shared out to copies of it, and how many that makes sense for."""

from __future__ import annotations

import os
import sys


def can_fork() -> bool:
    """Whether a process can be copied: macOS's own libraries break in a copy, and Windows has none."""
    return sys.platform == "linux"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
