"""Measures the documented clients, several versions side by side, and writes it into the package (make paths).

Run: ``python -m mock_intake_conformance.atlas.clients``; then ``make docs`` writes docs/paths.md. It installs the older
versions of the client below build/atlas, and takes some minutes; no part of CI.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mock_intake_conformance.atlas.clients.facts import SHIPPED, Facts, Rows, steadied
from mock_intake_conformance.atlas.clients.measuring import measure
from mock_intake_conformance.atlas.clients.situations import SITUATIONS, Situation
from mock_intake_conformance.atlas.installing import Venv, installed

_CLIENT = "openlineage-python"
_OLDER = ("1.46.0", "1.37.0")
_PACKAGES = ("requests", "urllib3", "httpx2")
_TIMES = 3


def main() -> None:
    """Measures all of it so many times, and once more what was not the same every time."""
    parser = argparse.ArgumentParser(prog="make paths", description=__doc__)
    parser.add_argument("--times", type=int, default=_TIMES, help="how often  [default: %(default)s]")
    parser.add_argument("--into", type=Path, default=SHIPPED, help="where it goes  [default: the package]")
    given = parser.parse_args()
    rows = {name: _measured(name, interpreter, given.times) for name, interpreter in _interpreters()}
    facts = Facts(datetime.now(UTC).date().isoformat(), _tools(), rows)
    given.into.write_text(facts.to_json(), encoding="utf-8")
    sys.stdout.write(f"wrote {given.into}; make docs writes docs/paths.md\n")


def _interpreters() -> Iterator[tuple[str, str]]:
    """The versions, the newest first: the one that is installed here, and older ones."""
    yield version(_CLIENT), sys.executable
    for older in _OLDER:
        directory = Path("build/atlas").absolute() / f"{_CLIENT}-{older}"
        venv = Venv((f"{_CLIENT}=={older}",))
        installed(venv, directory, {})
        yield older, str(venv.programs(directory) / "python")


def _measured(name: str, interpreter: str, times: int) -> Rows:
    newest = interpreter == sys.executable

    def once(number: int, situations: Sequence[Situation] = SITUATIONS) -> Rows:
        sys.stderr.write(f"{_CLIENT} {name}: {len(situations)} situations, time {number} ...\n")
        return measure(situations, interpreter, curl=newest).rows

    seen = [once(number + 1) for number in range(times)]
    unsteady = {cell[0] for cell in seen[0] if len({rows[cell].without_waits() for rows in seen}) > 1}
    if unsteady:
        sys.stderr.write(f"  not the same every time: {', '.join(sorted(unsteady))}\n")
        chosen = [situation for situation in SITUATIONS if situation.name in unsteady]
        again = [once(number + 1, chosen) for number in range(times)]
        seen = [{**rows, **other} for rows, other in zip(seen, again, strict=True)]
    return _in_order(steadied(seen))


def _in_order(rows: Rows) -> Rows:
    cells = [(situation.name, client) for situation in SITUATIONS for client in situation.clients]
    return {cell: rows[cell] for cell in cells if cell in rows}


def _tools() -> dict[str, str]:
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]  # noqa: S607
    return {**{name: version(name) for name in _PACKAGES}, "Python": platform.python_version(), "curl": curl}


if __name__ == "__main__":
    main()
