"""Who is really at the other end of a connection that the forward proxy has made."""

from __future__ import annotations

Address = tuple[str, int]


class Peers:
    """The proxy's own address to the peer's, for each of its connections to the intake."""

    def __init__(self) -> None:
        self._peers: dict[Address, Address] = {}

    def real(self, address: Address | None) -> Address | None:
        """Who is behind ``address``: somebody else, where it is the proxy's."""
        return self._peers.get(address, address) if address is not None else None

    def add(self, proxied: Address, real: Address) -> None:
        self._peers[proxied] = real

    def remove(self, proxied: Address) -> None:
        self._peers.pop(proxied, None)
