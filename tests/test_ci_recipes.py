"""What users copy into their CI: parsed as the CI does, and its commands run, with a job that sends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.commands import clean_environment
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "how-to" / "ci.md").read_text()
SCRIPT = REPOSITORY / "deploy" / "ci" / "lineage.sh"
JOB = """
import json, os, sys, urllib.request
for kind in sys.argv[1:]:
    event = {"eventType": kind, "eventTime": "2026-11-01T12:00:00.000Z", "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0191a3c4-7b1c-7d38-9f3e-0242ac120002"},
        "job": {"namespace": "prod", "name": "load_orders", "facets": json.loads(os.environ.get("FACETS", "{}"))},
        "inputs": [], "outputs": []}
    request = urllib.request.Request(os.environ["OPENLINEAGE_URL"] + "/api/v1/lineage", json.dumps(event).encode(),
        {"authorization": "Bearer " + os.environ["OPENLINEAGE_API_KEY"], "content-type": "application/json"})
    urllib.request.urlopen(request).read()
"""
FACETS = json.dumps(
    {
        "jobType": {
            "_producer": "https://example.com/etl",
            "_schemaURL": "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
            "processingType": "BATCH",
            "integration": "CUSTOM",
            "jobType": "JOB",
        }
    }
)
EVERYTHING = {"report.txt", "report.xml", "report.html", "report.md", "report.annotations", "intake.log"}


def blocks(language: str, name: str) -> list[str]:
    """The code blocks of the page that begin with a comment of this name."""
    found = re.findall(rf"```{language}\n(?:#|//) {name}\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found


def commands(name: str) -> list[list[str]]:
    """The shell commands of each recipe for a CI, in their order."""
    if name == "jenkins":
        return [re.findall(r"^ +sh '(.*)'$", block, re.MULTILINE) for block in blocks("groovy", name)]
    found = []
    for block in map(yaml.safe_load, blocks("yaml", name)):
        match name:
            case "github":
                steps = [step.get("run") for step in block["jobs"]["lineage"]["steps"]]
            case "gitlab":
                steps = block["lineage"]["script"]
            case "azure":
                steps = [step.get("script") for step in block["steps"]]
            case _:
                steps = [step.get("run") for step in block["jobs"]["lineage"]["steps"] if isinstance(step, dict)]
        found.append([step for step in steps if step])
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> dict[str, str]:
    """The environment of a CI's job, in a folder with a job and the script; pip is there and installs nothing."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (tmp_path / "my_job.py").write_text(JOB.replace("sys.argv[1:]", "sys.argv[1:] or ['START', 'COMPLETE']"))
    (tmp_path / "lineage.sh").write_text(SCRIPT.read_text())
    pip = binaries / "pip"
    pip.write_text('#!/bin/sh\necho "$@" >> pip.txt\n')
    python = binaries / "python"
    python.write_text(f'#!/bin/sh\n[ "$1 $2" = "-m pip" ] && shift 2 && exec pip "$@"\nexec {sys.executable} "$@"\n')
    for each in (pip, python):
        each.chmod(0o755)
    path = os.pathsep.join([str(binaries), str(Path(sys.executable).parent), os.environ["PATH"]])
    return clean_environment(
        PATH=path, FACETS=FACETS, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"), GITHUB_ACTION_PATH=str(REPOSITORY)
    )


def shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_page_has_the_script_as_it_is() -> None:
    (shown,) = re.findall(r"<!-- file: deploy/ci/lineage.sh -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    assert shown == SCRIPT.read_text()


def test_all_recipes_run_the_same_commands_and_they_work(workspace: dict[str, str], tmp_path: Path) -> None:
    [[], direct] = commands("github")  # the first is by the action
    for name in ("gitlab", "jenkins", "azure", "circleci"):
        assert commands(name) == [direct[:2]]
    for command in direct:
        done = shell(command, tmp_path, workspace)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "pip.txt").read_text() == "install mock-intake\n"
    assert {file.name for file in (tmp_path / "build" / "lineage").iterdir()} == EVERYTHING
    assert "2 events" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(
    ("job", "variables", "code", "text"),
    [
        ("python my_job.py", {"FACETS": "{}"}, 1, "DD101"),
        ("python my_job.py START", {"MOCK_INTAKE_WAIT_TIMEOUT": "0"}, 1, "no run has reached COMPLETE"),
        ("sh -c 'exit 3'", {"MOCK_INTAKE_WAIT_TIMEOUT": "0"}, 1, "no event was received"),
        ("sh -c 'python my_job.py; exit 3'", {}, 3, "2 events"),
    ],
)
def test_the_script_fails_where_something_is_wrong(
    job: str, variables: dict[str, str], code: int, text: str, workspace: dict[str, str], tmp_path: Path
) -> None:
    done = shell(f"sh lineage.sh {job}", tmp_path, workspace | variables)
    assert done.returncode == code, done.stdout + done.stderr
    assert text in done.stdout + done.stderr


def test_the_action_does_it(workspace: dict[str, str], tmp_path: Path) -> None:
    action: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    inputs = {name: each.get("default", "") for name, each in action["inputs"].items()}
    used = yaml.safe_load(blocks("yaml", "github")[0])["jobs"]["lineage"]["steps"][2]["with"]
    assert used.keys() <= inputs.keys()
    inputs |= used

    def value(text: str) -> str:
        expression = re.fullmatch(r"\$\{\{ (inputs\.([\w-]+))( \|\| github\.action_path)? \}\}", text)
        assert expression, f"what the runner would make of {text} is not known here"
        return str(inputs[expression[2]] or (str(REPOSITORY) if expression[3] else ""))

    steps = action["runs"]["steps"]
    assert action["runs"]["using"] == "composite"
    for step in steps:
        assert (step["shell"], "${{" in step["run"]) == ("bash", False), "inputs come by the environment, never as code"
        environment = workspace | {name: value(text) for name, text in step["env"].items()}
        done = shell(step["run"], tmp_path, environment)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "pip.txt").read_text() == f"install --quiet {REPOSITORY}\n"
    assert "2 events" in (tmp_path / "summary.md").read_text()


def test_the_hook_of_pre_commit(workspace: dict[str, str], tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    (repository,) = yaml.safe_load(blocks("yaml", "pre-commit")[0])["repos"]
    (used,) = repository["hooks"]
    assert used["id"] == hook["id"]
    assert hook["language"] == "python"
    for name, is_hit in (("a.ndjson", True), ("b.jsonl.gz", True), ("c.json", False), ("d.ndjson.py", False)):
        assert (re.search(hook["files"], name) is not None) == is_hit
    (tmp_path / "bad.ndjson").write_text("{}\n")
    done = shell(" ".join([hook["entry"], *used["args"], "bad.ndjson"]), tmp_path, workspace)
    assert done.returncode == 1
    assert "OL" in done.stdout
