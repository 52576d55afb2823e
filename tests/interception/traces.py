"""Where a redirect could leave something behind."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any

# What a redirect replaces, and nothing else may.
REPLACED: tuple[tuple[Any, str], ...] = (
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (socket, "create_connection"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
    (ssl.SSLContext, "wrap_socket"),
    (ssl.SSLContext, "wrap_bio"),
    (ssl, "SSLContext"),
    (ssl, "create_default_context"),
)


def state() -> list[Any]:
    """The very objects that stand where a redirect could have put its own, and the environment."""
    return [
        *((vars(owner).get(name), getattr(owner, name)) for owner, name in REPLACED),
        sorted(vars(socket)),
        sorted(vars(socket.socket)),
        sorted(vars(ssl.SSLContext)),
        {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
    ]
