"""Does what the pages of real producers say, as a newcomer would: ``python -m docs.try_producers NAME...``.

For each: an empty directory that is its home too, no variable but PATH, the page's files, the page's commands in one
shell; then each command that points it here. ``run`` has to end with 0 and to say what it took, ``certify`` to say that
events arrived (with --cases all it runs as it is printed, which takes minutes; else on these cases alone). It installs
packages, so it is no part of CI. ``cookbook`` stands for the recipes of docs/how-to/cookbook.md that install something
(``cookbook/dbt`` for one): their very blocks, in the directory that the page they lead to sets up.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from mock_intake.model.words import counted
from mock_intake_conformance.atlas.by_hand import commands_of, files_of

PAGES = Path(__file__).parent / "producers"
COOKBOOK = Path(__file__).parent / "how-to" / "cookbook.md"
# The recipes that install something; by the page that says what, or by what pip installs.
RECIPES: dict[str, str | tuple[str, ...]] = {
    "An Airflow DAG": "airflow-dags-test",
    "A dbt project": "dbt",
    "A Spark driver that tells it itself": ("pyspark==4.3.0", "openlineage-python==1.54.0"),
    "Dagster": "openlineage-dagster",
}
# What certify prints where events arrived: with others of its group that passed, or alone.
ARRIVED = re.compile(r"^ *passed +(?:delivery/)?reaches-the-endpoint\b", re.MULTILINE)
_FILE = re.compile(r"^`([^`]+)`:\n\n```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```shell\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LIMIT = 3600
_PASSED_ON = ("LANG", "JAVA_HOME", "TMPDIR")


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--cases", default="delivery", show_default=True, help="Of certify: all, or the beginning of their ids.")
@click.option("--keep", is_flag=True, help="Leave the directories there.")
def main(names: tuple[str, ...], cases: str, *, keep: bool) -> None:
    """Tries the pages of these producers; ends with 1 if one of them does not work as it says."""
    tries = [one for name in names for one in (recipes(name) if name.startswith("cookbook") else [_page(name)])]
    wrong = [one.name for one in tries if not _works(one, cases, keep=keep)]
    if wrong:
        sys.exit(f"not as the page says: {', '.join(wrong)}")


class Try(NamedTuple):
    """What is tried: files by name, what sets it up (shell), and the commands that have to work then."""

    name: str
    files: Mapping[str, str]
    setting_up: str
    commands: Sequence[str]


def _page(name: str) -> Try:
    file = PAGES / f"{name}.md"
    if not file.is_file():
        raise _unknown(name, sorted(each.stem for each in PAGES.glob("*.md")))
    page = file.read_text(encoding="utf-8")
    return Try(name, files_of(page), *commands_of(page))


def _unknown(name: str, names: Sequence[str]) -> click.UsageError:
    return click.UsageError(f"there is no {name}; there are {', '.join(names)}.")


def recipes(name: str = "cookbook") -> list[Try]:
    """The recipes of the cookbook that install something, as they are printed; some: ``cookbook/dbt``."""
    sections = re.split(r"^## ", COOKBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    of = {section.partition("\n")[0]: section for section in sections}
    wanted = name.partition("/")[2].lower()
    found = [_recipe(title, of[title], needs) for title, needs in RECIPES.items() if wanted in title.lower()]
    if not found:
        raise _unknown(name, [f"cookbook/{title.lower()}" for title in RECIPES])
    return found


def _recipe(name: str, section: str, needs: str | tuple[str, ...]) -> Try:
    if isinstance(needs, str):
        page = _page(needs)
        files, setting_up = page.files, page.setting_up
    else:
        files, packages = {}, shlex.join(needs)
        setting_up = f"python3 -m venv venv\n. venv/bin/activate\npip install {packages}\n"
    [block] = _BLOCK.findall(section)
    lines = block.replace("\\\n", " ").splitlines()
    commands = [line for line in lines if line.startswith("mock-intake ")]
    before = [line for line in lines if line not in commands]
    return Try(name, {**files, **dict(_FILE.findall(section))}, "\n".join([setting_up, *before]), commands)


def _works(one: Try, cases: str, *, keep: bool) -> bool:
    slug = re.sub(r"\W+", "-", one.name.lower())
    directory, results = (Path(tempfile.mkdtemp(prefix=f"mock-intake-{slug}-")) for _ in range(2))
    for file, text in one.files.items():
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(text, encoding="utf-8")
    click.echo(
        f"{one.name}: {counted(len(one.files), 'file')}, {counted(len(one.commands), 'command')}, in {directory}"
    )
    try:
        typed = [_with_cases(command, cases) for command in one.commands]
        said = _in_one_shell(one.setting_up, typed, directory, results)
        if not (results / "set-up").exists():
            click.echo(f"  it cannot be set up as the page says: {_last(said)}")
            return False
        # All of them, whatever came of the first.
        fine = [_is_fine(command, number, results) for number, command in enumerate(typed)]
        return bool(fine) and all(fine)
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(results, ignore_errors=True)


def _with_cases(command: str, cases: str) -> str:
    return command if cases == "all" else command.replace(" certify ", f" certify --only {cases} ", 1)


def _in_one_shell(setting_up: str, commands: Sequence[str], directory: Path, results: Path) -> str:
    lines = ["set -e", setting_up, "set +e", f"touch {results}/set-up"]
    for number, command in enumerate(commands):
        lines.append(f"( {command} ) >{results}/{number}.out 2>&1; echo $? >{results}/{number}.code")
    here = str(Path(sys.executable).parent)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # As somebody has it who has installed mock-intake: behind what the system has, which makes environments.
    environment |= {"PATH": f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{here}", "HOME": str(directory)}
    done = subprocess.run(  # noqa: S603
        ["bash", "-c", "\n".join(lines)],  # noqa: S607
        cwd=directory, env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def _is_fine(command: str, number: int, results: Path) -> bool:
    said = (results / f"{number}.out").read_text(encoding="utf-8", errors="replace")
    code = int((results / f"{number}.code").read_text())
    if " certify " in command:
        # Whether it is ready is for its page to say; that it gets here is what is asked.
        fine = code in (0, 1) and ARRIVED.search(said) is not None
    else:
        fine = code == 0 and " taken: " in said
    click.echo(f"  {'as the page says' if fine else 'NOT AS THE PAGE SAYS'} (exit {code}): {command}")
    if not fine:
        click.echo(_last(said))
    return fine


def _last(said: str) -> str:
    return "\n".join(f"    {line}" for line in said.splitlines()[-25:])


if __name__ == "__main__":
    main()
