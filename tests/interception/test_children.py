"""How ``run --path intercept`` gets into Python programs, and into which ones it doesn't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.producers.interception import SITE_DIRECTORY
from mock_intake.producers.paths import Addresses, variables
from mock_intake.server.http.tls import Certificates
from tests.conftest import REPOSITORY
from tests.interception import alone
from tests.interception.bystander import bystander
from tests.interception.wire import HOST
from tests.programs import arrived, run_program

ALONE = Path(__file__).parent / "alone.py"
# Needs nothing but the standard library, so that any Python can run it.
EMIT = """
import os, sys, urllib.request
headers = {"Authorization": "Bearer " + os.environ["DD_API_KEY"], "Content-Type": "application/json"}
url = "https://data-obs-intake." + os.environ["DD_SITE"] + "/api/v1/lineage"
print(urllib.request.urlopen(urllib.request.Request(url, b"{}", headers), timeout=10).status)
"""
UNTOUCHED = "import socket; print(type(socket.getaddrinfo).__name__, socket.getaddrinfo.__module__)"


@pytest.fixture(scope="module")
def server() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates()) as running:
        yield running


@pytest.fixture
def environment(server: IntakeServer, tmp_path: Path, api_key: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What ``run --path intercept`` sets."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert server.certificates is not None
    ca_file = server.certificates.write_ca(tmp_path / "ca.pem")
    addresses = Addresses(server.url, api_key, https_address=server.https_address, ca_file=ca_file)
    return variables("intercept", addresses)


def emit(home: Path, environment: dict[str, str], *options: str, python: str = sys.executable) -> str:
    done = run_program([python, *options, "-c", EMIT], home, environment)
    return done.stdout + done.stderr


def test_a_python_program_is_caught(
    server: IntakeServer, environment: dict[str, str], tmp_path: Path, api_key: str
) -> None:
    assert emit(tmp_path, environment) == "202\n"
    (exchange,) = arrived(server, api_key)
    assert dict(exchange.request.headers)["host"] == HOST


def test_without_its_variables_nothing_is_replaced(tmp_path: Path) -> None:
    plain = run_program([sys.executable, "-c", UNTOUCHED], tmp_path, {})
    done = run_program([sys.executable, "-c", UNTOUCHED], tmp_path, {"PYTHONPATH": str(SITE_DIRECTORY)})
    assert (done.stdout, done.stderr) == (plain.stdout, "")


def test_a_sitecustomize_of_the_users_own_still_runs(environment: dict[str, str], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("HERE = 'theirs'\nprint('their own', __name__)\n")
    (theirs / "helper.py").write_text("VALUE = 1\n")
    path = os.pathsep.join([environment["PYTHONPATH"], str(theirs)])
    program = "import helper, sitecustomize; print(sitecustomize.HERE, sitecustomize.__file__)" + EMIT
    done = run_program([sys.executable, "-c", program], tmp_path, {**environment, "PYTHONPATH": path})
    assert done.stdout.splitlines() == ["their own sitecustomize", f"theirs {theirs / 'sitecustomize.py'}", "202"]
    assert done.stderr == ""


def test_a_sitecustomize_that_fails_fails_as_it_does_alone_and_the_program_is_caught(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise ValueError('of their own making')\n")
    alone_ = run_program([sys.executable, "-c", "print(202)"], tmp_path, {"PYTHONPATH": str(tmp_path)})
    path = os.pathsep.join([environment["PYTHONPATH"], str(tmp_path)])
    done = run_program([sys.executable, "-c", EMIT], tmp_path, {**environment, "PYTHONPATH": path})
    assert "of their own making" in alone_.stderr
    assert (done.stdout, done.stderr) == ("202\n", alone_.stderr)


# Two ways in which tools that come in by a sitecustomize of their own let the next one run too.
TAKES_ITSELF_OUT = """
import os, sys
print("a tool's own")
here = os.path.dirname(os.path.abspath(__file__))
index = sys.path.index(here)
del sys.path[index], sys.modules["sitecustomize"]
try:
    import sitecustomize
except ImportError:
    pass
sys.path.insert(index, here)
"""
LOOKS_FURTHER = """
import importlib.machinery, importlib.util, os, sys
print("a tool's own")
here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry != here])
if spec:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""


@pytest.mark.parametrize("tool", [TAKES_ITSELF_OUT, LOOKS_FURTHER], ids=["takes itself out", "looks further"])
@pytest.mark.parametrize("first", ["tool", "ours"])
def test_another_tool_and_the_users_own_run_once_each_whichever_comes_first(
    tool: str, first: str, environment: dict[str, str], tmp_path: Path, server: IntakeServer, api_key: str
) -> None:
    places = []
    for name, text in (("tool", tool), ("theirs", "print('their own')\n")):
        places.append(tmp_path / name)
        places[-1].mkdir()
        (places[-1] / "sitecustomize.py").write_text(text)
    order = [environment["PYTHONPATH"], *map(str, places)]
    if first == "tool":
        order[:2] = order[1::-1]
    once = "import socket; print(socket.getaddrinfo.__closure__[0].cell_contents.__closure__)"
    path = {**environment, "PYTHONPATH": os.pathsep.join(order)}
    done = run_program([sys.executable, "-c", f"{EMIT}{once}"], tmp_path, path)
    told = done.stdout.splitlines()
    assert (sorted(told[:2]), told[2:], done.stderr) == (["a tool's own", "their own"], ["202", "None"], "")
    assert len(arrived(server, api_key)) == 1


def test_the_users_python_path_is_kept_behind_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/one", "/two"]))
    addresses = Addresses("http://x", "0" * 32, https_address=("127.0.0.1", 1), ca_file=tmp_path / "ca.pem")
    set_ = variables("intercept", addresses)["PYTHONPATH"]
    assert set_ == os.pathsep.join([str(SITE_DIRECTORY), "/one", "/two"])


def test_children_of_children_are_caught(
    server: IntakeServer, environment: dict[str, str], tmp_path: Path, api_key: str
) -> None:
    """By a shell, by subprocess, and by both ways in which multiprocessing makes them."""
    script = tmp_path / "workers.py"
    script.write_text(
        "import multiprocessing, subprocess, sys\n"
        f"EMIT = {EMIT!r}\n"
        "def work(): exec(EMIT, {})\n"
        "if __name__ == '__main__':\n"
        "    subprocess.run([sys.executable, '-c', EMIT], check=True)\n"
        "    for method in ('spawn', 'fork'):\n"
        "        worker = multiprocessing.get_context(method).Process(target=work)\n"
        "        worker.start()\n"
        "        worker.join()\n"
    )
    done = run_program(["sh", "-c", f"'{sys.executable}' workers.py; true"], tmp_path, environment)
    assert done.stderr == ""
    assert len(arrived(server, api_key)) == 3


def test_a_python_of_another_environment_is_caught(
    server: IntakeServer, environment: dict[str, str], tmp_path: Path, api_key: str
) -> None:
    """One without mock-intake; with the first client that has the Datadog transport, by either engine."""
    python = os.environ.get("TEST_OLD_CLIENT")
    if not python:
        reason = "TEST_OLD_CLIENT names no Python with another client (make test sets it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert "No module named 'mock_intake'" in run_program([python, "-c", "import mock_intake"], tmp_path, {}).stderr
    programs = (
        REPOSITORY / "conformance/mock_intake_conformance/documented" / "datadog_environment.py",
        REPOSITORY / "conformance" / "mock_intake_conformance" / "producers" / "async_route.py",
    )
    named = {**environment, "MOCK_INTAKE_URL": environment["DD_SITE"], "MOCK_INTAKE_KEY": api_key}
    for program in programs:
        done = run_program([python, program], tmp_path, named)
        assert done.returncode == 0, done.stderr
    exchanges = arrived(server, api_key)
    agents = [dict(exchange.request.headers)["user-agent"].partition("/")[0] for exchange in exchanges]
    assert agents == ["python-requests", "python-httpx", "python-httpx"]
    assert all(exchange.accepted for exchange in exchanges)


@pytest.mark.parametrize("option", ["-S", "-I", "-E"])
def test_a_python_that_reads_no_site_or_no_environment_is_not_caught(
    option: str, server: IntakeServer, environment: dict[str, str], tmp_path: Path, api_key: str
) -> None:
    """Shown without a network: it looks for the real intake."""
    done = run_program([sys.executable, ALONE, sys.executable, option, "-c", EMIT], tmp_path, environment)
    if done.returncode == alone.REFUSED:
        pytest.skip(f"the kernel lets this user have no network namespace: {done.stderr.strip()}")
    assert "gaierror" in done.stderr
    assert arrived(server, api_key) == []


def test_a_process_that_outlives_the_intake_reaches_nobody_else(environment: dict[str, str], tmp_path: Path) -> None:
    """The CA's file goes with ``run``; a program that starts after must not send to the real intake instead."""
    Path(environment["MOCK_INTAKE_REDIRECT_CA"]).unlink()
    with bystander() as other:
        stranger = {**environment, "MOCK_INTAKE_REDIRECT": f"127.0.0.1:{other.port}"}
        assert "CERTIFICATE_VERIFY_FAILED" in emit(tmp_path, stranger)
    assert "Connection refused" in emit(tmp_path, stranger)


def test_a_program_that_intercepts_by_itself_has_its_own_intake(
    server: IntakeServer, environment: dict[str, str], tmp_path: Path, api_key: str
) -> None:
    program = f"""
from mock_intake import intercept
def emit(): exec({EMIT!r}, {{}})
with intercept() as server:
    emit()
    print(server.journal.position)
emit()
"""
    done = run_program([sys.executable, "-c", program], tmp_path, environment)
    assert (done.stdout, done.stderr) == ("202\n1\n202\n", "")
    assert len(arrived(server, api_key)) == 1


def test_the_redirect_needs_no_package(tmp_path: Path) -> None:
    """It is loaded by path into Pythons that have nothing installed."""
    modules = "import sys; print(sorted(name for name in sys.modules if 'mock' in name or 'site-packages' in name))"
    environment = {"PYTHONPATH": str(SITE_DIRECTORY), "MOCK_INTAKE_REDIRECT": "127.0.0.1:1"}
    more = {"MOCK_INTAKE_REDIRECT_CA": "none", "MOCK_INTAKE_REDIRECT_HOSTS": HOST}
    done = subprocess.run(
        [sys.executable, "-c", modules],
        env={"PATH": os.environ["PATH"], **environment, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("['_mock_intake_site']\n", "")
