"""A producer of any language reaches the intake, what it may reach, and nothing else: a second server is production.

Where the system allows no namespaces these tests cannot run, and say so.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.producers.isolation import Isolation, IsolationError, Reach, Served, check_isolation, isolated
from mock_intake.producers.isolation.ports import knows_ports
from tests.commands import mock_intake, start_command
from tests.interception.reaches_the_real_site import HOST

PRODUCERS = Path(__file__).parent.parent / "producers"
KEY = "0" * 32


def refusal() -> str:
    """Why this system lets no command be isolated; empty if it does."""
    try:
        check_isolation("network")
    except IsolationError as error:
        return str(error)
    return ""


REFUSAL = refusal()
pytestmark = pytest.mark.skipif(bool(REFUSAL), reason=REFUSAL)


@pytest.fixture(scope="module")
def production() -> Iterator[IntakeServer]:
    """What must not be reached: an intake on an address of this machine, outside."""
    with IntakeServer() as server:
        yield server
        assert server.journal.position == 0, "something got out"


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def place(intake: IntakeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Isolation]:
    served = [Served(address, partial(intake.take, name)) for name, address in intake.addresses.items()]
    with Isolation(served, tmp_path_factory.mktemp("isolated")) as isolation:
        yield isolation


def within(place: Isolation, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        place.command(command),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sending(url: str) -> dict[str, list[str]]:
    """Programs that send an event to a URL and say its status, by what they are written in."""
    headers = f"{{'Authorization': 'Bearer {KEY}', 'Content-Type': 'application/json'}}"
    python = (
        f"import urllib.request as u; r = u.Request('{url}', b'{{}}', {headers})\nprint(u.urlopen(r, timeout=5).status)"
    )
    node = (
        f"fetch('{url}', {{method: 'POST', body: '{{}}', headers: {headers}}})"
        ".then(a => { console.log(a.status); process.exit(0) }).catch(e => { console.log(e); process.exit(7) })"
    )
    curl = ["curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-d", "{}"]
    return {
        "curl": [*curl, "-H", f"Authorization: Bearer {KEY}", url],
        "python": [sys.executable, "-I", "-c", python],
        "node": ["node", "-e", node],
    }


@pytest.mark.parametrize("language", ["curl", "python", "node"])
def test_the_intake_is_reached_and_production_is_not(
    language: str, place: Isolation, intake: IntakeServer, production: IntakeServer
) -> None:
    """Python with -I too, into which no guard gets."""
    if shutil.which(sending("")[language][0]) is None:
        pytest.skip(f"there is no {language}")
    before = intake.journal.position
    done = within(place, *sending(f"{intake.url}/api/v1/lineage")[language])
    assert done.stdout.strip() == "202", done.stderr
    assert intake.journal.position == before + 1
    for url in (f"{production.url}/api/v1/lineage", f"https://{HOST}/api/v1/lineage"):
        done = within(place, *sending(url)[language])
        assert done.returncode != 0
        assert "REFUSED" in (done.stdout + done.stderr).upper() or "onnect" in done.stderr
    assert HOST in place.looked_up
    assert {(attempt.host, attempt.stopped) for attempt in place.attempts()} == {(HOST, True)}


def test_a_java_producer_reaches_the_intake_and_not_production(
    place: Isolation, intake: IntakeServer, production: IntakeServer
) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    urls = [f"{url}/api/v1/lineage" for url in (intake.url, production.url, f"https://{HOST}")]
    flags = ("-Xshare:auto", "-XX:TieredStopAtLevel=1")
    done = within(place, "java", *flags, str(Path(__file__).parent / "Send.java"), *urls)
    assert done.stdout.split() == ["202", "ConnectException", "ConnectException"], done.stderr


def test_who_and_where_the_command_is_stays_as_it_was(place: Isolation, tmp_path: Path) -> None:
    done = subprocess.run(
        place.command(["sh", "-c", 'id -u; id -g; pwd; echo "$MINE"; exit 3']),
        cwd=tmp_path,
        env={**os.environ, "MINE": "kept"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [str(os.geteuid()), str(os.getegid()), str(tmp_path), "kept"]
    assert done.returncode == 3
    assert within(place, "no-such-command").returncode == 127
    assert within(place, str(tmp_path)).returncode == 126


def test_an_ordinary_user_needs_no_rights(tmp_path: Path) -> None:
    """In a user namespace, and without any capability in it once the command has begun."""
    if os.geteuid() != 0:
        pytest.skip("that is what all the others show")
    python, setpriv = "/usr/bin/python3", shutil.which("setpriv")
    if setpriv is None or not os.access(python, os.X_OK):
        pytest.skip("there is nothing to become an ordinary user with")
    inside = tmp_path / "inside.py"
    from mock_intake.producers.isolation import namespace

    inside.write_text((Path(namespace.__file__).parent / "inside.py").read_text())
    code = (
        "import json, socket, subprocess, sys\n"
        "ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "start = [sys.executable, '-I', '-S', sys.argv[1]]\n"
        "holder = subprocess.Popen([*start, 'hold', str(theirs.fileno())], pass_fds=[theirs.fileno()])\n"
        "ours.send(json.dumps({'begin': {}}).encode()); print(ours.recv(999).decode(), flush=True)\n"
        "subprocess.run([*start, 'enter', str(holder.pid), 'user', '--', 'sh', '-c',\n"
        "                'id -u; grep CapEff /proc/self/status; cat /proc/net/dev'])\n"
    )
    for each in (*reversed(tmp_path.parents[:3]), tmp_path, inside):
        each.chmod(each.stat().st_mode | 0o055)
    become = [setpriv, "--reuid", "1000", "--regid", "1000", "--clear-groups"]
    done = subprocess.run(
        [*become, python, "-c", code, str(inside)], capture_output=True, text=True, timeout=60, check=False
    )
    if "error" in done.stdout:
        pytest.skip(f"not for ordinary users: {done.stdout}")
    assert len(done.stdout.splitlines()) > 2, done.stderr
    told, user, capabilities, *devices = done.stdout.splitlines()
    assert (told, user) == ('{"user": true}', "1000"), done.stderr
    assert int(capabilities.split()[1], 16) == 0
    assert [line.split(":")[0].strip() for line in devices if ":" in line] == ["lo"]


def test_chosen_addresses_are_reached_by_name_by_number_and_at_home(tmp_path: Path) -> None:
    """As for the job's databases. Names are looked up outside."""
    name = socket.gethostname().lower()
    with socket.create_server(("", 0)) as database:
        port = database.getsockname()[1]
        reach = [Reach("localhost", port), Reach(name, port), Reach("10.83.0.7", 5432), Reach("localhost", port)]
        with Isolation([], tmp_path, reach) as place:
            for host in ("localhost", "127.0.0.1", name):
                client = start_command(place.command(["curl", "-sS", "-m", "9", f"http://{host}:{port}/"]))
                connection, _ = database.accept()
                with connection:
                    assert connection.recv(5) == b"GET /"
                    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                assert client.wait(20) == 0
            # There, and nobody behind it: the relay cannot reach it either.
            assert within(place, "curl", "-sS", "-m", "2", "http://10.83.0.7:5432/").returncode != 7
            assert within(place, "curl", "-sS", "-m", "2", "http://10.83.0.8:5432/").returncode == 7


def test_a_system_that_allows_it_not_is_told_of_within_a_second(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As with Docker's seccomp profile, here by a limit on namespaces."""
    inside = tmp_path / "inside.py"
    from mock_intake.producers.isolation import namespace

    text = (Path(namespace.__file__).parent / "inside.py").read_text()
    first = "def make_namespaces() -> bool:\n"
    refused = "    raise OSError(1, 'Operation not permitted')\n"
    inside.write_text(text.replace(first, first + refused))
    monkeypatch.setattr(namespace, "INSIDE", str(inside))
    began = time.monotonic()
    with pytest.raises(IsolationError, match=r"\(Operation not permitted\)\. In Docker it takes") as told:
        check_isolation("network")
    assert time.monotonic() - began < 5.0
    assert str(told.value).endswith("--isolate-ports.") is knows_ports()


def test_run_isolates_a_producer_and_tells_what_it_asked_for(tmp_path: Path, production: IntakeServer) -> None:
    """Airflow's variable, an openlineage.yml and addresses in the code lead to production, and none gets there."""
    (tmp_path / "openlineage.yml").write_text(f"transport:\n  type: http\n  url: {production.url}\n")
    script = tmp_path / "job.sh"
    script.write_text(
        'curl -sS -m 5 -o /dev/null -d "{}" -H "Authorization: Bearer $OPENLINEAGE_API_KEY" '
        '"$OPENLINEAGE_URL/api/v1/lineage"\n'
        f"curl -sS -m 5 -d '{{}}' {production.url}/api/v1/lineage\n"
        f"curl -sS -m 5 -d '{{}}' https://{HOST}/api/v1/lineage\n"
        "curl -sS -m 5 https://warehouse.example/\nexit 0\n"
    )
    airflow = f'{{"type": "http", "url": "{production.url}"}}'
    done = mock_intake(
        "run", "--isolate", "--path", "http", "--", "sh", script, cwd=tmp_path, AIRFLOW__OPENLINEAGE__TRANSPORT=airflow
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"CONNECT {re.escape(HOST)}:443 +HT306", done.stderr), done.stderr
    assert f"Hosts that the command asked for, isolated: {HOST}, warehouse.example." in done.stderr


def test_real_sites_lead_here_for_any_language_on_a_path_that_keeps_the_site(tmp_path: Path) -> None:
    command = ["curl", "-sS", "-d", "{}", "-H", f"Authorization: Bearer {KEY}", f"https://{HOST}/api/v1/lineage"]
    done = mock_intake("run", "--isolate", "--path", "intercept", "--", *command, cwd=tmp_path)
    assert "HT004" in done.stderr, "it was heard here, by its real name and over TLS"
    assert "HT306" not in done.stderr


@pytest.mark.parametrize("options", [("--isolate", "--path", "intercept"), ("--path", "proxy")], ids="-".join)
def test_a_jvm_that_is_set_to_the_real_site_is_led_here(options: tuple[str, ...], tmp_path: Path) -> None:
    """By both clients of the JDK: it trusts our certificate, and finds the site by its name or by the proxy."""
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    program = Path(__file__).parent / "RealSite.java"
    given = "-XX:TieredStopAtLevel=1 -Dmine=kept"
    done = mock_intake("run", *options, "--", "java", program, cwd=tmp_path, JAVA_TOOL_OPTIONS=given)
    assert done.stdout.split() == ["202", "202"], done.stderr
    assert done.stderr.startswith(f"Picked up JAVA_TOOL_OPTIONS: {given} ")


def test_certify_isolates_too(tmp_path: Path, production: IntakeServer) -> None:
    program = tmp_path / "job.py"
    send = (PRODUCERS / "well_behaved.py").read_text()
    program.write_text(
        "import urllib.request\n"
        f"try: urllib.request.urlopen('{production.url}/api/v1/lineage', b'{{}}', timeout=5)\n"
        "except OSError: pass\n" + send.replace("from __future__ import annotations\n", "")
    )
    only = ("--isolate", "--path", "http", "--only", "delivery/no-real-site", "--time-limit", "30")
    done = mock_intake("certify", *only, "--", sys.executable, program, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_address_to_reach_makes_no_sense_without_isolation(tmp_path: Path) -> None:
    done = mock_intake("run", "--reach", "db:5432", "--", "true", cwd=tmp_path)
    assert (done.returncode, "--reach goes with --isolate" in done.stderr) == (2, True)
    done = mock_intake("certify", "--isolate", "--reach", "db", "--", "true", cwd=tmp_path)
    assert (done.returncode, "is no HOST:PORT" in done.stderr) == (2, True)


@pytest.mark.skipif(not knows_ports(), reason="this kernel knows no Landlock by port")
def test_where_no_namespace_is_allowed_a_command_can_be_kept_to_the_intakes_ports(
    intake: IntakeServer, production: IntakeServer, tmp_path: Path
) -> None:
    served = [Served(address, partial(intake.take, name)) for name, address in intake.addresses.items()]
    with isolated("ports", served, tmp_path, [Reach("db", 5432)]) as kept:
        assert kept is not None
        for url, status in ((intake.url, 0), (production.url, 7), ("http://127.0.0.1:5432", 7)):
            command = sending(f"{url}/api/v1/lineage")["curl"]
            done = subprocess.run(kept.command(command), capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == status, done.stderr
    done = mock_intake("run", "--isolate-ports", "--allow-none", "--", "sh", "-c", "exit 5", cwd=tmp_path)
    assert done.returncode == 5, done.stderr
