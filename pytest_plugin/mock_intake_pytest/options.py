"""What a test asks of its intake: ini settings, command line and the marker ``intake``, in one value.

Imported whenever pytest starts with the plugin installed, so it imports little beyond pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mock_intake.report.formats import FORMATS, Kind, suffixes

if TYPE_CHECKING:
    from mock_intake_pytest.accepting import Known

LEVELS = ("error", "warning", "info", "never")
SCOPES = ("test", "session")
PATHS = ("http", "datadog", "async", "agent", "proxy", "intercept", "custom")
ENVIRONMENTS = ("kept", "clean")
_MARKER_FIELDS = ("path", "paths", "faults", "fail_on", "events", "ignore", "timeout")
MARKER = (
    "intake(path, paths, faults, fail_on, events, ignore, timeout): how the test's intake is reached (path; paths runs "
    "the test over several), how it misbehaves (faults='503,202'), from which level findings fail the test (fail_on), "
    "how many events must arrive (events=0 allows none), which rules are ignored, how long waits last (seconds)"
)


class Wanted(NamedTuple):
    """One test's settings. ``events`` None asks for at least one if ``require_events``; ``timeout`` is in seconds."""

    path: str = "datadog"
    faults: Any = None
    fail_on: str = "error"
    events: int | None = None
    ignore: tuple[str, ...] = ()
    timeout: float = 10.0
    require_events: bool = True


def add_options(parser: pytest.Parser) -> None:
    """Adds the plugin's options and settings to pytest's."""
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
        # Those of other packages are taken too; to look for them takes longer than all else here.
        help="write a report over all tests' events, in the format of the suffix: "
        + suffixes(each for each in FORMATS if Kind.REPORT in each.renderings),
    )
    group.addoption(
        "--intake-html",
        metavar="FILE",
        help="write a page that lists the tests with what each sent, bodies and findings included",
    )
    group.addoption(
        "--intake-baseline",
        metavar="FILE",
        help="findings that were accepted, and fail no test (ini: intake_baseline, from the ini file's directory)",
    )
    group.addoption(
        "--intake-write-baseline",
        action="store_true",
        help="write into the baseline what would fail a test, and take out what is found no more",
    )
    parser.addini("intake_baseline", "a file of findings that were accepted, and fail no test", default="")
    parser.addini("intake_fail_on", "level of findings that fails a test: " + ", ".join(LEVELS), default="error")
    parser.addini("intake_path", "the path of intake_env unless the test names one: " + ", ".join(PATHS),
                  default="datadog")  # fmt: skip
    parser.addini(
        "intake_environment",
        "what makes events in the surroundings (OPENLINEAGE_NAMESPACE, filters, DD_ENV, openlineage.yml): kept, as it "
        "goes live, or clean, so that tests do not depend on a developer's shell",
        default="kept",
    )
    parser.addini(
        "intake_scope",
        "test: each has a key of its own; session: all tests of a process share one, in an environment that is set "
        "before they are imported, for clients that live longer than a test",
        default="test",
    )
    parser.addini(
        "intake_require_events",
        "whether a test that used the intake fails if no event came; false lets an autouse intake_env live with tests "
        "that emit nothing",
        type="bool",
        default=True,
    )
    parser.addini("intake_timeout", "how many seconds intake.wait_for() and its like wait", default="10")
    parser.addini("intake_ignore", "rules not to hear of, codes or beginnings of codes", type="args", default=[])
    parser.addini(
        "intake_snapshot_ignore",
        "places left out of snapshots, as JSON Pointers into events; * stands for any key or index",
        type="linelist",
        default=[],
    )


def check_settings(config: pytest.Config) -> None:
    """Raises ``pytest.UsageError`` if the command line or the ini file says what cannot be meant."""
    for option in ("--intake-report", "--intake-html", "--intake-baseline"):
        if config.getoption(option) == "":
            raise pytest.UsageError(f"{option} names no file")
    ignored, left_out = config.getini("intake_ignore"), config.getini("intake_snapshot_ignore")
    if ignored or left_out:
        # Imported for those who have the setting: what knows the rules is not at hand otherwise.
        from mock_intake_pytest.codes import known_code
        from mock_intake_pytest.pointers import parts_of

        _each(known_code, ignored, "the ini setting intake_ignore")
        _each(parts_of, left_out, "the ini setting intake_snapshot_ignore")
    _one_of(config.getini("intake_fail_on"), LEVELS, "the ini setting intake_fail_on")
    _one_of(config.getini("intake_path"), PATHS, "the ini setting intake_path")
    _one_of(config.getini("intake_scope"), SCOPES, "the ini setting intake_scope")
    _one_of(config.getini("intake_environment"), ENVIRONMENTS, "the ini setting intake_environment")
    _timeout(config.getini("intake_timeout"), "the ini setting intake_timeout")
    try:
        config.getini("intake_require_events")
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"the ini setting intake_require_events is true or false: {error}") from None


def is_clean(config: pytest.Config) -> bool:
    """Whether producers are to find none of the settings that make content."""
    return bool(config.getini("intake_environment") == "clean")


def baseline_of(config: pytest.Config) -> tuple[str, Path | None, bool]:
    """What names the baseline, its file (None where nothing does), and whether it is to be written.

    Raises ``pytest.UsageError``.
    """
    write = bool(config.getoption("--intake-write-baseline"))
    if given := config.getoption("--intake-baseline"):
        return "--intake-baseline", config.invocation_params.dir / given, write
    if named := config.getini("intake_baseline"):
        return "the ini setting intake_baseline", (config.inipath or config.rootpath / "ini").parent / named, write
    if write:
        raise pytest.UsageError("--intake-write-baseline needs --intake-baseline FILE, or the ini setting")
    return "", None, False


def known_of(config: pytest.Config) -> Known | None:
    """What the settings say is accepted; None where they name no baseline. Raises ``pytest.UsageError``."""
    where, file, write = baseline_of(config)
    if file is None:
        return None
    from mock_intake_pytest.accepting import read_known

    return read_known(where, file, write=write)


def check_path(path: Any, where: str) -> str:
    """A path that there is; ``where`` it was given is part of the message. Raises ``pytest.UsageError``."""
    return _one_of(path, PATHS, where)


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
        bool(config.getini("intake_require_events")),
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
    marked = [marker for marker in own if marker.name == "intake"]
    if not marked or {"intake", "intake_path"} & {*getattr(item, "fixturenames", ())} or takes_request(item):
        return
    said = ", ".join(f"{name}={value!r}" for name, value in marked[0].kwargs.items())
    raise pytest.UsageError(
        f"{item.nodeid}: @pytest.mark.intake{f'({said})' if said else ''} says nothing here, for the test uses no "
        "intake: it lacks the fixture intake_env, or intake."
    )


def takes_request(item: pytest.Item) -> bool:
    """Whether the test's function asks for ``request``, by which it may do what its signature does not tell."""
    # What pytest read from the signature when it collected the test: to read that anew for each takes a while.
    found = getattr(item, "_fixtureinfo", None)
    return found is not None and "request" in found.argnames


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
