"""The environment of a test that runs its producer: what leads elsewhere is replaced, what makes its events is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import pytest

from mock_intake.producers.configuration import Surroundings
from mock_intake.producers.environment import ProducerEnvironment, lines_of, producer_environment
from mock_intake.producers.paths import KEEP_SITE, Addresses, PathName
from mock_intake.producers.settings import settings_among
from mock_intake.report.escaping import shown
from mock_intake.secrets.api_keys import Variables
from mock_intake.server.interception import intercept
from mock_intake_pytest.host import Host


def environment_of(host: Host, api_key: str, path: str, agent_url: Callable[[], str]) -> ProducerEnvironment:
    """What leads a producer in this process's surroundings to a host by a path, its files being written.

    ``agent_url`` is asked for an Agent if it is by one.
    """
    secure = path in KEEP_SITE
    where = Addresses(
        host.server.url,
        api_key,
        agent_url=agent_url() if path == "agent" else None,
        proxy_url=host.proxy_url if path == "proxy" else None,
        https_address=host.secure_server().https_address if secure else None,
        ca_file=host.ca_file if secure else None,
    )
    directory = host.directory_of(api_key)
    clean = host.clean_environment
    path_name, around = cast("PathName", path), Surroundings.here()
    made = producer_environment(path_name, where, around, directory, clean=clean, guard=host.config.guard)
    made.write_files()
    return made


@contextmanager
def led(host: Host, path: str, made: ProducerEnvironment, api_key: str) -> Iterator[Mapping[str, str]]:
    """Sets the variables of a path, here and so for child processes; gives them. All is put back after.

    On the path ``intercept`` this process's own connections to Datadog's intakes are caught as well.
    """
    with ExitStack() as stack:
        stack.enter_context(_settings_put_back())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in made.removed:
            patch.delenv(name)
        for name, value in made.variables.items():
            patch.setenv(name, value)
        if path == "intercept":
            stack.enter_context(intercept(host.secure_server()))
        yield Variables(dict(made.variables), api_key)


def header_lines(path: str, *, clean: bool) -> list[str]:
    """What ``intake_env`` does to the settings in the surroundings of this process by a path, in lines."""
    nowhere = "http://127.0.0.1:1"
    where = Addresses(nowhere, "", nowhere, nowhere, ("127.0.0.1", 1), Path("ca.pem"))
    made = producer_environment(cast("PathName", path), where, Surroundings.here(), Path(), clean=clean)
    return header_of(made, path, clean=clean)


def header_of(made: ProducerEnvironment, path: str, *, clean: bool) -> list[str]:
    """What was done to the settings in the surroundings, in lines; none where there were none."""
    words = ", intake_environment = clean" if clean else ""
    lines = [f"  {shown(line)}" for line in lines_of(made.changes)]
    return [f"mock-intake: the settings that intake_env finds (path {path}{words})", *lines] if lines else []


@contextmanager
def _settings_put_back() -> Iterator[None]:
    """Takes back what clients have written into the environment: the Python client copies its address and key there.

    Settings of producers alone: other variables may be another fixture's, which lasts longer.
    """
    before = {name: os.environ[name] for name in settings_among(os.environ)}
    try:
        yield
    finally:
        for name in settings_among(os.environ):
            if name not in before:
                del os.environ[name]
        os.environ.update(before)
