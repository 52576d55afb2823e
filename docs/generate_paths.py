"""Measures what the real clients do when the intake misbehaves, and writes docs/paths.md (make paths).

Run as a module from the root of the repository: ``python -m docs.generate_paths``. Takes about a minute.
"""

from __future__ import annotations

import click

from tests.faults.matrix import measure
from tests.faults.page import PAGE, write

# Few at once, so that what is measured are the clients' waits, not the machine's load.
_PARALLEL = 12

if __name__ == "__main__":
    click.echo("Measuring; this takes about a minute ...", err=True)
    PAGE.write_text(write(measure(_PARALLEL)), encoding="utf-8")
    click.echo(f"wrote {PAGE}")
