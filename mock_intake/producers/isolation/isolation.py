"""A producer without a network: the intake's sockets are within, real sites lead to it or nowhere, all else is refused.

What remains: Unix sockets by path, which are files and not of a network. Whoever runs as root can leave.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from mock_intake.producers.guard import Attempt, is_intake
from mock_intake.producers.isolation.namespace import Namespace
from mock_intake.producers.isolation.services import Services

# Of the loopback network: where real intakes are looked for, and the first of those that stand for other hosts.
_REAL_SITES = "127.83.200.78"
_HTTPS = 443
_DNS = ("127.0.0.1", 53)
_FIRST_RELAY = ipaddress.IPv4Address("127.83.201.1")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_NUMBERS = re.compile(r"[\d.]+")
_LOCAL = ("localhost", "127.0.0.1")


class Served(NamedTuple):
    """A socket that the intake serves: its address, the same within, and what takes the one that is opened there."""

    address: tuple[str, int]
    take: Callable[[socket.socket], object]


class Reach(NamedTuple):
    """An address that the job may reach: its database's, for instance."""

    host: str
    port: int


def parse_reach(text: str) -> Reach:
    """An address as ``HOST:PORT``. Raises ``ValueError``."""
    host, colon, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    is_host = _is_address(host) if _NUMBERS.fullmatch(host) else _HOST_NAME.fullmatch(host) is not None
    if not colon or not 0 < number <= 65535 or not is_host:
        raise ValueError(f"{text!r} is no HOST:PORT, with a name or an IPv4 address as its host")
    return Reach(host.lower(), number)


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


class Isolation:
    """Where a command has no other network than what is ``served`` and what it may ``reach``; a context manager.

    ``real_sites`` takes a socket on which connections for the real intakes arrive (TLS); without it they are refused.
    ``directory`` is for files that stand in place of the system's within. Raises ``IsolationError`` on entering.
    """

    def __init__(
        self,
        served: Iterable[Served],
        directory: Path,
        reach: Sequence[Reach] = (),
        real_sites: Callable[[socket.socket], object] | None = None,
    ) -> None:
        self._served = list(served)
        self._directory = directory
        self._reach = list(dict.fromkeys(reach))
        self._real_sites = real_sites
        self._known = _addresses(reach)
        self._looked_up: dict[str, float] = {}
        self._stack = ExitStack()
        self._namespace: Namespace | None = None

    def __enter__(self) -> Isolation:
        with ExitStack() as stack:
            namespace = stack.enter_context(Namespace(self._files()))
            services = Services()
            stack.callback(services.close)
            services.names(namespace.open("udp", *_DNS), namespace.open("tcp", *_DNS), self._address_of)
            for each in self._served:
                each.take(namespace.open("tcp", *each.address))
            if self._real_sites is not None:
                self._real_sites(namespace.open("tcp", _REAL_SITES, _HTTPS))
            for host, port in self._reach:
                address = self._known.get(host, host)
                if not ipaddress.IPv4Address(address).is_loopback:
                    namespace.add_address(address)
                services.relay(namespace.open("tcp", address, port), host, port)
            self._namespace = namespace
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that has a command run within."""
        assert self._namespace is not None
        return self._namespace.command(command)

    @property
    def looked_up(self) -> list[str]:
        """The hosts that the job asked the name server for, in order, those that it may reach included."""
        return list(self._looked_up)

    def attempts(self) -> list[Attempt]:
        """What the job tried of real intakes, where they do not lead to this one."""
        if self._real_sites is not None:
            return []
        return [Attempt(host, _HTTPS, True, at, 0) for host, at in self._looked_up.items() if is_intake(host)]

    def _address_of(self, name: str) -> str | None:
        self._looked_up.setdefault(name, time.time())
        return _REAL_SITES if is_intake(name) else self._known.get(name)

    def _files(self) -> dict[str, Path]:
        """Files that say where names are looked for. Real sites are in none: the name server remembers who asked."""
        names = [name for name in (_LOCAL[0], socket.gethostname()) if name == _LOCAL[0] or name not in self._known]
        hosts = [f"127.0.0.1 {' '.join(dict.fromkeys(names))}"]
        hosts += [f"{address} {host}" for host, address in self._known.items() if host not in _LOCAL]
        texts = {
            "/etc/hosts": "\n".join(hosts) + "\n",
            "/etc/resolv.conf": f"nameserver {_DNS[0]}\noptions timeout:1 attempts:1\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        }
        files = {}
        for place, text in texts.items():
            file = files[place] = self._directory / f"isolated-{Path(place).name}"
            file.write_text(text, encoding="utf-8")
            file.chmod(0o644)
        return files


def _addresses(reach: Sequence[Reach]) -> dict[str, str]:
    """Where the hosts that may be reached are within, by name: each name has an address of its own."""
    known = {"localhost": "127.0.0.1"}
    for each in reach:
        if each.host not in known and not _NUMBERS.fullmatch(each.host):
            known[each.host] = str(_FIRST_RELAY + len(known))
    return known
