"""The Dockerfile's steps, run as a script in an empty virtual environment: there is no container runtime here.

What stands for what: the virtual environment for the image's Python, a folder for its root, a free port for 8580.
Steps that make users and folders are looked at, not run.
"""

from __future__ import annotations

import fcntl
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]
from junitparser import JUnitXml

from tests.commands import clean_environment, start_command
from tests.conftest import REPOSITORY
from tests.control.content import HTTP, KEY, PREFIX, run_of

TOKEN = "control-token-of-this-test"
PORT = "8580"
PAGES = REPOSITORY / "docs" / "how-to"
WHEELHOUSE = REPOSITORY / "build" / "wheelhouse"


class Step(NamedTuple):
    """An instruction of a Dockerfile, continued lines joined."""

    name: str
    argument: str


def steps() -> list[Step]:
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
    return [Step(*line.split(None, 1)) for line in text.splitlines() if line.strip()]


def of(name: str) -> list[str]:
    return [step.argument for step in steps() if step.name == name]


def is_in_context(path: str) -> bool:
    """Whether .dockerignore lets a path through; the last line that fits decides."""
    ignored = False
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        tops = (path, path.split("/", 1)[0])
        if any(fnmatch.fnmatch(top, pattern) for top in tops) or fnmatch.fnmatch(path, pattern.replace("**/", "*")):
            ignored = not line.startswith("!")
    return not ignored


@dataclass
class Image:
    """A folder for the root of an image, and the virtual environment for its Python."""

    root: Path
    workdir: Path = field(init=False)
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.workdir = self.root
        binaries = f"{self.root / 'venv' / 'bin'}:{os.environ['PATH']}"
        self.environment = clean_environment(PATH=binaries, HOME=str(self.root / "nonexistent"))
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PIP_CONSTRAINT"):
            self.environment.pop(name, None)

    def build(self) -> None:
        assert (WHEELHOUSE / ".ready").exists(), "what is installed is not there: make build/wheelhouse/.ready"
        # Packages come from there, so that nothing is downloaded; the command is the Dockerfile's own.
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELHOUSE), "PIP_CONFIG_FILE": os.devnull}
        offline["PIP_NO_COMPILE"] = "1"  # most of it is never imported here
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.root / "venv"], check=True)
        # The pip that is here, for that environment: to install another one takes longer than all that it has to do.
        pip = self.root / "venv" / "bin" / "pip"
        pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {self.root / "venv"} "$@"\n')
        pip.chmod(0o755)
        for name, argument in steps():
            match name:
                case "WORKDIR":
                    self.workdir = self.inside(argument)
                    self.workdir.mkdir(exist_ok=True)
                case "COPY":
                    self.copy(*argument.split())
                case "RUN" if " pip " in f" {argument}":
                    environment = {**self.environment, **offline}
                    subprocess.run(["sh", "-c", argument], cwd=self.workdir, env=environment, check=True)

    def inside(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def copy(self, *paths: str) -> None:
        *sources, target = paths
        for source in sources:
            assert is_in_context(source), f"{source} is not in the build's context: .dockerignore"
            into = self.workdir / target
            if (REPOSITORY / source).is_dir():
                shutil.copytree(REPOSITORY / source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(REPOSITORY / source, into)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Image:
    """The image; workers of one test run share it, since making it takes its time."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    made = Image(shared / "image")
    with (shared / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "image.made").exists():
            made.root.mkdir()
            made.build()
            (shared / "image.made").touch()
    return made


class Container:
    """The entry point, running."""

    def __init__(self, image: Image, volume: Path, *arguments: str, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.image = image
        self.volume = volume
        (entry,) = of("ENTRYPOINT")
        (command,) = of("CMD")
        words = [*json.loads(entry), *(arguments or json.loads(command))]
        self.process = start_command(
            self.command(words),
            cwd=volume,
            env={**image.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, words: list[str]) -> list[str]:
        """A command of the image with its paths and its port as they are here."""
        return [word.replace("/data/", f"{self.volume}/").replace(PORT, str(self.port)) for word in words]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def health(self) -> int:
        """The exit code of the health check; 0 is well."""
        (check,) = of("HEALTHCHECK")
        words = json.loads(check.partition("CMD ")[2])
        proxied = {**self.image.environment, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        done = subprocess.run(self.command(words), env=proxied, capture_output=True, check=False)
        return done.returncode

    def wait_until_well(self) -> None:
        until = time.monotonic() + 30
        while self.health():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until

    def end(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=15)
        return self.process.returncode, out, err


Run = Callable[..., Container]


@pytest.fixture
def run(image: Image, tmp_path: Path) -> Iterator[Run]:
    """Runs containers of the image, all with one volume."""
    running: list[Container] = []

    def start(*arguments: str, **environment: str) -> Container:
        running.append(Container(image, tmp_path, *arguments, **environment))
        return running[-1]

    yield start
    for container in running:
        if container.process.poll() is None:
            container.process.kill()
        container.process.communicate()


def files(image: Image) -> set[str]:
    return {str(path.relative_to(image.root)) for path in image.root.rglob("*") if "__pycache__" not in path.parts}


def test_it_does_not_start_without_a_control_token(run: Run) -> None:
    for environment in ({}, {"MOCK_INTAKE_CONTROL_TOKEN": ""}):
        container = run(**environment)
        out, err = container.process.communicate(timeout=30)
        assert (container.process.returncode, out) == (2, "")
        assert "MOCK_INTAKE_CONTROL_TOKEN" in err


def test_it_serves_keeps_and_goes_on_after_a_restart(image: Image, run: Run) -> None:
    before = files(image)
    headers = {"authorization": f"Bearer {TOKEN}"}
    container = run(MOCK_INTAKE_CONTROL_TOKEN=TOKEN)
    assert container.health() != 0
    container.wait_until_well()
    for host in ("localhost", "intake"):
        sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "host": host}
        assert HTTP.post(f"{container.url}/api/v1/lineage", json=run_of(host), headers=sent).status_code == 202
    assert HTTP.get(f"{container.url}{PREFIX}/events").status_code == 401
    assert len(HTTP.get(f"{container.url}{PREFIX}/events", headers=headers).json()["events"]) == 2
    code, out, err = container.end()
    assert (code, err) == (0, "")
    assert "2 events taken" in out
    assert TOKEN not in out
    assert container.health() != 0
    # Whoever runs it may write to the volume and nowhere else.
    assert files(image) == before
    assert (container.volume / "journal.db").stat().st_size > 0
    again = run(MOCK_INTAKE_CONTROL_TOKEN=TOKEN)
    again.wait_until_well()
    assert len(HTTP.get(f"{again.url}{PREFIX}/events", headers=headers).json()["events"]) == 2
    assert again.end()[0] == 0


def test_options_come_from_the_variable_and_the_arguments(run: Run) -> None:
    options = {"MOCK_INTAKE_CONTROL_TOKEN": TOKEN, "MOCK_INTAKE_OPTIONS": "--allow-host intake --keep-events 5"}
    container = run("--strict", "--api-key", KEY, **options)
    container.wait_until_well()
    named = {"host": "intake:8580", "authorization": f"Bearer {TOKEN}"}
    assert HTTP.get(f"{container.url}{PREFIX}/statistics", headers=named).status_code == 200
    assert HTTP.get(f"{container.url}{PREFIX}/statistics", headers={**named, "host": "other"}).status_code == 403
    sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    event = {**run_of("one"), "job": {"namespace": "a", "name": "b"}}
    assert HTTP.post(f"{container.url}/api/v1/lineage", json=event, headers=sent).status_code == 400
    sent["authorization"] = f"Bearer {KEY[::-1]}"
    assert HTTP.post(f"{container.url}/api/v1/lineage", json=event, headers=sent).status_code == 403
    assert container.end()[0] == 0


def test_versions_are_those_of_the_constraints_and_nothing_is_there_for_tests(image: Image) -> None:
    listed = subprocess.run(
        ["pip", "list", "--format=json", "--disable-pip-version-check"],
        env=image.environment, cwd=image.workdir, capture_output=True, check=True,
    )  # fmt: skip
    installed = {one["name"].lower().replace("_", "-"): one["version"] for one in json.loads(listed.stdout)}
    lines = (REPOSITORY / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    constraints = dict(line.split("==") for line in lines if "==" in line)
    assert {"mock-intake", "httptools", "starlette", "trustme"} <= set(installed)
    assert not {"pytest", "mypy", "ruff", "hypothesis", "openlineage-python"} & set(installed)
    for name in set(installed) - {"mock-intake", "pip", "setuptools"}:
        assert installed[name] == constraints[name]


# Read, not run.


def test_it_is_not_root_and_does_nothing_as_root_once_it_is_not() -> None:
    names = [step.name for step in steps()]
    (user,) = of("USER")
    assert int(user) >= 1000
    assert "RUN" not in names[names.index("USER") :]
    assert names.index("USER") < names.index("ENTRYPOINT")
    (making_users,) = (argument for argument in of("RUN") if " pip " not in f" {argument}")
    useradd, install = (shlex.split(command) for command in making_users.split("&&"))
    assert useradd[:3] == ["useradd", "--uid", user]
    assert install == ["install", "--directory", f"--owner={user}", f"--group={user}", "/data"]
    # Before the volume is declared: what is done to it later is lost.
    assert names.index("RUN") < names.index("VOLUME")


def test_it_says_what_it_needs_and_shows() -> None:
    assert of("FROM") == ["python:3.11-slim"]
    assert of("VOLUME") == ["/data"]
    assert of("EXPOSE") == [PORT]
    (entry,) = of("ENTRYPOINT")
    assert "--host 0.0.0.0" in entry
    assert "exec mock-intake serve" in entry, "signals must reach the server"
    # A token in the image would be everybody's.
    assert of("ENV") == []
    assert of("ARG") == []


def test_nothing_else_is_in_the_context() -> None:
    for path in (".git", ".venv", ".venv-openlineage-1.37", "tests", "build", ".ci", "docs", ".env", "bench"):
        assert not is_in_context(path)
    assert not is_in_context("mock_intake/cli/__pycache__")
    assert is_in_context("mock_intake/cli/main.py")


# The pages: what docker itself would do is left out, what it would run is run.


def sent_one_event(container: Container) -> None:
    sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    assert HTTP.post(f"{container.url}/api/v1/lineage", json=run_of("one"), headers=sent).status_code == 202


def shell_lines(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return "".join(blocks).replace("\\\n", " ").splitlines()


def started(words: list[str], run: Run) -> Container:
    """What follows ``docker run``: options with one value each, the image, arguments."""
    end = words.index("mock-intake")
    options = iter(word for word in words[:end] if word != "--detach")
    variables = [value for option, value in zip(options, options, strict=True) if option == "--env"]
    container = run(*words[end + 1 :], **dict(variable.split("=", 1) for variable in variables))
    container.wait_until_well()
    return container


def test_the_commands_of_the_page_work(image: Image, run: Run) -> None:
    container: Container | None = None
    exported: dict[str, str] = {}
    done = []
    for line in shell_lines("container.md"):
        match shlex.split(line):
            case ["docker", "build", *_]:
                continue
            case ["docker", "run", *words]:
                if container is not None:
                    assert container.end()[0] == 0
                container = started(words, run)
                sent_one_event(container)
            case ["export", variable]:
                name, _, exported[name] = variable.partition("=")
            case ["docker", "exec", "intake", *words] | [*words]:
                assert container is not None
                environment = {**image.environment, **exported}
                report = subprocess.run(
                    container.command(words), env=environment, capture_output=True, text=True, check=True
                )
                assert "1 event" in report.stdout
        done.append(line.split()[0])
    assert done.count("docker") == 4
    assert done.count("mock-intake") == 1


MY_JOB = """
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

facets = {"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")}
run, job = Run(runId="5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"), Job(namespace="ci", name="my_job", facets=facets)
client = OpenLineageClient()
for state, time in ((RunState.START, "2026-11-01T12:00:00Z"), (RunState.COMPLETE, "2026-11-01T12:01:00Z")):
    client.emit(RunEvent(eventType=state, eventTime=time, run=run, job=job, producer="https://a.example/my_job"))
client.close()
"""


class CiJob(NamedTuple):
    """A job of one of the CI services: its service's variables, and its commands with the variables of each."""

    service: dict[str, str]
    commands: list[tuple[str, dict[str, str]]]


def ci_job(name: str) -> CiJob:
    blocks = re.findall(r"```yaml\n(.*?)```", (PAGES / "ci-services.md").read_text(), re.DOTALL)
    actions, gitlab = (yaml.safe_load(block) for block in blocks)
    if name == "actions":
        job = actions["jobs"]["lineage"]
        steps = [step for step in job["steps"] if "run" in step]
        service = job["services"]["intake"]
        assert service["ports"] == [f"{PORT}:{PORT}"]
        return CiJob(service["env"], [(step["run"], {**job["env"], **step.get("env", {})}) for step in steps])
    job = gitlab["lineage"]
    assert job["services"][0]["alias"] == "intake"
    return CiJob(job["variables"], [(command, job["variables"]) for command in job["script"]])


@pytest.mark.parametrize("name", ["actions", "gitlab"])
def test_the_jobs_of_the_page_work(name: str, image: Image, run: Run, tmp_path: Path) -> None:
    job = ci_job(name)
    container = run(**{variable: job.service[variable] for variable in job.service if "MOCK_INTAKE" in variable})
    container.wait_until_well()
    work = tmp_path / "work"
    work.mkdir()
    (work / "my_job.py").write_text(MY_JOB)
    # The job has Python and its client; the image has its own.
    own = clean_environment(
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        HOME=str(tmp_path),
        GITHUB_STEP_SUMMARY=str(work / "summary.md"),
    )
    executed = 0
    for command, variables in job.commands:
        if command == "pip install mock-intake":
            continue
        inside = command.startswith('docker exec "$INTAKE" ')
        (here,) = container.command([command.removeprefix('docker exec "$INTAKE" ')])
        environment = image.environment if inside else own
        told = {key: re.sub(r"http://\w+:8580", container.url, value) for key, value in variables.items()}
        subprocess.run(
            ["sh", "-ec", re.sub(r"http://intake:", "http://127.0.0.1:", here)],
            cwd=work, env={**environment, "GITHUB_STEP_SUMMARY": own["GITHUB_STEP_SUMMARY"], **told}, check=True,
        )  # fmt: skip
        executed += 1
    assert executed >= 2
    assert sum(1 for suite in JUnitXml.fromfile(str(work / "lineage.xml")) for _ in suite) > 0
    assert name == "gitlab" or "2 events: 2 ok" in (work / "summary.md").read_text()


def test_the_service_of_the_compose_file_starts(run: Run) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (PAGES / "container.md").read_text(), re.DOTALL)
    service = yaml.safe_load(block)["services"]["intake"]
    assert service["ports"] == [f"{PORT}:{PORT}"]
    container = run(**service["environment"])
    container.wait_until_well()
    headers = {"host": "intake:8580", "authorization": "Bearer choose-one"}
    assert HTTP.get(f"{container.url}{PREFIX}/statistics", headers=headers).status_code == 200


def test_the_page_says_that_the_image_was_not_built_here() -> None:
    assert "was not built" in (PAGES / "container.md").read_text()
