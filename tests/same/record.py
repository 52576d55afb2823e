"""Makes the record of what the product says and shows, and compares it with the one that is committed."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tests.same.commands import alone_in
from tests.same.parts import INFORMATION, PARTS
from tests.same.texts import without_version

HERE = Path(__file__).parent
RECORD = HERE / "record"
# So many lines of a file's difference are shown, unless all of them are asked for.
_MOST_LINES = 60

Record = dict[str, str]


def made(parts: Iterable[str]) -> Record:
    """The files of these parts by name: what is said and shown now."""
    record: Record = {}
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="mock-intake-same-") as made_in:
            folder = Path(made_in)
            shutil.copytree(HERE / "inputs", folder / "inputs")
            # Settings of whoever has the folder for temporary files must not be found.
            (folder / "pyproject.toml").touch()
            with alone_in(folder):
                for name, text in PARTS[part](folder):
                    if f"{part}/{name}" in record:
                        raise ValueError(f"{part}/{name} is made twice")
                    record[f"{part}/{name}"] = _lasting(text)
    return record


def _lasting(text: str) -> str:
    """The text as it is kept: lines that end in no blanks, and nothing that a file of text cannot hold."""
    lines = without_version(text).replace("\0", "\\0").split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n").encode("utf-8", "backslashreplace").decode() + "\n"


def read(folder: Path, parts: Iterable[str]) -> Record:
    """The files of these parts that are on record in this folder."""
    files = (file for part in parts for file in sorted((folder / part).rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes().decode() for file in files}


def write(folder: Path, parts: Iterable[str], record: Record) -> None:
    """Puts these files in place of those that are on record of the same parts."""
    before = read(folder, parts)
    for name, text in record.items():
        # A measurement stays as it is for as long as what was measured does.
        beside = INFORMATION.get(name)
        if beside is not None and name in before and before.get(beside) == record.get(beside):
            continue
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    for name in before.keys() - record.keys():
        (folder / name).unlink()


def differences(before: Record, now: Record, *, whole: bool = False) -> dict[str, list[str]]:
    """The lines of a unified diff for each file that is different, new or gone."""
    found = {}
    for name in sorted(before.keys() | now.keys()):
        if name not in INFORMATION and before.get(name) != now.get(name):
            lines = difflib.unified_diff(
                _lines(before, name), _lines(now, name), f"recorded/{name}", f"now/{name}", lineterm="", n=2
            )
            found[name] = list(lines if whole else _first(lines))
    return found


def _lines(record: Record, name: str) -> Sequence[str]:
    return record[name].split("\n") if name in record else ()


def _first(lines: Iterator[str]) -> Iterator[str]:
    yield from islice(lines, _MOST_LINES)
    left = sum(1 for _ in lines)
    if left:
        yield f"... and {left} more lines; all of them with --whole"


def information(before: Record, now: Record) -> Iterator[str]:
    """What was measured beside what it was, a line each; it differs from run to run and is not compared."""
    for name in INFORMATION:
        if name in now:
            yield f"{name}: {now[name].strip()}, was {before.get(name, 'not measured').strip()} (not compared)"
