"""The addresses of the project in what is built: of the repository that it is released from, which knows them.

Sources have none of their own. A release (.github/workflows/release.yml) has GITHUB_SERVER_URL and GITHUB_REPOSITORY,
and DOCUMENTATION_URL where there is a site; a wheel that somebody builds from the sdist takes what that says.
"""

from __future__ import annotations

import os
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Addresses(MetadataHookInterface):
    """Sets ``project.urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the addresses to ``metadata``, which is the table ``project``."""
        metadata["urls"] = _of_environment() or _of_sdist(Path(self.root) / "PKG-INFO")


def _of_environment() -> dict[str, str]:
    server, repository = (os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
    if not (server and repository and os.environ.get("RELEASE")):
        return {}
    home = f"{server}/{repository}"
    documentation = os.environ.get("DOCUMENTATION_URL")
    return {
        "Source": home,
        "Issues": f"{home}/issues",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        **({"Documentation": documentation} if documentation else {}),
    }


def _of_sdist(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    told = HeaderParser().parsestr(file.read_text(encoding="utf-8")).get_all("Project-URL") or []
    return dict(each.split(", ", 1) for each in told)
