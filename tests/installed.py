"""Whether what is installed has the commands and plugins of pyproject.toml: ``pip install -e`` copies those.

``python -m tests.installed`` copies them anew, into this environment alone and without pip.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from mock_intake import __version__

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
DISTRIBUTION = "mock-intake"


def wanted() -> dict[str, dict[str, str]]:
    """The entry points of pyproject.toml: by group, the reference of each by its name."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return {"console_scripts": project["scripts"], **project["entry-points"]}


def problem() -> str | None:
    """What is wrong with the installation, and what helps; None where nothing is."""
    installed: dict[str, dict[str, str]] = {}
    for point in distribution(DISTRIBUTION).entry_points:
        installed.setdefault(point.group, {})[point.name] = point.value
    if installed == wanted() and distribution(DISTRIBUTION).version == __version__:
        return None
    return "What is installed is not what pyproject.toml says: python -m tests.installed, or make"


def refresh() -> None:
    """Writes entry points and version as they are in the source where the installed ones stand."""
    version = distribution(DISTRIBUTION).version
    folder = Path(str(distribution(DISTRIBUTION).locate_file(f"mock_intake-{version}.dist-info")))
    lines = [
        line
        for group, points in wanted().items()
        for line in (f"[{group}]", *(f"{name} = {reference}" for name, reference in sorted(points.items())), "")
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    metadata = folder / "METADATA"
    head, gap, text = metadata.read_text(encoding="utf-8").partition("\n\n")
    kept = [line for line in head.splitlines() if not line.startswith(("Version:", "Project-URL:"))]
    kept.append(f"Version: {__version__}")
    metadata.write_text("\n".join(kept) + gap + text, encoding="utf-8")
    folder.rename(folder.with_name(f"mock_intake-{__version__}.dist-info"))


if __name__ == "__main__":
    refresh()
