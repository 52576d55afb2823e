"""A program: runs a command where there is no network but loopback, so that nothing can leave the machine.

    python alone.py CMD [ARG]...

A network namespace of its own (Linux), without any device but ``lo``. Exits with 77 if the kernel does not let this
user make one.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

REFUSED = 77
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def main() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    # The second attempt is for users who are not root; having made a user namespace they may make a network.
    if library.unshare(_NEW_NETWORK) != 0 and library.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        print(f"no network namespace: {os.strerror(ctypes.get_errno())}", file=sys.stderr)  # noqa: T201
        sys.exit(REFUSED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        try:
            sock.connect(("192.0.2.1", 443))
        except OSError:
            pass  # unreachable, as it should be
        else:
            sys.exit("there is a way out of here")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
