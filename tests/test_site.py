"""The documentation's site: every page is in its navigation, and leads to pages only; `make site` builds it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs import site
from tests.conftest import REPOSITORY


def test_every_page_is_in_the_navigation_once() -> None:
    listed = [name for part in site.navigation() for names in part.values() for name in names]
    assert sorted(listed) == sorted(site.pages())


def test_staged_pages_link_to_pages_of_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "STAGED", tmp_path)
    site.stage()
    folder = tmp_path / "docs"
    pages = {file.relative_to(folder).as_posix() for file in folder.rglob("*.md")}
    assert pages == set(site.pages())
    for name in pages:
        text = re.sub(r"^```.*?^```$", "", (folder / name).read_text(), flags=re.DOTALL | re.MULTILINE)
        for _, target, _ in site.LINK.findall(text):
            assert ((folder / name).parent / target).is_file(), (name, target)
    first = (folder / "index.md").read_text()
    assert "](tutorial.md)" in first
    assert "](docs/" not in first
    configured = tomllib.loads((tmp_path / "zensical.toml").read_text())["project"]
    assert configured["nav"] == site.navigation()


def test_the_readme_begins_with_what_a_user_does_and_ends_with_what_a_contributor_does() -> None:
    heads = re.findall(r"^## (.+)$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert heads == ["Two minutes", "Where to go", "From a checkout", "Licence"]
