"""The cost tests of heads and contents, put onto an earlier build: they have to find what was wrong with it.

Run: .venv/bin/python -m bench.cost_before [--build COMMIT] [PART OF A NAME ...]. The earlier package is taken from its
commit into ``build/cost/``; its dependencies are those that are here. Names each dimension in which its cost grows
faster than what was sent, and exits with 1 where a fault that is known to be in it was not found.
"""

from __future__ import annotations

import argparse
import importlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

BUILD = "b29d81f"
ROOT = Path(__file__).parents[1]
# The faults of that build, each by the dimensions of which one has to find it.
KNOWN = {
    "masking tried each credential in all ways": ("head: the length of a key without a scheme",),
    "redaction looked for the end of each JWT": ("content: 'eyJ'",),
    "redaction went through lists of variables again and again": ("content: the environment variables with secrets",),
    "each word of a Cookie was looked for by itself": ("head: the words in a Cookie, before a body that was cut off",),
}
# Where modules stood before the rooms, by where the tests look for them.
_BEFORE = {
    "mock_intake.judging.intake": "mock_intake.intake",
    "mock_intake.model.exchange": "mock_intake.exchange",
}


def unpacked(commit: str) -> Path:
    """The folder that has the package of an earlier build."""
    folder = ROOT / "build" / "cost" / commit
    if not folder.exists():
        command = ("git", "-C", str(ROOT), "archive", commit, "mock_intake")
        packed = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own
        folder.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
    return folder


def take(folder: Path) -> None:
    """Has the package be imported from there, its modules by the names that they have today too."""
    sys.path.insert(0, str(folder))
    for now, before in _BEFORE.items():
        try:
            importlib.import_module(now)
        except ImportError:
            parent = now.rpartition(".")[0]
            sys.modules.setdefault(parent, importlib.import_module("mock_intake"))
            sys.modules[now] = importlib.import_module(before)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--build", default=BUILD)
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    take(unpacked(options.build))
    contents, heads, measuring = (
        importlib.import_module(f"tests.cost.{name}") for name in ("contents", "heads", "measuring")
    )
    wanted = options.parts or [name for names in KNOWN.values() for name in names]
    found = []
    for dimension in (*heads.DIMENSIONS, *contents.DIMENSIONS):
        if not any(part in dimension.name for part in wanted):
            continue
        growth = measuring.growth_of(dimension)
        print("TOO STEEP" if growth.too_steep else "linear   ", dimension.name, growth, flush=True)
        if growth.too_steep:
            found.append(dimension.name)
    missed = [
        what for what, names in KNOWN.items() if not any(each.startswith(name) for each in found for name in names)
    ]
    for what in missed if not options.parts and options.build == BUILD else ():
        print(f"not found: {what}")
    return 1 if missed and not options.parts and options.build == BUILD else 0


if __name__ == "__main__":
    sys.exit(main())
