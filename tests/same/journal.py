"""The journal that pages, the control API and reports are recorded of: always the same exchanges, put there anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.same.commands import run
from tests.same.serving import Served, serving

RECORDING = Path("inputs/journal.ndjson")


def imported(folder: Path) -> Path:
    """A journal file with the recording in it. Raises ``ValueError`` if it cannot be imported."""
    file = folder / "journal.db"
    done = run("import", str(RECORDING), "--to", str(file))
    if done.exit_code:
        raise ValueError(f"{RECORDING} cannot be imported: {done.output}{done.errors}")
    return file


@contextmanager
def serving_recording(folder: Path) -> Iterator[Served]:
    """An intake that has the recording on record."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(folder, "--journal", str(imported(folder)), "--agent-port", "0") as intake:
        yield intake
