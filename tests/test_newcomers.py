"""What newcomers stumble over: wrong values, places that are not there, and what an earlier start has left."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from mock_intake.cli import remote
from mock_intake.cli.main import main
from mock_intake.cli.settings import in_plain_words
from mock_intake.cli.sources import UnusableError
from mock_intake.judging.catalogue import RULES
from mock_intake.server.runner import IntakeServer
from mock_intake.system import documentation
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, run_command
from tests.events import run_event
from tests.journal.serving import new_event, serving
from tests.test_serve import Serving


def told(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command that cannot be run says, in one line."""
    done = mock_intake(*arguments, cwd=cwd, stdin=b"", **environment)
    assert (done.returncode, done.stdout) == (2, "")
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--port", "abc", "'abc' is no whole number from 0 to 65535."),
        ("--keep-events", "many", "'many' is no whole number of at least 1."),
        ("--delay", "soon", "'soon' is no number from 0 to 3600."),
        ("--keep-hours", "long", "'long' is no number above 0."),
    ],
)
def test_a_value_that_is_no_number_is_told_what_it_could_be(option: str, value: str, words: str) -> None:
    said = " ".join(CliRunner().invoke(main, ["serve", option, value]).output.split())
    assert said.endswith(f"Error: Invalid value for '{option}': {words}")


def test_a_wrong_value_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mock-intake.serve]\nport = "abc"\n')
    assert told("serve", cwd=tmp_path).endswith(
        "'abc' is no whole number from 0 to 65535. (It is that of [tool.mock-intake.serve] port.)"
    )
    assert told("check", "x.ndjson", MOCK_INTAKE_CHECK_VERBOSE="maybe").endswith(
        "'maybe' is neither true nor false. (It is that of MOCK_INTAKE_CHECK_VERBOSE.)"
    )


@pytest.mark.parametrize(
    ("command", "of"),
    [
        ("check ''", "'FILE...|-'"),
        ("check events.ndjson ''", "'FILE...|-'"),
        ("replay '' --to http://127.0.0.1:9", "'FILE|DIRECTORY|JOURNAL|URL'"),
        ("diff events.ndjson ''", "'AFTER'"),
        ("check events.ndjson -o ''", "'-o' / '--output'"),
        ("check events.ndjson --ignore=", "'--ignore'"),
        ("serve --journal ''", "'--journal'"),
        ("serve --control-token ''", "'--control-token'"),
        ("serve --api-key ''", "'--api-key'"),
        ("wait ''", "'[URL|FILE]'"),
        ("rules ''", "'[CODE]...'"),
        ("certify --only '' -- true", "'--only'"),
        ("run --reach '' -- true", "'--reach'"),
    ],
)
def test_what_is_empty_is_refused_for_a_variable_that_is_not_set(tmp_path: Path, command: str, of: str) -> None:
    """All that lies in the working directory was sent by ``replay "$FILE"``, and an empty token let everybody in."""
    (tmp_path / "events.ndjson").write_bytes(orjson.dumps(run_event()))
    said = told(*shlex.split(command), cwd=tmp_path, DD_API_KEY="0" * 32)
    assert said.endswith(f"Error: Invalid value for {of}: it is empty. Is the variable set that it comes from?")


def test_a_command_that_is_run_has_whatever_arguments_it_is_given(tmp_path: Path) -> None:
    done = mock_intake("run", "--allow-none", "--", "printf", "<%s>", "", "a=", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "<><a=>")


@pytest.mark.parametrize("command", ["check events.ndjson", "rules DD101", "run -- true", "doctor", "demo"])
def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, command: str) -> None:
    """As in a job whose workspace was cleaned up."""
    line = f'mkdir gone && cd gone && rmdir "$PWD" && exec {MOCK_INTAKE} {command}'
    done = run_command(["sh", "-c", line], cwd=tmp_path, env=clean_environment(), text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: The working directory is not there any more: go to another."
    assert "Traceback" not in done.stderr


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert told("check", cwd=tmp_path).endswith("Error: Missing argument 'FILE...|-'.")


def test_a_command_that_is_misspelt_is_guessed() -> None:
    said = CliRunner().invoke(main, ["chek", "a.ndjson"])
    assert said.exit_code == 2
    assert "There is no command 'chek'. Did you mean 'check'?" in said.output
    assert "No such command 'xyz'." in CliRunner().invoke(main, ["xyz"]).output


def test_all_commands_of_ours_have_their_place_in_the_help() -> None:
    assert "Of other packages" not in CliRunner().invoke(main, ["--help"]).output


def test_who_names_no_server_is_told_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "DEFAULT_SERVER", "http://127.0.0.1:9")
    with pytest.raises(UnusableError, match=r"Start one there by mock-intake serve, or name another"):  # noqa: SIM117
        with remote.connected("http://127.0.0.1:9", None):
            pass


def test_what_is_no_fault_of_a_number_is_said_as_it_was() -> None:
    option = click.Option(["--port"], type=click.IntRange(0, 5))
    assert in_plain_words("7 is not in the range 0<=x<=5.", option) == "7 is not in the range 0<=x<=5."
    assert in_plain_words("'x' is not a valid integer.", click.Option(["--n"], type=int)) == "'x' is no number."


@pytest.mark.parametrize("command", ["check", "report", "diff"])
def test_a_report_for_a_directory_that_is_not_there_is_refused_before_there_is_one(
    command: str, tmp_path: Path
) -> None:
    for name in ("a.ndjson", "b.ndjson"):
        (tmp_path / name).touch()
    sources = ["a.ndjson", "b.ndjson"] if command == "diff" else ["a.ndjson"]
    said = told(command, *sources, "-o", "no/x.html", cwd=tmp_path)
    assert said.endswith("-o no/x.html: there is no directory no.")


def test_serve_greets_nobody_where_its_ready_file_cannot_be(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "ready.json"
    said = told("serve", "--port", "0", "--ready-file", missing)
    assert said.endswith(f"--ready-file {missing}: there is no directory {missing.parent}.")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE orders (id)")
    assert told("serve", "--port", "0", "--journal", file).endswith("is a database, and no journal of mock-intake.")
    assert list(tmp_path.iterdir()) == [file]


def test_the_summary_is_of_this_start_alone(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with serving(tmp_path, "--journal", file) as first:
        assert first.send(new_event()).status == 202
        assert first.send(new_event()).status == 202
        assert first.end() == 0
    second = Serving(tmp_path, "--journal", str(file))
    _, out, _ = second.end()
    summary = out.splitlines()[out.splitlines().index("") + 1 :]
    assert summary == [
        "0 events taken: 0 ok, 0 warning, 0 error; 0 requests refused",
        f"2 runs of before this start left out; all: mock-intake report {file}",
    ]
    third = Serving(tmp_path, "--journal", str(file))
    run_id = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
    assert third.send(run_event(run={"runId": run_id.upper(), "facets": {}}))[0] == 202
    _, out, _ = third.end()
    assert f"RC102 warning: run {run_id.upper()} of prod / load_orders never ended" in out
    assert out.count("RC102") == 1
    assert "2 runs of before this start left out" in out


def test_a_wait_says_how_long_was_asked_for(server: IntakeServer) -> None:
    """Also where the server came up late, so that less of it was left to ask for."""
    done = mock_intake("wait", server.url, "--events", "5", "--timeout", "0.37")
    assert done.returncode == 1
    assert done.stderr.startswith("What was waited for did not come within 0.37 s")


def test_help_says_that_ready_files_are_taken() -> None:
    for command in ("report", "export", "import"):
        assert "JOURNAL|URL|READY-FILE" in CliRunner().invoke(main, [command, "--help"]).output


def test_no_advice_names_a_file_that_a_wheel_has_not() -> None:
    assert not [rule.code for rule in RULES.values() if "docs/" in rule.advice]


def test_pages_of_the_documentation_are_named_by_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert documentation.documentation("how-to/ci") == "docs/how-to/ci.md"
    monkeypatch.setattr(documentation, "_FOLDER", Path("/nowhere"))
    assert documentation.documentation("how-to/ci") == "docs/how-to/ci.md in the sources of mock-intake"
    monkeypatch.setattr(documentation, "_site", lambda: "https://docs.example/mock")
    assert documentation.documentation("how-to/ci") == "https://docs.example/mock/how-to/ci/"
    assert documentation.address_of("rules", "dd101") == "https://docs.example/mock/rules/#dd101"
