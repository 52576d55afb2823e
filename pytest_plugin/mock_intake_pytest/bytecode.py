"""Our modules are loaded as they were compiled when they were installed.

pytest rewrites the assertions of a plugin, so that they tell more when they fail, and takes for the plugin all that
comes in its distribution. Ours has a whole server in it, and no assertion that a test sees.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_OURS = ("mock_intake.", "mock_intake_pytest.")


class _AsInstalled:
    """Finds modules of ours before pytest does, as Python itself would."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(_OURS) else None


sys.meta_path.insert(0, _AsInstalled)
