"""Sends this process's connections for Datadog's intakes to a local TLS intake. Standard library only.

Three things are replaced while it is installed, and put back after: names of intakes resolve to a reserved
loopback address; connecting to that address connects to the local intake; a TLS handshake for an intake's name
trusts the local intake's CA, on a copy of the context, so that no context keeps that trust.

What is not caught: uvloop (it connects in C), other TLS libraries than ``ssl``, other processes.

This file is also loaded by path, by the ``sitecustomize`` beside it, into producers whose environment does not
have mock-intake; so it imports nothing of the package.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import weakref
from collections.abc import Iterable
from typing import Any

# Of the loopback network, and nobody's: what resolves to it can only have come from here.
RESERVED = "127.83.200.77"


class Redirect:
    """Connections for ``hosts`` lead to ``address`` (host, port), trusted by ``ca_pem``, while installed."""

    def __init__(self, hosts: Iterable[str], address: tuple[str, int], ca_pem: str) -> None:
        self._hosts = frozenset(hosts)
        self._address = address
        self._ca_pem = ca_pem
        self._contexts: weakref.WeakKeyDictionary[ssl.SSLContext, ssl.SSLContext] = weakref.WeakKeyDictionary()
        self._undo: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        if self._undo:
            raise RuntimeError("The redirect is installed already.")
        self._replace(socket, "getaddrinfo", self._getaddrinfo(socket.getaddrinfo))
        self._replace(socket, "gethostbyname", self._gethostbyname(socket.gethostbyname))
        self._replace(socket.socket, "connect", self._connect(socket.socket.connect))
        self._replace(socket.socket, "connect_ex", self._connect(socket.socket.connect_ex))
        self._replace(ssl.SSLContext, "wrap_socket", self._wrap(ssl.SSLContext.wrap_socket))
        self._replace(ssl.SSLContext, "wrap_bio", self._wrap(ssl.SSLContext.wrap_bio))

    def uninstall(self) -> None:
        """Puts back what was there, whatever has been replaced by others on top of it."""
        while self._undo:
            owner, name, original = self._undo.pop()
            if original is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._undo.append((owner, name, vars(owner).get(name, _INHERITED)))
        setattr(owner, name, replacement)

    def is_caught(self, host: Any) -> bool:
        """Whether a host name, in any form that a client may write it in, is one of the intakes'."""
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        return isinstance(host, str) and host.rstrip(".").lower() in self._hosts

    def _getaddrinfo(self, original: Any) -> Any:
        def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
            return original(RESERVED if self.is_caught(host) else host, *arguments, **named)

        return getaddrinfo

    def _gethostbyname(self, original: Any) -> Any:
        def gethostbyname(host: Any) -> Any:
            return RESERVED if self.is_caught(host) else original(host)

        return gethostbyname

    def _connect(self, original: Any) -> Any:
        def connect(sock: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and address and address[0] == RESERVED:
                address = self._address
            return original(sock, address)

        return connect

    def _wrap(self, original: Any) -> Any:
        def wrap(context: ssl.SSLContext, *arguments: Any, **named: Any) -> Any:
            if self.is_caught(named.get("server_hostname")):
                context = self._trusting(context)
                named.pop("session", None)  # sessions belong to the context they were made with
            return original(context, *arguments, **named)

        return wrap

    def _trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """A copy of a client's context that trusts the local intake's CA, and no other."""
        known = self._contexts.get(context)
        if known is not None:
            return known
        copy = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        copy.check_hostname = False
        copy.verify_mode = context.verify_mode
        copy.check_hostname = context.check_hostname
        copy.options = context.options
        with contextlib.suppress(ValueError):
            copy.minimum_version = context.minimum_version
            copy.maximum_version = context.maximum_version
        copy.load_verify_locations(cadata=self._ca_pem)
        self._contexts[context] = copy
        return copy


_INHERITED = object()
