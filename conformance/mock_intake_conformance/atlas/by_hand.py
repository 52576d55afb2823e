"""How a newcomer tries a producer with its page alone: what to write, what to type. A script runs just that."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from mock_intake_conformance.atlas.model import RealProducer

_LANGUAGES = {
    ".py": "python", ".sql": "sql", ".yml": "yaml", ".yaml": "yaml", ".java": "java", ".rs": "rust", ".go": "go",
    ".sh": "bash", ".js": "javascript", ".toml": "toml", ".xml": "xml", ".csv": "text",
}  # fmt: skip
SETTING_UP, POINTING = "## Setting it up", "## Pointing it here"
_FILE = re.compile(r"^`([^`]+)`:\n\n(`{3,})[a-z]*\n(.*?)^\2$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^\$ (.*)$", re.MULTILINE)


def setting_up(producer: RealProducer) -> Iterator[str]:
    """The section of its page: its files, and the commands that install it, as lines."""
    more, commands = producer.install.by_hand(producer.files)
    environment = [
        f"export {name}={shlex.quote(value.replace('{cache}/', ''))}" for name, value in producer.environment.items()
    ]
    prepared = [_as_typed(command) for command in producer.prepare]
    yield from (SETTING_UP, "", "In an empty directory, with `mock-intake` installed, these files:", "")
    for name, text in {**more, **producer.files}.items():
        yield from _file(name, text)
    typed = [*commands, *environment, *prepared]
    if typed:
        yield from ("And these commands:", "", "```sh", *typed, "```", "")


def command_line(producer: RealProducer) -> str:
    """What runs it there."""
    return shlex.join([*producer.command]).replace("{cache}/", "")


def _as_typed(command: Sequence[str]) -> str:
    if tuple(command[:2]) == ("bash", "-c"):
        return command[2].strip()
    return shlex.join(command).replace("{cache}/", "")


def _file(name: str, text: str) -> Iterator[str]:
    fence = "````" if "```" in text else "```"
    language = _LANGUAGES.get("." + name.rpartition(".")[2], "text")
    yield from (f"`{name}`:", "", f"{fence}{language}", *text.rstrip("\n").split("\n"), fence, "")


def files_of(page: str) -> Mapping[str, str]:
    """The files that a page has somebody write, by name."""
    section = page.partition(f"{SETTING_UP}\n")[2].partition("\n## ")[0]
    return {name: text for name, _, text in _FILE.findall(section)}


def commands_of(page: str) -> tuple[str, Sequence[str]]:
    """What a page has somebody type: what sets it up, as a script, and the commands that point it here."""
    section = page.partition(f"{SETTING_UP}\n")[2].partition("\n## ")[0]
    section = section[[match.end() for match in _FILE.finditer(section)][-1] :] if _FILE.search(section) else section
    pointing = page.partition(f"{POINTING}\n")[2].partition("\n## ")[0]
    return "".join(_TYPED.findall(section)), _PROMPT.findall(pointing)
