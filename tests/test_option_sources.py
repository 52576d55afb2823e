"""Options by variables and by pyproject.toml: what goes before what, and that nothing is ignored without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from mock_intake.cli.command import Command
from mock_intake.cli.main import main
from mock_intake.cli.settings import key_of, settable, unknown_variables, variable_of
from mock_intake.judging.config import ConfigError, load_config
from mock_intake.system.documentation import documentation
from tests.conftest import REPOSITORY


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(name: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """What a command would be given by this call; it is not run."""
    given: dict[str, Any] = {}
    command = commands()[name]
    callback = command.callback
    command.callback = lambda **values: given.update(values)
    try:
        result = run(name, *arguments, **environment)
        assert result.exit_code == 0, result.output
    finally:
        command.callback = callback
    return given


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments)


def test_the_command_line_goes_before_the_variable_the_variable_before_the_file_the_file_before_the_default(
    folder: Path,
) -> None:
    assert parsed("serve")["port"] == 8580
    (folder / "pyproject.toml").write_text("[tool.mock-intake.serve]\nport = 1001\n")
    assert parsed("serve")["port"] == 1001
    assert parsed("serve", MOCK_INTAKE_SERVE_PORT="1002")["port"] == 1002
    assert parsed("serve", "--port", "1003", MOCK_INTAKE_SERVE_PORT="1002")["port"] == 1003
    assert parsed("serve", MOCK_INTAKE_SERVE_PORT="")["port"] == 1001


def test_every_kind_of_option_by_variable(folder: Path) -> None:
    given = parsed(
        "serve",
        MOCK_INTAKE_SERVE_STRICT="1",
        MOCK_INTAKE_SERVE_API_KEY=f"{'a' * 32} {'b' * 32}",
        MOCK_INTAKE_SERVE_MAX_BODY="10K",
        MOCK_INTAKE_SERVE_JOURNAL="events.db",
        MOCK_INTAKE_SERVE_PROXY_PORT="0",
        MOCK_INTAKE_SERVE_SELECT="DD OL1",
        MOCK_INTAKE_CONTROL_TOKEN="of-all",
        MOCK_INTAKE_SERVE_TLS="no",
    )
    assert (given["strict"], given["tls"]) == (True, False)
    assert given["api_keys"] == ("a" * 32, "b" * 32)
    assert (given["max_body"], given["journal_file"], given["proxy_port"]) == (10240, "events.db", 0)
    assert (given["select"], given["control_token"]) == (("DD", "OL1"), "of-all")
    assert parsed("run", "--", "true", MOCK_INTAKE_RUN_ISOLATE_PORTS="1")["isolate"] == "ports"
    assert parsed("serve", MOCK_INTAKE_SERVE_CONTROL_TOKEN="own")["control_token"] == "own"
    # Not the one file "r.html r.md".
    assert parsed("report", "x.db", MOCK_INTAKE_REPORT_OUTPUT="r.html r.md")["outputs"] == (
        Path("r.html"),
        Path("r.md"),
    )


def test_every_kind_of_option_by_file_and_the_file_of_config_in_place_of_the_nearest(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.mock-intake.serve]\nstrict = true\nport = 1\n")
    other = folder / "other.toml"
    other.write_text(
        '[tool.mock-intake.serve]\nterse = true\nmax-body = "10K"\nmax-decoded = 2048\nselect = ["DD", "OL1"]\n'
        'tls = false\ndelay = 0.5\njournal = "events.db"\n[tool.mock-intake.run]\nisolate-ports = true\npath = "http"\n'
    )
    for given in (
        parsed("serve", "--config", str(other)),
        parsed("serve", MOCK_INTAKE_SERVE_CONFIG=str(other)),
    ):
        assert (given["strict"], given["terse"], given["tls"], given["port"]) == (False, True, False, 8580)
        assert (given["max_body"], given["max_decoded"], given["delay"]) == (10240, 2048, 0.5)
        assert (given["select"], given["journal_file"]) == (("DD", "OL1"), "events.db")
    given = parsed("run", "--config", str(other), "--", "true")
    assert (given["isolate"], given["path"]) == ("ports", "http")
    assert load_config(other).selection == load_config(None).selection


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.mock-intake.serve]\nprot = 1", "[tool.mock-intake.serve] has no 'prot'; did you mean 'port'?"),
        ("[tool.mock-intake.serve]\nmax_body = 1", "did you mean 'max-body'?"),
        ('[tool.mock-intake.serve]\nconfig = "x"', "has no 'config'"),
        ("[tool.mock-intake.serve]\nstrict = 1", "strict is true or false"),
        ('[tool.mock-intake.serve]\napi-key = "x"', "api-key is a list of texts"),
        ("[tool.mock-intake.serve]\nport = [1]", "port is a text or a number"),
        ("[tool.mock-intake.serve]\nport = true", "port is a text or a number"),
        ("[tool.mock-intake]\nserve = 1", "serve"),
        ("[tool.mock-intake.serv]\nport = 1", "no setting 'serv'"),
        ("[tool.mock-intake.serve]\nport = 70000", "(It is that of [tool.mock-intake.serve] port.)"),
        ("[tool.mock-intake.serve", "pyproject.toml"),
    ],
)
def test_what_a_file_says_wrongly_is_told(text: str, words: str, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(text)
    result = run("serve", "--host", "256.256.256.256")
    assert result.exit_code == 2
    assert words in " ".join(result.output.split()), result.output
    assert run("serve", "--help").exit_code == 0


def test_a_wrong_value_of_a_variable_names_the_variable(folder: Path) -> None:
    result = run("serve", MOCK_INTAKE_SERVE_PORT="many")
    assert result.exit_code == 2
    assert "(It is that of MOCK_INTAKE_SERVE_PORT.)" in " ".join(result.output.split())
    assert "It is that of" not in run("serve", "--port", "many").output


def test_settings_of_other_commands_are_left_to_those(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.mock-intake.serve]\nprot = 1\n")
    assert run("rules", "DD101", MOCK_INTAKE_SERVE_PROT="1").exit_code == 0
    (folder / "pyproject.toml").write_text("[tool.mock-intake.nobody]\nport = 1\n")
    with pytest.raises(ConfigError, match="'nobody'"):
        load_config(folder / "pyproject.toml")


def test_unknown_variables_are_told() -> None:
    known = commands()
    told = unknown_variables(
        [
            "MOCK_INTAKE_SERVE_PROT",
            "MOCK_INTAKE_SERV_PORT",
            "MOCK_INTAKE_PORT",
            "MOCK_INTAKE_SERVE_PORT",
            "MOCK_INTAKE_CHECK_NONSENSE",
            "MOCK_INTAKE_URL",
            "MOCK_INTAKE_CONTROL_TOKEN",
            "OTHER",
        ],
        known,
        "serve",
        known["serve"],
    )
    assert told == [
        "note: MOCK_INTAKE_PORT is no setting of mock-intake.",
        "note: MOCK_INTAKE_SERVE_PROT is no setting of mock-intake; did you mean MOCK_INTAKE_SERVE_PORT?",
        "note: MOCK_INTAKE_SERV_PORT is no setting of mock-intake; did you mean MOCK_INTAKE_SERVE_PORT?",
    ]
    result = run("rules", "DD101", MOCK_INTAKE_RULE_FORMAT="json")
    assert (
        "MOCK_INTAKE_RULE_FORMAT is no setting of mock-intake; did you mean MOCK_INTAKE_RULES_FORMAT?" in result.stderr
    )


def test_all_options_of_all_commands_have_a_variable_and_a_key_of_their_own() -> None:
    variables: list[str] = []
    for name, command in commands().items():
        options = settable(command)
        assert len({key_of(option) for option in options}) == len(options)
        for option in options:
            assert variable_of(name, option) in (option.envvar or ()), (name, option.name)
        variables += [variable_of(name, option) for option in options]
    assert len(set(variables)) == len(variables) > 100


def test_old_names_fail_with_the_new_ones() -> None:
    for old, new in (("--key", "--cert-key"), ("--proxy", "--proxy-port")):
        result = run("serve", old, "1")
        assert result.exit_code == 2
        assert f"{old} is called {new} now." in result.output
        assert f"{old} " not in run("serve", "--help").output


def test_help_leads_to_a_page_that_is_there_and_the_root_begins_with_what_most_want() -> None:
    for name, command in commands().items():
        assert isinstance(command, Command), name
        assert (REPOSITORY / documentation(command.page)).is_file(), name
        assert documentation(command.page) in run(name, "--help").output
        assert command.short_help
    lines = run("--help").output.splitlines()
    begin = lines.index("Begin with:")
    assert [line.split()[0] for line in lines[begin + 1 : begin + 4]] == ["serve", "certify", "check"]


@pytest.fixture(autouse=True)
def _nothing_of_ours_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOCK_INTAKE_CONTROL_TOKEN", raising=False)
