"""What a test asks of its intake: ini settings, command line and the marker ``intake``, in one value.

Imported whenever pytest starts with the plugin installed, so it imports nothing but pytest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

LEVELS = ("error", "warning", "info", "never")
PATHS = ("http", "datadog", "async", "agent", "intercept")
_MARKER_FIELDS = ("path", "paths", "faults", "fail_on", "events", "ignore", "timeout")
MARKER = (
    "intake(path, paths, faults, fail_on, events, ignore, timeout): how the test's intake is reached (path; paths runs "
    "the test over several), how it misbehaves (faults='503,202'), from which level findings fail the test (fail_on), "
    "how many events must arrive (events=0 allows none), which rules are ignored, how long waits last (seconds)"
)


@dataclass(frozen=True)
class Wanted:
    """One test's settings. ``events`` None asks for at least one; ``timeout`` is in seconds."""

    path: str = "datadog"
    faults: Any = None
    fail_on: str = "error"
    events: int | None = None
    ignore: tuple[str, ...] = ()
    timeout: float = 10.0


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("mock-intake", "a stand-in for Datadog's OpenLineage intake")
    group.addoption(
        "--intake-fail-on",
        choices=LEVELS,
        help="fail tests on findings of this level and above (ini: intake_fail_on; default: error)",
    )
    group.addoption(
        "--intake-update",
        action="store_true",
        help="write the snapshots of intake.assert_snapshot() anew instead of comparing with them",
    )
    group.addoption(
        "--intake-report",
        metavar="FILE",
        help="write a report over all tests' events; the suffix says how: .json, .xml (JUnit), .md, .html, .txt",
    )
    parser.addini("intake_fail_on", "level of findings that fails a test: " + ", ".join(LEVELS), default="error")
    parser.addini("intake_path", "the path of intake_env unless the test names one: " + ", ".join(PATHS),
                  default="datadog")  # fmt: skip
    parser.addini("intake_timeout", "how many seconds intake.wait_for() and its like wait", default="10")
    parser.addini("intake_ignore", "rules not to hear of, codes or beginnings of codes", type="args", default=[])
    parser.addini(
        "intake_snapshot_ignore",
        "places left out of snapshots, as JSON Pointers into events; * stands for any key or index",
        type="linelist",
        default=[],
    )


def check_settings(config: pytest.Config) -> None:
    """Raises ``pytest.UsageError`` if the ini file says what cannot be meant."""
    ignored, left_out = config.getini("intake_ignore"), config.getini("intake_snapshot_ignore")
    if ignored or left_out:
        # Imported for those who have the setting: what knows the rules is not at hand otherwise.
        from mock_intake_pytest.codes import known_code
        from mock_intake_pytest.pointers import parts_of

        _each(known_code, ignored, "the ini setting intake_ignore")
        _each(parts_of, left_out, "the ini setting intake_snapshot_ignore")
    _one_of(config.getini("intake_fail_on"), LEVELS, "the ini setting intake_fail_on")
    _one_of(config.getini("intake_path"), PATHS, "the ini setting intake_path")
    _timeout(config.getini("intake_timeout"), "the ini setting intake_timeout")


def check_path(path: Any, node: pytest.Item) -> str:
    """The path that the fixture ``intake_path`` gave, whoever parametrised it. Raises ``pytest.UsageError``."""
    return _one_of(path, PATHS, f"{node.nodeid}: intake_path")


def wanted_of(node: pytest.Item, config: pytest.Config) -> Wanted:
    """A test's settings: the nearest marker says most, then the command line, then the ini file.

    Raises ``pytest.UsageError`` for what cannot be meant, in ``paths`` too.
    """
    marked: dict[str, Any] = {}
    ignored: list[str] = list(config.getini("intake_ignore"))
    for marker in reversed(list(node.iter_markers("intake"))):
        if marker.args:
            raise pytest.UsageError(
                f"{node.nodeid}: @pytest.mark.intake: takes keywords only, {', '.join(_MARKER_FIELDS)}, "
                f"not {marker.args[0]!r}"
            )
        for name in marker.kwargs:
            if name not in _MARKER_FIELDS:
                raise pytest.UsageError(
                    f"{node.nodeid}: @pytest.mark.intake: there is no {name}; there are {', '.join(_MARKER_FIELDS)}"
                )
        marked.update(marker.kwargs)
        ignored += _words(marker.kwargs.get("ignore", ()), f"{node.nodeid}: @pytest.mark.intake: ignore")
    paths_of(node)
    where = f"{node.nodeid}: @pytest.mark.intake"
    fail_on = config.getoption("--intake-fail-on") or config.getini("intake_fail_on")
    events = marked.get("events")
    if events is not None and (not isinstance(events, int) or isinstance(events, bool) or events < 0):
        raise pytest.UsageError(f"{where}: events is a number of events, not {events!r}")
    return Wanted(
        _one_of(marked.get("path", config.getini("intake_path")), PATHS, f"{where}: path"),
        marked.get("faults"),
        _one_of(marked.get("fail_on", fail_on), LEVELS, f"{where}: fail_on"),
        events,
        tuple(ignored),
        _timeout(marked.get("timeout", config.getini("intake_timeout")), f"{where}: timeout"),
    )


def paths_of(definition: pytest.Item) -> Sequence[str] | None:
    """The paths that a test is to be run over: those of its nearest marker that has any.

    Raises ``pytest.UsageError``.
    """
    for marker in definition.iter_markers("intake"):
        if "paths" in marker.kwargs:
            where = f"{definition.nodeid}: @pytest.mark.intake: paths"
            paths = [_one_of(path, PATHS, where) for path in _words(marker.kwargs["paths"], where)]
            if not paths:
                raise pytest.UsageError(f"{where} names none, so the test would not run; there are {', '.join(PATHS)}")
            return paths
    return None


def check_read(item: pytest.Item) -> None:
    """Raises ``pytest.UsageError`` if a test that used no intake has the marker: nothing has read it.

    It is the test's own marker that counts: one of a class or module is for those of its tests that use the intake, and
    so is one that a plugin or ``conftest.py`` adds. A test that takes ``request`` may ask for the fixture or not.
    """
    own = [
        *getattr(getattr(item, "obj", None), "pytestmark", ()),
        *getattr(getattr(item, "callspec", None), "marks", ()),
    ]
    marked = [marker for marker in own if marker.name == "intake" and marker.kwargs]
    if not marked or {"intake", "intake_path"} & {*getattr(item, "fixturenames", ())} or _takes_request(item):
        return
    said = ", ".join(f"{name}={value!r}" for name, value in marked[0].kwargs.items())
    raise pytest.UsageError(
        f"{item.nodeid}: @pytest.mark.intake({said}) says nothing here, for the test uses no intake: it lacks the "
        "fixture intake_env, or intake."
    )


def _takes_request(item: pytest.Item) -> bool:
    function = getattr(item, "function", None)
    return function is not None and "request" in inspect.signature(function).parameters


def _words(value: Any, where: str) -> Sequence[str]:
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(each, str) for each in value):
        return list(value)
    raise pytest.UsageError(f"{where} is a list of texts, not {value!r}")


def _one_of(value: Any, known: Sequence[str], where: str) -> str:
    if value not in known:
        raise pytest.UsageError(f"{where} is one of {', '.join(known)}, not {value!r}")
    return str(value)


def _each(check: Callable[[str], object], values: Sequence[str], where: str) -> None:
    for value in values:
        try:
            check(value)
        except ValueError as error:
            raise pytest.UsageError(f"{where}: {error}") from None


def _timeout(value: Any, where: str) -> float:
    try:
        return seconds_of(value, where)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def seconds_of(value: Any, where: str) -> float:
    """A length of time that can be waited for. Raises ``ValueError``."""
    __tracebackhide__ = True
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{where} is a number of seconds, not {value!r}")
    return seconds
