"""``mock-intake run``, as a user runs it: real producers, real signals, real exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.producers.paths import PATHS
from mock_intake.secrets.api_keys import org_of
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, run_command
from tests.conftest import REPOSITORY
from tests.events import run_event
from tests.settings import AIRFLOW_WAYS, AS_AIRFLOW, led_by_airflow

DOCUMENTED = REPOSITORY / "conformance/mock_intake_conformance/documented" / "datadog_environment.py"
# Takes its transport from the environment, as the documentation has it, and closes it: the async route needs that.
PRODUCER = """
import os, sys, uuid
from datetime import UTC, datetime
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job

client = OpenLineageClient()
facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
run, job = Run(str(uuid.uuid4())), Job("prod", "load_orders", {"jobType": facet})
for state in (RunState.START, RunState.COMPLETE):
    now = datetime.now(UTC).isoformat()
    client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer="https://example.com/etl"))
client.close()
"""


# Those on which variables lead the producer.
LED = [path for path in PATHS if path != "custom"]


@pytest.fixture
def producer(tmp_path: Path) -> list[str | Path]:
    file = tmp_path / "producer.py"
    file.write_text(PRODUCER)
    return [sys.executable, file]


def run(*arguments: str | Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return mock_intake("run", *arguments, cwd=home, stdin=b"", HOME=str(home), TMPDIR=str(home), **environment)


# The paths


@pytest.mark.parametrize("path", LED)
def test_events_arrive_by_every_path(path: str, producer: list[str | Path], tmp_path: Path) -> None:
    done = run("--path", path, "--fail-on", "warning", "--", *producer, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in done.stderr.splitlines()]
    events = [line.partition(" run ")[0] for line in lines if "prod/load_orders" in line]
    assert events == ["OK      START     prod/load_orders", "OK      COMPLETE  prod/load_orders"]
    assert "2 events taken: 2 ok, 0 warning, 0 error; 0 requests refused" in lines


def test_the_path_is_the_datadog_transport_by_default(tmp_path: Path) -> None:
    done = run("--", sys.executable, "-W", "ignore", DOCUMENTED, home=tmp_path)
    assert done.returncode == 0
    assert "DD101" in done.stderr
    assert "1 event taken: 0 ok, 0 warning, 1 error" in done.stderr


def test_what_leads_is_replaced_what_makes_content_is_kept_and_each_is_told(tmp_path: Path) -> None:
    """The server's side of it is tested with the real client (tests/settings); here, that the child has it so."""
    (tmp_path / "openlineage.yml").write_text("transport: {type: noop}\ntags: {job: {team: orders}}\n")
    surroundings = {
        "OPENLINEAGE_URL": "http://elsewhere.example",
        "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip",
        "OPENLINEAGE_DISABLED": "true",
        "OPENLINEAGE_NAMESPACE": "my_ns",
        "DD_SITE": "datadoghq.eu",
        "DD_ENV": "prod",
        "https_proxy": "http://proxy.example:3128",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": '{"type": "http", "url": "http://elsewhere.example"}',
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "my_ns",
    }
    show = "import json, os; print(json.dumps([dict(os.environ), open(os.environ['OPENLINEAGE_CONFIG']).read()]))"
    command = ["-v", "--allow-none", "--path", "datadog", "--", sys.executable, "-c", show]
    done = run(*command, home=tmp_path, **surroundings)
    assert done.returncode == 0, done.stderr
    inside, file = json.loads(done.stdout)
    assert inside["OPENLINEAGE_URL"].startswith("http://127.0.0.1:")
    assert inside["AIRFLOW__OPENLINEAGE__TRANSPORT"] == ""
    assert inside["OPENLINEAGE_NAMESPACE"] == inside["AIRFLOW__OPENLINEAGE__NAMESPACE"] == "my_ns"
    assert inside["DD_ENV"] == "prod"
    assert not {"OPENLINEAGE__TRANSPORT__COMPRESSION", "OPENLINEAGE_DISABLED", "https_proxy"} & set(inside)
    assert "noop" not in file
    assert "team: orders" in file
    assert done.stderr.partition("\n\n")[0].splitlines() == [
        "taken out: AIRFLOW__OPENLINEAGE__TRANSPORT (was http to http://elsewhere.example)",
        "replaced: DD_SITE (was datadoghq.eu)",
        "taken out: OPENLINEAGE_DISABLED (was true): no event would have been sent",
        "replaced: OPENLINEAGE_URL (was http://elsewhere.example)",
        "taken out: OPENLINEAGE__TRANSPORT__COMPRESSION",
        "taken out: https_proxy (was http://proxy.example:3128)",
        f"replaced: {tmp_path}/openlineage.yml: transport (was noop)",
        f"kept: AIRFLOW__OPENLINEAGE__NAMESPACE, DD_ENV, OPENLINEAGE_NAMESPACE, {tmp_path}/openlineage.yml: tags",
    ]
    # Not asked to, it says what changes more than where events go.
    brief = run(*command[1:], home=tmp_path, **surroundings)
    assert brief.stderr.partition("\n\n")[0].splitlines() == [
        "taken out: OPENLINEAGE_DISABLED (was true): no event would have been sent",
    ]


def test_what_the_command_leaves_running_is_named(tmp_path: Path) -> None:
    """It may send when nobody listens any more."""
    leaves = "setsid sleep 300 >/dev/null 2>&1 & echo $!"
    done = run("--", "sh", "-c", leaves, home=tmp_path)
    os.kill(int(done.stdout), signal.SIGKILL)
    assert done.returncode == 1
    assert re.search(r"started runs on: \w+ \(\d+\)\. Nobody hears what that sends", done.stderr), done.stderr


def test_what_the_command_sets_itself_is_named_as_a_cause(producer: list[str | Path], tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("transport:\n  type: noop\n")
    done = run("--", "env", "OPENLINEAGE_CONFIG=own.yml", *producer, home=tmp_path, DD_TRACE_AGENT_URL="http://agent")
    assert done.returncode == 1
    assert done.stderr.partition("Possible causes:\n")[2].splitlines()[:2] == [
        "  - the command sets OPENLINEAGE_CONFIG itself, which wins: a transport in that file leads it elsewhere",
        "  - it needs what was taken out of its environment: DD_TRACE_AGENT_URL",
    ]
    assert done.stderr.endswith("Exit code 1 (without --allow-none): the command sent nothing.\n")


def test_the_path_custom_fills_in_the_commands_arguments(tmp_path: Path) -> None:
    send = (
        'curl -sS -H "Authorization: Bearer $2" --json "$BODY" "$1/api/v1/lineage" && test "$1" = "$MOCK_INTAKE_URL" '
        '&& test "$2" = "$MOCK_INTAKE_KEY"'
    )
    command = ("--path", "custom", "--", "sh", "-c", send, "sh", "{url}", "{key}")
    done = run(*command, home=tmp_path, BODY=json.dumps(run_event()))
    assert done.returncode == 0, done.stderr
    assert "1 event taken" in done.stderr


def test_what_the_proxy_refuses_is_told(tmp_path: Path) -> None:
    get = "import requests\ntry: requests.get('https://example.com/')\nexcept requests.ConnectionError: print('no')"
    done = run("--path", "proxy", "--", sys.executable, "-c", get, home=tmp_path)
    assert done.stdout == "no\n"
    assert re.search(r"403 +CONNECT example\.com:443 +HT305", done.stderr)
    assert "No event was taken by the path proxy; above is what was refused" in done.stderr
    assert "--path intercept" in done.stderr, "for what passes by the proxy is not among it"
    assert list(tmp_path.iterdir()) == [], "the CA's files are gone"


@pytest.mark.parametrize("around", ["*", "datadoghq.com", "data-obs-intake.datadoghq.com:443"])
def test_no_proxy_of_the_caller_leads_nobody_around_it(around: str, tmp_path: Path) -> None:
    url = "https://data-obs-intake.datadoghq.com/api/v1/lineage"
    send = f'curl -sS -H "Authorization: Bearer $DD_API_KEY" --json "$BODY" {url}'
    leading = {"NO_PROXY": around, "no_proxy": around, "BODY": json.dumps(run_event())}
    done = run("--path", "proxy", "--", "sh", "-c", send, home=tmp_path, **leading)
    assert done.returncode == 0, done.stderr
    assert "1 event taken" in done.stderr


def test_loopback_is_not_led_through_the_proxy(server: IntakeServer, tmp_path: Path) -> None:
    port = server.address[1]
    # To a port of plain http, where TLS is no HTTP: what matters is who hears of it.
    for name in ("localhost", "127.0.0.1"):
        done = run("--path", "proxy", "--", "curl", "-sS", f"https://{name}:{port}/", home=tmp_path)
        assert "CONNECT" not in done.stderr
    assert server.journal.position == 2


def test_a_client_that_does_not_trust_the_intake_is_told_of(tmp_path: Path) -> None:
    """Its events never become requests, so this is all that there is to see."""
    (tmp_path / "other.pem").write_bytes(trustme.CA().cert_pem.bytes())
    get = ["curl", "-sS", "--cacert", "other.pem", "https://data-obs-intake.datadoghq.com/"]
    done = run("--path", "proxy", "--", *get, home=tmp_path)
    assert done.returncode == 60
    assert (
        "TLS handshakes that the command broke off: 1. It does not seem to trust the intake's certificate"
        in done.stderr
    )


# What is printed


def test_the_commands_own_output_is_left_as_it_is(tmp_path: Path) -> None:
    write = "import os, sys; os.write(1, bytes(range(256))); os.write(2, b'of its own')"
    done = run_command(
        [MOCK_INTAKE, "run", "--allow-none", "--", sys.executable, "-c", write],
        env=clean_environment(HOME=str(tmp_path)),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == bytes(range(256))
    assert done.stderr.startswith(b"of its own")


def test_the_commands_own_input_is_left_to_it(tmp_path: Path) -> None:
    done = mock_intake("run", "--", "cat", stdin=b"to be read")
    assert done.stdout == "to be read"


@pytest.mark.parametrize("path", ["datadog", "agent"])
def test_no_key_is_printed(path: str, producer: list[str | Path], tmp_path: Path) -> None:
    keep = "import os, pathlib; pathlib.Path('kept').write_text(os.environ.get('DD_API_KEY', ''));"
    code = keep + Path(producer[1]).read_text()
    done = run("--path", path, "--fault", "403", "--", sys.executable, "-c", code, home=tmp_path)
    key = (tmp_path / "kept").read_text()
    assert len(key) == (32 if path == "datadog" else 0), "behind the Agent the producer needs none"
    assert "403" in done.stderr
    assert not re.search(r"[0-9a-f]{32}", done.stdout + done.stderr.replace(str(tmp_path), ""))
    if key:
        assert org_of(key) not in done.stdout


def test_faults_are_shown_and_their_end_is_told(producer: list[str | Path], tmp_path: Path) -> None:
    done = run("--fault", "503,reset,202", "--", *producer, home=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    told = next(number for number, line in enumerate(lines) if "the fault plan has ended" in line)
    assert [re.sub(r"^.*fault (\w+).*$", r"\1", line) for line in lines[:told]] == ["503", "reset", "202"]
    assert "COMPLETE" in lines[told + 1]
    assert "2 events taken: 2 ok, 0 warning, 0 error; 2 requests refused" in lines


def test_help_shows_the_paths_and_examples() -> None:
    done = CliRunner().invoke(main, ["run", "--help"])
    assert done.exit_code == 0
    assert done.stdout.count("mock-intake run --") >= 3
    for path in PATHS:
        assert re.search(rf"^    {path} +\S", done.stdout, re.MULTILINE), path
    assert "see below" not in done.stdout, "they stand above the options"


# How it ends


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["true"], 1, "(without --allow-none): the command sent nothing."),
        (["sh", "-c", "exit 3"], 3, "ended with exit code 3."),
        (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL, "ended with exit code 137 (SIGKILL)."),
        (["no-such-command"], 127, "there is no command no-such-command"),
        (["./producer.py"], 126, "./producer.py cannot be run: Permission denied"),
    ],
)
def test_the_exit_code_is_that_of_the_command(
    command: list[str], code: int, words: str, producer: list[str | Path], tmp_path: Path
) -> None:
    done = run("--", *command, home=tmp_path)
    assert done.returncode == code
    assert words in done.stderr
    assert ("0 events taken" in done.stderr) == (code not in (126, 127)), "nothing is said of events where nothing ran"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "ends"),
    [
        (["--fail-on", "error"], 1, 0),
        (["--fail-on", "error", "--ignore", "DD101"], 0, 0),
        (["--fail-on", "never"], 0, 0),
        (["--fail-on", "warning", "--ignore", "DD101"], 1, 0),
        (["--fail-on", "error"], 3, 3),
        (["--strict"], 1, 0),
    ],
    ids=["error", "ignored", "never", "warning", "code of its own", "strict"],
)
def test_findings_fail_it_where_asked(options: list[str], code: int, ends: int, tmp_path: Path) -> None:
    done = run(*options, "--", sys.executable, "-c", f"{FLAWED}\nraise SystemExit({ends})", home=tmp_path)
    assert done.returncode == code, done.stderr
    because = (
        f"Exit code 1 (--fail-on {options[1]}): findings at or above" if "--fail-on" in options else "exit code 1."
    )
    assert (because in done.stderr) == (code == 1)


def test_reports_on_what_arrived_are_written_and_change_no_exit_code(tmp_path: Path) -> None:
    files = [tmp_path / f"report{suffix}" for suffix in (".json", ".xml", ".html")]
    options = [word for file in files for word in ("-o", file)]
    done = run(*options, "--fail-on", "error", "--", sys.executable, "-c", FLAWED, home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-3:] == [f"Report written to {file}" for file in files]
    entries = json.loads(files[0].read_text())["entries"]
    assert "DD101" in {finding["code"] for entry in entries for finding in entry["findings"]}
    assert 'type="DD101"' in files[1].read_text()
    assert f"mock-intake run of {sys.executable}" in files[2].read_text()
    # The command's own code, also where no report could be written in the end.
    gone = tmp_path / "gone"
    gone.mkdir()
    for code, told in ((7, 7), (0, 2)):
        gone.mkdir(exist_ok=True)
        line = f"rmdir {gone}; exit {code}"
        done = run("--allow-none", "-o", gone / "r.txt", "--", "sh", "-c", line, home=tmp_path)
        assert (done.returncode, "No such file or directory" in done.stderr) == (told, True), done.stderr


@pytest.mark.parametrize("output", ["report.pdf", "nowhere/report.html", "-"])
def test_a_report_that_could_not_be_written_is_told_before_anything_runs(tmp_path: Path, output: str) -> None:
    done = run("-o", output, "--", "touch", "ran", home=tmp_path)
    assert (done.returncode, (tmp_path / "ran").exists()) == (2, False)
    assert f"-o {output}: " in done.stderr


def test_no_event_at_all_fails_it_where_findings_would(tmp_path: Path) -> None:
    done = run("--fail-on", "error", "--", "true", home=tmp_path)
    assert done.returncode == 1
    assert "No event arrived" in done.stderr
    assert done.stderr.endswith("Exit code 1 (--fail-on error): no event was taken.\n")
    # Of the command itself is what it says, not of the count.
    assert run("--fail-on", "error", "--", "sh", "-c", "exit 7", home=tmp_path).returncode == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument"),
        (["--path", "ftp", "--", "true"], "'ftp' is not one of"),
        (["--site", "datadoghq.org", "--", "true"], "'datadoghq.org' is not one of"),
        (["--fault", "5O3", "--", "true"], "not '5O3'"),
        (["--config", "none.toml", "--", "true"], "none.toml"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(main, ["run", *arguments])
    assert done.exit_code == 2
    assert words in done.stderr


def test_options_behind_the_command_are_the_commands(tmp_path: Path) -> None:
    show = "import sys; print(sys.argv[1:])"
    done = run(sys.executable, "-c", show, "--help", "--path", "x", "--", "y", home=tmp_path)
    assert done.stdout == "['--help', '--path', 'x', '--', 'y']\n"


# An event with an error (DD101) and a warning (OL008).
FLAWED = f"""
import os, urllib.request
headers = {{"Authorization": "Bearer " + os.environ["DD_API_KEY"], "Content-Type": "application/json"}}
body = {json.dumps({**run_event(), "eventTime": "2026-11-01T12:00:00", "job": {"namespace": "a", "name": "b"}})!r}
urllib.request.urlopen(urllib.request.Request(os.environ["DD_SITE"] + "/api/v1/lineage", body.encode(), headers))
"""


# Airflow's own settings


@pytest.mark.parametrize("way", AIRFLOW_WAYS)
def test_a_task_of_airflow_sends_here_and_nowhere_else(way: str, server: IntakeServer, tmp_path: Path) -> None:
    """The server stands for production: what Airflow's own settings lead to wins over all that a path sets."""
    settings = led_by_airflow(way, server.url, tmp_path)
    done = run("--fail-on", "warning", "--", sys.executable, AS_AIRFLOW, home=tmp_path, **settings)
    assert "2 events taken: 2 ok" in done.stderr
    assert "my_ns/dag.task" in done.stderr, "what makes content is kept"
    assert server.journal.position == 0


@pytest.mark.parametrize("path", LED)
def test_no_path_lets_a_task_of_airflow_go_elsewhere(path: str, server: IntakeServer, tmp_path: Path) -> None:
    settings = {**led_by_airflow("cfg", server.url, tmp_path), **led_by_airflow("transport", server.url, tmp_path)}
    done = run("--path", path, "--", sys.executable, AS_AIRFLOW, home=tmp_path, **settings)
    assert "2 events taken: 2 ok" in done.stderr
    assert server.journal.position == 0
