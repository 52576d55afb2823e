"""The pytest plugin ``mock_intake``: options, fixtures, and what is told at the end.

pytest imports this whenever it starts, so it imports nothing of ours but the options, and clocks and disk before a
test puts others in their place; the rest comes with the first test that uses a fixture, loaded as ``loading`` says.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mock_intake.system.clock  # noqa: F401
import mock_intake_pytest.bytecode
import mock_intake_pytest.disk  # noqa: F401
from mock_intake_pytest.options import (
    MARKER,
    add_options,
    check_path,
    check_read,
    check_settings,
    is_clean,
    known_of,
    paths_of,
    takes_request,
    wanted_of,
)

if TYPE_CHECKING:
    from mock_intake_pytest.handle import IntakeHandle
    from mock_intake_pytest.session import Session, Trial
    from mock_intake_pytest.shared import SharedIntake
    from mock_intake_pytest.summary import Summary

SESSION: pytest.StashKey[Session] = pytest.StashKey()
SHARED: pytest.StashKey[SharedIntake] = pytest.StashKey()
TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
# What processes counted, and the workers that ended without a word.
RECEIVED: pytest.StashKey[list[str]] = pytest.StashKey()
CRASHED: pytest.StashKey[list[str]] = pytest.StashKey()
# Whether some tests of a file were left out, and which tests have passed.
PARTIAL: pytest.StashKey[bool] = pytest.StashKey()
PASSED: pytest.StashKey[set[str]] = pytest.StashKey()
# What is told at the end.
SUMMARY: pytest.StashKey[Summary] = pytest.StashKey()
_OUTPUT = "mock_intake"
# The module with which all the rest is imported.
_SESSION = "mock_intake_pytest.session"
# Whose fixtures close no client when they end: pytest's and ours.
_SEND_NOTHING = ("_pytest", "mock_intake_pytest")
# Beginnings of variables that producers read.
_SETTINGS = ("OPENLINEAGE", "AIRFLOW__OPENLINEAGE__", "DD_")


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before anything of the user's is imported, conftest.py included: it may make a client."""
    _share(early_config)


def _share(config: pytest.Config) -> None:
    """Leads this process to an intake that all its tests share, if the ini file says so."""
    if config.getini("intake_scope") != "session" or SHARED in config.stash:
        return
    from mock_intake_pytest.shared import SharedIntake, is_controller

    given = config.known_args_namespace
    if is_controller(config) or given.help or given.version:
        return
    path = check_path(config.getini("intake_path"), "the ini setting intake_path")
    shared = SharedIntake(config.rootpath, path, clean=is_clean(config))
    config.stash[SHARED] = shared
    config.add_cleanup(shared.stop)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    config.stash[RECEIVED] = []
    config.stash[CRASHED] = []
    config.stash[PASSED] = set()
    check_settings(config)
    known_of(config)
    # Where the plugin itself comes with a conftest.py.
    _share(config)
    if files := _report_files(config):
        from mock_intake_pytest.summary import ReportFile, check_file

        for file in files:
            check_file(ReportFile(*file))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What becomes of the settings in the surroundings."""
    return _settings_lines(config)


def _settings_lines(config: pytest.Config) -> list[str]:
    """What becomes of the settings in the surroundings; nothing is imported where there are none."""
    if not any(name.startswith(_SETTINGS) for name in os.environ) and not Path("openlineage.yml").exists():
        return []
    from mock_intake_pytest.environment import header_lines, header_of

    if SHARED in config.stash:
        shared = config.stash[SHARED]
        return header_of(shared.environment, shared.path, clean=is_clean(config))
    return header_lines(config.getini("intake_path"), clean=is_clean(config))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "intake_path" in metafunc.fixturenames:
        try:
            paths = paths_of(metafunc.definition)
        except pytest.UsageError:
            # Told by the test's own fixtures: told here, it would keep all other tests from running.
            return
        if paths is not None:
            metafunc.parametrize("intake_path", paths)


@pytest.fixture(scope="session")
def _intake_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with _uncollected():
        from mock_intake_pytest.session import Session

    shared = request.config.stash.get(SHARED, None)
    # Asked for by name: what stands among the arguments is looked up anew for every test.
    files: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    with _brief_errors():
        session = Session(request.config, files.mktemp("mock-intake"), shared.host if shared else None)
        session.start()
    request.config.stash[SESSION] = session
    yield session
    session.stop()


@pytest.fixture
def intake(request: pytest.FixtureRequest, intake_path: str, _intake_session: Session) -> Iterator[IntakeHandle]:
    """A stand-in for Datadog's OpenLineage intake, of this test's own.

    Send events to ``intake.url`` with ``intake.api_key`` (or use ``intake_env``), then ask what arrived. The test fails
    if no event came, or if what came would not do in production.
    """
    __tracebackhide__ = True
    node = request.node
    with _brief_errors():
        wanted = wanted_of(node, request.config)._replace(path=check_path(intake_path, f"{node.nodeid}: intake_path"))
        trial = _intake_session.open(node, wanted, ci=_under_ci())
    node.stash[TRIAL] = trial
    yield trial.handle
    _intake_session.close(trial)


@pytest.fixture
def intake_path(request: pytest.FixtureRequest) -> str:
    """By which path events come: the marker's or the ini file's. Parametrise it to run a test over several.

    Fails (``pytest.fail``) for a marker of the test that cannot be understood.
    """
    with _brief_errors():
        return wanted_of(request.node, request.config).path


@pytest.fixture
def intake_env(intake: IntakeHandle, intake_path: str) -> Iterator[Mapping[str, str]]:
    """The test's environment leads OpenLineage clients to ``intake``, those of child processes too, by ``intake_path``.

    Gives the variables that are set. What was there before is back when the test ends.
    """
    with intake.led(intake_path) as variables:
        yield variables


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forgets the handle of a test that is run again: plugins do that with what has failed."""
    if TRIAL in item.stash:
        del item.stash[TRIAL]
    if SHARED in item.config.stash:
        item.config.stash[SHARED].host.begins(item.nodeid)


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Notes whether a fixture's teardown comes between the test and the end of its intake."""
    if fixturedef.scope != "function" or TRIAL not in request.node.stash:
        return
    function = fixturedef.func
    if getattr(function, "__module__", "").partition(".")[0] in _SEND_NOTHING:
        return
    if inspect.isgeneratorfunction(function) or "request" in fixturedef.argnames:
        request.node.stash[TRIAL].followed = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judges what a test that has passed so far has sent, so that it fails as a test does."""
    __tracebackhide__ = True
    try:
        result = yield
    except pytest.skip.Exception:
        if (trial := _trial_of(item)) is not None:
            trial.ended("skipped")
        raise
    except BaseException as error:
        if (trial := _trial_of(item)) is not None:
            _failed(item, trial, error)
        raise
    # Asked for now: the test itself may have asked for the fixture, by getfixturevalue.
    trial = _trial_of(item)
    # What a unittest.TestCase raises is kept here, and raised by nobody.
    raised = getattr(item, "_excinfo", None)
    if trial is None:
        if not raised:
            with _brief_errors():
                check_read(item)
    elif raised:
        _failed(item, trial, raised[0].value)
    else:
        trial.followed = trial.followed or takes_request(item)
        trial.judge_so_far()
    return result


def _trial_of(item: pytest.Item) -> Trial | None:
    return item.stash.get(TRIAL, None)


def _failed(item: pytest.Item, trial: Trial, error: BaseException) -> None:
    trial.ended("skipped" if isinstance(error, pytest.skip.Exception) else "failed")
    if text := trial.report_on(error):
        item.add_report_section("call", "mock-intake", text)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if items:
        items[0].config.stash[PARTIAL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and (summary := getattr(call.excinfo.value, "intake_summary", None)):
        # The short summary begins with the path of the exception's class otherwise, and has no room for more.
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            crash.message = summary
    if report.when == "call" and report.passed and TRIAL in item.stash:
        item.config.stash[PASSED].add(item.nodeid)
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Counts once the last fixture has ended, and before the terminal is written to, if there is one."""
    result = yield
    config = session.config
    output = getattr(config, "workeroutput", None)
    ours = config.stash.get(SESSION, None)
    if ours is None and SHARED in config.stash:
        # No test used the intake; what came all the same is to be told.
        from mock_intake_pytest.session import Session

        shared = config.stash[SHARED].host
        ours = Session(config, config.rootpath, shared)
        ours.stop()
    if ours is not None:
        partial = config.stash.get(PARTIAL, False) or any("::" in argument for argument in config.args)
        if not partial:
            ours.look_for_unused(session.items, config.stash[PASSED])
        some_files = any(Path(argument).is_file() for argument in config.args)
        ours.tally.partial = partial or some_files or bool(session.shouldstop or session.shouldfail)
        counted = ours.tally.dumps()
        if output is not None:
            output[_OUTPUT] = counted
        else:
            config.stash[RECEIVED].append(counted)
    if output is None:
        _sum_up(config)
    return result


def _sum_up(config: pytest.Config) -> None:
    """Writes the report, and keeps what the terminal summary is to say."""
    files = _report_files(config)
    received, crashed = config.stash[RECEIVED], config.stash[CRASHED]
    if received or files:
        from mock_intake_pytest.summary import ReportFile, sum_up

        config.stash[SUMMARY] = sum_up(
            config.rootpath,
            received,
            len(crashed),
            [ReportFile(*file) for file in files],
            known_of(config),
            _settings_lines(config) if files else (),
        )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """xdist: takes what a worker counted."""
    output = getattr(node, "workeroutput", None)
    if output is None:
        node.config.stash[CRASHED].append(node.gateway.id)
    elif _OUTPUT in output:
        node.config.stash[RECEIVED].append(output[_OUTPUT])


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    summary = config.stash.get(SUMMARY, None)
    if summary is None:
        return
    # Where nothing failed, and nothing else is to be told, a line is enough.
    green = exitstatus == pytest.ExitCode.OK and config.get_verbosity() <= 0
    if green and len(summary.brief) == 1:
        terminalreporter.write_line(f"mock-intake: {summary.brief[0]}")
    elif summary.lines:
        terminalreporter.write_sep("=", "mock-intake")
        for line in summary.lines:
            terminalreporter.write_line(line)


def _report_files(config: pytest.Config) -> list[tuple[str, Path, str | None]]:
    """Where reports go, whatever directory tests may have gone to: by which option, the file, the format if that says
    it."""
    wanted = (("--intake-report", None), ("--intake-html", "html"))
    named = ((option, config.getoption(option), form) for option, form in wanted)
    return [(option, config.invocation_params.dir / name, form) for option, name, form in named if name]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Within, no garbage is collected: what is imported first makes objects that stay, and little else.

    They count as old at once: else they would be looked through three times while tests run, and all else with them.
    """
    if not gc.isenabled() or _SESSION in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # What somebody froze would be thawed with the rest.
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()


@contextmanager
def _brief_errors() -> Iterator[None]:
    """Shows the message of a usage error, without the way to it through the plugin."""
    try:
        yield
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _under_ci() -> bool:
    """Whether this is a CI machine, by the variable that they all set."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Jobs and datasets that a test compares are shown as wholes, without secrets, and not field by field."""
    ours = any(isinstance(one, tuple) and type(one).__module__.startswith("mock_intake") for one in (left, right))
    return [f"{left!r} {op} {right!r}"] if ours else None
