"""What all tests share: profiles of hypothesis, servers, keys."""

from __future__ import annotations

import gc
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings

# Until all tests are collected hardly anything is made that ends before: looking for garbage is a sixth of that time.
gc.disable()

from mock_intake import IntakeServer  # noqa: E402
from tests import commands, databases, installed  # noqa: E402

# Durations vary with the machine, so no example is failed for being slow.
settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell that starts something in the background has it ignore SIGINT, and so would all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does nohup with SIGHUP, and ``run`` leaves alone what it was told to ignore.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What begins like the product's own variables and is none of them, every command would tell of.
for _name in [name for name in os.environ if name.startswith("MOCK_INTAKE_")]:
    os.environ.setdefault(f"TEST_{_name.removeprefix('MOCK_INTAKE_')}", os.environ.pop(_name))

# Where no bytecode is written, pytest compiles every test anew in every process, and every process the whole package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Where nothing is buffered, nothing is left to be printed when a process ends: what goes wrong then is seen by users.
os.environ.pop("PYTHONUNBUFFERED", None)

REPOSITORY = Path(__file__).parent.parent


def pytest_configure() -> None:
    if problem := installed.problem():
        raise pytest.UsageError(problem)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of the time a test waits, for a server, a browser or a time-out."""
    return len(psutil.Process().cpu_affinity() or ()) + 2 if psutil.LINUX else (psutil.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one module measures once, for a minute, comes first: a worker that has nothing left takes tests from the end
    of another's, and would measure it anew for each part that it takes.
    """
    items.sort(key=lambda item: item.path.name != "test_matrix.py")


def pytest_collection_finish() -> None:
    """What is there for good, all tests among it, is not looked through in every collection of garbage."""
    # What nobody holds any more goes, and tuples that hold nothing to be looked through are no longer known to it.
    gc.collect()
    gc.freeze()
    gc.enable()
    # To look for garbage after every 700 objects was 1 to 7 % of what modules took, nearly all of it in vain.
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True)
def no_command_outlives_its_test() -> Iterator[None]:
    """What a test has started is killed when it ends, however it does; what its module's fixtures have, is theirs."""
    before = {*commands.running}
    try:
        yield
    finally:
        for process in commands.running:
            if process not in before:
                commands.end(process)
        commands.running[:] = [process for process in commands.running if process.poll() is None]


@pytest.fixture(scope="session", autouse=True)
def one_database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All processes of a run share one PostgreSQL; it is started by the first test that needs it."""
    folder = tmp_path_factory.getbasetemp()
    databases.begin(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
    yield
    databases.finish()


@pytest.fixture
def api_key() -> str:
    """A well-formed API key of the test's own."""
    return secrets.token_hex(16)


@pytest.fixture
def start_server() -> Iterator[Callable[..., IntakeServer]]:
    """Starts servers with the arguments of ``IntakeServer``; all are stopped at the end of the test."""
    running: list[IntakeServer] = []

    def start(*args: Any, **kwargs: Any) -> IntakeServer:
        server = IntakeServer(*args, **kwargs)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., IntakeServer]) -> IntakeServer:
    """A running intake that takes every well-formed key."""
    return start_server()
