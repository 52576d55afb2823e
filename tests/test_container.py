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

from tests.commands import clean_environment
from tests.conftest import REPOSITORY
from tests.control.content import HTTP, KEY, PREFIX, run_of

TOKEN = "control-token-of-this-test"
PORT = "8580"
PAGES = REPOSITORY / "docs" / "how-to"


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
        subprocess.run([sys.executable, "-m", "venv", self.root / "venv"], check=True)
        for name, argument in steps():
            match name:
                case "WORKDIR":
                    self.workdir = self.inside(argument)
                    self.workdir.mkdir(exist_ok=True)
                case "COPY":
                    self.copy(*argument.split())
                case "RUN" if " pip " in f" {argument}":
                    # Packages come as they do for every other installation on this machine.
                    subprocess.run(["sh", "-c", argument], cwd=self.workdir, env=self.environment, check=True)

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
        self.process = subprocess.Popen(
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
    assert {"mock-intake", "uvicorn", "starlette", "trustme"} <= set(installed)
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


# The pages.


def test_the_pages_say_that_the_image_was_not_built_here() -> None:
    assert "was not built" in (PAGES / "container.md").read_text()


@pytest.mark.parametrize("page", ["ci-services.md", "container.md"])
def test_services_on_the_pages_would_start(page: str) -> None:
    """Each has a token, and asks for nothing that the image does not have."""
    services = []
    for block in re.findall(r"```yaml\n(.*?)```", (PAGES / page).read_text(), re.DOTALL):
        document = yaml.safe_load(block)
        for job in (document.get("jobs") or {}).values():
            services += [(service, service["env"]) for service in job["services"].values()]
        for job in document.values():
            if isinstance(job, dict) and isinstance(job.get("services"), list):
                services += [
                    (service, {**job["variables"], **service.get("variables", {})}) for service in job["services"]
                ]
        compose = document.get("services")
        if isinstance(compose, dict):
            services += [(service, service["environment"]) for service in compose.values()]
    assert services
    for service, environment in services:
        assert environment["MOCK_INTAKE_CONTROL_TOKEN"]
        assert service.get("ports", [f"{PORT}:{PORT}"]) == [f"{PORT}:{PORT}"]
