"""Groups of options that commands share are listed in ``--help`` as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from mock_intake.cli.main import GROUPS, is_own, main
from mock_intake.cli.main import commands as points
from mock_intake.cli.options import option_group
from mock_intake.report.formats import FORMATS, Kind
from tests.commands import mock_intake
from tests.events import run_event
from tests.test_option_sources import commands


def options_of(text: str) -> list[str]:
    """The options that a help text lists, in its order, each by its first long name."""
    return re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)


def test_a_group_is_listed_as_it_is_written() -> None:
    group = option_group(click.option("--one"), click.option("--two"), click.option("--three"))

    @click.command()
    @click.option("--before")
    @group
    @click.option("--behind")
    def command(**_: object) -> None: ...

    listed = options_of(CliRunner().invoke(command, ["--help"]).output)
    assert listed == ["--before", "--one", "--two", "--three", "--behind", "--help"]


IN_ORDER = {
    "serve": [
        ["--journal", "--keep-events", "--keep-hours", "--keep-bytes"],
        ["--tls", "--tls-port", "--ca-file", "--cert", "--cert-key", "--tls-name", "--tls-flaw"],
        ["--proxy-port", "--proxy-allow"],
        ["--agent-port", "--agent-socket", "--agent-off", "--agent-url", "--agent-key-env", "--agent-endpoint"],
        ["--forward", "--forward-key-env"],
        ["--max-body", "--max-decoded"],
        ["--select", "--ignore", "--facets", "--config"],
    ],
    "check": [["--select", "--ignore", "--facets", "--config"]],
    "conformance": [
        ["--format", "--output", "--only", "--time-limit", "--jobs", "--slow", "--grace", "--list", "--dry-run"]
    ],
}


@pytest.mark.parametrize("name", IN_ORDER)
def test_what_belongs_together_stands_together_the_general_before_the_particular(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    listed = [
        next(word for word in option.opts if word.startswith("--"))
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    for group in IN_ORDER[name]:
        begin = listed.index(group[0])
        assert listed[begin : begin + len(group)] == group


def test_the_help_of_serve_lists_tls_before_what_is_about_it() -> None:
    listed = options_of(mock_intake("serve", "--help").stdout)
    assert listed.index("--tls") < listed.index("--tls-port") < listed.index("--proxy-port") < listed.index("--forward")


def test_what_is_no_number_is_within_no_limits() -> None:
    """Whatever it is compared with: a wait of "nan" seconds never ended."""
    found = {
        (name, option.opts[0])
        for name in main.list_commands(click.Context(main))
        if (command := main.get_command(click.Context(main), name)) is not None
        for option in command.params
        if isinstance(option.type, click.FloatRange)
    }
    assert found >= {("run", "--grace"), ("serve", "--patience"), ("wait", "--timeout"), ("replay", "--rate")}
    for name, option in found:
        result = CliRunner().invoke(main, [name, option, "nan"])
        assert (result.exit_code, "nan is no number" in result.output) == (2, True), (name, option, result.output)


ALL_FORMATS = ["text", "json", "sarif", "junit", "markdown", "html", "github"]


@pytest.mark.parametrize("name", ["check", "report", "certify", "conformance"])
def test_the_commands_that_report_have_the_same_formats_and_say_the_same_of_them(name: str) -> None:
    options = {option.name: option for option in commands()[name].params if isinstance(option, click.Option)}
    one = options["output_format"]
    assert isinstance(one.type, click.Choice)
    assert list(one.type.choices) == ALL_FORMATS
    assert (one.default, one.help) == ("text", "Format of what is printed.")
    assert options["outputs"].multiple
    assert options["outputs"].help == (
        "Write it there too, in the format of the suffix (.txt, .json, .sarif, .xml, .md, .html, .annotations); "
        "repeatable."
    )


@pytest.mark.parametrize("name", ["check", "report", "audit", "run"])
def test_the_commands_that_fail_on_findings_know_the_same_levels(name: str) -> None:
    """So that a level that a file or a variable sets can be set back."""
    (option,) = [option for option in commands()[name].params if option.name == "fail_on"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == ["error", "warning", "info", "never"]


def test_reports_of_pytest_have_the_formats_of_the_commands() -> None:
    assert [each.name for each in FORMATS if Kind.REPORT in each.renderings] == ALL_FORMATS


def test_the_list_of_commands_says_of_each_what_it_says_of_itself() -> None:
    context = click.Context(main)
    said = {name: summary for group in GROUPS.values() for name, summary in group.items()}
    own = {name: command for name in said if (command := main.get_command(context, name)) is not None}
    assert said == {name: command.get_short_help_str(300) for name, command in own.items()}
    # A command of ours that the list does not know would stand with those of other packages.
    assert set(said) == {name for name, (_, package) in points().items() if is_own(package)}


def test_a_check_of_a_few_events_waits_for_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_bytes(orjson.dumps(run_event()))
    program = (
        "import gc, sys; from mock_intake.cli.main import main; main(sys.argv[1:], standalone_mode=False);"
        "from mock_intake.system.patterns import Pattern;"
        "made = [vars(each) for each in gc.get_objects() if isinstance(each, Pattern)];"
        "compiled = sum('match' in each for each in made);"
        "print(len(made), compiled, *sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-P", "-c", program, "check", str(tmp_path / "events.ndjson")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    made, compiled, *loaded = done.stderr.split()
    unneeded = {
        "difflib", "rich", "httpx", "jsonschema", "starlette", "asyncio", "jinja2", "mock_intake.client",
        "mock_intake.faults", "mock_intake.journal.sqlite", "mock_intake.model.shapes", "mock_intake.server",
        "mock_intake.views.extract_blocks",
    }  # fmt: skip
    assert set(loaded) & unneeded == set()
    assert "mock_intake.judging.recording" in loaded
    assert int(made) > 60
    assert int(compiled) < 15


def test_help_loads_no_command() -> None:
    program = "import sys; from mock_intake.cli.main import main; main(['--help'], standalone_mode=False)"
    program += "; print([name for name in sys.modules if name.startswith('mock_intake.server')], file=sys.stderr)"
    # In a process of its own: those of run_command have the package loaded.
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "Judge recorded events." in done.stdout
