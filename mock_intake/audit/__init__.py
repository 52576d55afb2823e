"""Archives of events judged on Spark (extra ``spark``): the same answer as ``check`` gives, on as many machines.

``judge`` is for a program of the user's own. Importing this loads neither Spark nor Arrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_intake.audit.dataframes import judge

__all__ = ["judge"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module("mock_intake.audit.dataframes"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("pyarrow", "pyspark"):
            raise
        raise ModuleNotFoundError(
            f"an audit on Spark needs {error.name}: pip install 'mock-intake[spark]'", name=error.name
        ) from error
