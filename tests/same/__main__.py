"""``python -m tests.same``: compares what the product says and shows with the record; ``--write`` makes it anew."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests import installed
from tests.same.parts import PARTS
from tests.same.record import RECORD, differences, information, made, read, write

_DIFFERENT = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0 where all is the same, 1 where it is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.same", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of the record: {', '.join(PARTS)}; default: all")
    parser.add_argument("--write", action="store_true", help="put what is said now on record")
    parser.add_argument("--whole", action="store_true", help="show all lines of every difference")
    parser.add_argument(
        "--record", type=Path, default=RECORD, metavar="FOLDER", help="another folder than the committed"
    )
    chosen = parser.parse_args(arguments)
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if problem := installed.problem():
        parser.error(problem)
    parts = list(dict.fromkeys(chosen.parts)) or list(PARTS)
    began = time.monotonic()
    now = made(parts)
    _say(f"made {len(now)} files in {time.monotonic() - began:.1f} s")
    if chosen.write:
        write(chosen.record, parts, now)
        _say(f"written: {len(now)} files")
        return 0
    before = read(chosen.record, parts)
    found = differences(before, now, whole=chosen.whole)
    for lines in found.values():
        _say("\n".join([*lines, ""]))
    for line in information(before, now):
        _say(line)
    if found:
        _say(
            "\n".join(
                [f"different: {len(found)} of {len(before.keys() | now.keys())} files", *map("  {}".format, found)]
            )
        )
        _say("If it is meant: make same-write, and say in the commit's message what is different.")
        return _DIFFERENT
    _say(f"same: {len(now)} files")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text.encode(sys.stdout.encoding or 'ascii', 'backslashreplace').decode()}\n")


if __name__ == "__main__":
    sys.exit(main())
