"""docs/rules.md is what the code generates, and a reader can follow it."""

from __future__ import annotations

import html
import re

import pytest

from mock_intake.cli.rules import markdown
from mock_intake.judging.catalogue import RULES
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "rules.md"


def test_the_page_is_as_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(list(RULES.values())) + "\n", "run `make docs`"


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_has_its_line_on_the_page(code: str) -> None:
    rule = RULES[code]
    page = html.unescape(PAGE.read_text(encoding="utf-8")).replace("\\<", "<")
    assert page.count(f'### <a id="{code.lower()}"></a>{code} {rule.name}\n') == 1
    assert [text for text in (rule.requirement, rule.because, rule.advice, rule.source) if text not in page] == []
    assert rule.to_dict()["documentation"] == f"docs/rules.md#{code.lower()}"


def test_nothing_on_the_page_is_taken_for_a_tag() -> None:
    page = re.sub(r'<a id="[a-z0-9]+"></a>|<https?://[^>]*>|`[^`]*`', "", PAGE.read_text(encoding="utf-8"))
    assert re.findall(r"(?<!\\)</?[A-Za-z][A-Za-z0-9-]*[^_>]*>", page) == []


def test_links_within_the_documentation_lead_somewhere() -> None:
    links = set(re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8")))
    local = {link for link in links if not link.startswith("http")}
    assert sorted(link for link in local if not (PAGE.parent / link).is_file()) == []
