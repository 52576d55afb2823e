"""Where namespaces are not allowed: a command that may connect to some TCP ports only, of whatever host (Landlock).

Weaker than a namespace: the same ports of other machines can be reached, names are looked up outside, and UDP is free.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Sequence

from mock_intake.producers.guard import Attempt
from mock_intake.producers.isolation.namespace import INSIDE, IsolationError

_CREATE_RULESET = 444
_ASK_VERSION = 1
# The first version of Landlock's interface that knows ports.
_WITH_PORTS = 4


def knows_ports() -> bool:
    """Whether the kernel can keep a process to some ports."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)) >= _WITH_PORTS


class PortsOnly:
    """Has commands run that connect to ``ports`` only. Raises ``IsolationError`` where the kernel cannot do that."""

    def __init__(self, ports: Iterable[int]) -> None:
        self._ports = sorted(set(ports))
        if not knows_ports():
            raise IsolationError("This kernel cannot keep a command to some ports (Landlock, from Linux 6.7 on).")

    @property
    def looked_up(self) -> list[str]:
        """None: nobody is asked here."""
        return []

    def attempts(self) -> list[Attempt]:
        """None: what is refused is not heard of."""
        return []

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that has a command run so."""
        ports = ",".join(str(port) for port in self._ports)
        return [sys.executable, "-I", "-S", INSIDE, "ports", ports, "--", *command]
