"""Does what the pages of real producers say, as a newcomer would: ``python -m docs.try_producers NAME...``.

For each: an empty directory that is its home too, no variable but PATH, the page's files, the page's commands in one
shell; then each command that points it here. ``run`` has to end with 0 and to say what it took, ``certify`` to say that
events arrived (with --cases all it runs as it is printed, which takes minutes; else on these cases alone). It installs
packages, so it is no part of CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from mock_intake_conformance.atlas.by_hand import commands_of, files_of

PAGES = Path(__file__).parent / "producers"
_LIMIT = 3600
_PASSED_ON = ("LANG", "JAVA_HOME", "TMPDIR")


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--cases", default="delivery", show_default=True, help="Of certify: all, or the beginning of their ids.")
@click.option("--keep", is_flag=True, help="Leave the directories there.")
def main(names: tuple[str, ...], cases: str, *, keep: bool) -> None:
    """Tries the pages of these producers; ends with 1 if one of them does not work as it says."""
    wrong = [name for name in names if not _works(name, cases, keep=keep)]
    if wrong:
        sys.exit(f"not as the page says: {', '.join(wrong)}")


def _works(name: str, cases: str, *, keep: bool) -> bool:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    setting_up, commands = commands_of(page)
    directory, results = (Path(tempfile.mkdtemp(prefix=f"mock-intake-{name}-")) for _ in range(2))
    for file, text in files_of(page).items():
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(text, encoding="utf-8")
    click.echo(f"{name}: {len(files_of(page))} files, {len(commands)} commands, in {directory}")
    try:
        typed = [_with_cases(command, cases) for command in commands]
        said = _in_one_shell(setting_up, typed, directory, results)
        if not (results / "set-up").exists():
            click.echo(f"  it cannot be set up as the page says: {_last(said)}")
            return False
        # All of them, whatever came of the first.
        return bool(typed) and not [number for number, one in enumerate(typed) if not _is_fine(one, number, results)]
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
        fine = code in (0, 1) and "passed    delivery/reaches-the-endpoint" in said
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
