"""What is recorded, as text that can be compared line by line: JSON, HTML, and no version in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from importlib.metadata import version
from typing import Any

JsonObject = dict[str, Any]

# Where spaces and line breaks are shown as they are.
_PREFORMATTED = ("pre", "textarea", "script", "style")
_BLANKS = re.compile(r"[ \t\r\n]+")
_LONGEST_NAME = 80


def pretty(value: Any) -> str:
    """JSON with one thing a line, keys in the order of the alphabet: an object's order is no behaviour."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def without_what_rules_say(value: Any, rules: Mapping[str, JsonObject]) -> Any:
    """The value with what findings have from their rule left out, as the listing of all rules is on record too.

    ``rules`` are by code, as ``mock-intake rules --format json`` has them. Nothing is lost: what differs stays.
    """
    if isinstance(value, list):
        return [without_what_rules_say(item, rules) for item in value]
    if not isinstance(value, dict):
        return value
    rule = rules.get(str(value.get("code"))) if "sureness" in value else None
    if rule is None:
        return {name: without_what_rules_say(item, rules) for name, item in value.items()}
    said_already = {name for name in value.keys() & rule.keys() if name != "code" and value[name] == rule[name]}
    return {name: item for name, item in value.items() if name not in said_already}


def without_version(text: str) -> str:
    """The text with no version of this package in it: a release changes nothing else."""
    now = re.escape(version("mock-intake"))
    return re.sub(rf'(mock-intake |ersion": "|mock_intake-){now}\b', r"\1VERSION", text)


def digest(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def file_name(text: str) -> str:
    """A short name for a file that tells what is in it, and never the same for two texts."""
    plain = re.sub(r"[^A-Za-z0-9.=-]+", "_", text).strip("_") or "_"
    if plain == text and len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:_LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


class _Lines(HTMLParser):
    """HTML as lines: one for each tag with its attributes, and one for each text between two tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._preformatted = 0

    def handle_decl(self, decl: str) -> None:
        self.lines.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.lines.append(f"<{tag}{''.join(_attribute(*each) for each in attrs)}>")
        self._preformatted += tag in _PREFORMATTED

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.lines.append(f"<{tag}{''.join(_attribute(*each) for each in attrs)}/>")

    def handle_endtag(self, tag: str) -> None:
        self.lines.append(f"</{tag}>")
        self._preformatted -= tag in _PREFORMATTED

    def handle_comment(self, data: str) -> None:
        self.lines.append(f"<!--{data}-->")

    def handle_data(self, data: str) -> None:
        if self._preformatted:
            self.lines += data.split("\n")
        elif data.strip():
            self.lines.append(_BLANKS.sub(" ", data))


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'


def html_lines(page: str) -> str:
    """HTML with a line for each tag and each text; white space that browsers do not show is left out."""
    parser = _Lines()
    parser.feed(page)
    parser.close()
    return "\n".join(parser.lines) + "\n"
