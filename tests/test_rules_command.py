"""``mock-intake rules`` and ``mock-intake completion``, run as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mock_intake.cli.rules import markdown
from mock_intake.judging.catalogue import FAMILIES, RULES
from tests.commands import MOCK_INTAKE, run_command, start_command

BIN = Path(sys.executable).parent
ESCAPE = "\x1b"
PLAIN = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_command(
        [MOCK_INTAKE, *arguments], capture_output=True, text=True, timeout=30, check=False, env={**PLAIN, **environment}
    )


def output_of(*arguments: str, **environment: str) -> str:
    done = run(*arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command writes to a terminal."""
    ours, its = pty.openpty()
    process = start_command(
        [MOCK_INTAKE, *arguments], stdin=its, stdout=its, stderr=its, env={**PLAIN, "TERM": "xterm", **environment}
    )
    os.close(its)
    written = b""
    try:
        while chunk := os.read(ours, 65_536):
            written += chunk
    except OSError:
        pass  # so Linux says that the other end was closed
    finally:
        os.close(ours)
    assert process.wait(timeout=30) == 0
    return written.decode()


def codes_in(listing: str) -> list[str]:
    return [line.split()[0] for line in listing.splitlines() if line.startswith("  ")]


def test_rules_are_listed_by_family_with_severity_and_requirement() -> None:
    lines = output_of("rules").splitlines()
    expected = []
    for family, title in FAMILIES.items():
        of_family = [rule for rule in RULES.values() if rule.code.startswith(family)]
        expected += ["", title, *(f"  {rule.code} {rule.severity:8}{rule.requirement}" for rule in of_family)]
    assert lines == expected[1:]


def test_one_rule_is_explained() -> None:
    rule = RULES["DD101"]
    text = output_of("rules", "DD101")
    assert text.startswith("DD101 job-type-missing (error, about an event)\n")
    words = " ".join(text.split())
    for part in (
        f"asks {rule.requirement}",
        f"because {rule.because}",
        f"advice {rule.advice}",
        f"source {rule.source} (documented)",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("code", "subject"), [("HT101", "a request"), ("OL001", "an event"), ("RC101", "a run"), ("DS101", "a dataset")]
)
def test_a_rule_is_said_to_be_about_its_subject(code: str, subject: str) -> None:
    rule = RULES[code]
    assert output_of("rules", code).startswith(f"{code} {rule.name} ({rule.severity}, about {subject})\n")


def test_a_code_may_be_in_lower_case() -> None:
    assert output_of("rules", "dd101") == output_of("rules", "DD101")


def test_several_rules_are_explained_in_the_order_asked_for() -> None:
    text = output_of("rules", "RC101", "HT001")
    assert text == output_of("rules", "RC101") + "\n" + output_of("rules", "HT001")
    assert output_of("rules", "rc101, HT001") == text


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_listed(family: str) -> None:
    assert codes_in(output_of("rules", family)) == [code for code in RULES if code.startswith(family)]


def test_a_part_of_a_family_is_listed() -> None:
    listed = codes_in(output_of("rules", "DD4"))
    assert listed == [code for code in RULES if code.startswith("DD4")]
    assert {"DD401", "DD402", "DD403", "DD404"} <= set(listed)


def test_rules_are_printed_as_json() -> None:
    listed = json.loads(output_of("rules", "--format", "json"))
    assert listed == [rule.to_dict() for rule in RULES.values()]
    assert set(listed[0]) == {
        *("code", "name", "severity", "subject", "requirement", "because", "advice"),
        *("source", "sureness", "documentation"),
    }


def test_one_rule_is_printed_as_json() -> None:
    assert json.loads(output_of("rules", "OL008", "--format", "json")) == [RULES["OL008"].to_dict()]


def test_rules_are_printed_as_markdown() -> None:
    assert output_of("rules", "--format", "markdown") == markdown(list(RULES.values())) + "\n"


@pytest.mark.parametrize("code", ["DD999", "XX", "DD1011", "-"])
def test_an_unknown_code_is_a_usage_error_that_says_what_there_is(code: str) -> None:
    done = run("rules", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"There is no rule {code}." in done.stderr
    assert "HT, OL, DD, RC, DS" in done.stderr
    assert "mock-intake rules" in done.stderr


def test_an_unknown_code_among_known_ones_prints_nothing_else() -> None:
    done = run("rules", "DD101", "DD999")
    assert (done.returncode, done.stdout) == (2, "")


def test_an_unknown_format_is_a_usage_error_that_says_what_there_is() -> None:
    done = run("rules", "--format", "yaml")
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("yaml", "text", "json", "markdown"))


@pytest.mark.parametrize("arguments", [("rules",), ("rules", "DD101"), ("rules", "--help")])
def test_there_are_no_colours_where_the_output_is_no_terminal(arguments: tuple[str, ...]) -> None:
    assert ESCAPE not in output_of(*arguments)


def test_severities_are_coloured_on_a_terminal() -> None:
    text = on_a_terminal("rules", "DD101")
    assert "\x1b[31merror\x1b[0m" in text


def test_no_color_takes_colours_off_a_terminal() -> None:
    text = on_a_terminal("rules", "DD101", NO_COLOR="1")
    assert text.startswith("DD101 job-type-missing (error, ")
    assert ESCAPE not in text


def test_an_output_that_is_closed_early_is_no_failure() -> None:
    with start_command(
        [MOCK_INTAKE, "rules", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


# Completion.

SHELLS = {
    "bash": ("complete ", "_MOCK_INTAKE_COMPLETE=bash_complete"),
    "zsh": ("#compdef mock-intake", "_MOCK_INTAKE_COMPLETE=zsh_complete"),
    "fish": ("complete --no-files --command mock-intake", "_MOCK_INTAKE_COMPLETE=fish_complete"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    script = output_of("completion", shell)
    assert [part for part in SHELLS[shell] if part not in script] == []


def test_another_shell_is_a_usage_error_that_says_which_there_are() -> None:
    done = run("completion", "powershell")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in ("powershell", *SHELLS))


def completed_by_bash(*words: str) -> list[str]:
    """What a real bash offers for the last of these words."""
    script = f"""
        set -euo pipefail
        eval "$(mock-intake completion bash)"
        complete -p mock-intake >/dev/null
        COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1} COMPREPLY=()
        _mock_intake_completion mock-intake
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**PLAIN, "PATH": f"{BIN}{os.pathsep}{PLAIN.get('PATH', '')}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=30, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(("begun", "commands"), [("ru", ["rules", "run"]), ("rul", ["rules"]), ("x", [])])
def test_bash_completes_commands(begun: str, commands: list[str]) -> None:
    assert completed_by_bash("mock-intake", begun) == commands


def test_bash_completes_options_and_their_values() -> None:
    assert completed_by_bash("mock-intake", "run", "--pa") == ["--path"]
    assert completed_by_bash("mock-intake", "run", "--path", "a") == ["async", "agent"]


def test_bash_completes_codes_in_any_case() -> None:
    assert completed_by_bash("mock-intake", "rules", "dd10") == [code for code in RULES if code.startswith("DD10")]


@pytest.mark.parametrize(
    ("shell", "words", "current", "expected"),
    [
        ("zsh", "mock-intake rules DD101", "2", "plain\nDD101\n_\n"),
        ("fish", "mock-intake rules DD101", "DD101", "plain,DD101\n"),
    ],
)
def test_the_other_shells_are_answered_in_their_own_form(shell: str, words: str, current: str, expected: str) -> None:
    assert output_of(_MOCK_INTAKE_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD=current) == expected
