"""``intake_scope = session``: one key and one environment for a whole pytest process, from before any import of a test.

For clients that are made once per process: at import, by a package, by an orchestrator. Under xdist each worker has its
own; the controller, which runs no tests, has none.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from mock_intake.judging.catalogue import load_extensions
from mock_intake.judging.config import ConfigError, find_config, load_config
from mock_intake.openlineage.library import UserSchemaError
from mock_intake.server.listen import Listener
from mock_intake.server.runner import ServerError
from mock_intake.system.extensions import ExtensionError
from mock_intake.system.temporary import temporary_directory
from mock_intake_pytest.environment import environment_of, led
from mock_intake_pytest.host import Host


class SharedIntake:
    """A host whose key all tests of a process share, and the environment that leads there until ``stop``."""

    def __init__(self, rootpath: Path, path: str, *, clean: bool) -> None:
        self._stack = ExitStack()
        directory = self._stack.enter_context(temporary_directory())
        try:
            load_extensions()
            self.host = Host(load_config(find_config(rootpath)), directory, shared=True, clean_environment=clean)
            self.host.start()
        except (ConfigError, ExtensionError, UserSchemaError, ServerError) as error:
            self._stack.close()
            raise pytest.UsageError(f"mock-intake: {error}") from error
        self._stack.callback(self.host.stop)
        self.host.outside.begin()
        self._stack.callback(self.host.outside.end)
        self.path = path
        assert self.host.shared_key is not None
        self.api_key = self.host.shared_key
        self._agent: Listener | None = None
        self.environment = environment_of(self.host, self.api_key, path, self.agent_url)
        self._stack.enter_context(led(self.host, path, self.environment, self.api_key))

    def agent_url(self) -> str:
        """An Agent that lives as long as the environment does."""
        if self._agent is None:
            self._agent = self.host.open_agent(self.api_key)
        return self._agent.url

    def stop(self) -> None:
        """Puts the environment back, and ends the server."""
        self._stack.close()


def is_controller(config: pytest.Config) -> bool:
    """Whether xdist's workers run the tests, and this process only hands them out. To be asked from early on."""
    given = config.known_args_namespace
    hands_out = getattr(given, "numprocesses", None) or getattr(given, "tx", None)
    return bool(hands_out) and "PYTEST_XDIST_WORKER" not in os.environ
