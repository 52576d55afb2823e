"""``mock-intake demo`` as a user runs it, from the root of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from tests.commands import MOCK_INTAKE, run_command

REPOSITORY = Path(__file__).parent.parent
DOCUMENTED = REPOSITORY / "conformance/mock_intake_conformance/documented"
UNPROCESSED = [("START", "202", "error")]
RUN = [("START", "202", "ok"), ("COMPLETE", "202", "ok")]
# What the table says of each path: event, answer and status, in order of arrival.
TABLE = {
    "curl": UNPROCESSED,
    "HTTP transport": UNPROCESSED,
    "Datadog transport, object": UNPROCESSED,
    "Datadog transport, env": UNPROCESSED,
    "Datadog transport, async": RUN,
    "full run": [RUN[0], ("RUNNING", "202", "ok"), RUN[1]],
    "failed run": [RUN[0], ("FAIL", "202", "ok")],
}
WHY = {"curl": ["DD101", "OL009", "OL010"], "HTTP transport": ["DD101", "OL008", "OL009"]}


def run_demo(
    *arguments: str | Path,
    path: str | None = None,
    command: tuple[str, ...] = (MOCK_INTAKE,),
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return run_command(
        [*command, "demo", *arguments],
        cwd=REPOSITORY,
        env={"PATH": path or os.environ["PATH"], "HOME": "/nonexistent", **(variables or {})},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def table_of(output: str) -> dict[str, list[tuple[str, str, str, list[str]]]]:
    """The rows of the table by path: event, answer, status and the codes of the findings."""
    rows: dict[str, list[tuple[str, str, str, list[str]]]] = {}
    path = ""
    for line in output.splitlines():
        if found := re.match(r" (.*?) +([A-Z]+) +(\d{3}) +(\w+) *(.*?) *$", line):
            path = found[1].strip() or path
            rows.setdefault(path, []).append((found[2], found[3], found[4], found[5].split()))
    return rows


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run of the demo, into a directory that is not there yet."""
    out = tmp_path_factory.mktemp("demo") / "new" / "build"
    # None of what a user's environment may hold keeps events from arriving.
    hostile = {"OPENLINEAGE_DISABLED": "true", "DD_SITE": "datadoghq.com", "HTTP_PROXY": "http://127.0.0.1:9"}
    return run_demo("--out", out, variables=hostile), out


Shown = tuple[subprocess.CompletedProcess[str], Path]


def test_demo_shows_what_arrived_by_which_path(shown: Shown) -> None:
    ended, _ = shown
    assert ended.returncode == 0, ended.stderr
    table = table_of(ended.stdout)
    assert {path: [row[:3] for row in rows] for path, rows in table.items()} == TABLE
    assert table["curl"][0][3] == WHY["curl"]
    for path in ("HTTP transport", "Datadog transport, object", "Datadog transport, env"):
        assert table[path][0][3] == WHY["HTTP transport"]
    assert [row[3] for path in ("full run", "failed run") for row in table[path]] == [[]] * 5


def test_demo_is_readable_in_eighty_columns_without_colours(shown: Shown) -> None:
    ended, out = shown
    assert "\x1b" not in ended.stdout + ended.stderr
    wide = [line for line in ended.stdout.splitlines() if len(line.rstrip()) > 80 and str(out) not in line]
    assert wide == []
    assert "Running 7 producers" in ended.stderr


def test_the_first_lines_tell_what_was_shown(shown: Shown) -> None:
    ended, _ = shown
    first = " ".join(ended.stdout.split("\n\n")[0].split())
    assert first == ("7 ways of sending, 11 events: 7 that Datadog would process, 4 that it would not process (DD101).")
    # With the summary of the other half of `make demo` it fits two screens.
    assert len(ended.stdout.splitlines()) <= 48


def test_demo_says_that_the_documented_example_would_not_be_processed(shown: Shown) -> None:
    ended, _ = shown
    text = " ".join(ended.stdout.split())
    assert "is answered with 202, and would still not be processed" in text
    assert "no jobType facet" in text
    assert re.search(r"^DD101 +error ", ended.stdout, re.MULTILINE)


def test_facet_that_demo_advises_makes_the_documented_example_processed(
    shown: Shown, server: IntakeServer, api_key: str
) -> None:
    ended, out = shown
    (printed,) = re.findall(r'"facets": \{"jobType": (\{.*?\})\}\}', ended.stdout, re.DOTALL)
    event = json.loads((out / "events.ndjson").read_text().splitlines()[0])
    event["job"]["facets"] = {"jobType": json.loads(printed)}
    request = urllib.request.Request(  # noqa: S310 - http to a server of the test's own
        f"{server.url}/api/v1/lineage",
        json.dumps(event).encode(),
        {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer = json.load(response)
    assert answer["status"] == "warning"
    assert [finding["code"] for finding in answer["findings"]] == ["OL009", "OL010"]


def test_demo_writes_the_events_as_received(shown: Shown) -> None:
    ended, out = shown
    text = (out / "events.ndjson").read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert text == "".join(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in events)
    listed = [row[0] for rows in TABLE.values() for row in rows]
    assert [event["eventType"] for event in events] == listed
    assert events[0] == {
        "eventType": "START",
        "eventTime": "2023-01-01T00:00:00Z",
        "producer": "your-producer-id",
        "job": {"name": "test-job", "namespace": "default"},
        "run": {"runId": "123e4567-e89b-12d3-a456-426614174000"},
    }
    complete, failed = events[8], events[10]
    assert complete["inputs"]
    assert complete["outputs"][0]["facets"]["columnLineage"]
    assert failed["run"]["facets"]["errorMessage"]["message"]
    # The hint of what to do next can be pasted.
    told = ended.stdout
    assert f"{len(events)} events, in the order of the table: {out / 'events.ndjson'}" in told
    assert f"mock-intake check {out / 'events.ndjson'}" in told
    assert "mock-intake rules DD101" in told


def test_demo_tells_what_did_not_arrive(tmp_path: Path) -> None:
    documented = tmp_path / "documented"
    shutil.copytree(DOCUMENTED, documented)
    (documented / "curl.sh").write_text('curl -s -S -X POST "$MOCK_INTAKE_URL/lineage"\n')
    (documented / "http_transport.py").write_text("import os, sys\nsys.exit('no ' + os.environ['MOCK_INTAKE_KEY'])\n")
    ended = run_demo("--out", tmp_path / "out", "--documented", documented)
    assert ended.returncode == 1
    table = table_of(ended.stdout)
    assert [row[:3] for row in table["Datadog transport, object"]] == UNPROCESSED
    assert "HTTP transport" not in table
    assert "curl: expected START (error); arrived: nothing" in ended.stderr
    assert "HTTP transport: http_transport.py ended with exit code 1:" in ended.stderr
    assert "no ****" in ended.stderr, "the program's own words, its key masked"
    assert len((tmp_path / "out" / "events.ndjson").read_text().splitlines()) == 9


def test_demo_shows_a_refused_request(tmp_path: Path) -> None:
    documented = tmp_path / "documented"
    shutil.copytree(DOCUMENTED, documented)
    (documented / "curl.sh").write_text(
        'curl -s "$MOCK_INTAKE_URL/api/v1/lineage" -H "Authorization: Bearer $MOCK_INTAKE_KEY" -d "{"\n'
    )
    ended = run_demo("--out", tmp_path / "out", "--documented", documented)
    assert ended.returncode == 1
    assert re.search(r"^ curl +\? +400 +refused +HT201", ended.stdout, re.MULTILINE), ended.stdout
    assert "curl: expected START (error); arrived: ? (refused)" in ended.stderr


def test_demo_elsewhere_says_where_the_documented_programs_are(tmp_path: Path) -> None:
    ended = run_demo("--out", tmp_path / "out", "--documented", tmp_path)
    assert ended.returncode == 2
    assert f"No curl.sh, http_transport.py, datadog_transport.py, datadog_environment.py in {tmp_path}" in ended.stderr
    assert "--documented DIR" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_demo_without_curl_says_so(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "bash").symlink_to(bash)
    ended = run_demo("--out", tmp_path / "out", path=str(tmp_path))
    assert ended.returncode == 2
    assert "curl is not installed, or not on PATH" in ended.stderr
    assert ended.stdout == ""


def test_demo_without_the_openlineage_client_says_how_to_install_it(tmp_path: Path) -> None:
    # An interpreter with all that is installed here but the client: without site, and with links to the rest.
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith("openlineage"):
            (tmp_path / installed.name).symlink_to(installed)
    places = [tmp_path, REPOSITORY, REPOSITORY / "conformance", REPOSITORY / "pytest_plugin"]
    program = (sys.executable, "-S", "-c", "from mock_intake.cli.main import main; main(prog_name='mock-intake')")
    ended = run_demo("--out", tmp_path / "out", command=program, variables={"PYTHONPATH": ":".join(map(str, places))})
    assert ended.returncode == 2, ended.stderr
    assert "pip install 'mock-intake[openlineage]'" in ended.stderr
    assert ended.stdout == ""


def test_demo_that_cannot_write_says_so_before_it_sends(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, where a directory is asked for")
    ended = run_demo("--out", tmp_path / "out" / "deeper")
    assert ended.returncode == 2
    assert "Cannot write" in ended.stderr
    assert "--out" in ended.stderr
    assert ended.stdout == ""


def test_help_of_demo_has_examples() -> None:
    ended = run_demo("--help")
    assert ended.returncode == 0
    assert "mock-intake demo --out" in ended.stdout
    assert "--documented my-programs" in ended.stdout
