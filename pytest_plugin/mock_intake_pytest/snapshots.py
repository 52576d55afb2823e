"""Snapshots: what a test's events looked like, one readable JSON file per test, next to it.

What changes from run to run is replaced before anything is written or compared: run ids by their order of
appearance, times, versions of libraries, ports of this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mock_intake_pytest import disk
from mock_intake_pytest.pointers import covered, parts_of
from mock_intake_pytest.telling import IntakeFailure, paragraphs

T = TypeVar("T")
DIRECTORY = "intake_snapshots"
_MOST_NAME = 120

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PORT = re.compile(r"\b(localhost|127\.0\.0\.1|\[::1\]):\d+")
# A version in a URL or behind a name: /tree/1.54.0/, openlineage-python/1.54.0, but no schema's 2-0-2.
_VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)+(?:[-+.]?[0-9A-Za-z]+)*(?![\w])")
# What moves a cursor, and halves of characters that UTF-8 has no bytes for.
_UNWRITABLE = re.compile("[\u2028\ud800-\udfff]")
_PRODUCERS = ("producer", "_producer")
# Facets that hold versions of programs.
_VERSION_KEYS = ("version", "openlineageAdapterVersion")
_VERSION_FACETS = ("processing_engine",)
# The tag by which the Python client tells its version.
_CLIENT_VERSION = "openlineage_client_version"


@dataclass
class Ledger:
    """The snapshot files that tests asked for, and those that were written.

    ``directories`` are those of the test files that were collected as a whole, so that what nobody asked for there
    is unused; but for files that begin as in ``collected`` and not as in ``passed``: their tests were skipped, did not
    run, or failed before they could ask.
    """

    used: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def add(self, other: Ledger) -> None:
        self.used |= other.used
        self.written |= other.written
        self.directories |= other.directories
        self.collected |= other.collected
        self.passed |= other.passed

    def to_dict(self) -> dict[str, list[str]]:
        return {name: sorted(files) for name, files in vars(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Sequence[str]]) -> Ledger:
        return cls(**{name: set(files) for name, files in data.items()})


def test_name(nodeid: str) -> str:
    """A test's name within its file, parameters included."""
    return ".".join(nodeid.split("::")[1:])


def directory_of(test_file: Path) -> Path:
    return test_file.parent / DIRECTORY / test_file.stem


def prefix_of(test_file: Path, name: str) -> str:
    """How the paths of a test's snapshot files begin."""
    return str(directory_of(test_file) / _file_name(name)) + "."


class Files:
    """The snapshots of one test. Under ``ci`` none is written unless ``update`` asks for it."""

    def __init__(
        self, test_file: Path, test_name: str, ledger: Ledger, *, update: bool, ci: bool, ignore: Sequence[str]
    ) -> None:
        self._directory = directory_of(test_file)
        self._test = _file_name(test_name)
        self._ledger = ledger
        self._update = update
        self._ci = ci
        self._ignore = ignore

    def check(
        self, name: str | None, bodies: Sequence[Mapping[str, Any]], ignore: Sequence[str], replace: Mapping[str, str]
    ) -> None:
        """Compares events with the file, or writes it. Raises ``IntakeFailure``."""
        __tracebackhide__ = True
        from mock_intake_pytest.comparing import exact_difference

        file = self._directory / (f"{self._test}.{_file_name(name)}.json" if name else f"{self._test}.json")
        if str(file) in self._ledger.used:
            raise IntakeFailure(
                f"The test has asked for the snapshot {file.name} before: give each its name, "
                'intake.assert_snapshot("after the load").'
            )
        self._ledger.used.add(str(file))
        try:
            text = written(normalised(bodies, (*self._ignore, *ignore), replace))
        except ValueError as error:
            raise ValueError(f"assert_snapshot: {error}") from None
        known = _reach(file, "read", lambda: disk.read(file))
        if known == text:
            return
        if self._update or (known is None and not self._ci):
            _reach(file, "written", lambda: disk.write(file, text))
            self._ledger.written.add(str(file))
            return
        if known is None:
            raise IntakeFailure(
                f"There is no snapshot {_shown(file)}, and in CI (the variable CI is set) none is written: run the "
                "test on your machine, look at the file, and commit it."
            )
        try:
            expected = json.loads(known)
        except json.JSONDecodeError as error:
            raise IntakeFailure(
                f"The snapshot {_shown(file)} is no JSON ({error}). pytest --intake-update writes it anew."
            ) from None
        different = exact_difference(expected, json.loads(text))
        if not different:
            return
        raise IntakeFailure(
            paragraphs(
                f"The events are not those of the snapshot {_shown(file)}:",
                str(different),
                "If they are right as they are: pytest --intake-update",
            )
        )


def normalised(
    bodies: Sequence[Mapping[str, Any]], ignore: Sequence[str] = (), replace: Mapping[str, str] | None = None
) -> list[Any]:
    """Events with what changes from run to run replaced, and places left out."""
    runs: dict[str, str] = {}
    patterns = [(_pattern(pattern), text) for pattern, text in (replace or {}).items()]
    pointers = [parts_of(pointer) for pointer in ignore]
    return [_normal(body, (), runs, patterns, pointers) for body in bodies]


def _normal(
    value: Any,
    path: tuple[str, ...],
    runs: dict[str, str],
    patterns: Sequence[tuple[re.Pattern[str], str]],
    ignore: Sequence[tuple[str, ...]],
) -> Any:
    if isinstance(value, Mapping):
        if value.get("key") == _CLIENT_VERSION and "value" in value:
            value = {**value, "value": "<version>"}
        return {
            key: _normal(each, (*path, key), runs, patterns, ignore)
            for key, each in value.items()
            if not covered((*path, key), ignore)
        }
    if isinstance(value, list):
        return [
            _normal(each, (*path, str(index)), runs, patterns, ignore)
            for index, each in enumerate(value)
            if not covered((*path, str(index)), ignore)
        ]
    if not isinstance(value, str):
        return value
    text = value
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    if _TIME.fullmatch(text):
        return "<time>"
    text = _UUID.sub(lambda found: runs.setdefault(found[0].lower(), f"<id {len(runs) + 1}>"), text)
    text = _PORT.sub(r"\1:<port>", text)
    key = path[-1] if path else ""
    if key in _PRODUCERS or (key in _VERSION_KEYS and any(facet in path for facet in _VERSION_FACETS)):
        text = _VERSION.sub("<version>", text)
    return text


def _pattern(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def written(events: Sequence[Any]) -> str:
    """A snapshot's text: keys in the order in which they were sent, as a reader would have them."""
    text = json.dumps({"events": events}, indent=2, ensure_ascii=False) + "\n"
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def unused(ledger: Ledger) -> Iterator[Path]:
    """The snapshot files that nobody asked for, as far as that can be told."""
    excused = tuple(ledger.collected - ledger.passed)
    for directory in sorted(ledger.directories):
        for file in sorted(Path(directory).glob("*.json")):
            path = str(file)
            if path not in ledger.used and not path.startswith(excused):
                yield file


def _file_name(text: str) -> str:
    """A name for a file on every system; two names never become one."""
    name = re.sub(r"[^\w.\-\[\]=]", lambda found: f"%{ord(found[0]):x}", text)
    if len(name) <= _MOST_NAME:
        return name
    return name[:_MOST_NAME] + "-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def _reach(file: Path, verb: str, action: Callable[[], T]) -> T:
    """Does something with a file; a failure says what is in the way."""
    __tracebackhide__ = True
    try:
        return action()
    except OSError as error:
        obstacle = disk.no_directory(file)
        reason = f"{_shown(obstacle)} is no directory" if obstacle else str(error.strerror)
        raise IntakeFailure(f"The snapshot {_shown(file)} cannot be {verb}: {reason}.") from None


def _shown(file: Path) -> str:
    return os.path.relpath(file)
