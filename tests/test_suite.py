"""What the suite owes to whoever runs it: it is no dearer than it has to be."""

from __future__ import annotations

import subprocess
import sys

from tests.commands import clean_environment
from tests.conftest import REPOSITORY


def test_what_is_compiled_is_kept_where_the_environment_says_that_it_should_not_be() -> None:
    """Else each process of a run compiles anew what it imports, and pytest every test."""
    code = "import os, sys, tests.conftest; print(sys.dont_write_bytecode, 'PYTHONDONTWRITEBYTECODE' in os.environ)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert told.stdout == "False False\n"
