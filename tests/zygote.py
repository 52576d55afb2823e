"""A process that has imported all that ``mock-intake`` needs, and forks itself for every command that is to run.

``tests.forking`` starts it, as a program, with the number of the socket on which the two talk. One of its forks becomes
another such process, on a socket of its own, which has imported what runs of pytest need too.

A command that runs in a fork has a process, an environment, descriptors and an end of its own, as the installed script
would; what it does not need is the third of a second that importing takes. It does not see what an interpreter does at
its start.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import time
from importlib.metadata import entry_points
from typing import Any

import mock_intake

# What commands import only when they need it.
LATE = ("httpx", "jinja2", "jsonschema", "jsonschema_rs", "rich.progress", "rich.table", "trustme", "uvloop")
# What runs of pytest import beside it, but for plugins: those are named to it, and it rewrites what it imports itself.
FOR_PYTEST = (
    *("deepdiff", "openlineage.client.event_v2", "openlineage.client.facet_v2", "openlineage.client.transport.datadog"),
    *("_pytest.junitxml", "_pytest.skipping", "_pytest.terminal", "_pytest.tmpdir"),
)


# What needs an extra that is in an environment of its own.
NOT_HERE = "mock_intake.audit."


def import_all() -> None:
    for module in pkgutil.walk_packages(mock_intake.__path__, "mock_intake."):
        if not module.name.endswith("__main__") and not module.name.startswith(NOT_HERE):
            importlib.import_module(module.name)
    for command in entry_points(group="mock_intake.commands"):
        command.load()
    for name in LATE:
        importlib.import_module(name)


def next_job(connection: socket.socket) -> dict[str, Any]:
    """Forks for every job that comes, and returns in the forks alone, each with its job.

    The descriptor that comes first with a job is told its process's id, and then its end as ``os.waitpid`` has it.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Who interrupts a group of processes means commands, not this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([connection.fileno(), reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _tell_ends(running)
        if connection.fileno() in ready:
            job = _received(connection)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                return job
            status, *others = job["descriptors"]
            running[pid] = status
            os.write(status, b"%d\n" % pid)
            for descriptor in others:
                os.close(descriptor)


def _received(connection: socket.socket) -> dict[str, Any]:
    head, descriptors, _, _ = socket.recv_fds(connection, 8, 4)
    if not head:
        os._exit(0)
    body = b""
    while len(body) < int.from_bytes(head):
        body += connection.recv(1 << 16)
    return {**json.loads(body), "descriptors": descriptors}


def _tell_ends(running: dict[int, int]) -> None:
    for pid, status in list(running.items()):
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            with contextlib.suppress(BrokenPipeError):
                os.write(status, b"%d\n" % code)
            os.close(status)


def become(job: dict[str, Any]) -> None:
    """Makes this process what a new one would be."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if job["new_session"]:
        os.setsid()
    for number, descriptor in enumerate(job["descriptors"][1:]):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(job["environment"])
    time.tzset()
    os.chdir(job["folder"])
    sys.argv[:] = job["arguments"]
    # As the interpreter does: a script's folder, or with -m the folder where it is.
    first = job["folder"] if _is_module(job) else os.path.dirname(sys.argv[0])  # noqa: PTH120
    sys.path[:0] = [first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)


def _is_module(job: dict[str, Any]) -> bool:
    return bool(job["arguments"][1:2] == ["-m"])


def run() -> None:
    import_all()
    _freeze()
    job = next_job(socket.socket(fileno=int(sys.argv[1])))
    if job.get("for_pytest"):
        # What the process before has open is not for this one.
        connection = os.dup2(job["descriptors"][1], 3)
        os.closerange(4, 256)
        for name in FOR_PYTEST:
            importlib.import_module(name)
        _freeze()
        job = next_job(socket.socket(fileno=connection))
    become(job)
    try:
        if _is_module(job):
            sys.argv[:] = job["arguments"][2:]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            importlib.import_module("mock_intake.cli.main").main()
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    if isinstance(code, int):
        end_at_once(code)
    sys.exit(code)  # type: ignore[arg-type]  # a message, for instance


def _freeze() -> None:
    """What is there is not looked through in every collection of garbage, which would copy it for every fork."""
    gc.collect()
    gc.freeze()


def end_at_once(code: int) -> None:
    """Does what an interpreter does at its end, but does not take apart all that was imported.

    That would be most of what a short command costs: the pages of memory that it shares would be copied for it.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        return  # nobody reads: what is said of it, and the code, are the interpreter's own
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
