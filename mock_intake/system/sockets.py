"""The real socket class, also where a library that keeps tests off the network has put one in its place."""

from __future__ import annotations

import socket
from typing import Any

Socket: Any = next(each for each in socket.socket.__mro__ if each.__module__ == "socket")
