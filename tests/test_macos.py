"""What only Linux has stands in places that look first; elsewhere the product runs, and says what is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from bench.style import SHIPPED
from tests.conftest import REPOSITORY

# Each of these modules looks for what it needs before it uses it, or is only led to by one that does.
GUARDED = {
    "mock_intake/journal/files.py": "no such file: nothing is known of mounts",
    "mock_intake/producers/isolation/inside.py": "started by namespace.py and ports.py, which look at sys.platform",
    "mock_intake/system/allocator.py": "looks at sys.platform",
    "mock_intake/system/kin.py": "an empty list of processes",
    "mock_intake/system/parents.py": "looks at sys.platform",
    "mock_intake/web/ways_in.py": "a shell command, behind uuidgen",
    "conformance/mock_intake_conformance/process.py": "an empty list of processes",
    "conformance/mock_intake_conformance/atlas/producers/curl.py": "a script for Linux that the atlas measures",
}
LINUX = re.compile(r"/proc/|\"/proc\"|PR_SET|prctl|mallopt|malloc_trim|unshare|setns|\bepoll\b", re.IGNORECASE)
ELSEWHERE = """
import json, sys, urllib.request
sys.platform = "darwin"
from mock_intake import IntakeServer
from mock_intake.cli.main import main
with IntakeServer() as server:
    request = urllib.request.Request(server.url + "/api/v1/lineage", b"{}", {"authorization": "Bearer " + "a" * 32})
    assert urllib.request.urlopen(request).status == 202
    assert json.load(urllib.request.urlopen(server.url + "/api/mock/v1/statistics"))["exchanges"] == 1
for arguments, code in (
    (["run", "--isolate", "--", "true"], 2),
    (["run", "--isolate-ports", "--", "true"], 2),
    (["run", "--allow-none", "--path", "custom", "--", "true"], 0),
    (["certify", "--isolate", "--", "true"], 2),
):
    try:
        main(arguments)
    except SystemExit as ended:
        assert ended.code == code, (arguments, ended.code)
"""


def test_calls_that_only_linux_has_are_in_guarded_places() -> None:
    found = {
        str(file.relative_to(REPOSITORY))
        for folder in SHIPPED
        for file in (REPOSITORY / folder).rglob("*.py")
        if LINUX.search(re.sub(r'"""[\s\S]*?"""|#.*', "", file.read_text(encoding="utf-8")))
    }
    isolation = {name for name in found if name.startswith("mock_intake/producers/isolation/")}
    assert found - isolation <= GUARDED.keys(), found - isolation - GUARDED.keys()


def test_elsewhere_it_runs_and_says_what_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("Linux") >= 2, done.stderr
