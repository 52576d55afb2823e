"""The pytest plugin ``mock_intake``: options, fixtures, and what is told at the end.

pytest imports this whenever it starts, so it imports nothing of ours but the options, and clocks and disk before a
test puts others in their place; the rest comes with the first test that uses a fixture, loaded as ``loading`` says.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mock_intake.clock  # noqa: F401
import mock_intake_pytest.disk
import mock_intake_pytest.loading  # noqa: F401
from mock_intake_pytest.options import (
    MARKER,
    add_options,
    check_path,
    check_read,
    check_settings,
    paths_of,
    wanted_of,
)

if TYPE_CHECKING:
    from mock_intake_pytest.handle import IntakeHandle
    from mock_intake_pytest.session import Session, Trial

SESSION: pytest.StashKey[Session] = pytest.StashKey()
TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
# What processes counted, and the workers that ended without a word.
RECEIVED: pytest.StashKey[list[str]] = pytest.StashKey()
CRASHED: pytest.StashKey[list[str]] = pytest.StashKey()
# Whether some tests of a file were left out, and which tests have passed.
PARTIAL: pytest.StashKey[bool] = pytest.StashKey()
PASSED: pytest.StashKey[set[str]] = pytest.StashKey()
# What is told at the end.
SUMMARY: pytest.StashKey[Sequence[str]] = pytest.StashKey()
_OUTPUT = "mock_intake"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    config.stash[RECEIVED] = []
    config.stash[CRASHED] = []
    config.stash[PASSED] = set()
    check_settings(config)
    if file := _report_file(config):
        from mock_intake_pytest.reporting import check_file

        check_file(file)


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
def _intake_session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    from mock_intake_pytest.session import Session

    with _told_briefly():
        session = Session(request.config, tmp_path_factory.mktemp("mock-intake"))
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
    with _told_briefly():
        wanted = replace(wanted_of(node, request.config), path=check_path(intake_path, node))
        trial = _intake_session.open(node, wanted, ci=_under_ci())
    node.stash[TRIAL] = trial
    yield trial.handle
    _intake_session.close(trial)


@pytest.fixture
def intake_path(request: pytest.FixtureRequest) -> str:
    """By which path events come: the marker's or the ini file's. Parametrise it to run a test over several."""
    with _told_briefly():
        return wanted_of(request.node, request.config).path


@pytest.fixture
def intake_env(intake: IntakeHandle, intake_path: str) -> Iterator[Mapping[str, str]]:
    """The test's environment leads OpenLineage clients to its intake, those of child processes too."""
    from mock_intake_pytest.environment import environment

    with environment(intake, intake_path) as variables:
        yield variables


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forgets the handle of a test that is run again: plugins do that with what has failed."""
    if TRIAL in item.stash:
        del item.stash[TRIAL]


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
            with _told_briefly():
                check_read(item)
    elif raised:
        _failed(item, trial, raised[0].value)
    else:
        trial.judge_so_far()
    return result


def _trial_of(item: pytest.Item) -> Trial | None:
    return item.stash.get(TRIAL, None)


def _failed(item: pytest.Item, trial: Trial, error: BaseException) -> None:
    trial.ended("skipped" if isinstance(error, pytest.skip.Exception) else "failed")
    if text := trial.told(error):
        item.add_report_section("call", "mock-intake", text)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if items:
        items[0].config.stash[PARTIAL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
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
    if ours is not None:
        if not config.stash.get(PARTIAL, False) and not any("::" in argument for argument in config.args):
            ours.look_for_unused(session.items, config.stash[PASSED])
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
    file = _report_file(config)
    received, crashed = config.stash[RECEIVED], config.stash[CRASHED]
    if received or file:
        from mock_intake_pytest.reporting import sum_up

        config.stash[SUMMARY] = sum_up(config.rootpath, received, len(crashed), file)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """xdist: takes what a worker counted."""
    output = getattr(node, "workeroutput", None)
    if output is None:
        node.config.stash[CRASHED].append(node.gateway.id)
    elif _OUTPUT in output:
        node.config.stash[RECEIVED].append(output[_OUTPUT])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if lines := config.stash.get(SUMMARY, ()):
        terminalreporter.write_sep("=", "mock-intake")
        for line in lines:
            terminalreporter.write_line(line)


def _report_file(config: pytest.Config) -> Path | None:
    """Where the report goes, whatever directory tests may have gone to."""
    name = config.getoption("--intake-report")
    return config.invocation_params.dir / name if name else None


@contextmanager
def _told_briefly() -> Iterator[None]:
    """Shows the message of a usage error, without the way to it through the plugin."""
    try:
        yield
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _under_ci() -> bool:
    """Whether this is a CI machine, by the variable that they all set."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
