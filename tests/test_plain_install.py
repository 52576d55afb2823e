"""The built wheel without extras, in an empty environment and an empty directory: every command that the docs name.

They are run as they stand there, with what they name beside them: a job that sends, recorded events, schemas.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from bench.walk import Walk, WrongTurnError, data_engineer, onlooker, platform_engineer
from docs.try_producers import recipes
from tests.commands import start_command
from tests.conftest import REPOSITORY
from tests.events import run_event
from tests.test_container import Image, image

__all__ = ["image"]

# What each is for decides how it ends: what serves is stopped, what needs an address gets one.
_SERVES = re.compile(r"mock-intake serve\b")
_NEEDS_A_SERVER = re.compile(r"(?<= )http://(127\.0\.0\.1|localhost):8580")
# Sends START and COMPLETE with the standard library alone, to where its variables lead it, and fails if it is told to.
JOB = """
import json, os, sys, urllib.request
site = os.environ["DD_SITE"]
url = (site if "://" in site else "https://data-obs-intake." + site) + "/api/v1/lineage"
headers = {"Authorization": "Bearer " + os.environ["DD_API_KEY"], "Content-Type": "application/json"}
end = "FAIL" if "--input" in sys.argv else "COMPLETE"
for event in json.loads(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.json")).read()):
    event["eventType"] = end if event["eventType"] == "COMPLETE" else event["eventType"]
    if end == "FAIL" and event["eventType"] == end:
        event["run"]["facets"] = {"errorMessage": {
            "_producer": "https://a.b/c", "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/"
            "ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet", "message": "no", "programmingLanguage": "Python"}}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode(), headers), timeout=10)
sys.exit(end == "FAIL")
"""
SCRIPT = """#!/bin/sh
exec curl -fsS --retry 2 -H "Authorization: Bearer $DD_API_KEY" --json @event.json \\
    https://data-obs-intake.datadoghq.com/api/v1/lineage
"""
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://acme.example/CostRunFacet.json",
    "$defs": {"CostRunFacet": {"allOf": [
        {"$ref": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"},
        {"type": "object", "properties": {"euros": {"type": "number"}}},
    ]}},
    "properties": {"acme_cost": {"$ref": "#/$defs/CostRunFacet"}},
}  # fmt: skip
SEND = """#!/bin/sh
exec curl -fsS --max-time 5 -H "Authorization: Bearer $4" --json @event.json "$2/api/v1/lineage"
"""


COOKBOOK = (REPOSITORY / "docs" / "how-to" / "cookbook.md").read_text()
FILE = re.compile(r"^`([^`]+)`:\n\n```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```shell\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipe(title: str) -> str:
    """A section of the cookbook."""
    return COOKBOOK.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands() -> list[str]:
    """The lines of README and docs that run the command, continued ones joined, comments left out."""
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    pages += sorted((REPOSITORY / "docs" / "reference").glob("*.md"))
    # What the one that is left out shows is what other packages add.
    pages += [page for page in sorted((REPOSITORY / "docs/how-to").glob("*.md")) if page.name != "extend.md"]
    found: dict[str, None] = {}
    for page in pages:
        for block in re.findall(r"```(?:sh|console|bash)\n(.*?)```", page.read_text(), re.DOTALL):
            if block.startswith("#!"):
                continue  # a whole script, which is a file too: tests/test_ci_recipes.py
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"(\$ )?mock-intake (?!listens)\w", line):
                    found[re.sub(r"\s+#.*", "", line.removeprefix("$ "))] = None
    return list(found)


@pytest.fixture(scope="module")
def work(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that is empty, but for what the commands are about."""
    directory = tmp_path_factory.mktemp("work")
    start, complete = run_event(), run_event(eventType="COMPLETE", eventTime="2026-11-01T12:01:00Z")
    (directory / "run.json").write_text(json.dumps([start, complete]))
    (directory / "event.json").write_text(json.dumps(run_event()))
    (directory / "events.ndjson").write_text(f"{json.dumps(start)}\n{json.dumps(complete)}\n")
    for name in ("before.ndjson", "after.ndjson"):
        (directory / name).write_text((directory / "events.ndjson").read_text())
    (directory / "my_job.py").write_text(JOB)
    (directory / "broken.csv").touch()
    for name, text in {"my_job.sh": SCRIPT, "job.sh": "#!/bin/sh\npython my_job.py\n", "send.sh": SEND}.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    (directory / "schemas").mkdir()
    (directory / "schemas" / "CostRunFacet.json").write_text(json.dumps(SCHEMA))
    (directory / "recordings").mkdir()
    (directory / "recordings" / "one.json").write_text(json.dumps(start))
    return directory


def run(image: Image, command: str, work: Path) -> subprocess.CompletedProcess[str]:
    environment = {**image.environment, "HOME": str(work), "DD_API_KEY": "0" * 32}
    environment["GITHUB_STEP_SUMMARY"] = str(work / "summary.md")
    return subprocess.run(
        ["sh", "-c", command], cwd=work, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def served(image: Image, work: Path) -> str:
    """What the docs' client commands are about: a server, and a recording of what it has taken."""
    recording = "mock-intake run -- python my_job.py && gzip -c events.ndjson > recording.ndjson.gz"
    assert run(image, recording, work).returncode == 0
    return "http://127.0.0.1:8580"


def briefly(command: str) -> str:
    """``certify`` with a few of its cases where a command names none: the others are other tests'.

    The program of a package that is not here is a job that sends as it does.
    """
    command = command.replace("-- dbt-ol run", "-- python my_job.py")
    # One of the cases looks at what is printed in every scenario.
    chosen = command.replace("--only security", "--only security/redirect")
    return chosen if "--only" in chosen else chosen.replace("certify ", "certify --only delivery/reaches ", 1)


@pytest.mark.parametrize("command", [each for each in commands() if not _SERVES.match(each)])
def test_every_command_of_the_docs_runs(command: str, image: Image, work: Path, served: str) -> None:
    if "certify" in command:
        command = briefly(command)
    if _NEEDS_A_SERVER.search(command):
        command = with_server(command)
    if "--baseline" in command and "--update" not in command:
        command = command.replace(" -- ", " --update-baseline -- ") + " && " + command
    done = run(image, command, work)
    # The job gives up at the first answer that is none, as it may.
    may_fail = "--only security" in command or "--fault" in command or "doctor" in command or "java -jar" in command
    assert done.returncode in ((0, 1) if may_fail else (0,)), done.stdout + done.stderr
    assert "mock_intake" not in done.stderr, "no traceback of ours"
    assert "pip install" not in done.stderr


def with_server(command: str) -> str:
    """A command with a server of its own, in place of the one that a reader has on the usual port."""
    begin = "mock-intake serve --port 0 --ready-file ready.json >/dev/null & pid=$!; rm -f ready.json"
    wait = "for i in $(seq 200); do test -s ready.json && break; sleep 0.05; done"
    url = "url=$(python -c \"import json; print(json.load(open('ready.json'))['url'])\")"
    asked = _NEEDS_A_SERVER.sub('"$url"', command)
    if "report" in command or "diff" in command:
        asked = f'mock-intake replay events.ndjson --to "$url" && {asked}'
    return f"{begin}; {wait}; {url}; {asked}; code=$?; kill $pid; wait $pid; exit $code"


# Where the extra is that a journal in PostgreSQL needs: tests/test_serve_workers.py.
@pytest.mark.parametrize("command", [each for each in commands() if _SERVES.match(each) and "postgresql:" not in each])
def test_every_way_to_serve_starts_and_ends(command: str, image: Image, work: Path) -> None:
    # On ports of its own, where the docs name the usual ones.
    own = re.sub(r"(--agent-port|--proxy-port) \d+", r"\1 0", command)
    words = [*shlex.split(own), "--port", "0", "--ready-file", "serving.json"]
    words = [word for word in words if word != "--tls-port"]
    (work / "serving.json").unlink(missing_ok=True)
    environment = {**image.environment, "HOME": str(work), "DD_API_KEY": "0" * 32, "SECOND_KEY": "1" * 32}
    process = start_command(words, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        assert "listens on" in line, process.communicate(timeout=10)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode in (0, 128 + signal.SIGTERM)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()


def test_certify_ends_with_a_verdict(image: Image, work: Path) -> None:
    """TLS flaws, the Agent's absence and all: every case but those of the suite's slowest scenarios."""
    only = "--only content --only lifecycle --only security/tls-wrong-host --only security/redirect"
    done = run(image, f"mock-intake certify --copy . {only} -- python my_job.py", work)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ready, as far as asked: no required case failed." in done.stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("demo --out out", "openlineage"),
        ("conformance --only delivery", "openlineage"),
        ("audit recordings --out out", "spark"),
        ("serve --journal postgresql://intake@127.0.0.1:1/lineage", "postgres"),
    ],
)
def test_what_needs_an_extra_says_which_before_it_does_anything(
    command: str, extra: str, image: Image, work: Path
) -> None:
    done = run(image, f"mock-intake {command}", work)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"pip install 'mock-intake[{extra}]'" in done.stderr
    assert not (work / "out").exists()


def test_the_wheel_has_what_the_demo_sends(image: Image) -> None:
    """With the client beside it; here the one that the tests have, behind what is installed in the image."""
    import openlineage

    packages = Path(openlineage.__path__[0]).parent
    out = image.root / "demo"
    done = subprocess.run(
        ["mock-intake", "demo", "--out", str(out)],
        cwd=image.root,
        env={**image.environment, "PYTHONPATH": only_the_client(packages, image.root / "client")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((out / "events.ndjson").read_text().splitlines()) == 11


def only_the_client(packages: Path, directory: Path) -> str:
    """A directory with links to the client and what it needs, and to nothing of ours."""
    directory.mkdir(exist_ok=True)
    for installed in packages.iterdir():
        if not installed.name.lower().startswith(("mock_intake", "_editable", "__editable")):
            link = directory / installed.name
            if not link.exists():
                link.symlink_to(installed)
    return str(directory)


@pytest.mark.timeout(300)  # whichever is first installs the wheel as well
def test_the_recipe_of_a_node_service_works_as_it_is_printed(image: Image, tmp_path: Path) -> None:
    """But for its port, which may be taken here."""
    section = recipe("A Node service")
    [(name, program)] = FILE.findall(section)
    (tmp_path / name).write_text(program)
    [block] = BLOCK.findall(section)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert "localhost:3000" in block
    script = block.replace("localhost:3000", f"localhost:{port}").replace(
        "kill $(jobs -p)", 'code=$?; kill $(jobs -p); exit "$code"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**image.environment, "HOME": str(tmp_path), "PORT": port},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"2026-11-01":15}2 events on record' in done.stdout
    assert "2 events: 2 ok, 0 warning, 0 error" in done.stdout


def test_every_block_of_the_cookbook_is_run_by_somebody() -> None:
    """By ``make try-producers``, which installs what they need, or by tests; but for one, which says that it is not."""
    sections = {title: recipe(title) for title in re.findall("^## (.*)$", COOKBOOK, re.MULTILINE)}
    installing = {one.name for one in recipes()}
    tested = {"A Node service", "A shell script with curl", "A client that a module makes"}
    assert {*sections} == installing | tested | {"A Spark job"}
    assert "was not tried" in sections["A Spark job"]
    assert not BLOCK.search(sections["A Spark job"])
    for one in recipes():
        assert one.commands, one.name
        assert set(one.commands) <= set(sections[one.name].splitlines()), "what runs is what is printed"
        assert "pip install" in one.setting_up


@pytest.mark.timeout(300)  # whichever is first installs the wheel as well
def test_what_the_pages_tell_new_users_to_do_works(image: Image, tmp_path: Path) -> None:
    """As ``make walk`` times it, but for the suite's slow cases: the wheel, pytest and the client beside it."""
    import openlineage

    beside = only_the_client(Path(openlineage.__path__[0]).parent, image.root / "client")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p mock_intake"}
    walk = Walk(tmp_path, {**image.environment, **alone, "PYTHONPATH": beside})
    data_engineer(walk)
    platform_engineer(walk, certifies=False)
    onlooker(walk)
    assert len({step.who for step in walk.steps}) == 3


def test_a_step_that_ends_otherwise_is_no_walk(tmp_path: Path) -> None:
    walk = Walk(tmp_path, {"PATH": "/usr/bin:/bin"})
    walk.step("one", "as told", "echo yes", says="yes")
    with pytest.raises(WrongTurnError, match="exit code 3, not 0"):
        walk.step("one", "ends otherwise", "echo yes; exit 3", says="yes")
    with pytest.raises(WrongTurnError, match="with 'yes'"):
        walk.step("one", "says otherwise", "echo no", says="yes")
