"""A place on this machine that has no other network than its loopback: made by a process that holds it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from mock_intake.system.sockets import Socket

INSIDE = str(Path(__file__).parent / "inside.py")
# To make namespaces takes some hundredths of a second; a start of Python on a machine that is busy some more.
_TIMEOUT = 10.0
_LARGEST = 65_536


class IsolationError(RuntimeError):
    """A command cannot be kept from the network here; the message says why, and what can be done."""


class Namespace:
    """Network and mount namespaces, there as long as this is open. Use it as a context manager.

    ``files`` stand in place of others within (``/etc/hosts``). Raises ``IsolationError`` where none can be made.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = {place: str(file) for place, file in files.items()}
        self._control: socket.socket | None = None
        self._holder: subprocess.Popen[bytes] | None = None
        self._user = False

    def __enter__(self) -> Namespace:
        if sys.platform != "linux":
            raise IsolationError("Isolation takes Linux's namespaces, and this is none.")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._holder = subprocess.Popen(  # noqa: S603 - a program of our own
                [sys.executable, "-I", "-S", INSIDE, "hold", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(_TIMEOUT)
        try:
            answer, _ = self._ask({"begin": self._files})
        except BaseException:
            self.close()
            raise
        self._user = bool(answer["user"])
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the holder. What runs within goes on, and has no network still."""
        if self._control is not None:
            self._control.close()
        if self._holder is not None:
            try:
                self._holder.wait(_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._holder.kill()
                self._holder.wait()

    def open(self, kind: Literal["tcp", "udp"], host: str, port: int) -> socket.socket:
        """A socket that is bound within, and listens if it is of TCP. Raises ``IsolationError``."""
        _, descriptors = self._ask({"open": [kind, host, port]})
        handed: socket.socket = Socket(fileno=descriptors[0])
        return handed

    def add_address(self, address: str) -> None:
        """Makes an IPv4 address one of the place's own. Raises ``IsolationError``."""
        self._ask({"address": address})

    def command(self, command: Sequence[str]) -> list[str]:
        """A command that has another one run within, in the same process: its exit code and signals are its own."""
        assert self._holder is not None
        user = ["user"] if self._user else []
        return [sys.executable, "-I", "-S", INSIDE, "enter", str(self._holder.pid), *user, "--", *command]

    def _ask(self, what: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
        assert self._control is not None
        message = b""
        descriptors: list[int] = []
        with suppress(OSError):  # it has ended, and says nothing
            self._control.send(json.dumps(what).encode())
            message, descriptors, _, _ = socket.recv_fds(self._control, _LARGEST, 1)
        answer = json.loads(message) if message else {"error": "the process that makes it ended, or does not answer"}
        if "error" in answer:
            raise IsolationError(_not_allowed(answer["error"]) if "begin" in what else f"{what}: {answer['error']}")
        return answer, descriptors


def _not_allowed(reason: str) -> str:
    return (
        f"This system does not let a command run without a network ({reason}). In Docker it takes --security-opt "
        "seccomp=unconfined or --cap-add SYS_ADMIN; some distributions switch user namespaces off "
        "(kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)."
    )
