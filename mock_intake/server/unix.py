"""A Unix socket to listen on: bound at a path, which one that somebody left behind does not keep."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from mock_intake.system.sockets import Socket

_BACKLOG = 1024


def bind_unix(path: Path) -> socket.socket:
    """A socket that listens at a path. Raises ``OSError`` where that cannot be had: where another listens, say."""
    bound = _socket()
    try:
        try:
            bound.bind(str(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not path.is_socket() or _somebody_listens(path):
                raise
            path.unlink()
            bound.bind(str(path))
        bound.listen(_BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _somebody_listens(path: Path) -> bool:
    with _socket() as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


def _socket() -> socket.socket:
    made: socket.socket = Socket(socket.AF_UNIX, socket.SOCK_STREAM)
    return made
