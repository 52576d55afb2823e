"""What the suite owes to whoever runs it: it is no dearer than it has to be."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import PYTEST, clean_environment, run_command
from tests.conftest import REPOSITORY


def test_what_is_compiled_is_kept_where_the_environment_says_that_it_should_not_be() -> None:
    """Else each process of a run compiles anew what it imports, and pytest every test."""
    code = "import os, sys, tests.conftest; print(sys.dont_write_bytecode, 'PYTHONDONTWRITEBYTECODE' in os.environ)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert told.stdout == "False False\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc, as the plugin does")
@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_takes_the_time_is_told_by_module_with_what_it_starts(tmp_path: Path, workers: str) -> None:
    """Also where it is a process of a process that takes it, and one that is there still when the test ends."""
    busy = "import os, sys\nwhile os.times().user < 0.4: sum(range(100_000))\nprint(1, flush=True)\nsys.stdin.read()"
    (tmp_path / "busy.py").write_text(busy)
    (tmp_path / "test_busy.py").write_text(
        "import subprocess, sys\n"
        "command = ['sh', '-c', f'{sys.executable} busy.py; true']\n"
        "def test_it():\n"
        "    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n"
        "    assert process.stdout.readline() == '1\\n'\n"
        "def test_other(): pass\n"
    )
    (tmp_path / "test_idle.py").write_text("import time\ndef test_it(): time.sleep(0.3)\n")
    done = run_command(
        [*PYTEST, "-q", "-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "bench.suite", "-n", workers],
        cwd=tmp_path,
        env=clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONPATH=str(REPOSITORY)),
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = {name: float(seconds) for seconds, name in re.findall(r"^ +([\d.]+)  (\S+\.py)$", done.stdout, re.MULTILINE)}
    assert told["test_busy.py"] > 0.35
    assert told["test_idle.py"] < 0.3
