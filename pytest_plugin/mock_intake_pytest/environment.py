"""The environment of a test that runs its producer: what leads elsewhere is taken out, what leads here is put in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from mock_intake.interception import intercept
from mock_intake.paths import interferes
from mock_intake_pytest.handle import IntakeHandle


@contextmanager
def environment(intake: IntakeHandle, path: str) -> Iterator[Mapping[str, str]]:
    """Sets the variables of a path, here and so for child processes; gives them. All is put back after.

    On the path ``intercept`` this process's own connections to Datadog's intakes are caught as well.
    """
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in [name for name in os.environ if interferes(name)]:
            patch.delenv(name)
        variables = intake.env(path)
        for name, value in variables.items():
            patch.setenv(name, value)
        if path == "intercept":
            stack.enter_context(intercept(intake.secure_server()))
        yield variables
