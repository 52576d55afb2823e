"""What runs inside: a process that holds the namespaces and opens sockets there, and one that enters, as the job.

Run by path as a program of its own (``inside.py hold FD``, ``inside.py enter PID [user] -- CMD``), since a process must
have one thread to make a user namespace or to enter one; and ``inside.py ports N,N -- CMD``, which becomes a command
that may connect to some ports only. Standard library only.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_SIOCSIFFLAGS, _SIOCGIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8913, 0x8916, 0x891C
_IFF_UP = 0x1
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# Landlock has no functions in the C library; the numbers are the same on all architectures.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CONNECT_TCP, _OF_PORT = 0x2, 2
_BACKLOG = 1024
_LARGEST = 65_536


def _call(name: str, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def make_namespaces() -> bool:
    """Puts this process into network and mount namespaces of its own; whether it took a user namespace to do so.

    The user id stays what it is. Raises ``OSError`` where the system does not allow it.
    """
    if os.geteuid() == 0:
        try:
            _call("unshare", CLONE_NEWNET | CLONE_NEWNS)
        except OSError:  # root of a container that may not; perhaps it may in a user namespace
            pass
        else:
            return False
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{file}", "w", encoding="ascii") as opened:  # noqa: PTH123 - few imports
            opened.write(text)
    return True


def bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def add_address(address: str, number: int) -> None:
    """Gives the loopback interface one more IPv4 address, so that it is one of this machine's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
            packed = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(any_socket, request, struct.pack("16s16s8x", f"lo:{number}".encode(), packed))


def replace_files(files: dict[str, str]) -> None:
    """Puts files in the places of others, for this mount namespace alone; a place that is not there is left out."""
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    for place, file in files.items():
        if os.path.exists(place):  # noqa: PTH110 - few imports: this is a start that somebody waits for
            _call("mount", file.encode(), place.encode(), None, _MS_BIND, None)


def open_socket(kind: str, host: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        if kind == "tcp":
            opened.listen(_BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def hold(control: socket.socket) -> None:
    """Makes the namespaces, and does what is asked until whoever asks has gone."""
    # With the thread that started it, should that be killed.
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    aliases = 0
    while message := control.recv(_LARGEST):
        order = json.loads(message)
        answer: dict[str, Any] = {}
        handed: list[socket.socket] = []
        try:
            if "begin" in order:
                answer["user"] = make_namespaces()
                bring_up_loopback()
                replace_files(order["begin"])
            elif "address" in order:
                add_address(order["address"], aliases)
                aliases += 1
            else:
                handed.append(open_socket(*order["open"]))
        except OSError as error:
            answer["error"] = str(error.strerror or error)
        socket.send_fds(control, [json.dumps(answer).encode()], [each.fileno() for each in handed])
        for each in handed:
            each.close()


def enter(holder: int, command: list[str], *, user: bool) -> None:
    """Enters the namespaces of a process, and becomes the command. Returns never."""
    directory = os.getcwd()  # noqa: PTH109
    kinds = [("user", CLONE_NEWUSER)] if user else []
    kinds += [("net", CLONE_NEWNET), ("mnt", CLONE_NEWNS)]
    # All before any is entered: the files of one may be out of sight from within another.
    opened = [(os.open(f"/proc/{holder}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), flag) for name, flag in kinds]
    for descriptor, flag in opened:
        _call("setns", descriptor, flag)
    os.chdir(directory)
    become(command)


def keep_to_ports(ports: list[int]) -> None:
    """From now on this process and all that it starts may connect to these TCP ports only. Raises ``OSError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    # What is handled: nothing of files, connections of the network.
    handled = struct.pack("QQ", 0, _CONNECT_TCP)
    ruleset = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for port in ports:
        _call("syscall", _ADD_RULE, ruleset, _OF_PORT, struct.pack("QQ", _CONNECT_TCP, port), 0)
    _call("syscall", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def become(command: list[str]) -> None:
    """Becomes a command, or ends as a shell does where there is none. Returns never."""
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's own command
    except FileNotFoundError:
        sys.stderr.write(f"mock-intake: there is no command {command[0]}\n")
        os._exit(127)
    except OSError as error:
        sys.stderr.write(f"mock-intake: {command[0]} cannot be run: {error.strerror}\n")
        os._exit(126)


def main(arguments: list[str]) -> None:
    if arguments[0] == "hold":
        with socket.socket(fileno=int(arguments[1])) as control:
            hold(control)
        return
    where = arguments.index("--")
    if arguments[0] == "ports":
        keep_to_ports([int(port) for port in arguments[1].split(",") if port])
        become(arguments[where + 1 :])
    enter(int(arguments[1]), arguments[where + 1 :], user="user" in arguments[2:where])


if __name__ == "__main__":
    main(sys.argv[1:])
