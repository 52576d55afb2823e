"""What is released: wheel and sdist that check clean and install in an empty environment, and the workflows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.version import Version

from mock_intake import __version__
from tests.commands import clean_environment
from tests.conftest import REPOSITORY
from tests.test_container import WHEELHOUSE

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
# What a runner of the forge has, of which a project's addresses are made.
FORGE = {"RELEASE": "1", "GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "acme/mock-intake"}


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=REPOSITORY, env=clean_environment(**variables),
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and sdist, as a release builds them."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, **FORGE)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def test_both_check_clean_and_say_whose_they_are(built: tuple[Path, Path]) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built)
    run(sys.executable, "-m", "check_wheel_contents", built[0])
    with ZipFile(built[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == __version__
    assert "Source, https://forge.example/acme/mock-intake" in metadata.get_all("Project-URL", [])
    assert not any("datadoghq" in url for url in metadata.get_all("Project-URL", [])), "addresses are the project's own"


def test_both_install_in_an_empty_environment_and_work(built: tuple[Path, Path], tmp_path: Path) -> None:
    assert (WHEELHOUSE / ".ready").exists(), "what is installed is not there: make build/wheelhouse/.ready"
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELHOUSE), "PIP_CONFIG_FILE": os.devnull}
    install: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv, "install", "--quiet", "--no-compile"]
    (tmp_path / "events.ndjson").write_text("{}\n")
    for archive, more in zip(built, ([], ["--force-reinstall", "--no-deps"]), strict=True):
        run(*install, *more, archive, **offline)
        assert run(venv / "bin" / "mock-intake", "--version").strip() == f"mock-intake, version {__version__}"
        found = json.loads(
            run(
                venv / "bin" / "mock-intake", "check", tmp_path / "events.ndjson", "--format", "json", "--fail-on=never"
            )
        )
        assert found["summary"] == {"events": 1, "ok": 0, "warning": 0, "error": 1}
    # The sdist knows the release's addresses, also where it is built elsewhere.
    (installed,) = venv.glob("lib/python3*/site-packages/mock_intake-*.dist-info/METADATA")
    assert "Project-URL: Issues, https://forge.example/acme/mock-intake/issues" in installed.read_text()


def test_the_version_is_that_of_the_latest_release_in_the_changelog() -> None:
    heads = re.findall(r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", heads[1])
    assert str(Version(__version__)) == __version__
    for file in ("docs/how-to/ci-services.md", "deploy/kustomize/kustomization.yaml"):
        assert __version__ in (REPOSITORY / file).read_text(), f"{file} names another version"


def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 reads "on" as true.
    loaded: dict[str, Any] = {
        str(key): value
        for key, value in yaml.safe_load((REPOSITORY / ".github" / "workflows" / f"{name}.yml").read_text()).items()
    }
    return loaded


def test_a_release_is_built_once_attested_and_published_without_a_secret() -> None:
    jobs = workflow("release")["jobs"]
    build, publish = jobs["build"], jobs["publish"]
    used = [step["uses"].partition("@")[0] for step in build["steps"] if "uses" in step]
    assert {"actions/attest-build-provenance", "actions/attest-sbom"} <= set(used)
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "release"
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert publish["needs"] == jobs["image"]["needs"] == "build"
    assert workflow("image")["jobs"]["image"]["steps"][-2]["with"]["sbom"] is True


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflows_have_the_least_rights_and_run_what_is_there(file: Path) -> None:
    text = file.read_text()
    assert "secrets." not in text
    found = workflow(file.stem)
    assert found["permissions"] in ({}, {"contents": "read"})
    assert found["True"], "when it runs"
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for job in found["jobs"].values():
        for step in job.get("steps", ()):
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[\w./-]+", step["uses"])
            elif step["run"].startswith("make "):
                assert {word for word in step["run"].split()[1:] if "=" not in word} <= targets
            else:
                assert (REPOSITORY / step["run"].split()[0]).is_file(), step["run"]


def test_what_is_installed_for_development_is_pinned() -> None:
    """Direct ones; pip says itself where a constraint is missing a further one."""
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = [name for each in project["optional-dependencies"].values() for name in each]
    wanted = {re.split(r"[<>=;\[ ]", each)[0].lower().replace("_", "-") for each in [*project["dependencies"], *extras]}
    assert wanted - {"mock-intake"} <= pinned
