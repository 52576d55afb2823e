"""The example project, run as a user would run it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.commands import clean_environment
from tests.conftest import REPOSITORY


def run_pytest(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the project's tests with the plugins that its README asks for, and no others of this machine."""
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "mock_intake", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        env=clean_environment(**variables),
        timeout=100,
        check=False,
    )


def test_the_etl_example_passes_and_its_snapshot_holds(tmp_path: Path) -> None:
    project = shutil.copytree(
        REPOSITORY / "docs/examples/etl", tmp_path / "etl", ignore=shutil.ignore_patterns("__pycache__", ".*_cache")
    )
    snapshots = {file: file.read_text() for file in project.rglob("intake_snapshots/**/*.json")}
    done = run_pytest(project, CI="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^=+ 10 passed in ", done.stdout, re.MULTILINE)
    assert "46 events received in 10 tests: 46 ok, 0 warning, 0 error;" in done.stdout
    assert "snapshot" not in done.stdout
    assert len(snapshots) == 1
    assert {file: file.read_text() for file in project.rglob("intake_snapshots/**/*.json")} == snapshots


def test_the_etl_examples_tests_notice_what_would_not_do_in_production(tmp_path: Path) -> None:
    """The same project with the mistake that most producers make first."""
    project = shutil.copytree(REPOSITORY / "docs/examples/etl", tmp_path / "etl")
    lineage = project / "lineage.py"
    code = lineage.read_text()
    assert 'facets={"jobType": JOB_TYPE}' in code
    lineage.write_text(code.replace('facets={"jobType": JOB_TYPE}', "facets={}"))
    done = run_pytest(project, "-k", "columns_are_told")
    assert done.returncode == 1
    assert "DD101 error, 2 times: the job has no jobType facet" in done.stdout
