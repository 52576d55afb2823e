"""Child processes that do not outlive us, however we end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


def ending_with_us() -> Callable[[], None] | None:
    """What a child calls before it becomes its program (``preexec_fn``), to be killed when we end: by SIGKILL too.

    Linux alone has that (prctl(2)); None elsewhere. The system looks at the thread that made the child, so that thread
    must live as long as the child may. It holds for the child itself, and not for what that starts.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    # Looked up here, so that the child, which is a copy of one thread among others, has nothing to do but to call it.
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    parent, kill = os.getpid(), int(signal.SIGKILL)

    def before_the_program() -> None:
        prctl(_PR_SET_PDEATHSIG, kill, 0, 0, 0)
        if os.getppid() != parent:  # we had ended before
            os._exit(128 + kill)

    return before_the_program
