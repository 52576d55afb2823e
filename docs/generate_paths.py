"""Measures what the real clients do when the intake misbehaves, and writes docs/paths.md (make paths).

Run as a module from the root of the repository: ``python -m docs.generate_paths``. Takes about a minute.
"""

from __future__ import annotations

import click

from tests.faults.matrix import measure, steadied
from tests.faults.page import PAGE, write

_TIMES = 3

if __name__ == "__main__":
    click.echo(f"Measuring every client against every fault, {_TIMES} times; this takes a minute ...", err=True)
    PAGE.write_text(write(steadied([measure() for _ in range(_TIMES)])), encoding="utf-8")
    click.echo(f"wrote {PAGE}")
