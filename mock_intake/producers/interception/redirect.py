"""Sends this process's connections for Datadog's intakes to a local TLS intake. Standard library only.

Three things are replaced while any redirect is installed, and put back after: names of intakes resolve to a
reserved loopback address; connecting to that address connects to the local intake; a TLS handshake for an intake's
name trusts the local intake's CA, on a copy of the context, so that no context keeps that trust. Where proxy
variables are set, the intakes are added to ``NO_PROXY`` as well.

What is not caught: uvloop (it resolves and connects in C), other TLS libraries than ``ssl``, resolvers of their own,
connections that were open before, other processes.

This file is also loaded by path, by the ``sitecustomize`` beside it, into producers whose environment does not
have mock-intake; so it imports nothing of the package.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import weakref
from collections.abc import Iterable
from typing import Any

# Of the loopback network, and nobody's: what resolves to it can only have come from here.
RESERVED = "127.83.200.77"
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_BYPASS_VARIABLES = ("NO_PROXY", "no_proxy")
# The standard library's own class, also where a library such as truststore has put one of its own in its place.
_Context: Any = next(each for each in ssl.SSLContext.__mro__ if each.__module__ == "ssl")
_CRL_CHECKS = ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_CRL_CHECK_CHAIN


class Redirect:
    """Connections for ``hosts`` lead to ``address`` (host, port), trusted by ``ca_pem``, while installed.

    Of several that are installed the last one counts, in whatever order they end.
    """

    def __init__(self, hosts: Iterable[str], address: tuple[str, int], ca_pem: str) -> None:
        self.hosts = frozenset(hosts)
        self.address = address
        self._ca_pem = ca_pem
        self._contexts: weakref.WeakKeyDictionary[ssl.SSLContext, _TrustingContext] = weakref.WeakKeyDictionary()

    def install(self) -> None:
        """Puts it in place; it counts before those that were. Raises ``RuntimeError`` where it is in place already."""
        with _lock:
            if self in _installed:
                raise RuntimeError("The redirect is installed already.")
            if not _installed:
                _replace_all(self.hosts)
            _installed.append(self)

    def uninstall(self) -> None:
        """Puts back what was there once no redirect is left; what others have put on top of it stays theirs."""
        with _lock:
            if self in _installed:
                _installed.remove(self)
                if not _installed:
                    _put_back_all()

    def trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """A copy of a client's context that trusts the local intake's CA, and no other."""
        settings = _settings(context)
        known = self._contexts.get(context)
        if known is not None and known.made_for == settings:
            return known
        copy = _TrustingContext(ssl.PROTOCOL_TLS_CLIENT)
        copy.made_for = settings
        copy.check_hostname = False
        _set(copy, "verify_mode", context.verify_mode)
        copy.check_hostname = context.check_hostname
        _set(copy, "options", context.options)
        # There is no revocation list of the local CA's, and without one the check cannot but fail.
        _set(copy, "verify_flags", context.verify_flags & ~_CRL_CHECKS)
        with contextlib.suppress(ValueError):
            _set(copy, "minimum_version", context.minimum_version)
            _set(copy, "maximum_version", context.maximum_version)
        if self._ca_pem:
            copy.load_verify_locations(cadata=self._ca_pem)
        self._contexts[context] = copy
        return copy


class _TrustingContext(_Context):  # type: ignore[misc]
    """A context that a redirect has made, of this module or of another copy of it."""

    mock_intake_redirected = True
    made_for: tuple[Any, ...] = ()


def _set(context: _TrustingContext, name: str, value: Any) -> None:
    # ssl's own setters look up ssl.SSLContext by name, so they fail where that has been replaced.
    getattr(super(_Context, _Context), name).__set__(context, value)


def _settings(context: ssl.SSLContext) -> tuple[Any, ...]:
    """What may change of a context between two handshakes."""
    return (
        context.verify_mode,
        context.check_hostname,
        context.options,
        context.verify_flags,
        context.minimum_version,
        context.maximum_version,
    )


_lock = threading.RLock()
_installed: list[Redirect] = []
_INHERITED = object()
# What was replaced: owner, name, what stood there, what was put there.
_replaced: list[tuple[Any, str, Any, Any]] = []
# Variables of the environment that were set: name, value before, value set.
_variables: list[tuple[str, str | None, str]] = []


def _catching(host: Any) -> Redirect | None:
    """The redirect for a host name, in any form that a client may write it in."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str):
        return None
    host = host.rstrip(".").lower()
    return next((redirect for redirect in reversed(_installed) if host in redirect.hosts), None)


def _replace_all(hosts: frozenset[str]) -> None:
    _replace(socket, "getaddrinfo", _resolving)
    _replace(socket, "gethostbyname", _resolving)
    _replace(socket, "gethostbyname_ex", _resolving)
    _replace(socket.socket, "connect", _connecting)
    _replace(socket.socket, "connect_ex", _connecting)
    _replace(_Context, "wrap_socket", lambda original: _wrapping(original, 4))
    _replace(_Context, "wrap_bio", lambda original: _wrapping(original, 3))
    if any(os.environ.get(name) for variable in _PROXY_VARIABLES for name in (variable, variable.upper())):
        for name in _BYPASS_VARIABLES:
            before = os.environ.get(name)
            _variables.append((name, before, ",".join([*([before] if before else []), *sorted(hosts)])))
            os.environ[name] = _variables[-1][2]


def _put_back_all() -> None:
    while _replaced:
        owner, name, original, replacement = _replaced.pop()
        if vars(owner).get(name) is not replacement:
            continue
        if original is _INHERITED:
            delattr(owner, name)
        else:
            setattr(owner, name, original)
    while _variables:
        name, before, value = _variables.pop()
        if os.environ.get(name) != value:
            continue
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _replace(owner: Any, name: str, replacing: Any) -> None:
    replacement = replacing(getattr(owner, name))
    _replaced.append((owner, name, vars(owner).get(name, _INHERITED), replacement))
    setattr(owner, name, replacement)


def is_redirected(host: str) -> bool:
    """Whether connections of this process for a host lead to a local intake now."""
    return _catching(host) is not None


# Each of these passes everything on while no redirect is installed: somebody may have kept it.


def _resolving(original: Any) -> Any:
    def resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        return original(RESERVED if _catching(host) else host, *arguments, **named)

    return resolve


def _connecting(original: Any) -> Any:
    def connect(sock: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address:
            redirect = _catching(address[0])
            if redirect is None and address[0] == RESERVED and _installed:
                redirect = _installed[-1]
            if redirect is not None:
                address = redirect.address
        return original(sock, address)

    return connect


def _wrapping(original: Any, position: int) -> Any:
    """``position`` is that of ``server_hostname`` among the arguments; the session follows it."""

    def wrap(context: ssl.SSLContext, *arguments: Any, **named: Any) -> Any:
        host = named.get("server_hostname", arguments[position] if len(arguments) > position else None)
        redirect = _catching(host)
        if redirect is not None and not getattr(context, "mock_intake_redirected", False):
            context = redirect.trusting(context)
            # Sessions belong to the context that they were made with.
            named.pop("session", None)
            arguments = arguments[: position + 1]
        return original(context, *arguments, **named)

    return wrap
