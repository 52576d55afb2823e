"""Snapshots: what a test's events looked like, one readable JSON file per test, next to it.

What changes from run to run is replaced before anything is written or compared: run ids by their order of
appearance, times, versions of libraries, ports of this machine; and secrets.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import asdict

from mock_intake.secrets.presenting import presented_value
from mock_intake.system.patterns import pattern_of
from mock_intake_pytest import disk
from mock_intake_pytest.failures import IntakeFailure, paragraphs
from mock_intake_pytest.pointers import covered, parts_of

T = TypeVar("T")
DIRECTORY = "intake_snapshots"
_MOST_NAME = 120
# File systems take names of 255 bytes. The test's is followed by that of a snapshot, and by the suffix.
_MOST_BYTES = 255
_MOST_OF_A_TEST = 200

_TIME = pattern_of(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?")
_UUID = pattern_of(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PORT = pattern_of(r"\b(localhost|127\.0\.0\.1|\[::1\]):\d+")
# A version in a URL or behind a name: /tree/1.54.0/, openlineage-python/1.54.0, but no schema's 2-0-2.
_VERSION = pattern_of(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)+(?:[-+.]?[0-9A-Za-z]+)*(?![\w])")
# What moves a cursor, and halves of characters that UTF-8 has no bytes for.
_UNWRITABLE = pattern_of("[\u2028\ud800-\udfff]")
# So that the first event's run is <id 1>, and its own id comes before that of its parent.
_COUNTED_FIRST = ("run", "runId", "job", "inputs", "outputs")
_PRODUCERS = ("producer", "_producer")
# Facets that hold versions of programs.
_VERSION_KEYS = ("version", "openlineageAdapterVersion")
_VERSION_FACETS = ("processing_engine",)
# The tag by which the Python client tells its version.
_CLIENT_VERSION = "openlineage_client_version"


class Ledger(Struct):
    """The snapshot files that tests asked for, and those that were written.

    ``reworded`` are those with another text than would be written, every value of which is the same: keys in another
    order, 1.0 in place of 1, other spaces.
    ``directories`` are those of the test files that were collected as a whole, so that what nobody asked for there
    is unused; but for files that begin as in ``collected`` and not as in ``passed``: their tests were skipped, did not
    run, or failed before they could ask.
    """

    used: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    reworded: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def add(self, other: Ledger) -> None:
        """Takes in the ledger of another process."""
        self.used |= other.used
        self.written |= other.written
        self.reworded |= other.reworded
        self.directories |= other.directories
        self.collected |= other.collected
        self.passed |= other.passed

    def to_dict(self) -> dict[str, list[str]]:
        """As JSON, for another process."""
        return {name: sorted(files) for name, files in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Sequence[str]]) -> Ledger:
        """The ledger that another process has given as ``to_dict``."""
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
        self._test_file = test_file
        self._test_name = test_name
        self._ledger = ledger
        self._update = update
        self._ci = ci
        self._ignore = ignore

    def check(
        self, name: str | None, bodies: Sequence[Mapping[str, Any]], ignore: Sequence[str], replace: Mapping[str, str]
    ) -> None:
        """Compares events with the file, or writes it. Raises ``IntakeFailure``."""
        __tracebackhide__ = True
        from mock_intake_pytest.comparing import difference

        file = directory_of(self._test_file) / self._name_of(name)
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
        # One of before may hold the secrets that are taken out of what is written today.
        different = difference(presented_value(expected), json.loads(text), whole=True)
        if different is None:
            # No value differs, so this is no failure; but nobody is to believe that the file is what would be written.
            self._ledger.reworded.add(str(file))
            return
        raise IntakeFailure(
            paragraphs(
                f"The events are not those of the snapshot {_shown(file)}:",
                str(different),
                "If they are right as they are: pytest --intake-update",
            )
        )

    def _name_of(self, name: str | None) -> str:
        """The name of a snapshot's file. It begins with the test's, however long the two are."""
        test = _file_name(self._test_name)
        if not name:
            return f"{test}.json"
        room = _MOST_BYTES - len(f"{test}..json".encode())
        return f"{test}.{_file_name(name, room)}.json"


def normalised(
    bodies: Sequence[Mapping[str, Any]], ignore: Sequence[str] = (), replace: Mapping[str, str] | None = None
) -> list[Any]:
    """Events with what changes from run to run replaced, and places left out."""
    runs: dict[str, str] = {}
    patterns = [(_pattern(pattern), text) for pattern, text in (replace or {}).items()]
    pointers = [parts_of(pointer) for pointer in ignore]
    # The files are committed: no secret is in them. It goes last, as ports and ids stand in names with secrets too.
    return [presented_value(_normal(body, (), runs, patterns, pointers)) for body in bodies]


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
        # Ids are counted in an order that is the same whatever the order of keys, which says nothing in JSON.
        normal = {
            key: _normal(value[key], (*path, key), runs, patterns, ignore)
            for key in sorted(value, key=_rank)
            if not covered((*path, key), ignore)
        }
        return {key: normal[key] for key in value if key in normal}
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


def _rank(key: str) -> tuple[int, str]:
    """Where a key comes in the counting of ids: what a reader looks for first is first, the rest by the alphabet."""
    return (_COUNTED_FIRST.index(key) if key in _COUNTED_FIRST else len(_COUNTED_FIRST), key)


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


def _file_name(text: str, room: int = _MOST_BYTES) -> str:
    """A name for a file on every system, of so many bytes at most; two names never become one."""
    name = re.sub(r"[^\w.\-\[\]=]", lambda found: f"%{ord(found[0]):x}", text)
    room = min(room, _MOST_OF_A_TEST)
    if len(name) <= _MOST_NAME and len(name.encode()) <= room:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    cut = name[:_MOST_NAME].encode()[: room - len(digest) - 1].decode(errors="ignore")
    return f"{cut}-{digest}"


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
