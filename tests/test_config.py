"""Settings in pyproject.toml: found upwards, understood or refused, applied by the longest prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_intake.datadog.rules import EVENTS
from mock_intake.judging.config import Config, ConfigError, find_config, load_config
from mock_intake.model.findings import Selection, Severity


def write(directory: Path, text: str) -> Path:
    file = directory / "pyproject.toml"
    file.write_text(text)
    return file


def test_the_nearest_file_with_the_table_is_found(tmp_path: Path) -> None:
    outer = write(tmp_path, "[tool.mock-intake]\nignore = ['OL105']\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    write(tmp_path / "a", "[tool.other]\n")
    assert find_config(inner) == outer
    assert load_config(None) == Config()


def test_all_settings_are_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "[tool.mock-intake]\nselect = ['DD', 'ol1']\nignore = ['DD104']\nfacets = 'schemas'\n"
        "[tool.mock-intake.severity]\nDD5 = 'error'\n",
    )
    assert load_config(file) == Config(
        Selection(frozenset({"DD", "OL1"}), frozenset({"DD104"}), {"DD5": Severity.ERROR}), tmp_path / "schemas"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.mock-intake]\nignroe = []\n", "has no setting 'ignroe'; there are select, ignore, severity, facets"),
        ("[tool.mock-intake]\nignore = 'DD104'\n", "ignore is a list of rule codes"),
        ("[tool.mock-intake]\nignore = ['DD999']\n", "there is no rule DD999"),
        ("[tool.mock-intake.severity]\nDD104 = 'fatal'\n", "the severity is one of info, warning, error, not 'fatal'"),
        ("[tool.mock-intake]\nfacets = 3\n", "facets is the path of a directory"),
        ("[tool]\nmock-intake = 3\n", "is a table"),
        ("[tool.mock-intake\n", "pyproject.toml: "),
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, text))
    assert said in str(raised.value)


RULES = [rule.words for rule in EVENTS.values()]
FINDINGS = [rule.found("", "x") for rule in RULES]
DD1 = {rule.code for rule in RULES if rule.code.startswith("DD1")}


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(), {rule.code for rule in RULES}),
        (Selection(select=frozenset({"DD1"})), DD1),
        (Selection(select=frozenset({"DD1"}), ignore=frozenset({"DD104"})), DD1 - {"DD104"}),
        (Selection(select=frozenset({"DD501"}), ignore=frozenset({"DD5"})), {"DD501"}),
        (Selection(ignore=frozenset({"DD"})), set()),
    ],
)
def test_the_longest_prefix_decides(selection: Selection, kept: set[str]) -> None:
    assert {finding.code for finding in selection.apply(FINDINGS)} == kept


def test_severities_are_changed_by_the_longest_prefix() -> None:
    selection = Selection(severity={"DD": Severity.INFO, "DD101": Severity.WARNING})
    severities = {finding.code: finding.severity for finding in selection.apply(FINDINGS)}
    assert severities["DD101"] is Severity.WARNING
    assert {severity for code, severity in severities.items() if code != "DD101"} == {Severity.INFO}
