"""Runs a producer, in whatever language, where there is no other network than the intake (Linux)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Literal

from mock_intake.producers.isolation.isolation import Isolation, Reach, Served, parse_reach
from mock_intake.producers.isolation.namespace import IsolationError, Namespace
from mock_intake.producers.isolation.ports import PortsOnly, knows_ports

Kind = Literal["network", "ports"]
Place = Isolation | PortsOnly


@contextmanager
def isolated(
    kind: Kind | None,
    served: Sequence[Served],
    directory: Path,
    reach: Sequence[Reach] = (),
    real_sites: Callable[[socket], object] | None = None,
) -> Iterator[Place | None]:
    """Where a command is to run; None where it runs as any other. See ``Isolation``. Raises ``IsolationError``."""
    if kind == "network":
        with Isolation(served, directory, reach, real_sites) as place:
            yield place
    elif kind == "ports":
        yield PortsOnly([*(each.address[1] for each in served), *(each.port for each in reach)])
    else:
        yield None


def check_isolation(kind: Kind) -> None:
    """Raises ``IsolationError`` where it cannot be had; takes some hundredths of a second."""
    if kind == "ports":
        PortsOnly([])
        return
    try:
        with Namespace({}):
            pass
    except IsolationError as error:
        instead = " This kernel can keep it to the intake's ports instead: --isolate-ports." if knows_ports() else ""
        raise IsolationError(f"{error}{instead}") from error


__all__ = [
    "Isolation",
    "IsolationError",
    "Kind",
    "Place",
    "Reach",
    "Served",
    "check_isolation",
    "isolated",
    "parse_reach",
]
