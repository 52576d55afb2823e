"""Where a page of the documentation is to be found: on the site that this build names, or in the sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DISTRIBUTION = "mock-intake"
# Beside the packages in the sources; a wheel has none of it.
_FOLDER = Path(__file__).parents[2] / "docs"


def documentation(page: str) -> str:
    """Where people find ``page`` (without ``.md``): its address, or which file of the sources it is."""
    is_elsewhere = not _site() and not _FOLDER.is_dir()
    return address_of(page) + (" in the sources of mock-intake" if is_elsewhere else "")


def address_of(page: str, anchor: str = "") -> str:
    """The address of ``page``, at ``anchor``; in a build that knows none, the file's name in the sources."""
    at = f"#{anchor}" if anchor else ""
    site = _site()
    return f"{site}/{page}/{at}" if site else f"docs/{page}.md{at}"


@cache
def _site() -> str:
    """The address of the documentation, as the release workflow sets it; empty where there is none."""
    # Asked for by few; to have what reads it takes as long as a small recording to be judged.
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    addresses = (each.partition(", ") for each in urls)
    return next((address.rstrip("/") for label, _, address in addresses if label == "Documentation"), "")
