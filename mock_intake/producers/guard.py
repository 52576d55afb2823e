"""Watches where this process connects to, and stops what leads to a real Datadog intake. Standard library only.

One audit hook, with a switch, on name look-ups and connections: it sees all that goes by Python's ``socket``, and so
urllib, requests, httpx and asyncio. Clients swallow what it raises, so each attempt is put on record first. It never
leaves a process (hooks cannot be removed), and costs next to nothing while no guard is in place.

What is not seen: uvloop and other C code that connects by itself, processes that are no Python, and Python that was
told to read no environment (``python -I``, ``-E``). ``run --isolate`` holds these too.

This file is also loaded by path, by a ``sitecustomize``, into producers whose environment does not have mock-intake;
so it imports nothing of the package.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

VARIABLE = "MOCK_INTAKE_GUARD"
"""Names the file that a child process writes its attempts to; with ``_LEVEL`` behind, what it stops."""
LEVELS = ("intake", "datadog", "off")
"""Stops connections to real intakes; to all of Datadog; to nothing."""

_PREFIX = "data-obs-intake."
_DATADOG = ("datadoghq.com", "datadoghq.eu", "ddog-gov.com", "datad0g.com")
_NAMES = frozenset(("socket.getaddrinfo", "socket.gethostbyname"))
_STARTS = "subprocess.Popen"
_WATCHED = _NAMES | {"socket.connect", _STARTS}
# A client that tries for ever is on record often enough.
_MOST_OF_ONE = 20


class Attempt(NamedTuple):
    """A connection that was begun, or a name that was looked up for one. ``at`` is in seconds since 1970."""

    host: str
    port: int | None
    stopped: bool
    at: float
    pid: int


class RealSiteError(RuntimeError):
    """The producer is set to a real site. No ``OSError``: clients would take that for an outage, and try again."""


def is_intake(host: str) -> bool:
    """Whether ``host`` is the name of a real intake, of whatever site."""
    return host.startswith(_PREFIX)


def is_datadog(host: str) -> bool:
    """Whether ``host`` is a name of Datadog's."""
    return is_intake(host) or host in _DATADOG or host.endswith(tuple(f".{domain}" for domain in _DATADOG))


class Guard:
    """Has ``note`` told of every attempt to reach Datadog, and stops those that ``level`` names, while in place.

    ``on_start`` is told of programs that are started with an environment of their own: the program, and that.
    """

    def __init__(
        self,
        note: Callable[[Attempt], object],
        level: str = "intake",
        on_start: Callable[[str, Mapping[Any, Any]], object] | None = None,
    ) -> None:
        self._note = note
        self.on_start = on_start
        self._stops = {"intake": is_intake, "datadog": is_datadog}.get(level, lambda _: False)
        self._counts: dict[str, int] = {}

    def install(self) -> None:
        """Puts it in place, beside those that are there; nothing to do if it is."""
        global _hooked
        with _lock:
            if self not in _installed:
                _installed.append(self)
            if not _hooked and hasattr(sys, "addaudithook"):  # Python 3.7 has none
                _hooked = True
                sys.addaudithook(_hook)

    def uninstall(self) -> None:
        """Takes it away; nothing to do if it is not in place."""
        with _lock:
            if self in _installed:
                _installed.remove(self)

    def meet(self, host: str, port: int | None) -> bool:
        """Notes an attempt to reach ``host`` at ``port``; whether it is to be stopped."""
        stopped = self._stops(host)
        count = self._counts[host] = self._counts.get(host, 0) + 1
        if count <= _MOST_OF_ONE:
            self._note(Attempt(host, port, stopped, time.time(), os.getpid()))
        return stopped


_lock = threading.Lock()
_installed: list[Guard] = []
_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WATCHED or not _installed:
        return
    if event == _STARTS:
        _started(*arguments)
        return
    if event in _NAMES:
        host, port = arguments[0], arguments[1] if len(arguments) > 1 else None
    else:
        address = arguments[1]
        if not isinstance(address, tuple) or len(address) < 2:
            return
        host, port = address[:2]
    name = _name(host)
    if not is_datadog(name):
        return
    # Each is told, whichever stops it.
    stopped = [guard.meet(name, port if isinstance(port, int) else None) for guard in list(_installed)]
    if True in stopped:
        raise RealSiteError(
            f"mock-intake stops this: set to the real site {name}, and nothing leaves this machine in a test. "
            "To keep the site, use path intercept."
        )


def _started(program: Any, arguments: Any, _directory: Any, environment: Any) -> None:
    """Tells of a program; of one that inherits the environment there is nothing to tell."""
    if not isinstance(environment, Mapping):
        return
    first = arguments[0] if isinstance(arguments, (list, tuple)) and arguments else program
    for guard in _installed:
        if guard.on_start is not None:
            guard.on_start(str(first), environment)


def _name(host: Any) -> str:
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return host.rstrip(".").lower() if isinstance(host, str) else ""


def variables(file: str, level: str) -> Mapping[str, str]:
    """What a child process needs in its environment, beside the ``sitecustomize`` first on its path.

    ``file`` is where it notes attempts, ``level`` what it is kept from: ``intake`` or ``datadog``.
    """
    return {VARIABLE: f"{level}:{file}"}


def install_from(environ: Mapping[str, str]) -> None:
    """Puts the guard in place that ``environ``, the environment of this process, asks for, if any."""
    level, _, file = environ.get(VARIABLE, "").partition(":")
    if level in LEVELS and level != "off" and file:
        Guard(writing(file), level).install()


def writing(file: str) -> Callable[[Attempt], object]:
    """What puts attempts on record in a file, of this process and of those that it is forked into."""

    def note(attempt: Attempt) -> None:
        line = json.dumps(attempt._asdict()) + "\n"
        try:
            # In one call, to the end, so that lines of several processes stay whole.
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # whoever wanted to know has ended
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    return note


def read(lines: Sequence[str]) -> list[Attempt]:
    """The attempts on record in ``lines`` of a file; what is no line of ours is passed over."""
    found = []
    for line in lines:
        try:
            found.append(Attempt(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found
